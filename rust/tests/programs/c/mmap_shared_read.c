// A shared mapping for reading, of a writable descriptor.
#include "check.h"

int main(void) {
    char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, CHECK(open("in", O_RDWR)), 0);
    ENSURE(map != MAP_FAILED && map[0] == 'c');
}
