// splice(2) from a file to a pipe, and from the pipe to a file.
#include "check.h"

int main(void) {
    int ends[2];
    CHECK(pipe(ends));
    ENSURE(splice(CHECK(open("in", O_RDONLY)), NULL, ends[1], NULL, 4, 0) == 4);
    ENSURE(splice(ends[0], NULL, CHECK(open("out", O_WRONLY | O_CREAT, 0644)), NULL, 4, 0) == 4);
}
