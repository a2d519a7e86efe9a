// unshare(CLONE_FILES) ends the sharing.
#include "check.h"

static int ends[2];

static int child(void *unused) {
    (void)unused;
    CHECK(unshare(CLONE_FILES));
    CHECK(dup2(CHECK(open("child", O_RDONLY)), 30));
    tell(ends[1]);
    read_some(30);
    return 0;
}

int main(void) {
    static char stack[65536];
    CHECK(pipe(ends));
    CHECK(dup2(CHECK(open("parent", O_RDONLY)), 30));
    pid_t pid = CHECK(clone(child, stack + sizeof stack, CLONE_FILES | SIGCHLD, NULL));
    await(ends[0]);
    read_some(30);
    wait_for(pid);
}
