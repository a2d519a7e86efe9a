// io_uring: registered files and a registered buffer.
#include "check.h"

#include "uring.h"

int main(void) {
    struct ring ring = make_ring(0);
    static char buffer[4096];
    int in = CHECK(open("in", O_RDONLY)), out = CHECK(open("out", O_WRONLY | O_CREAT, 0644));
    int files[] = {CHECK(open("unused", O_RDWR)), in, out};
    CHECK(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, files, 3));
    CHECK(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, &(struct iovec){buffer, sizeof buffer}, 1));
    CHECK(close(in));
    CHECK(close(out));
    struct io_uring_sqe entry = entry_for(IORING_OP_READ_FIXED, 1, buffer, 4, 0);
    entry.flags = IOSQE_FIXED_FILE;
    ENSURE(submit(&ring, entry) == 4);
    entry = entry_for(IORING_OP_WRITE_FIXED, 2, buffer, 4, 0);
    entry.flags = IOSQE_FIXED_FILE;
    ENSURE(submit(&ring, entry) == 4);
}
