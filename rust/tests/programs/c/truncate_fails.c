// truncate(2) and ftruncate(2) that fail.
#include "check.h"

int main(void) {
    FAILS(truncate("x", -1), EINVAL);
    FAILS(truncate("absent", 0), ENOENT);
    FAILS(ftruncate(CHECK(open("x", O_RDONLY)), 0), EINVAL);
}
