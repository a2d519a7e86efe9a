// The working directory is covered by a mount: relative paths still begin below it.
#include "check.h"

#include <sys/mount.h>

int main(void) {
    if (unshare(CLONE_NEWNS) == -1) unsupported("unshare(CLONE_NEWNS)");
    CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    CHECK(chdir("d"));
    CHECK(mount("none", ".", "tmpfs", 0, NULL));
    FAILS(access("../d/gone", F_OK), ENOENT);
    CHECK(unlink("./gone"));
    CHECK(rename("a", "b"));
    make_file("out", "new");
    CHECK(truncate("emptied", 0));
    read_file("in");
}
