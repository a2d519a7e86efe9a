/* Opens with one read each: open_read COUNT FILE */
#include "loop.h"

int main(int argc, char **argv) {
    char byte;
    for (long i = count(argc, argv); i > 0; i--) {
        int fd = must(open(argv[2], O_RDONLY), "open");
        must(read(fd, &byte, 1), "read");
        must(close(fd), "close");
    }
    return 0;
}
