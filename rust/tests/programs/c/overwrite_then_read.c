// A file is overwritten in place and then read: not its content from before any more.
#include "check.h"

int main(void) {
    int fd = CHECK(open("x", O_RDWR));
    write_text(fd, "NEW");
    CHECK(lseek(fd, 0, SEEK_SET));
    read_some(fd);
}
