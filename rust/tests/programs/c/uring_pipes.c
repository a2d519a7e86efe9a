// io_uring with pipes only: activity that concerns no file is no gap.
#include "check.h"

#include "uring.h"

int main(void) {
    struct ring ring = make_ring(0);
    char byte;
    int ends[2];
    CHECK(pipe(ends));
    ENSURE(submit(&ring, entry_for(IORING_OP_NOP, -1, NULL, 0, 0)) == 0);
    ENSURE(submit(&ring, entry_for(IORING_OP_WRITE, ends[1], "x", 1, -1)) == 1);
    ENSURE(submit(&ring, entry_for(IORING_OP_READ, ends[0], &byte, 1, -1)) == 1);
}
