// close_range(2); the numbers are used again.
#include "check.h"

int main(void) {
    CHECK(dup2(CHECK(open("unread", O_RDWR)), 30));
    CHECK(dup2(30, 31));
    CHECK(close_range(30, 40, 0));
    FAILS(fcntl(31, F_GETFD), EBADF);
    CHECK(dup2(CHECK(open("in", O_RDONLY)), 31));
    read_some(31);
}
