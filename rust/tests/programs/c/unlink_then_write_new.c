// A descriptor of the removed file is written after a new file of the same name was made: two files.
#include "check.h"

int main(void) {
    int fd = CHECK(open("x", O_RDWR));
    CHECK(unlink("x"));
    make_file("x", "new");
    read_some(fd);
}
