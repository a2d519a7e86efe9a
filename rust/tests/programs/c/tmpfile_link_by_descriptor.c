// O_TMPFILE, given a name by linkat(2) with AT_EMPTY_PATH, and written after that.
#include "check.h"

int main(void) {
    int fd = open("dir", O_TMPFILE | O_RDWR, 0644);
    if (fd == -1) unsupported("O_TMPFILE");
    CHECK(linkat(fd, "", AT_FDCWD, "x", AT_EMPTY_PATH));
    write_text(fd, "new");
}
