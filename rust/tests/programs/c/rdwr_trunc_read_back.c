// O_RDWR|O_TRUNC: what is read back is the run's own.
#include "check.h"

int main(void) {
    int fd = CHECK(open("x", O_RDWR | O_TRUNC));
    write_text(fd, "own");
    CHECK(lseek(fd, 0, SEEK_SET));
    read_some(fd);
    read_file("x");
}
