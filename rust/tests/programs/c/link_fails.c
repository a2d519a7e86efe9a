// Links that fail.
#include "check.h"

int main(void) {
    FAILS(link("a", "b"), EEXIST);
    FAILS(link("absent", "c"), ENOENT);
    FAILS(link("dir", "c"), EPERM);
    FAILS(symlink("a", "b"), EEXIST);
}
