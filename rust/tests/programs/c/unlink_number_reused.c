// Files are written to more than once and removed, and others are made, which may get their inode numbers: the bytes are those of the first.
#include "check.h"

int main(void) {
    for (int round = 0; round < 2; round++) {
        int fd = CHECK(open("x", O_WRONLY | O_CREAT, 0644));
        write_text(fd, "12345");
        write_text(fd, "12345");
        CHECK(close(fd));
        CHECK(unlink("x"));
        if (round) CHECK(symlink("target", "link"));
        else make_file("y", "1");
    }
}
