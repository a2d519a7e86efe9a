// After fork the tables are separate: the same number is another file in each.
#include "check.h"

int main(void) {
    int ends[2];
    CHECK(pipe(ends));
    CHECK(dup2(CHECK(open("common", O_RDONLY)), 30));
    pid_t child = CHECK(fork());
    if (child == 0) {
        CHECK(dup2(CHECK(open("child", O_RDONLY)), 30));
        tell(ends[1]);
        read_some(30);
        _exit(0);
    }
    await(ends[0]);
    CHECK(dup2(CHECK(open("parent", O_RDONLY)), 30));
    read_some(30);
    wait_for(child);
}
