// clone(2) without sharing, and with shared memory.
#include "check.h"

static int child(void *name) {
    make_file(name, "new");
    return 0;
}

int main(void) {
    static char stack[65536];
    wait_for(CHECK(clone(child, stack + sizeof stack, SIGCHLD, "separate")));
    wait_for(CHECK(clone(child, stack + sizeof stack, CLONE_VM | SIGCHLD, "shared")));
}
