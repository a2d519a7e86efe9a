// The address of a shared mapping is used again for anonymous memory, which is then made writable: no write.
#include "check.h"

int main(void) {
    char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, CHECK(open("in", O_RDWR)), 0);
    ENSURE(map != MAP_FAILED);
    CHECK(munmap(map, 4096));
    char *again = mmap(map, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    ENSURE(again == map);
    CHECK(mprotect(map, 4096, PROT_READ | PROT_WRITE));
    map[0] = 'X';
}
