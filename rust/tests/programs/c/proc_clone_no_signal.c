// clone(2) of a child that sends no SIGCHLD, waited for with __WCLONE.
#include "check.h"

static int child(void *name) {
    make_file(name, "new");
    return 0;
}

int main(void) {
    static char stack[65536];
    pid_t pid = CHECK(clone(child, stack + sizeof stack, 0, "out"));
    ENSURE(waitpid(pid, NULL, 0) == -1 && errno == ECHILD);
    ENSURE(waitpid(pid, NULL, __WCLONE) == pid);
}
