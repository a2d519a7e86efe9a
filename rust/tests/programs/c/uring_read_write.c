// io_uring: READ and WRITE, and one of each that fails.
#include "check.h"

#include "uring.h"

int main(void) {
    struct ring ring = make_ring(0);
    char buffer[4];
    ENSURE(submit(&ring, entry_for(IORING_OP_READ, CHECK(open("in", O_RDONLY)), buffer, 4, 0)) == 4);
    int out = CHECK(open("out", O_WRONLY | O_CREAT | O_EXCL, 0644));
    ENSURE(submit(&ring, entry_for(IORING_OP_WRITE, out, "text", 4, 0)) == 4);
    ENSURE(submit(&ring, entry_for(IORING_OP_WRITE, CHECK(open("a", O_RDONLY)), "text", 4, 0)) == -EBADF);
    ENSURE(submit(&ring, entry_for(IORING_OP_READ, CHECK(open("a", O_WRONLY)), buffer, 4, 0)) == -EBADF);
}
