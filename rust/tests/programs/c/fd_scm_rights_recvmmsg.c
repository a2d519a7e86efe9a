// A descriptor for writing is sent and received with recvmmsg(2); its number was another file's before.
#include "check.h"

#include "pass_fd.h"

int main(void) {
    int sockets[2];
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets));
    int other = CHECK(open("other", O_RDWR)), fd = CHECK(open("out", O_WRONLY | O_APPEND));
    send_fd(sockets[1], fd);
    CHECK(close(other));
    CHECK(close(fd));
    char byte;
    union control control;
    struct iovec part = {&byte, 1};
    struct mmsghdr message = {.msg_hdr = {.msg_iov = &part,
                                          .msg_iovlen = 1,
                                          .msg_control = control.bytes,
                                          .msg_controllen = sizeof control.bytes}};
    ENSURE(recvmmsg(sockets[0], &message, 1, 0, NULL) == 1);
    int received = fd_of(&message.msg_hdr);
    ENSURE(received == other);
    write_text(received, "more");
}
