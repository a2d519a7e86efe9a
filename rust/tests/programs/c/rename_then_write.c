// A file is renamed and written to afterwards, through a descriptor from before.
#include "check.h"

int main(void) {
    int fd = CHECK(open("a", O_WRONLY | O_APPEND));
    CHECK(rename("a", "b"));
    write_text(fd, "more");
}
