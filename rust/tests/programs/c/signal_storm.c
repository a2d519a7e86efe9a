// A child is sent signals all the while it opens, renames and removes files.
#include "check.h"

static volatile sig_atomic_t count;

static void handle(int number) {
    (void)number;
    count++;
}

int main(void) {
    pid_t parent = getpid();
    CHECK(sigaction(SIGUSR1, &(struct sigaction){.sa_handler = handle, .sa_flags = SA_RESTART}, NULL));
    pid_t child = CHECK(fork());
    if (child == 0)
        for (;;) CHECK(kill(parent, SIGUSR1));
    for (int i = 1; i <= 100 || count < 100; i++) {
        char name[32];
        snprintf(name, sizeof name, "o%d", i % 100 + 1);
        make_file("tmp", "new");
        CHECK(rename("tmp", name));
    }
    CHECK(kill(child, SIGKILL));
    ENSURE(waitpid(child, NULL, 0) == child);
}
