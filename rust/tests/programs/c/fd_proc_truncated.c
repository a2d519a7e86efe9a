// O_TRUNC by way of /proc/self/fd/N, and truncate(2) by way of /proc/PID/fd/N.
#include "check.h"

int main(void) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%ld", CHECK(open("a", O_RDONLY)));
    CHECK(open(path, O_WRONLY | O_TRUNC));
    snprintf(path, sizeof path, "/proc/%d/fd/%ld", getpid(), CHECK(open("b", O_RDONLY)));
    CHECK(truncate(path, 1));
}
