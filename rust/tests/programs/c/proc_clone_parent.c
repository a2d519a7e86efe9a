// CLONE_PARENT: the new process is a sibling.
#include "check.h"

int main(void) {
    int ends[2];
    CHECK(pipe(ends));
    pid_t middle = CHECK(fork());
    if (middle == 0) {
        pid_t sibling = CHECK(syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0));
        if (sibling == 0) {
            make_file("out", "new");
            _exit(0);
        }
        ENSURE(write(ends[1], &sibling, sizeof sibling) == sizeof sibling);
        _exit(0);
    }
    wait_for(middle);
    pid_t sibling;
    ENSURE(read(ends[0], &sibling, sizeof sibling) == sizeof sibling);
    wait_for(sibling);
}
