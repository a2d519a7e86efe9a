// A file is made, written, read and removed.
#include "check.h"

int main(void) {
    make_file("x", "own");
    read_file("x");
    CHECK(unlink("x"));
}
