// A supervisor inside the run answers the unlink calls of a process before any tracer sees them; it lets them go on.
#include "check.h"

#include "filter.h"

static int ends[2];

static int supervise(void *unused) {
    (void)unused;
    int listener;
    ENSURE(read(ends[0], &listener, sizeof listener) == sizeof listener);
    struct seccomp_notif request = {0};
    CHECK(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request));
    struct seccomp_notif_resp answer = {.id = request.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    CHECK(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer));
    return 0;
}

int main(void) {
    static char stack[65536];
    CHECK(pipe(ends));
    pid_t supervisor = CHECK(clone(supervise, stack + sizeof stack, CLONE_FILES | SIGCHLD, NULL));
    int listener = set_filter(SYS_unlink, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
    ENSURE(write(ends[1], &listener, sizeof listener) == sizeof listener);
    CHECK(syscall(SYS_unlink, "gone"));
    FAILS(access("gone", F_OK), ENOENT);
    wait_for(supervisor);
}
