// A shared mapping for writing only.
#include "check.h"

int main(void) {
    char *map = mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, CHECK(open("x", O_RDWR)), 0);
    ENSURE(map != MAP_FAILED);
    map[0] = 'X';
}
