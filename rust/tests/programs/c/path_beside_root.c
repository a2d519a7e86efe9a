// The working directory lies outside of the root directory, beside it, and its name begins like the root's.
#include "check.h"

int main(void) {
    CHECK(chdir("jj"));
    CHECK(chroot("../j"));
    CHECK(unlink("./gone"));
    CHECK(rename("a", "./b"));
    make_file("out", "new");
    read_file("in");
    CHECK(unlink("/other"));
}
