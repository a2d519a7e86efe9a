// A symbolic link is made and removed.
#include "check.h"

int main(void) {
    CHECK(symlink("a", "link"));
    CHECK(unlink("link"));
}
