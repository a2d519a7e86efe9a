// ftruncate(2) to more than nothing.
#include "check.h"

int main(void) { CHECK(ftruncate(CHECK(open("x", O_RDWR)), 100)); }
