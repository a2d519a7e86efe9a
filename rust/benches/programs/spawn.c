/* Processes that start, do nothing and end: spawn COUNT PROGRAM */
#include "loop.h"

int main(int argc, char **argv) {
    for (long i = count(argc, argv); i > 0; i--) {
        pid_t child = must(fork(), "fork");
        if (child == 0) {
            execl(argv[2], argv[2], (char *)NULL);
            _exit(127);
        }
        int status;
        must(waitpid(child, &status, 0), "waitpid");
        if (status != 0)
            return 1;
    }
    return 0;
}
