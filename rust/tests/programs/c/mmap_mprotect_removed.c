// A file is removed while it is mapped, and the mapping is made writable by a child.
#include "check.h"

int main(void) {
    int fd = CHECK(open("x", O_RDWR));
    char *memory = mmap(NULL, 7, PROT_READ, MAP_SHARED, fd, 0);
    ENSURE(memory != MAP_FAILED);
    CHECK(unlink("x"));
    pid_t child = CHECK(fork());
    if (child == 0) {
        CHECK(mprotect(memory, 7, PROT_READ | PROT_WRITE));
        memory[0] = 'X';
        _exit(0);
    }
    wait_for(child);
}
