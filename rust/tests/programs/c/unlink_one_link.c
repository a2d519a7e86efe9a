// One of two names is removed; the file lives on under the other.
#include "check.h"

int main(void) { CHECK(unlink("b")); }
