// A write of no bytes changes nothing.
#include "check.h"

int main(void) {
    int fd = CHECK(open("out", O_RDWR));
    ENSURE(write(fd, "x", 0) == 0);
    ENSURE(pwrite(fd, "x", 0, 100) == 0);
    ENSURE(writev(fd, &(struct iovec){"x", 0}, 1) == 0);
}
