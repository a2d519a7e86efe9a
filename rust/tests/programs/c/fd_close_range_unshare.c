// CLOSE_RANGE_UNSHARE in a process that shares the table: the other keeps its descriptors.
#include "check.h"

#include <linux/close_range.h>

static int child(void *pipe_end) {
    CHECK(close_range(30, 30, CLOSE_RANGE_UNSHARE));
    CHECK(dup2(CHECK(open("child", O_RDONLY)), 30));
    read_some(30);
    tell(*(int *)pipe_end);
    return 0;
}

int main(void) {
    static char stack[65536];
    int ends[2];
    CHECK(pipe(ends));
    CHECK(dup2(CHECK(open("parent", O_RDONLY)), 30));
    pid_t pid = CHECK(clone(child, stack + sizeof stack, CLONE_FILES | CLONE_VM | SIGCHLD, &ends[1]));
    await(ends[0]);
    read_some(30);
    wait_for(pid);
}
