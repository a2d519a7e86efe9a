// linkat(2) of a symbolic link: of the link itself, and with AT_SYMLINK_FOLLOW of its target.
#include "check.h"

int main(void) {
    CHECK(linkat(AT_FDCWD, "link", AT_FDCWD, "link2", 0));
    CHECK(linkat(AT_FDCWD, "link", AT_FDCWD, "b", AT_SYMLINK_FOLLOW));
}
