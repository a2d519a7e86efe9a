// A shared mapping for reading is moved by mremap(2) and made writable at its new address.
#include "check.h"

int main(void) {
    char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, CHECK(open("x", O_RDWR)), 0);
    char *place = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ENSURE(map != MAP_FAILED && place != MAP_FAILED);
    ENSURE(mremap(map, 4096, 8192, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place);
    CHECK(mprotect(place, 4096, PROT_READ | PROT_WRITE));
    place[0] = 'X';
}
