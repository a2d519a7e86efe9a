// truncate(2) to a part of the file, and to more than it had.
#include "check.h"

int main(void) {
    CHECK(truncate("shorter", 2));
    CHECK(truncate("longer", 100));
}
