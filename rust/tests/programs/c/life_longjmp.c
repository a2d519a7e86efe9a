// Handlers that jump out of whatever call they have interrupted.
#include "check.h"

#include <setjmp.h>
#include <sys/time.h>

static sigjmp_buf place;
static volatile sig_atomic_t may_jump, jumps;

static void handle(int signal) {
    (void)signal;
    if (!may_jump) return;
    may_jump = 0;
    jumps++;
    siglongjmp(place, 1);
}

int main(void) {
    CHECK(sigaction(SIGALRM, &(struct sigaction){.sa_handler = handle}, NULL));
    struct itimerval often = {.it_interval = {.tv_usec = 300}, .it_value = {.tv_usec = 300}};
    CHECK(setitimer(ITIMER_REAL, &often, NULL));
    for (volatile int i = 0; i < 2000 || jumps < 100; i++) {
        if (sigsetjmp(place, 1) == 0) {
            may_jump = 1;
            int fd = open("jumped", O_WRONLY | O_CREAT | O_TRUNC, 0644);
            if (write(fd, "x", 1) == 1) close(fd);
            rename("jumped", "jumped.to");
            rename("jumped.to", "jumped");
            may_jump = 0;
        }
        for (int fd = 3; fd < 10; fd++) close(fd);
    }
    struct itimerval never = {0};
    CHECK(setitimer(ITIMER_REAL, &never, NULL));
    for (int i = 1; i <= 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "o%d", i);
        make_file(name, "new");
    }
    pid_t child = CHECK(fork());
    if (child == 0) {
        make_file("child", "new");
        _exit(0);
    }
    wait_for(child);
}
