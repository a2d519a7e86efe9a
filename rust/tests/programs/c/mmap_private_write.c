// A private mapping of a writable descriptor is copy-on-write: the file stays as it was.
#include "check.h"

int main(void) {
    char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, CHECK(open("in", O_RDWR)), 0);
    ENSURE(map != MAP_FAILED);
    map[0] = 'X';
    CHECK(msync(map, 4096, MS_SYNC));
}
