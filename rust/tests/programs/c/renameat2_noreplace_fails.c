// RENAME_NOREPLACE onto a file: nothing happens.
#include "check.h"

int main(void) { FAILS(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE), EEXIST); }
