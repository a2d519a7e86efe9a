// CLONE_FILES: parent and child have one table, and what one opens or closes the other sees.
#include "check.h"

static int ends[2], back[2];

static int child(void *unused) {
    (void)unused;
    await(ends[0]);
    read_some(30);
    CHECK(dup2(CHECK(open("by_child", O_RDONLY)), 31));
    tell(back[1]);
    return 0;
}

int main(void) {
    static char stack[65536];
    CHECK(pipe(ends));
    CHECK(pipe(back));
    pid_t pid = CHECK(clone(child, stack + sizeof stack, CLONE_FILES | SIGCHLD, NULL));
    CHECK(dup2(CHECK(open("by_parent", O_RDONLY)), 30));
    tell(ends[1]);
    await(back[0]);
    read_some(31);
    wait_for(pid);
}
