// link(2) of a file that was there before.
#include "check.h"

int main(void) { CHECK(link("a", "b")); }
