// Stops itself fifty times; a child continues it each time.
#include "check.h"

#include "stopped.h"

enum { ROUNDS = 50 };

// A traced process also stops at its calls: it may have to be continued more than once until it says that it goes on.
static void continue_until_told(pid_t pid, int fd) {
    char byte;
    ssize_t count;
    while ((count = read(fd, &byte, 1)) == -1 && errno == EAGAIN) {
        if (is_stopped(pid)) CHECK(kill(pid, SIGCONT));
        sched_yield();
    }
    ENSURE(count == 1);
}

int main(void) {
    pid_t root = getpid();
    int ends[2];
    CHECK(pipe2(ends, O_NONBLOCK));
    for (int round = 0; round < ROUNDS; round++) {
        pid_t child = CHECK(fork());
        if (child == 0) {
            continue_until_told(root, ends[0]);
            _exit(0);
        }
        CHECK(raise(SIGSTOP));
        tell(ends[1]);
        wait_for(child);
    }
    make_file("out", "new");
    return 7;
}
