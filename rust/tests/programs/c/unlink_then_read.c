// A file is opened, removed, and then read through the descriptor.
#include "check.h"

int main(void) {
    int fd = CHECK(open("x", O_RDONLY));
    CHECK(unlink("x"));
    read_some(fd);
}
