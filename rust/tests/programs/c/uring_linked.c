// io_uring: several entries in one call, linked: read, then write, then fsync; and fallocate.
#include "check.h"

#include "uring.h"

int main(void) {
    struct ring ring = make_ring(0);
    char buffer[4];
    int in = CHECK(open("in", O_RDONLY)), out = CHECK(open("out", O_RDWR | O_CREAT, 0644));
    struct io_uring_sqe read = entry_for(IORING_OP_READ, in, buffer, 4, 0);
    struct io_uring_sqe write = entry_for(IORING_OP_WRITE, out, buffer, 4, 0);
    read.flags = write.flags = IOSQE_IO_LINK;
    put_entry(&ring, read);
    put_entry(&ring, write);
    put_entry(&ring, entry_for(IORING_OP_FSYNC, out, NULL, 0, 0));
    ENSURE(syscall(SYS_io_uring_enter, ring.fd, 3, 3, IORING_ENTER_GETEVENTS, NULL, 0) == 3);
    ENSURE(take_result(&ring) == 4 && take_result(&ring) == 4 && take_result(&ring) == 0);
    struct io_uring_sqe allocate = entry_for(IORING_OP_FALLOCATE, CHECK(open("longer", O_WRONLY)), NULL, 0, 0);
    allocate.addr = 8192;
    ENSURE(submit(&ring, allocate) == 0);
}
