// O_TMPFILE, given a name by linkat(2) of /proc/self/fd/N.
#include "check.h"

int main(void) {
    int fd = open(".", O_TMPFILE | O_WRONLY, 0644);
    if (fd == -1) unsupported("O_TMPFILE");
    write_text(fd, "new");
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    CHECK(linkat(AT_FDCWD, path, AT_FDCWD, "x", AT_SYMLINK_FOLLOW));
}
