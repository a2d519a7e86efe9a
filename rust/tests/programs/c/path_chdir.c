// Relative paths after chdir(2) and fchdir(2).
#include "check.h"

int main(void) {
    int start = CHECK(open(".", O_RDONLY | O_DIRECTORY));
    CHECK(chdir("d"));
    read_file("in");
    CHECK(chdir("sub"));
    make_file("out", "new");
    CHECK(rename("out", "../renamed"));
    CHECK(fchdir(start));
    read_file("in");
}
