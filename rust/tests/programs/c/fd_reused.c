// A descriptor is closed and its number used by another open.
#include "check.h"

int main(void) {
    int fd = CHECK(open("unread", O_RDONLY));
    CHECK(close(fd));
    ENSURE(open("in", O_RDONLY) == fd);
    read_some(fd);
}
