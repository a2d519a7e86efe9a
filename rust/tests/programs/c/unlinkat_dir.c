// unlinkat(2) with a directory descriptor; removing a directory is nothing.
#include "check.h"

int main(void) {
    int dir = CHECK(open("d", O_PATH));
    CHECK(unlinkat(dir, "x", 0));
    CHECK(unlinkat(AT_FDCWD, "d", AT_REMOVEDIR));
}
