// Two directories change places.
#include "check.h"

int main(void) { CHECK(renameat2(AT_FDCWD, "d", AT_FDCWD, "e", RENAME_EXCHANGE)); }
