// A symbolic link is pointed elsewhere: removed and made again, and by renaming a new one onto it.
#include "check.h"

int main(void) {
    CHECK(unlink("one"));
    CHECK(symlink("b", "one"));
    CHECK(symlink("b", "two.tmp"));
    CHECK(rename("two.tmp", "two"));
}
