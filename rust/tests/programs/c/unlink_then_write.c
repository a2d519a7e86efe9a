// A file is opened, removed, and then written through the descriptor; a new file likewise.
#include "check.h"

int main(void) {
    int fd = CHECK(open("x", O_WRONLY));
    CHECK(unlink("x"));
    write_text(fd, "lost");
    int own = CHECK(open("own", O_RDWR | O_CREAT | O_EXCL, 0600));
    CHECK(unlink("own"));
    write_text(own, "lost");
    CHECK(lseek(own, 0, SEEK_SET));
    read_some(own);
}
