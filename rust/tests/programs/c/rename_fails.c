// Renames that fail.
#include "check.h"

int main(void) {
    FAILS(rename("absent", "b"), ENOENT);
    FAILS(rename("a", "dir"), EISDIR);
    FAILS(rename("a", "absent/b"), ENOENT);
    FAILS(rename("dir", "dir/below"), EINVAL);
    FAILS(renameat2(AT_FDCWD, "a", AT_FDCWD, "absent", RENAME_EXCHANGE), ENOENT);
}
