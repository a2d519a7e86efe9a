// readv(2).
#include "check.h"

int main(void) {
    char first[2], second[2];
    struct iovec parts[] = {{first, sizeof first}, {second, sizeof second}};
    ENSURE(readv(CHECK(open("in", O_RDONLY)), parts, 2) == 4);
}
