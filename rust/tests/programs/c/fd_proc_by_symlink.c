// Files emptied by way of their descriptors: through a link to /proc/self/fd, and by a path relative to /proc.
#include "check.h"

int main(void) {
    char path[64];
    snprintf(path, sizeof path, "link/%ld", CHECK(open("a", O_RDONLY)));
    CHECK(truncate(path, 0));
    snprintf(path, sizeof path, "link/%ld", CHECK(open("b", O_RDONLY)));
    CHECK(open(path, O_WRONLY | O_TRUNC));
    snprintf(path, sizeof path, "self/fd/%ld", CHECK(open("c", O_RDONLY)));
    CHECK(chdir("/proc"));
    CHECK(truncate(path, 0));
}
