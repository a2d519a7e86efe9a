// Prints what a program sees of its terminal, and asks its launcher to press keys: z, c, \ and one letter.
#include "check.h"

#include <termios.h>

static volatile sig_atomic_t last;

static void handle(int number) { last = number; }

static void press_and_show(const char *what, int expected) {
    sigset_t set, old;
    sigemptyset(&set);
    CHECK(sigaddset(&set, expected));
    CHECK(sigprocmask(SIG_BLOCK, &set, &old));
    last = 0;
    printf("press %s\n", what);
    while (last == 0) sigsuspend(&old);
    CHECK(sigprocmask(SIG_SETMASK, &old, NULL));
    printf("signal %d\n", last);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct termios modes;
    struct winsize size;
    CHECK(tcgetattr(0, &modes));
    CHECK(ioctl(0, TIOCGWINSZ, &size));
    printf("terminals %d%d%d, modes %x %x %x %x, size %dx%d\n", isatty(0), isatty(1), isatty(2), modes.c_iflag,
           modes.c_oflag, modes.c_cflag, modes.c_lflag, size.ws_col, size.ws_row);
    printf("in the foreground %d, session of the parent %d\n", tcgetpgrp(0) == getpgrp(), getsid(0) == getsid(getppid()));
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    printf("controlling terminal %d\n", terminal != -1);
    for (int number = 1; number < 32; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL) printf("signal %d is not default\n", number);
    }
    signal(SIGCONT, handle);
    press_and_show("z", SIGCONT);
    signal(SIGINT, handle);
    press_and_show("c", SIGINT);
    signal(SIGQUIT, handle);
    press_and_show("backslash", SIGQUIT);
    printf("press a letter\n");
    char line[16];
    ENSURE(fgets(line, sizeof line, stdin) != NULL);
    printf("line %s", line);
    printf("end\n");
}
