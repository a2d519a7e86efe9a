// Removals that fail.
#include "check.h"

int main(void) {
    FAILS(unlink("absent"), ENOENT);
    FAILS(unlink("d"), EISDIR);
    FAILS(unlinkat(AT_FDCWD, "d", AT_REMOVEDIR), ENOTEMPTY);
    FAILS(unlinkat(AT_FDCWD, "d/x", AT_REMOVEDIR), ENOTDIR);
    FAILS(rmdir("d"), ENOTEMPTY);
}
