// A descriptor without O_CLOEXEC is read after exec; one with it is gone, and its number another file's.
#include "check.h"

int main(int argc, char **argv) {
    if (argc == 1) {
        CHECK(dup2(CHECK(open("kept", O_RDONLY)), 20));
        CHECK(dup3(CHECK(open("closed", O_RDONLY | O_CLOEXEC)), 21, O_CLOEXEC));
        CHECK(execv("/proc/self/exe", (char *[]){argv[0], "again", NULL}));
    }
    read_some(20);
    FAILS(fcntl(21, F_GETFD), EBADF);
    CHECK(dup2(CHECK(open("other", O_RDONLY)), 21));
    read_some(21);
}
