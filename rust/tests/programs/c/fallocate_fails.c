// fallocate(2) that fails.
#include "check.h"

int main(void) {
    FAILS(fallocate(CHECK(open("x", O_RDONLY)), 0, 0, 8192), EBADF);
    FAILS(fallocate(CHECK(open("x", O_WRONLY)), 0, 0, 0), EINVAL);
}
