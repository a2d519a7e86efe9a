// io_uring: SPLICE from a file to a pipe and from the pipe to a file.
#include "check.h"

#include "uring.h"

static int splice_by(struct ring *ring, int from, uint64_t from_offset, int to, uint64_t to_offset) {
    struct io_uring_sqe entry = entry_for(IORING_OP_SPLICE, to, NULL, 4, to_offset);
    entry.splice_fd_in = from;
    entry.splice_off_in = from_offset;
    return submit(ring, entry);
}

int main(void) {
    struct ring ring = make_ring(0);
    int ends[2];
    CHECK(pipe(ends));
    ENSURE(splice_by(&ring, CHECK(open("in", O_RDONLY)), 0, ends[1], -1) == 4);
    ENSURE(splice_by(&ring, ends[0], -1, CHECK(open("out", O_WRONLY | O_CREAT, 0644)), 0) == 4);
}
