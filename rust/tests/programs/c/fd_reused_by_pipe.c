// The number of a closed file becomes a pipe's, which is read and written.
#include "check.h"

int main(void) {
    int first = CHECK(open("a", O_RDWR)), second = CHECK(open("a", O_RDWR));
    CHECK(close(first));
    CHECK(close(second));
    int ends[2];
    CHECK(pipe(ends));
    ENSURE(ends[0] == first && ends[1] == second);
    tell(ends[1]);
    await(ends[0]);
}
