// A child is killed by SIGKILL while it writes.
#include "check.h"

int main(void) {
    int ends[2];
    CHECK(pipe(ends));
    pid_t child = CHECK(fork());
    if (child == 0) {
        int fd = CHECK(open("out", O_WRONLY | O_CREAT | O_EXCL, 0644));
        write_text(fd, "some");
        tell(ends[1]);
        for (;;) ENSURE(pwrite(fd, "more", 4, 4) == 4);
    }
    await(ends[0]);
    CHECK(kill(child, SIGKILL));
    int status;
    ENSURE(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
