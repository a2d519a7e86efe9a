// Prints how often the handler of SIGCONT ran: the process is stopped and continued by its child, one time each round.
#include "check.h"

#include "stopped.h"

enum { ROUNDS = 20 };

static volatile sig_atomic_t count;

static void handle(int number) {
    (void)number;
    count++;
}

int main(void) {
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    pid_t root = getpid();
    int go[2], done[2];
    CHECK(pipe(go));
    CHECK(pipe(done));
    CHECK(sigaction(SIGCONT, &(struct sigaction){.sa_handler = handle}, NULL));
    pid_t child = CHECK(fork());
    if (child == 0) {
        for (int round = 0; round < ROUNDS; round++) {
            await(go[0]);
            CHECK(kill(root, SIGSTOP));
            while (!is_stopped(root)) sched_yield();
            CHECK(kill(root, SIGCONT));
            tell(done[1]);
        }
        _exit(0);
    }
    for (int round = 1; round <= ROUNDS; round++) {
        tell(go[1]);
        await(done[0]);
        printf("round %d: count %d\n", round, (int)count);
    }
    wait_for(child);
    printf("end: count %d\n", (int)count);
}
