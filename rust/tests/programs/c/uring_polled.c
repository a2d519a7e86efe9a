// io_uring: the completion is only looked for in memory, and the process ends without another call. The argument says
// what is done: `open`, `unlink` or `rename`.
#include "check.h"

#include "uring.h"

// Takes the result of one entry without any call.
static int poll_result(struct ring *ring) {
    unsigned *head = ring_word(ring, ring->params.cq_off.head);
    while (__atomic_load_n(ring_word(ring, ring->params.cq_off.tail), __ATOMIC_ACQUIRE) == *head) continue;
    struct io_uring_cqe *results = (struct io_uring_cqe *)(ring->queue + ring->params.cq_off.cqes);
    return results[*head & *ring_word(ring, ring->params.cq_off.ring_mask)].res;
}

int main(int argc, char **argv) {
    ENSURE(argc == 2);
    struct ring ring = make_ring(0);
    struct io_uring_sqe entry;
    if (strcmp(argv[1], "open") == 0) {
        entry = entry_for(IORING_OP_OPENAT, AT_FDCWD, "x", 0, 0);
        entry.open_flags = O_WRONLY | O_TRUNC;
    } else if (strcmp(argv[1], "unlink") == 0) {
        entry = entry_for(IORING_OP_UNLINKAT, AT_FDCWD, "gone", 0, 0);
    } else {
        entry = entry_for(IORING_OP_RENAMEAT, AT_FDCWD, "a", AT_FDCWD, (uintptr_t)"b");
    }
    put_entry(&ring, entry);
    ENSURE(syscall(SYS_io_uring_enter, ring.fd, 1, 0, 0, NULL, 0) == 1);
    int result = poll_result(&ring);
    if (result == -EINVAL) unsupported("the operation");
    ENSURE(result >= 0);
    _exit(0);
}
