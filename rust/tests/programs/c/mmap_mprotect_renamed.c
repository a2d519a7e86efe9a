// A file is renamed while it is mapped, another takes its name, and the mapping is made writable: it is the renamed file that is written.
#include "check.h"

int main(void) {
    int fd = CHECK(open("x", O_RDWR));
    char *memory = mmap(NULL, 7, PROT_READ, MAP_SHARED, fd, 0);
    ENSURE(memory != MAP_FAILED);
    CHECK(rename("x", "y"));
    CHECK(rename("other", "x"));
    CHECK(mprotect(memory, 7, PROT_READ | PROT_WRITE));
    memory[0] = 'X';
}
