// RENAME_EXCHANGE of two files that were there before.
#include "check.h"

int main(void) { CHECK(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE)); }
