// A file is written through a descriptor from before its directory was renamed.
#include "check.h"

int main(void) {
    int fd = CHECK(open("d/x", O_WRONLY | O_CREAT | O_EXCL, 0644));
    CHECK(rename("d", "e"));
    write_text(fd, "new");
}
