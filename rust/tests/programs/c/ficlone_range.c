// FICLONERANGE into an existing file.
#include "check.h"

#include <linux/fs.h>

int main(void) {
    int source = CHECK(open("in", O_RDONLY));
    struct file_clone_range range = {source, 0, 4096, 0};
    CHECK(ioctl(CHECK(open("out", O_WRONLY)), FICLONERANGE, &range));
}
