// A process that goes into a sandbox, as browsers put their renderers: few calls are let through, and any other ends the
// process, fails, or is sent as a signal. What it opened before it uses there.
#include "check.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

static volatile sig_atomic_t trapped;

static void count_trap(int number) {
    (void)number;
    trapped++;
}

static void enter(unsigned verdict) {
#define ALLOW(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(read), ALLOW(write), ALLOW(close), ALLOW(exit_group), ALLOW(rt_sigreturn),
        BPF_STMT(BPF_RET | BPF_K, verdict),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static void work(const char *out, unsigned verdict) {
    int in = CHECK(open("in", O_RDONLY));
    int first = CHECK(open(out, O_WRONLY | O_CREAT, 0644));
    enter(verdict);
    read_all(in);
    for (int i = 0; i < 100; i++) write_text(first, "in the sandbox");
    CHECK(close(in));
    CHECK(close(first));
    if (verdict == (SECCOMP_RET_ERRNO | EPERM)) FAILS(open("in", O_RDONLY), EPERM);
    if (verdict == SECCOMP_RET_TRAP) {
        open("in", O_RDONLY);
        ENSURE(trapped == 1);
    }
    _exit(0);
}

int main(void) {
    CHECK(sigaction(SIGSYS, &(struct sigaction){.sa_handler = count_trap}, NULL));
    const char *names[] = {"killed", "refused", "trapped"};
    unsigned verdicts[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_TRAP};
    for (int i = 0; i < 3; i++) {
        pid_t child = CHECK(fork());
        if (child == 0) work(names[i], verdicts[i]);
        wait_for(child);
    }
}
