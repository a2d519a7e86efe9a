// FALLOC_FL_KEEP_SIZE beyond the end reserves room and changes neither bytes nor size.
#include "check.h"

int main(void) {
    if (fallocate(CHECK(open("x", O_WRONLY)), FALLOC_FL_KEEP_SIZE, 8192, 8192) == -1) unsupported("fallocate");
}
