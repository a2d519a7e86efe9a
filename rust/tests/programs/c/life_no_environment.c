// Programs executed without an environment, with one that is no pointer, and with one that leads nowhere.
#include "check.h"

extern char **environ;

static void run(char *self, char *name, char **environment) {
    pid_t child = CHECK(fork());
    if (child == 0) {
        execve(self, (char *[]){self, name, NULL}, environment);
        _exit(1);
    }
    wait_for(child);
}

int main(int count, char **arguments) {
    char *self = arguments[0];
    if (count == 2) {
        make_file(arguments[1], "new");
        return 0;
    }
    char **bad = (char **)8;
    char *ends_badly[] = {"A=1", (char *)8, NULL};
    FAILS(execve(self, (char *[]){self, "x", NULL}, bad), EFAULT);
    FAILS(execve(self, (char *[]){self, "x", NULL}, ends_badly), EFAULT);
    FAILS(execve(self, bad, environ), EFAULT);
    FAILS(execve((char *)8, (char *[]){self, "x", NULL}, environ), EFAULT);
    FAILS(execve("", (char *[]){self, "x", NULL}, environ), ENOENT);
    run(self, "null", NULL);
    run(self, "empty", (char *[]){NULL});
    run(self, "strange", (char *[]){"", "no equals sign", "=", "LD_PRELOAD", "LD_PRELOAD=", NULL});
    CHECK(clearenv());
    run(self, "cleared", environ);
    environ = NULL;
    run(self, "none", environ);
}
