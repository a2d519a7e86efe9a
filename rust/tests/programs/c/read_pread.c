// pread(2).
#include "check.h"

int main(void) {
    char buffer[4];
    ENSURE(pread(CHECK(open("in", O_RDONLY)), buffer, sizeof buffer, 1) == sizeof buffer);
}
