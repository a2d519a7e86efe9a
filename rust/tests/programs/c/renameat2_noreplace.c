// RENAME_NOREPLACE: fails onto a file, works onto a free name.
#include "check.h"

int main(void) {
    FAILS(renameat2(AT_FDCWD, "a", AT_FDCWD, "taken", RENAME_NOREPLACE), EEXIST);
    CHECK(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE));
}
