// A descriptor is first written to with no byte, and an empty range is copied to another: neither is a write, and what follows is one.
#include "check.h"

int main(void) {
    int out = CHECK(open("out", O_WRONLY));
    ENSURE(write(out, "", 0) == 0);
    write_text(out, "after");
    int empty = CHECK(open("empty", O_RDONLY));
    int copy = CHECK(open("copy", O_WRONLY));
    ENSURE(copy_file_range(empty, NULL, copy, NULL, 10, 0) == 0);
    write_text(copy, "after");
}
