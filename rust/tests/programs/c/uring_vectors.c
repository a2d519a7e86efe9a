// io_uring: READV and WRITEV, on files opened for both.
#include "check.h"

#include "uring.h"

int main(void) {
    struct ring ring = make_ring(0);
    char buffer[4];
    struct iovec part = {buffer, 4};
    ENSURE(submit(&ring, entry_for(IORING_OP_READV, CHECK(open("in", O_RDWR)), &part, 1, 0)) == 4);
    ENSURE(submit(&ring, entry_for(IORING_OP_WRITEV, CHECK(open("x", O_RDWR)), &part, 1, 0)) == 4);
}
