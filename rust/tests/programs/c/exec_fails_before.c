// An execution that fails once the kernel has opened the program, and then what the process does itself.
#include "check.h"

int main(void) {
    char *argv[] = {"x", NULL};
    FAILS(execve("./noformat", argv, environ), ENOEXEC);
    CHECK(unlink("old"));
    int out = CHECK(open("out", O_WRONLY | O_CREAT | O_TRUNC, 0644));
    CHECK(write(out, "x", 1));
    int in = CHECK(open("in", O_RDONLY));
    read_some(in);
}
