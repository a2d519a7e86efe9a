// posix_fallocate(3) of a new file.
#include "check.h"

int main(void) { ENSURE(posix_fallocate(CHECK(open("x", O_RDWR | O_CREAT, 0644)), 0, 4096) == 0); }
