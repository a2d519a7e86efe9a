// io_uring with SQPOLL: a kernel thread takes the entries, and no call tells of them.
#include "check.h"

#include "uring.h"

int main(void) {
    struct ring ring = make_ring(IORING_SETUP_SQPOLL);
    char buffer[4];
    put_entry(&ring, entry_for(IORING_OP_READ, CHECK(open("in", O_RDONLY)), buffer, 4, 0));
    CHECK(syscall(SYS_io_uring_enter, ring.fd, 0, 0, IORING_ENTER_SQ_WAKEUP, NULL, 0));
    ENSURE(take_result(&ring) == 4);
}
