// Files emptied by way of their descriptors, under paths of procfs that are not written plainly.
#include "check.h"

static const char *path_of(const char *format, const char *name) {
    static char path[64];
    snprintf(path, sizeof path, format, (int)CHECK(open(name, O_RDWR)));
    return path;
}

int main(void) {
    CHECK(truncate(path_of("/proc//self/fd/%d", "slashes"), 0));
    CHECK(truncate(path_of("/proc/self/./fd/%d", "dot"), 0));
    CHECK(truncate(path_of("/proc/self/fd/../fd/%d", "dots"), 0));
    CHECK(truncate(path_of("/proc/thread-self/fd/%d", "thread"), 0));
    CHECK(truncate(path_of("/dev//fd/%d", "dev"), 0));
    int directory = CHECK(open("/proc/self/fd", O_PATH | O_DIRECTORY));
    CHECK(openat(directory, path_of("%d", "at"), O_WRONLY | O_TRUNC));
}
