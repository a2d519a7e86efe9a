// sendfile(2) from a file to a pipe, and from a file that was only opened nothing.
#include "check.h"

int main(void) {
    int ends[2];
    CHECK(pipe(ends));
    CHECK(open("other", O_RDONLY));
    ENSURE(sendfile(ends[1], CHECK(open("in", O_RDONLY)), NULL, 4) == 4);
}
