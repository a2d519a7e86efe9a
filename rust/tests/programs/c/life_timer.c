// A timer that goes off thousands of times a second, whose handler makes and reads files, while the program does the same.
#include "check.h"

#include <sys/time.h>

static volatile sig_atomic_t count;

// Not by itself, so that the program comes to something on a slow machine as well.
static void set_timer(void) {
    struct itimerval soon = {.it_value = {.tv_usec = 100}};
    if (setitimer(ITIMER_REAL, &soon, NULL) != 0) _exit(6);
}

static void handle(int signal) {
    (void)signal;
    char name[16];
    unsigned tick = (unsigned)count++ % 50;
    snprintf(name, sizeof name, "h%u", tick + 1);
    int saved = errno;
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
    char byte;
    if (fd < 0 || write(fd, "x", 1) != 1 || pread(fd, &byte, 1, 0) != 1 || close(fd) != 0) _exit(9);
    if (open("absent", O_RDONLY) != -1 || errno != ENOENT) _exit(8);
    fd = open("in", O_RDONLY);
    if (fd < 0 || read(fd, &byte, 1) != 1 || close(fd) != 0) _exit(7);
    set_timer();
    errno = saved;
}

int main(void) {
    CHECK(sigaction(SIGALRM, &(struct sigaction){.sa_handler = handle, .sa_flags = SA_RESTART}, NULL));
    set_timer();
    for (int i = 0; i < 3000 || count < 500; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%d", i % 100 + 1);
        errno = ENOTNAM;
        int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        ENSURE(fd >= 0 && errno == ENOTNAM);
        ENSURE(write(fd, "new", 3) == 3 && errno == ENOTNAM);
        ENSURE(close(fd) == 0 && errno == ENOTNAM);
        FAILS(unlink("absent"), ENOENT);
        if (i % 100 == 0) {
            pid_t child = fork();
            ENSURE(child >= 0);
            if (child == 0) _exit(0);
            wait_for(child);
        }
    }
    CHECK(sigaction(SIGALRM, &(struct sigaction){.sa_handler = SIG_IGN}, NULL));
}
