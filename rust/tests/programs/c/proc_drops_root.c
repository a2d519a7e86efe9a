// A process that gives up root, and reads and writes after that.
#include "check.h"

int main(void) {
    CHECK(chmod(".", 0777));
    int fd = CHECK(open("out", O_WRONLY | O_CREAT | O_EXCL, 0644));
    CHECK(setresgid(65534, 65534, 65534));
    CHECK(setresuid(65534, 65534, 65534));
    write_text(fd, "new");
    FAILS(open("secret", O_RDONLY), EACCES);
}
