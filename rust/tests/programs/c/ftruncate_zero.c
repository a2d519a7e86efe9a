// ftruncate(2) to nothing.
#include "check.h"

int main(void) { CHECK(ftruncate(CHECK(open("x", O_WRONLY)), 0)); }
