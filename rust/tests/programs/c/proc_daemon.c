// A daemon by double fork and setsid, which goes on when the root process has ended, writes and ends.
#include "check.h"

int main(void) {
    int ends[2];
    CHECK(pipe(ends));
    pid_t child = CHECK(fork());
    if (child == 0) {
        CHECK(setsid());
        if (CHECK(fork()) != 0) _exit(0);
        // The root process holds the other end until it is gone.
        CHECK(close(ends[1]));
        char byte;
        ENSURE(read(ends[0], &byte, 1) == 0);
        make_file("daemon", "new");
        _exit(0);
    }
    wait_for(child);
    make_file("root", "new");
}
