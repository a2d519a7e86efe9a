// fallocate(2) without flags, beyond the end: the file grows.
#include "check.h"

int main(void) {
    if (fallocate(CHECK(open("x", O_WRONLY)), 0, 0, 8192) == -1) unsupported("fallocate");
}
