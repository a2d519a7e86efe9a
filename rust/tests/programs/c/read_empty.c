// A read of an empty file succeeds with no bytes: what the run learnt is that there are none.
#include "check.h"

int main(void) {
    char byte;
    ENSURE(read(CHECK(open("in", O_RDONLY)), &byte, 1) == 0);
}
