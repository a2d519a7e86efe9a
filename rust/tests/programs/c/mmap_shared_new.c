// A new file is given its length and filled through a shared mapping.
#include "check.h"

int main(void) {
    int fd = CHECK(open("x", O_RDWR | O_CREAT | O_EXCL, 0644));
    CHECK(ftruncate(fd, 4096));
    char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ENSURE(map != MAP_FAILED && map[0] == 0);
    map[0] = 'X';
    CHECK(munmap(map, 4096));
}
