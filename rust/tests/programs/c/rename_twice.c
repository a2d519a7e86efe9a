// A file is renamed, and renamed again.
#include "check.h"

int main(void) {
    CHECK(rename("a", "b"));
    CHECK(rename("b", "c"));
}
