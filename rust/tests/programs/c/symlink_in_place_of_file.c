// A file is removed and a symbolic link put in its place.
#include "check.h"

int main(void) {
    CHECK(unlink("a"));
    CHECK(symlink("b", "a"));
}
