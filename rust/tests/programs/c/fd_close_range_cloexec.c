// CLOSE_RANGE_CLOEXEC closes only at exec.
#include "check.h"

#include <linux/close_range.h>

int main(int argc, char **argv) {
    if (argc == 1) {
        CHECK(dup2(CHECK(open("before", O_RDONLY)), 30));
        CHECK(dup2(CHECK(open("closed", O_RDONLY)), 31));
        CHECK(close_range(30, ~0U, CLOSE_RANGE_CLOEXEC));
        read_some(30);
        CHECK(execv("/proc/self/exe", (char *[]){argv[0], "again", NULL}));
    }
    FAILS(fcntl(31, F_GETFD), EBADF);
    CHECK(dup2(CHECK(open("other", O_RDONLY)), 31));
    read_some(31);
}
