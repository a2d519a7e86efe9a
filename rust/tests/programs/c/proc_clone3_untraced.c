// CLONE_UNTRACED, by which a process asks that its child not be traced: by clone3(2).
#include <linux/sched.h>

#include "check.h"

int main(void) {
    struct clone_args arguments = {.flags = CLONE_UNTRACED, .exit_signal = SIGCHLD};
    pid_t child = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child == -1 && errno == ENOSYS) unsupported("clone3");
    CHECK(child);
    if (child == 0) {
        make_file("out", "new");
        _exit(0);
    }
    wait_for(child);
    ENSURE(arguments.flags == CLONE_UNTRACED);
}
