// Writes that fail, to files that exist: EBADF, EFAULT, EINVAL, EFBIG.
#include "check.h"

#include <sys/resource.h>

int main(void) {
    FAILS(write(CHECK(open("read_only", O_RDONLY)), "x", 1), EBADF);
    int fd = CHECK(open("out", O_WRONLY));
    FAILS(write(fd, (void *)8, 1), EFAULT);
    FAILS(pwrite(fd, "x", 1, -1), EINVAL);
    signal(SIGXFSZ, SIG_IGN);
    CHECK(setrlimit(RLIMIT_FSIZE, &(struct rlimit){100, 100}));
    FAILS(pwrite(fd, "x", 1, 200), EFBIG);
}
