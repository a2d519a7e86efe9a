// The three rename calls by syscall(2).
#include "check.h"

int main(void) {
    CHECK(syscall(SYS_rename, "a", "b"));
    CHECK(syscall(SYS_renameat, AT_FDCWD, "c", AT_FDCWD, "d"));
    CHECK(syscall(SYS_renameat2, AT_FDCWD, "e", AT_FDCWD, "f", 0));
}
