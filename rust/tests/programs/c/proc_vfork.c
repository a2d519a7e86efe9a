// vfork(2): the child opens a file before it executes.
#include "check.h"

int main(void) {
    pid_t child = vfork();
    if (child == 0) {
        int fd = open("out", O_WRONLY | O_CREAT | O_EXCL, 0644);
        if (fd == -1 || dup2(fd, 1) == -1) _exit(1);
        execlp("echo", "echo", "text", NULL);
        _exit(1);
    }
    wait_for(CHECK(child));
}
