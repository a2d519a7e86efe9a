// FALLOC_FL_PUNCH_HOLE turns bytes into zeros.
#include "check.h"

int main(void) {
    int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    if (fallocate(CHECK(open("x", O_WRONLY)), mode, 0, 4) == -1) unsupported("fallocate");
}
