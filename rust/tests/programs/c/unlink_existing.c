// A file that was there before is removed, unread.
#include "check.h"

int main(void) { CHECK(unlink("x")); }
