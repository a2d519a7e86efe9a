// execve(2) of the path that is the first argument, with the rest as its arguments.
#include "check.h"

int main(int argc, char **argv) {
    ENSURE(argc > 1);
    CHECK(execve(argv[1], argv + 1, (char *[]){"ONLY=this", NULL}));
}
