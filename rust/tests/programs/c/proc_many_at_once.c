// As many children as the first argument says, all alive at once, each of which writes a file when all are there.
#include "check.h"

int main(int argc, char **argv) {
    ENSURE(argc == 2);
    int count = atoi(argv[1]), ready[2], start[2];
    CHECK(pipe(ready));
    CHECK(pipe(start));
    for (int i = 1; i <= count; i++) {
        if (CHECK(fork()) != 0) continue;
        CHECK(close(start[1]));
        tell(ready[1]);
        char byte, name[32];
        ENSURE(read(start[0], &byte, 1) == 0);
        snprintf(name, sizeof name, "o%d", i);
        make_file(name, "new");
        _exit(0);
    }
    for (int i = 0; i < count; i++) await(ready[0]);
    CHECK(close(start[1]));
    for (int i = 0; i < count; i++) {
        int status;
        ENSURE(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}
