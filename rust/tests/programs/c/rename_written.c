// A file is appended to, then renamed: its content from before was never used.
#include "check.h"

int main(void) {
    int fd = CHECK(open("a", O_WRONLY | O_APPEND));
    write_text(fd, "more");
    CHECK(close(fd));
    CHECK(rename("a", "b"));
}
