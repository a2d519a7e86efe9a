// A descriptor is opened by a child and sent to its parent, which reads it with recvmsg(2).
#include "check.h"

#include "pass_fd.h"

int main(void) {
    int sockets[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
    pid_t child = CHECK(fork());
    if (child == 0) {
        send_fd(sockets[1], CHECK(open("in", O_RDONLY)));
        _exit(0);
    }
    char byte;
    union control control;
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ENSURE(recvmsg(sockets[0], &message, 0) == 1);
    wait_for(child);
    read_some(fd_of(&message));
}
