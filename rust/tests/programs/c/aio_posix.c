// aio_read(3), aio_write(3) and lio_listio(3): threads inside the C library.
// Before glibc 2.34 they are in a library of their own.
// build: -lrt
#include "check.h"

#include <aio.h>

static void finish(struct aiocb *request, ssize_t expected) {
    const struct aiocb *const list[] = {request};
    while (aio_error(request) == EINPROGRESS) aio_suspend(list, 1, NULL);
    ENSURE(aio_error(request) == 0 && aio_return(request) == expected);
}

int main(void) {
    char buffer[4];
    struct aiocb in = {.aio_fildes = CHECK(open("in", O_RDONLY)), .aio_buf = buffer, .aio_nbytes = 4};
    CHECK(aio_read(&in));
    finish(&in, 4);
    struct aiocb out = {.aio_fildes = CHECK(open("out", O_WRONLY)), .aio_buf = "text", .aio_nbytes = 4};
    CHECK(aio_write(&out));
    finish(&out, 4);
    struct aiocb listed = {.aio_fildes = CHECK(open("listed", O_RDONLY)), .aio_buf = buffer, .aio_nbytes = 4};
    listed.aio_lio_opcode = LIO_READ;
    CHECK(lio_listio(LIO_WAIT, &(struct aiocb *){&listed}, 1, NULL));
    finish(&listed, 4);
}
