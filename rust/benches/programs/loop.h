/* What the loops share: the count from the command line, and an end when a call fails that must not. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static long count(int argc, char **argv) {
    return argc > 1 ? atol(argv[1]) : 1;
}

static long must(long result, const char *call) {
    if (result < 0) {
        perror(call);
        exit(1);
    }
    return result;
}
