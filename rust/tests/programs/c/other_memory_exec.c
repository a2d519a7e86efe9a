// A program executed out of a memory file.
#include "check.h"

int main(void) {
    int in = CHECK(open("tool", O_RDONLY)), fd = CHECK(memfd_create("tool", MFD_CLOEXEC));
    while (CHECK(sendfile(fd, in, NULL, 1 << 20)) > 0) continue;
    CHECK(fexecve(fd, (char *[]){"tool", NULL}, environ));
}
