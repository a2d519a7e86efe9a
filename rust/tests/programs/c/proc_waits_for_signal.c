// Says that it is ready, and waits for a signal: by default it dies of it; with the argument `handle` it writes a file
// and ends with status 3.
#include "check.h"

static void handle(int number) { (void)number; }

int main(int argc, char **argv) {
    (void)argv;
    sigset_t all, before;
    sigfillset(&all);
    CHECK(sigprocmask(SIG_BLOCK, &all, &before));
    if (argc > 1)
        for (int number = 1; number < 32; number++) signal(number, handle);
    write_text(CHECK(open("../ready", O_WRONLY)), "ready\n");
    sigsuspend(&before);
    make_file("out", "new");
    return 3;
}
