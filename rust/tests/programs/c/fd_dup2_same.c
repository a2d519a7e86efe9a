// dup2 of a descriptor onto itself changes nothing.
#include "check.h"

int main(void) {
    int fd = CHECK(open("in", O_RDONLY));
    ENSURE(dup2(fd, fd) == fd);
    FAILS(dup2(99, fd), EBADF);
    read_some(fd);
}
