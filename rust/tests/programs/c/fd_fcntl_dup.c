// F_DUPFD and F_DUPFD_CLOEXEC.
#include "check.h"

int main(void) {
    int fd = CHECK(fcntl(CHECK(open("a", O_RDONLY)), F_DUPFD, 50));
    ENSURE(fd >= 50);
    read_some(fd);
    fd = CHECK(fcntl(CHECK(open("b", O_RDWR)), F_DUPFD_CLOEXEC, 60));
    write_text(fd, "x");
}
