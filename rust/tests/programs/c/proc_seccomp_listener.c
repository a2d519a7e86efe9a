// A supervisor inside the run answers the unlink calls of a process before any tracer sees them; it lets them go on.
// Neither outlives the other: the supervisor dies with its parent, and alone holds the listener, without which the call
// fails.
#include "check.h"

#include "filter.h"
#include "pass_fd.h"

static void supervise(int socket, pid_t parent) {
    CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL));
    ENSURE(getppid() == parent);
    int listener = receive_fd(socket);
    struct seccomp_notif request = {0};
    CHECK(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request));
    struct seccomp_notif_resp answer = {.id = request.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    CHECK(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer));
}

int main(void) {
    int sockets[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
    pid_t parent = getpid(), supervisor = CHECK(fork());
    if (supervisor == 0) {
        CHECK(close(sockets[0]));
        supervise(sockets[1], parent);
        _exit(0);
    }
    CHECK(close(sockets[1]));
    int listener = set_filter(SYS_unlink, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
    send_fd(sockets[0], listener);
    CHECK(close(listener));
    CHECK(syscall(SYS_unlink, "gone"));
    FAILS(access("gone", F_OK), ENOENT);
    wait_for(supervisor);
}
