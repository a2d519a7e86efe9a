// A process that adopts orphans (PR_SET_CHILD_SUBREAPER) waits for one.
#include "check.h"

#include <sys/prctl.h>

int main(void) {
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
    pid_t child = CHECK(fork());
    if (child == 0) {
        if (CHECK(fork()) != 0) _exit(0);
        make_file("out", "new");
        _exit(7);
    }
    wait_for(child);
    int status;
    ENSURE(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 7);
}
