// The atomic write: a new file is renamed onto the old one.
#include "check.h"

int main(void) {
    make_file("x.tmp", "new");
    CHECK(rename("x.tmp", "x"));
}
