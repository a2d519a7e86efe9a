// A child changes directory and its parent does not; CLONE_FS shares the directory.
#include "check.h"

static int change(void *unused) {
    (void)unused;
    CHECK(chdir("d"));
    make_file("child", "new");
    return 0;
}

int main(void) {
    static char stack[65536];
    wait_for(CHECK(clone(change, stack + sizeof stack, SIGCHLD, NULL)));
    make_file("parent", "new");
    wait_for(CHECK(clone(change, stack + sizeof stack, CLONE_FS | SIGCHLD, NULL)));
    make_file("both", "new");
}
