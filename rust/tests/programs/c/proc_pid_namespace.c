// A child in a PID namespace of its own, where it is process 1, and its child.
#include "check.h"

int main(void) {
    if (unshare(CLONE_NEWPID) == -1) unsupported("unshare(CLONE_NEWPID)");
    pid_t child = CHECK(fork());
    if (child == 0) {
        ENSURE(getpid() == 1);
        make_file("child", "new");
        pid_t grandchild = CHECK(fork());
        if (grandchild == 0) {
            make_file("grandchild", "new");
            _exit(0);
        }
        wait_for(grandchild);
        _exit(0);
    }
    wait_for(child);
}
