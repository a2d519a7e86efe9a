"""Runs a program under a policy, as containers, sandboxes and older kernels have one.

    confine.py RULE… -- COMMAND…

RULE is CALL=ERRNO, as bpf=EPERM, which makes the system call fail, or CALL=KILL, which kills whoever makes it; with a number
behind the call (ptrace:16906=KILL) where its first argument is that number. By a seccomp filter, which all descendants have as well
and nobody can take off.
"""

import ctypes
import errno
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
ALLOW, ERRNO, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
LOAD_WORD, EQUALS, RETURN = 0x20, 0x15, 0x06

# Numbers of calls on x86-64 and on 64-bit Arm (arch/x86/entry/syscalls/syscall_64.tbl, asm-generic/unistd.h).
CALLS = {
    "bpf": (321, 280),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "seccomp": (317, 277),
    "signalfd4": (289, 74),
    "wait4": (61, 260),
    "memfd_create": (319, 279),
    "rename": (82, 38),
}


def statement(code, k, jump_true=0, jump_false=0):
    return struct.pack("HBBI", code, jump_true, jump_false, k)


def rule(text):
    call, action = text.split("=")
    call, _, argument = call.partition(":")
    number = CALLS[call][os.uname().machine == "aarch64"]
    action = KILL_PROCESS if action == "KILL" else ERRNO | getattr(errno, action)
    # Fields of struct seccomp_data: the number at 0, the lower half of the first argument at 16.
    if not argument:
        return [statement(LOAD_WORD, 0), statement(EQUALS, number, 0, 1), statement(RETURN, action)]
    return [
        statement(LOAD_WORD, 0),
        statement(EQUALS, number, 0, 3),
        statement(LOAD_WORD, 16),
        statement(EQUALS, int(argument), 0, 1),
        statement(RETURN, action),
    ]


def confine(rules):
    program = [line for text in rules for line in rule(text)] + [statement(RETURN, ALLOW)]
    code = ctypes.create_string_buffer(b"".join(program))
    described = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 and libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_NO_NEW_PRIVS")
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, described, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_SECCOMP")


end = sys.argv.index("--")
confine(sys.argv[1:end])
os.execvp(sys.argv[end + 1], sys.argv[end + 1 :])
