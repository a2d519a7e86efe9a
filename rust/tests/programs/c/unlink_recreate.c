// A file is removed and made again.
#include "check.h"

int main(void) {
    CHECK(unlink("x"));
    make_file("x", "new");
    read_file("x");
}
