"""What a process may try on another by calls that a shell has no words for: prints the error's name, or `done`."""

import ctypes
import errno
import os
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
BPF, PIDFD_OPEN, PIDFD_GETFD = 321, 434, 438
PROG_GET_FD_BY_ID, MAP_GET_NEXT_ID, MAP_GET_FD_BY_ID = 13, 12, 14
PTRACE_ATTACH, PTRACE_SEIZE = 16, 0x4206


class Vector(ctypes.Structure):
    _fields_ = [("place", ctypes.c_void_p), ("bytes", ctypes.c_size_t)]


def syscall(*arguments):
    result = LIBC.syscall(*[ctypes.c_long(one) if isinstance(one, int) else one for one in arguments])
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def bpf(command, number):
    attributes = ctypes.create_string_buffer(128)
    attributes[:4] = number.to_bytes(4, "little")
    return syscall(BPF, command, attributes, 128)


def ptrace(request, process):
    if LIBC.ptrace(request, process, None, None) < 0:
        raise OSError(ctypes.get_errno(), "")


def read_memory(process):
    room = ctypes.create_string_buffer(8)
    here = Vector(ctypes.cast(room, ctypes.c_void_p), 8)
    there = Vector(ctypes.c_void_p(0x400000), 8)
    if LIBC.process_vm_readv(process, ctypes.byref(here), 1, ctypes.byref(there), 1, 0) < 0:
        raise OSError(ctypes.get_errno(), "")


def steal(process):
    taken = []
    pidfd = syscall(PIDFD_OPEN, process, 0)
    for number in range(40):
        try:
            syscall(PIDFD_GETFD, pidfd, number, 0)
            taken.append(number)
        except OSError as error:
            last = error
    if not taken:
        raise last


ATTEMPTS = {
    "attach": lambda number: ptrace(PTRACE_ATTACH, number),
    "seize": lambda number: ptrace(PTRACE_SEIZE, number),
    "read-memory": read_memory,
    "steal": steal,
    "program": lambda number: bpf(PROG_GET_FD_BY_ID, number),
    "map": lambda number: bpf(MAP_GET_FD_BY_ID, number),
    "maps": lambda number: bpf(MAP_GET_NEXT_ID, number),
}

try:
    ATTEMPTS[sys.argv[1]](int(sys.argv[2]))
    print("done")
except OSError as error:
    print(errno.errorcode[error.errno])
