// Close-on-exec set and unset by fcntl(F_SETFD), ioctl(FIOCLEX) and ioctl(FIONCLEX).
#include "check.h"

int main(int argc, char **argv) {
    if (argc == 1) {
        CHECK(dup3(CHECK(open("unset", O_RDONLY)), 20, O_CLOEXEC));
        CHECK(fcntl(20, F_SETFD, 0));
        CHECK(dup2(CHECK(open("set", O_RDONLY)), 21));
        CHECK(fcntl(21, F_SETFD, FD_CLOEXEC));
        CHECK(dup2(CHECK(open("set", O_RDONLY)), 22));
        CHECK(ioctl(22, FIOCLEX));
        CHECK(dup3(CHECK(open("unset2", O_RDONLY)), 23, O_CLOEXEC));
        CHECK(ioctl(23, FIONCLEX));
        CHECK(execv("/proc/self/exe", (char *[]){argv[0], "again", NULL}));
    }
    read_some(20);
    read_some(23);
    for (int fd = 21; fd <= 22; fd++) {
        FAILS(fcntl(fd, F_GETFD), EBADF);
        CHECK(dup2(CHECK(open("other", O_RDONLY)), fd));
        read_some(fd);
    }
}
