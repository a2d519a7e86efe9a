// A private mapping for reading; the descriptor is closed before the page is touched.
#include "check.h"

int main(void) {
    int fd = CHECK(open("in", O_RDONLY));
    char *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    ENSURE(map != MAP_FAILED);
    CHECK(close(fd));
    ENSURE(map[0] == 'c');
}
