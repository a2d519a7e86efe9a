// As mprotect(2), by pkey_mprotect(2).
#include "check.h"

int main(void) {
    char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, CHECK(open("x", O_RDWR)), 0);
    ENSURE(map != MAP_FAILED);
    if (pkey_mprotect(map, 4096, PROT_READ | PROT_WRITE, -1) == -1) unsupported("pkey_mprotect");
    map[0] = 'X';
}
