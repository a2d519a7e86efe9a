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
    int fd = receive_fd(sockets[0]);
    wait_for(child);
    read_some(fd);
}
