// copy_file_range(2) within one file.
#include "check.h"

int main(void) {
    int fd = CHECK(open("x", O_RDWR));
    off_t from = 0, to = 4;
    ENSURE(copy_file_range(fd, &from, fd, &to, 4, 0) == 4);
}
