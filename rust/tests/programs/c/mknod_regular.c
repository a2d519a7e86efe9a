// mknod(2) of a regular file.
#include "check.h"

int main(void) {
    CHECK(mknod("x", S_IFREG | 0644, 0));
    CHECK(mknodat(AT_FDCWD, "y", 0644, 0));
    FAILS(mknod("x", S_IFREG | 0644, 0), EEXIST);
}
