// O_TRUNC empties an existing file, and nothing is written.
#include "check.h"

int main(void) { CHECK(open("x", O_WRONLY | O_TRUNC)); }
