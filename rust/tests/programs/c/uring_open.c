// io_uring: OPENAT, OPENAT2, then a read and a write, then CLOSE and the number used again.
#include "check.h"

#include <linux/openat2.h>

#include "uring.h"

int main(void) {
    struct ring ring = make_ring(0);
    struct io_uring_sqe entry = entry_for(IORING_OP_OPENAT, AT_FDCWD, "in", 0, 0);
    entry.open_flags = O_RDONLY;
    int fd = submit(&ring, entry);
    ENSURE(fd >= 0);
    read_some(fd);
    ENSURE(submit(&ring, entry_for(IORING_OP_CLOSE, fd, NULL, 0, 0)) == 0);
    ENSURE(open("unread", O_RDONLY) == fd);
    struct open_how how = {.flags = O_WRONLY | O_CREAT | O_TRUNC, .mode = 0644};
    fd = submit(&ring, entry_for(IORING_OP_OPENAT2, AT_FDCWD, "out", sizeof how, (uintptr_t)&how));
    ENSURE(fd >= 0);
    ENSURE(submit(&ring, entry_for(IORING_OP_WRITE, fd, "text", 4, 0)) == 4);
    entry = entry_for(IORING_OP_OPENAT, AT_FDCWD, "absent", 0, 0);
    ENSURE(submit(&ring, entry) == -ENOENT);
}
