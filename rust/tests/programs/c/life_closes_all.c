// A program that closes every descriptor it has, as daemons do, and its child that closes even the first three.
#include "check.h"

static void close_one_by_one(int first) {
    for (int fd = first; fd < 1100; fd++) close(fd);
}

int main(int count, char **arguments) {
    if (count == 2) {
        make_file("executed", "new");
        return 0;
    }
    close_one_by_one(3);
    make_file("one_by_one", "new");
    CHECK(syscall(SYS_close_range, 3, ~0U, 0));
    make_file("at_once", "new");
    pid_t child = CHECK(fork());
    if (child == 0) {
        close_one_by_one(0);
        make_file("child", "new");
        syscall(SYS_close_range, 0, ~0U, 0);
        execl(arguments[0], arguments[0], "again", NULL);
        _exit(1);
    }
    wait_for(child);
    make_file("last", "new");
}
