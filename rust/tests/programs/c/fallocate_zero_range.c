// FALLOC_FL_ZERO_RANGE turns bytes into zeros.
#include "check.h"

int main(void) {
    if (fallocate(CHECK(open("x", O_WRONLY)), FALLOC_FL_ZERO_RANGE, 0, 4) == -1) unsupported("fallocate");
}
