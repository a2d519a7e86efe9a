// rename(2) of a file that was there before, to a free name.
#include "check.h"

int main(void) { CHECK(rename("a", "b")); }
