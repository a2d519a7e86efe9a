// A program that becomes another user, writes, and makes children and programs that write.
#include "check.h"

#include <sys/prctl.h>

int main(int count, char **arguments) {
    if (count == 2) {
        make_file(arguments[1], "new");
        return 0;
    }
    CHECK(chmod(".", 0777));
    CHECK(chmod("..", 0755));
    CHECK(setresgid(65534, 65534, 65534));
    CHECK(setresuid(65534, 65534, 65534));
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    make_file("itself", "new");
    pid_t child = CHECK(fork());
    if (child == 0) {
        make_file("child", "new");
        execl("./program", "program", "executed", NULL);
        _exit(1);
    }
    wait_for(child);
    make_file("last", "new");
}
