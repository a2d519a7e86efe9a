// rename(2) of a file that was there before onto another.
#include "check.h"

int main(void) { CHECK(rename("a", "b")); }
