// A file named as the kernel names removed ones lies beside one that really is removed.
#include "check.h"

int main(void) {
    int fd = CHECK(open("x", O_RDONLY));
    CHECK(unlink("x"));
    read_some(fd);
    read_file("x (deleted)");
}
