// A shared mapping for reading and writing.
#include "check.h"

int main(void) {
    int fd = CHECK(open("x", O_RDWR));
    char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ENSURE(map != MAP_FAILED);
    CHECK(close(fd));
    map[0] = 'X';
}
