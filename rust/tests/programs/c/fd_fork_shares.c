// A child writes through the descriptor that its parent opened, after the parent closed its own.
#include "check.h"

int main(void) {
    int ends[2];
    CHECK(pipe(ends));
    int fd = CHECK(open("out", O_WRONLY | O_CREAT | O_EXCL, 0644)), in = CHECK(open("in", O_RDONLY));
    pid_t child = CHECK(fork());
    if (child == 0) {
        await(ends[0]);
        read_some(in);
        write_text(fd, "child");
        _exit(0);
    }
    CHECK(close(fd));
    CHECK(close(in));
    tell(ends[1]);
    wait_for(child);
}
