// RENAME_EXCHANGE of two files that the run made.
#include "check.h"

int main(void) {
    make_file("a", "one");
    make_file("b", "two");
    CHECK(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE));
}
