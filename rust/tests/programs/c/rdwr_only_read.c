// O_RDWR and only read: an input and no output.
#include "check.h"

int main(void) { read_some(CHECK(open("in", O_RDWR))); }
