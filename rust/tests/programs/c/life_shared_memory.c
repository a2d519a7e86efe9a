// Children that share the memory and run at the same time as the program that made them.
#include "check.h"

static int child(void *argument) {
    char name[32];
    for (int i = 1; i <= 40; i++) {
        snprintf(name, sizeof name, "c%ld_%d", (long)argument, i);
        int fd = open(name, O_WRONLY | O_CREAT, 0644);
        if (fd < 0 || write(fd, "new", 3) != 3 || close(fd) != 0) return 1;
    }
    return 0;
}

int main(void) {
    static char stacks[3][65536];
    pid_t children[3];
    for (long i = 0; i < 3; i++)
        children[i] = CHECK(clone(child, stacks[i] + sizeof stacks[i], CLONE_VM | SIGCHLD, (void *)(i + 1)));
    for (int i = 1; i <= 40; i++) {
        char name[32];
        snprintf(name, sizeof name, "p%d", i);
        make_file(name, "new");
    }
    for (int i = 0; i < 3; i++) wait_for(children[i]);
    make_file("last", "new");
}
