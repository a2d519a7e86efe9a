// FICLONE and FICLONERANGE that fail on every file system: the source is open for writing only.
#include "check.h"

#include <linux/fs.h>

int main(void) {
    int source = CHECK(open("a", O_WRONLY)), target = CHECK(open("b", O_RDWR));
    ENSURE(ioctl(target, FICLONE, source) == -1);
    ENSURE(ioctl(target, FICLONERANGE, &(struct file_clone_range){source, 0, 0, 0}) == -1);
}
