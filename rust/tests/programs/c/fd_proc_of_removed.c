// A removed file is opened again by way of /proc/self/fd/N.
#include "check.h"

int main(void) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%ld", CHECK(open("x", O_RDONLY)));
    CHECK(unlink("x"));
    read_file(path);
}
