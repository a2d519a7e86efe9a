/* One-byte reads, rewound at the end of the file: read COUNT FILE */
#include "loop.h"

int main(int argc, char **argv) {
    int fd = must(open(argv[2], O_RDONLY), "open");
    char byte;
    for (long i = count(argc, argv); i > 0; i--)
        if (must(read(fd, &byte, 1), "read") == 0)
            must(lseek(fd, 0, SEEK_SET), "lseek");
    return 0;
}
