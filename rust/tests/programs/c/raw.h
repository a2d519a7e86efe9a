// System calls without the C library, by inline assembly.
#pragma once

#include "check.h"

// The 64-bit call. Returns -errno on failure.
static inline long raw(long number, long a, long b, long c) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

// The 32-bit call of i386, by `int $0x80`: another table of numbers, and registers of 32 bits. Returns -errno.
static inline int raw32(int number, long a, long b, long c, long d, long e) {
    int result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"((int)a), "c"((int)b), "d"((int)c), "S"((int)d), "D"((int)e)
                     : "r8", "r9", "r10", "r11", "memory");
    return result;
}
