/* One-byte writes: write COUNT FILE */
#include "loop.h"

int main(int argc, char **argv) {
    int fd = must(open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644), "open");
    for (long i = count(argc, argv); i > 0; i--)
        must(write(fd, "x", 1), "write");
    return 0;
}
