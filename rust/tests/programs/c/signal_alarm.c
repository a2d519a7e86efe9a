// SIGALRM interrupts a read of a pipe (EINTR), and with SA_RESTART does not; files are used in the handler.
#include "check.h"

#include <sys/time.h>

static int ends[2], count;

static void handle(int number) {
    (void)number;
    char name[] = {'o', '1' + count++, 0};
    make_file(name, "new");
    if (count == 2) tell(ends[1]);
}

int main(void) {
    CHECK(pipe(ends));
    char byte;
    struct itimerval soon = {.it_value.tv_usec = 1000};
    CHECK(sigaction(SIGALRM, &(struct sigaction){.sa_handler = handle}, NULL));
    CHECK(setitimer(ITIMER_REAL, &soon, NULL));
    FAILS(read(ends[0], &byte, 1), EINTR);
    CHECK(sigaction(SIGALRM, &(struct sigaction){.sa_handler = handle, .sa_flags = SA_RESTART}, NULL));
    CHECK(setitimer(ITIMER_REAL, &soon, NULL));
    ENSURE(read(ends[0], &byte, 1) == 1 && count == 2);
}
