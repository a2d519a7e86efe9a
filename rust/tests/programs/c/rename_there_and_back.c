// A file is renamed and renamed back.
#include "check.h"

int main(void) {
    CHECK(rename("a", "b"));
    CHECK(rename("b", "a"));
}
