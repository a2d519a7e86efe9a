/* One-byte reads at one offset: pread COUNT FILE */
#include "loop.h"

int main(int argc, char **argv) {
    int fd = must(open(argv[2], O_RDONLY), "open");
    char byte;
    for (long i = count(argc, argv); i > 0; i--)
        must(pread(fd, &byte, 1, 0), "pread");
    return 0;
}
