// A child makes writable the shared mapping that it inherited.
#include "check.h"

int main(void) {
    char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, CHECK(open("x", O_RDWR)), 0);
    ENSURE(map != MAP_FAILED);
    pid_t child = CHECK(fork());
    if (child == 0) {
        CHECK(mprotect(map, 4096, PROT_READ | PROT_WRITE));
        map[0] = 'X';
        _exit(0);
    }
    wait_for(child);
}
