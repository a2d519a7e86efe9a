// The content is read before it is overwritten in place.
#include "check.h"

int main(void) {
    int fd = CHECK(open("x", O_RDWR));
    read_some(fd);
    ENSURE(pwrite(fd, "NEW", 3, 0) == 3);
}
