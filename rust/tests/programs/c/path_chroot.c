// chroot(2): the path as seen from outside.
#include "check.h"

int main(void) {
    CHECK(chroot("root"));
    CHECK(chdir("/"));
    read_file("/in");
    make_file("/dir/out", "new");
    CHECK(rename("/a", "/../b"));
}
