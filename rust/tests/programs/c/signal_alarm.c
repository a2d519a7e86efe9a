// SIGALRM interrupts a read of a pipe (EINTR), and with SA_RESTART does not; files are used in the handler.
#include "asleep.h"

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
    CHECK(sigaction(SIGALRM, &(struct sigaction){.sa_handler = handle}, NULL));
    pthread_t sender = alarm_in(IN_READ);
    FAILS(read(ends[0], &byte, 1), EINTR);
    ENSURE(pthread_join(sender, NULL) == 0);
    CHECK(sigaction(SIGALRM, &(struct sigaction){.sa_handler = handle, .sa_flags = SA_RESTART}, NULL));
    sender = alarm_in(IN_READ);
    ENSURE(read(ends[0], &byte, 1) == 1 && count == 2);
    ENSURE(pthread_join(sender, NULL) == 0);
}
