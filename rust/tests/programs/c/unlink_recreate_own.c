// A new file is removed and made again.
#include "check.h"

int main(void) {
    make_file("x", "one");
    CHECK(unlink("x"));
    make_file("x", "two");
}
