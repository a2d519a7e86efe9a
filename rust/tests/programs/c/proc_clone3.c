// clone3(2).
#include "check.h"

#include <linux/sched.h>

int main(void) {
    struct clone_args args = {.exit_signal = SIGCHLD};
    pid_t pid = CHECK(syscall(SYS_clone3, &args, sizeof args));
    if (pid == 0) {
        make_file("out", "new");
        _exit(0);
    }
    wait_for(pid);
}
