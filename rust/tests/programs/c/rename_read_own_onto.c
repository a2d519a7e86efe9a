// Read the old file, write a new one, rename it onto the old.
#include "check.h"

int main(void) {
    read_file("x");
    make_file("x.tmp", "new");
    CHECK(rename("x.tmp", "x"));
    read_file("x");
}
