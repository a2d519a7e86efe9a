// Is killed while it is stopped, by a child: nobody continues it.
#include "check.h"

#include "stopped.h"

int main(void) {
    pid_t root = getpid();
    make_file("out", "new");
    pid_t child = CHECK(fork());
    if (child == 0) {
        while (!is_stopped(root)) sched_yield();
        CHECK(kill(root, SIGKILL));
        _exit(0);
    }
    CHECK(raise(SIGSTOP));
    pause();
}
