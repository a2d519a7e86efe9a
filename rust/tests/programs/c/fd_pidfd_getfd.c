// pidfd_getfd(2) takes a descriptor out of a child.
#include "check.h"

int main(void) {
    int ready[2], done[2];
    CHECK(pipe(ready));
    CHECK(pipe(done));
    pid_t child = CHECK(fork());
    if (child == 0) {
        CHECK(dup2(CHECK(open("in", O_RDONLY)), 30));
        tell(ready[1]);
        await(done[0]);
        _exit(0);
    }
    await(ready[0]);
    int handle = CHECK(syscall(SYS_pidfd_open, child, 0));
    int fd = syscall(SYS_pidfd_getfd, handle, 30, 0);
    if (fd == -1 && errno == EPERM) unsupported("pidfd_getfd");
    CHECK(fd);
    tell(done[1]);
    wait_for(child);
    read_some(fd);
}
