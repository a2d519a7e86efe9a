// O_CREAT makes a file, and nothing is written.
#include "check.h"

int main(void) { CHECK(open("x", O_RDONLY | O_CREAT, 0644)); }
