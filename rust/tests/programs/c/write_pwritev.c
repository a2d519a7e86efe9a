// pwritev(2), in place.
#include "check.h"

int main(void) {
    struct iovec parts[] = {{"a", 1}, {"b", 1}};
    ENSURE(pwritev(CHECK(open("out", O_WRONLY)), parts, 2, 1) == 2);
}
