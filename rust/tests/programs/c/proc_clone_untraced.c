// CLONE_UNTRACED, by which a process asks that its child not be traced: by clone(2), without shared memory and with it.
#include "check.h"

static int child(void *name) {
    make_file(name, "new");
    return 0;
}

int main(void) {
    static char stack[65536];
    pid_t pid = CHECK(syscall(SYS_clone, SIGCHLD | CLONE_UNTRACED, 0, 0, 0, 0));
    if (pid == 0) _exit(child("separate"));
    wait_for(pid);
    int flags = CLONE_UNTRACED | CLONE_VM | CLONE_VFORK | SIGCHLD;
    wait_for(CHECK(clone(child, stack + sizeof stack, flags, "shared")));
}
