// pwrite(2), in place.
#include "check.h"

int main(void) { ENSURE(pwrite(CHECK(open("out", O_WRONLY)), "x", 1, 1) == 1); }
