// pwritev2(2) with RWF_APPEND, on a descriptor that is not O_APPEND.
#include "check.h"

int main(void) {
    struct iovec part = {"a", 1};
    ENSURE(pwritev2(CHECK(open("out", O_WRONLY)), &part, 1, 0, RWF_APPEND) == 1);
}
