// A child with the memory and the descriptors of the program that made it puts other files in the place of the program's.
#include "check.h"

static int child(void *argument) {
    (void)argument;
    int in = open("in2", O_RDONLY), out = open("out2", O_WRONLY | O_CREAT, 0644);
    return dup2(in, 100) != 100 || dup2(out, 101) != 101 || close(in) || close(out);
}

static void run(int flags) {
    static char stack[65536];
    int in = CHECK(open("in1", O_RDONLY)), out = CHECK(open("out1", O_WRONLY | O_CREAT, 0644));
    CHECK(dup2(in, 100));
    CHECK(dup2(out, 101));
    read_some(100);
    write_text(101, "first");
    wait_for(CHECK(clone(child, stack + sizeof stack, CLONE_VM | CLONE_FILES | SIGCHLD | flags, NULL)));
    read_some(100);
    write_text(101, "second");
}

int main(int count, char **arguments) {
    (void)arguments;
    run(count > 1 ? CLONE_VFORK : 0);
}
