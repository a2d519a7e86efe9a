// What the interposing library stands before: its end is that it was called.
#include "check.h"

int main(void) {
    void *volatile memory = malloc(100);
    free(memory);
    int fd = CHECK(open("in", O_RDONLY));
    read_some(fd);
    CHECK(close(fd));
    make_file("out", "new");
}
