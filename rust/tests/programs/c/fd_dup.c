// dup, dup2 and dup3; the original is closed before the copy is read.
#include "check.h"

int main(void) {
    int fd = CHECK(open("a", O_RDONLY));
    int copy = CHECK(dup(fd));
    CHECK(close(fd));
    read_some(copy);
    CHECK(dup2(CHECK(open("b", O_RDONLY)), copy));
    read_some(copy);
    CHECK(dup3(CHECK(open("c", O_RDONLY)), 40, O_CLOEXEC));
    read_some(40);
}
