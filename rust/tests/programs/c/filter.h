// A seccomp filter that answers one system call in a way of its own and allows the others.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "check.h"

// Returns what seccomp(2) returns: a listener with SECCOMP_FILTER_FLAG_NEW_LISTENER, else 0.
static inline int set_filter(unsigned number, unsigned answer, unsigned flags) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    return CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}
