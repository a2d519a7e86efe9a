// FALLOC_FL_COLLAPSE_RANGE removes a block, FALLOC_FL_INSERT_RANGE inserts one.
#include "check.h"

int main(void) {
    if (fallocate(CHECK(open("shorter", O_WRONLY)), FALLOC_FL_COLLAPSE_RANGE, 0, 4096) == -1) unsupported("fallocate");
    if (fallocate(CHECK(open("longer", O_WRONLY)), FALLOC_FL_INSERT_RANGE, 0, 4096) == -1) unsupported("fallocate");
}
