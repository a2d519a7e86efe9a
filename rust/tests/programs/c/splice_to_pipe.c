// splice(2) from a file opened for both to a pipe: an input only.
#include "check.h"

int main(void) {
    int ends[2];
    CHECK(pipe(ends));
    ENSURE(splice(CHECK(open("in", O_RDWR)), NULL, ends[1], NULL, 4, 0) == 4);
}
