// preadv2(2), at the file's own offset.
#include "check.h"

int main(void) {
    char first[2], second[2];
    struct iovec parts[] = {{first, sizeof first}, {second, sizeof second}};
    ENSURE(preadv2(CHECK(open("in", O_RDONLY)), parts, 2, -1, 0) == 4);
}
