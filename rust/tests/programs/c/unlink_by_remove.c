// remove(3) of a file and of a directory.
#include "check.h"

int main(void) {
    CHECK(remove("d/x"));
    CHECK(remove("d"));
}
