// 32-bit calls that take 64-bit values in two registers: pread64, pwrite64, ftruncate64, truncate64; and readv with
// vectors of 32-bit words.
#include "check.h"

#include "raw.h"

enum { READV = 145, PREAD64 = 180, PWRITE64 = 181, TRUNCATE64 = 193, FTRUNCATE64 = 194 };

int main(void) {
    int protection = PROT_READ | PROT_WRITE;
    char *low = mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    ENSURE(low != MAP_FAILED);
    uint32_t *vector = (uint32_t *)(low + 1024);
    vector[0] = (uint32_t)(uintptr_t)(low + 2048);
    vector[1] = 4;
    strcpy(low, "emptied");
    int result = raw32(PREAD64, CHECK(open("pread", O_RDONLY)), (long)(low + 2048), 4, 1, 0);
    if (result == -ENOSYS) unsupported("32-bit calls");
    ENSURE(result == 4);
    ENSURE(raw32(READV, CHECK(open("readv", O_RDWR)), (long)vector, 1, 0, 0) == 4);
    ENSURE(raw32(PWRITE64, CHECK(open("pwrite", O_RDWR)), (long)(low + 2048), 4, 1, 0) == 4);
    ENSURE(raw32(FTRUNCATE64, CHECK(open("longer", O_RDWR)), 100, 0, 0, 0) == 0);
    ENSURE(raw32(TRUNCATE64, (long)low, 0, 0, 0, 0) == 0);
}
