// A grandchild reads a descriptor that two execs and two forks handed down.
#include "check.h"

int main(int argc, char **argv) {
    if (argc == 1) CHECK(dup2(CHECK(open("in", O_RDONLY)), 33));
    if (argc == 3) {
        read_some(33);
        return 0;
    }
    pid_t child = CHECK(fork());
    if (child == 0) {
        char *next[] = {argv[0], "x", argc == 2 ? "y" : NULL, NULL};
        CHECK(execv("/proc/self/exe", next));
    }
    wait_for(child);
}
