// A child is stopped and continued while it works; its parent sees both.
#include "check.h"

int main(void) {
    int ends[2], back[2];
    CHECK(pipe(ends));
    CHECK(pipe(back));
    pid_t child = CHECK(fork());
    if (child == 0) {
        make_file("before", "new");
        tell(ends[1]);
        CHECK(raise(SIGSTOP));
        await(back[0]);
        make_file("after", "new");
        _exit(0);
    }
    await(ends[0]);
    int status;
    ENSURE(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    CHECK(kill(child, SIGCONT));
    ENSURE(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
    tell(back[1]);
    wait_for(child);
}
