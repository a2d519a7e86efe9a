// The 32-bit calls from a 64-bit program: open, read, write, close, dup2, mmap2, rename, unlink. Their numbers mean
// other calls in the 64-bit table, and their pointers are of 32 bits.
#include "check.h"

#include "raw.h"

// Numbers of arch/x86/entry/syscalls/syscall_32.tbl.
enum { READ = 3, WRITE = 4, OPEN = 5, CLOSE = 6, UNLINK = 10, RENAME = 38, DUP2 = 63, MMAP2 = 192, OPENAT = 295 };

int main(void) {
    int protection = PROT_READ | PROT_WRITE;
    char *low = mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    ENSURE(low != MAP_FAILED);
    char *names = low, *buffer = low + 2048;
    memcpy(names, "in\0map\0x\0a\0b\0gone\0unread", 24);
    int in = raw32(OPEN, (long)names, O_RDONLY, 0, 0, 0);
    if (in == -ENOSYS) unsupported("32-bit calls");
    ENSURE(in >= 0 && raw32(READ, in, (long)buffer, 4, 0, 0) == 4);
    ENSURE(raw32(CLOSE, in, 0, 0, 0, 0) == 0);
    ENSURE(raw32(OPENAT, AT_FDCWD, (long)(names + 18), O_RDONLY, 0, 0) == in);
    int map = raw32(OPEN, (long)(names + 3), O_RDWR, 0, 0, 0);
    // The mapping lies below 4 GiB, or the result would not fit; a sixth argument is not needed at offset 0.
    int address;
    __asm__ volatile("push %%rbp\n\txor %%ebp, %%ebp\n\tint $0x80\n\tpop %%rbp"
                     : "=a"(address)
                     : "a"(MMAP2), "b"(0), "c"(4096), "d"(protection), "S"(MAP_SHARED), "D"(map)
                     : "r8", "r9", "r10", "r11", "memory");
    ENSURE(map >= 0 && (unsigned)address < -4096U);
    int x = raw32(OPEN, (long)(names + 7), O_WRONLY | O_CREAT | O_TRUNC, 0644, 0, 0);
    ENSURE(x >= 0 && raw32(DUP2, x, 40, 0, 0, 0) == 40);
    ENSURE(raw32(WRITE, 40, (long)buffer, 4, 0, 0) == 4);
    ENSURE(raw32(RENAME, (long)(names + 9), (long)(names + 11), 0, 0, 0) == 0);
    ENSURE(raw32(UNLINK, (long)(names + 13), 0, 0, 0, 0) == 0);
}
