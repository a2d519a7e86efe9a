// Pipes, FIFOs and sockets: no subjects, nor are their names.
#include "check.h"

#include <sys/un.h>

int main(void) {
    int ends[2], sockets[2];
    CHECK(pipe(ends));
    tell(ends[1]);
    await(ends[0]);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
    tell(sockets[0]);
    await(sockets[1]);
    int fifo = CHECK(open("fifo", O_RDWR));
    tell(fifo);
    await(fifo);
    CHECK(mkfifo("own", 0600));
    CHECK(rename("own", "own2"));
    CHECK(unlink("own2"));
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    CHECK(bind(CHECK(socket(AF_UNIX, SOCK_STREAM, 0)), (struct sockaddr *)&address, sizeof address));
}
