// io_submit(2) by raw calls: PREAD, PWRITE, PREADV, PWRITEV, and one that fails.
#include "check.h"

#include <linux/aio_abi.h>

static aio_context_t context;

static long submit(int fd, int operation, void *buffer, size_t length) {
    struct iocb request = {
        .aio_fildes = fd, .aio_lio_opcode = operation, .aio_buf = (uintptr_t)buffer, .aio_nbytes = length};
    struct iocb *list[] = {&request};
    ENSURE(syscall(SYS_io_submit, context, 1L, list) == 1);
    struct io_event event;
    ENSURE(syscall(SYS_io_getevents, context, 1L, 1L, &event, NULL) == 1);
    return event.res;
}

int main(void) {
    char buffer[4];
    struct iovec part = {buffer, 4};
    if (syscall(SYS_io_setup, 8, &context) == -1) unsupported("io_setup");
    ENSURE(submit(CHECK(open("pread", O_RDONLY)), IOCB_CMD_PREAD, buffer, 4) == 4);
    ENSURE(submit(CHECK(open("preadv", O_RDWR)), IOCB_CMD_PREADV, &part, 1) == 4);
    ENSURE(submit(CHECK(open("pwrite", O_RDWR)), IOCB_CMD_PWRITE, "text", 4) == 4);
    ENSURE(submit(CHECK(open("pwritev", O_WRONLY | O_CREAT, 0644)), IOCB_CMD_PWRITEV, &part, 1) == 4);
    ENSURE(submit(CHECK(open("failed", O_WRONLY)), IOCB_CMD_PWRITE, (void *)8, 4) == -EFAULT);
    CHECK(syscall(SYS_io_destroy, context));
}
