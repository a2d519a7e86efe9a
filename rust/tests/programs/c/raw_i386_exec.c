// fork and execve by 32-bit calls; the program executed is of 64 bits.
#include "check.h"

#include "raw.h"

enum { FORK = 2, EXECVE = 11 };

int main(void) {
    int protection = PROT_READ | PROT_WRITE;
    char *low = mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    ENSURE(low != MAP_FAILED);
    strcpy(low, "./tool");
    strcpy(low + 64, "x");
    uint32_t *vector = (uint32_t *)(low + 1024);
    vector[0] = (uint32_t)(uintptr_t)low;
    vector[1] = (uint32_t)(uintptr_t)(low + 64);
    int child = raw32(FORK, 0, 0, 0, 0, 0);
    if (child == -ENOSYS) unsupported("32-bit calls");
    ENSURE(child >= 0);
    if (child == 0) {
        raw32(EXECVE, (long)low, (long)vector, 0, 0, 0);
        _exit(1);
    }
    wait_for(child);
}
