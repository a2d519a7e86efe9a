// A daemon that stays: it waits for a word in the FIFO `go`, and answers in the FIFO `done`. It was seen reading before.
#include "check.h"

int main(void) {
    int ends[2];
    CHECK(pipe(ends));
    if (CHECK(fork()) == 0) {
        CHECK(setsid());
        // Never longer than the harness waits.
        alarm(60);
        read_file("in");
        tell(ends[1]);
        int go = CHECK(open("go", O_RDONLY));
        read_some(go);
        write_text(CHECK(open("done", O_WRONLY)), "alive\n");
        _exit(0);
    }
    await(ends[0]);
}
