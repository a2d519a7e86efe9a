// Children are killed at every moment of an exec by a thread other than the leader; the last is not.
#include "check.h"

#include <pthread.h>

enum { ROUNDS = 100, STEP = 20000 };

static int ends[2];

static void *run(void *unused) {
    tell(ends[1]);
    CHECK(execl("./tool", "tool", NULL));
    return unused;
}

static void start(void) {
    pthread_t thread;
    ENSURE(pthread_create(&thread, NULL, run, NULL) == 0);
    for (;;) pause();
}

int main(void) {
    CHECK(pipe2(ends, O_CLOEXEC));
    for (int round = 0; round <= ROUNDS; round++) {
        pid_t child = CHECK(fork());
        if (child == 0) start();
        await(ends[0]);
        if (round == ROUNDS) {
            wait_for(child);
            break;
        }
        for (volatile int step = 0; step < round * STEP; step++) continue;
        CHECK(kill(child, SIGKILL));
        int status;
        ENSURE(waitpid(child, &status, 0) == child);
        ENSURE(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    }
    make_file("out", "new");
}
