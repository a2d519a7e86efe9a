// A file that was there before is appended to, then removed.
#include "check.h"

int main(void) {
    int fd = CHECK(open("x", O_WRONLY | O_APPEND));
    write_text(fd, "more");
    CHECK(unlink("x"));
}
