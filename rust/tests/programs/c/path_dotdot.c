// Dots and slashes in paths.
#include "check.h"

int main(void) {
    read_file("sub/../x");
    read_file("./sub//.././/y");
    make_file("sub/./../sub/z", "new");
    CHECK(rename("sub/../a", "./b"));
    CHECK(unlink("sub/../c"));
}
