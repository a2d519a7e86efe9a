// A file that was there before is removed, made again, and removed again.
#include "check.h"

int main(void) {
    CHECK(unlink("x"));
    make_file("x", "new");
    CHECK(unlink("x"));
}
