// A private mapping made writable later, and a shared one made less than it was: no write.
#include "check.h"

int main(void) {
    int fd = CHECK(open("in", O_RDWR));
    char *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    ENSURE(map != MAP_FAILED);
    CHECK(mprotect(map, 4096, PROT_READ | PROT_WRITE));
    map[0] = 'X';
    char *shared = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    ENSURE(shared != MAP_FAILED);
    CHECK(mprotect(shared, 4096, PROT_NONE));
}
