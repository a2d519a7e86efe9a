// Reads that fail, of files that exist: EBADF, EFAULT, EINVAL, EISDIR.
#include "check.h"

int main(void) {
    char byte;
    FAILS(read(CHECK(open("write_only", O_WRONLY)), &byte, 1), EBADF);
    int fd = CHECK(open("in", O_RDONLY));
    FAILS(read(fd, (void *)8, 1), EFAULT);
    FAILS(pread(fd, &byte, 1, -1), EINVAL);
    struct iovec part = {&byte, 1};
    FAILS(preadv(fd, &part, -1, 0), EINVAL);
    FAILS(read(CHECK(open(".", O_RDONLY | O_DIRECTORY)), &byte, 1), EISDIR);
}
