// Starts a program in a world without seccomp(2), without PTRACE_GET_SYSCALL_INFO, or without both: an old kernel, or a
// container that refuses them; or without the rights of root, to whom the directory above, with all that is in it, then
// no longer belongs. Arguments: `seccomp`, `syscall_info`, `both` or `root`, then the program.
#include <ftw.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>

#include "check.h"

#define GET_SYSCALL_INFO 0x420e

enum { NOBODY = 65534 };

static void install(struct sock_filter *code, unsigned short length) {
    struct sock_fprog program = {length, code};
    CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

static int give_away(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status, (void)kind, (void)place;
    return lchown(path, NOBODY, NOBODY);
}

static void become_nobody(void) {
    CHECK(nftw("..", give_away, 64, FTW_PHYS));
    CHECK(setgroups(0, NULL));
    CHECK(setresgid(NOBODY, NOBODY, NOBODY));
    CHECK(setresuid(NOBODY, NOBODY, NOBODY));
}

int main(int argc, char **argv) {
    ENSURE(argc > 2);
    if (!strcmp(argv[1], "root") && geteuid() == 0) become_nobody();
    if (geteuid() != 0) CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    int both = !strcmp(argv[1], "both");
    if (both || !strcmp(argv[1], "syscall_info")) {
        struct sock_filter code[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 3),
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, GET_SYSCALL_INFO, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        install(code, sizeof code / sizeof *code);
    }
    if (both || !strcmp(argv[1], "seccomp")) {
        struct sock_filter code[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        install(code, sizeof code / sizeof *code);
    }
    execv(argv[2], argv + 2);
    return 99;
}
