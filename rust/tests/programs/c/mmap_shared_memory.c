// A child that shares the memory, but is no thread, maps a file; the parent makes the mapping writable.
#include "check.h"

static char *map;

static int child(void *unused) {
    (void)unused;
    int fd = CHECK(open("x", O_RDWR));
    map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    ENSURE(map != MAP_FAILED);
    CHECK(close(fd));
    return 0;
}

int main(void) {
    static char stack[65536];
    wait_for(CHECK(clone(child, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL)));
    CHECK(mprotect(map, 4096, PROT_READ | PROT_WRITE));
    map[0] = 'X';
}
