// A mount namespace of its own, with a directory bound elsewhere: reading below the bind, and writing below a directory
// that is bound onto itself.
#include "check.h"

#include <sys/mount.h>

int main(void) {
    if (unshare(CLONE_NEWNS) == -1) unsupported("unshare(CLONE_NEWNS)");
    CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    CHECK(mount("a", "b", NULL, MS_BIND, NULL));
    read_file("b/in");
    CHECK(mount("c", "c", NULL, MS_BIND, NULL));
    make_file("c/out", "new");
    make_file("out", "new");
}
