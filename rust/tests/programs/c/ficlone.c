// FICLONE onto a new file.
#include "check.h"

#include <linux/fs.h>

int main(void) {
    int source = CHECK(open("in", O_RDONLY));
    CHECK(ioctl(CHECK(open("out", O_WRONLY | O_CREAT | O_EXCL, 0644)), FICLONE, source));
}
