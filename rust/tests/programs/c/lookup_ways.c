// Ways to a path at which nothing is.
#include "check.h"

int main(void) {
    struct stat status;
    FAILS(stat("dir/../dir/./absent_dots", &status), ENOENT);
    FAILS(stat("link/absent_by_link", &status), ENOENT);
    FAILS(stat("no/such/absent_deep", &status), ENOENT);
    CHECK(chdir("dir"));
    FAILS(access("absent_below", F_OK), ENOENT);
    FAILS(access("../absent_above", F_OK), ENOENT);
    // Not that nothing is there, but that it cannot be.
    FAILS(stat("../file/below", &status), ENOTDIR);
    FAILS(stat("", &status), ENOENT);
}
