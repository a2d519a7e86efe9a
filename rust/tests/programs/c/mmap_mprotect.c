// A shared mapping for reading is made writable later, after its descriptor was closed.
#include "check.h"

int main(void) {
    int fd = CHECK(open("x", O_RDWR));
    char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    ENSURE(map != MAP_FAILED);
    CHECK(close(fd));
    CHECK(mprotect(map, 4096, PROT_READ | PROT_WRITE));
    map[0] = 'X';
}
