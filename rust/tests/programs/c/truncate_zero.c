// truncate(2) to nothing.
#include "check.h"

int main(void) { CHECK(truncate("x", 0)); }
