// A symbolic link that was there before is removed; its target stays.
#include "check.h"

int main(void) { CHECK(unlink("link")); }
