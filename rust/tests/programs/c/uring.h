// The least of an io_uring, by raw calls: one entry at a time, submitted and waited for.
#pragma once

#include <linux/io_uring.h>

#include "check.h"

struct ring {
    int fd;
    struct io_uring_params params;
    char *queue, *entries;
};

static inline struct ring make_ring(unsigned flags) {
    struct ring ring = {.params.flags = flags};
    ring.fd = syscall(SYS_io_uring_setup, 8, &ring.params);
    if (ring.fd == -1 && (errno == ENOSYS || errno == EPERM)) unsupported("io_uring_setup");
    CHECK(ring.fd);
    if (!(ring.params.features & IORING_FEAT_SINGLE_MMAP)) unsupported("IORING_FEAT_SINGLE_MMAP");
    size_t queue = ring.params.cq_off.cqes + ring.params.cq_entries * sizeof(struct io_uring_cqe);
    size_t array = ring.params.sq_off.array + ring.params.sq_entries * sizeof(unsigned);
    int protection = PROT_READ | PROT_WRITE, shared = MAP_SHARED | MAP_POPULATE;
    ring.queue = mmap(NULL, queue > array ? queue : array, protection, shared, ring.fd, IORING_OFF_SQ_RING);
    size_t entries = ring.params.sq_entries * sizeof(struct io_uring_sqe);
    ring.entries = mmap(NULL, entries, protection, shared, ring.fd, IORING_OFF_SQES);
    ENSURE(ring.queue != MAP_FAILED && ring.entries != MAP_FAILED);
    return ring;
}

static inline unsigned *ring_word(struct ring *ring, unsigned offset) {
    return (unsigned *)(ring->queue + offset);
}

// Puts an entry into the queue; the kernel sees it with the next io_uring_enter.
static inline void put_entry(struct ring *ring, struct io_uring_sqe entry) {
    unsigned *tail = ring_word(ring, ring->params.sq_off.tail);
    unsigned index = *tail & *ring_word(ring, ring->params.sq_off.ring_mask);
    ((struct io_uring_sqe *)ring->entries)[index] = entry;
    ring_word(ring, ring->params.sq_off.array)[index] = index;
    __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
}

// Takes the result of one entry.
static inline int take_result(struct ring *ring) {
    unsigned *head = ring_word(ring, ring->params.cq_off.head);
    while (__atomic_load_n(ring_word(ring, ring->params.cq_off.tail), __ATOMIC_ACQUIRE) == *head)
        CHECK(syscall(SYS_io_uring_enter, ring->fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0));
    struct io_uring_cqe *results = (struct io_uring_cqe *)(ring->queue + ring->params.cq_off.cqes);
    int result = results[*head & *ring_word(ring, ring->params.cq_off.ring_mask)].res;
    __atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
    return result;
}

// Submits one entry, waits for it and returns its result.
static inline int submit(struct ring *ring, struct io_uring_sqe entry) {
    put_entry(ring, entry);
    ENSURE(syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1);
    return take_result(ring);
}

// Returns an entry for one call on a descriptor.
static inline struct io_uring_sqe entry_for(int operation, int fd, const void *address, unsigned length, uint64_t offset) {
    return (struct io_uring_sqe){
        .opcode = operation, .fd = fd, .addr = (uintptr_t)address, .len = length, .off = offset};
}
