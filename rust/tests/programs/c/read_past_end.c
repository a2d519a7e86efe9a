// A read that begins beyond the end of the file.
#include "check.h"

int main(void) {
    char byte;
    ENSURE(pread(CHECK(open("in", O_RDONLY)), &byte, 1, 1 << 20) == 0);
}
