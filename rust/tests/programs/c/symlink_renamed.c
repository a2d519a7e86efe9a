// A symbolic link that was there before is renamed.
#include "check.h"

int main(void) { CHECK(rename("link", "other")); }
