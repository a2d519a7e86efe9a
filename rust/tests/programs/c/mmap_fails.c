// Mappings that fail: of a descriptor for writing only, shared and writable of one for reading only, at a bad offset.
#include "check.h"

int main(void) {
    int fd = CHECK(open("a", O_RDONLY));
    FAILS(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
    FAILS(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 1), EINVAL);
    FAILS(mmap(NULL, 0, PROT_READ, MAP_SHARED, fd, 0), EINVAL);
    FAILS(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, CHECK(open("a", O_WRONLY)), 0), EACCES);
}
