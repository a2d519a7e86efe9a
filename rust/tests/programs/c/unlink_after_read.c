// A file is read, then removed.
#include "check.h"

int main(void) {
    read_file("x");
    CHECK(unlink("x"));
}
