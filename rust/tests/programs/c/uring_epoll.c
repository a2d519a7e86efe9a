// io_uring as event loops use it: descriptors of no file are watched, read and written by way of one that has a list of entries for it.
#include <sys/epoll.h>

#include "check.h"

#include "uring.h"

int main(void) {
    struct ring ring = make_ring(0);
    int ends[2], watcher = epoll_create1(0);
    CHECK(watcher);
    CHECK(pipe(ends));
    struct epoll_event event = {.events = EPOLLIN, .data.fd = ends[0]};
    struct io_uring_sqe entry = entry_for(IORING_OP_EPOLL_CTL, watcher, &event, EPOLL_CTL_ADD, ends[0]);
    ENSURE(submit(&ring, entry) == 0);
    ENSURE(submit(&ring, entry_for(IORING_OP_WRITE, ends[1], "x", 1, -1)) == 1);
    ENSURE(epoll_wait(watcher, &event, 1, -1) == 1 && event.data.fd == ends[0]);
    ENSURE(submit(&ring, entry_for(IORING_OP_CLOSE, ends[1], NULL, 0, 0)) == 0);
    // Its number is free, and becomes a file's.
    make_file("out", "content");
    CHECK(close(ring.fd));
    // Another ring of the same number, where the other was mapped.
    CHECK(munmap(ring.queue, 4096));
    CHECK(munmap(ring.entries, 4096));
    struct ring second = make_ring(0);
    ENSURE(submit(&second, entry_for(IORING_OP_NOP, -1, NULL, 0, 0)) == 0);
}
