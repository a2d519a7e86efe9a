// A file gets a second name and loses the first: a rename in two steps.
#include "check.h"

int main(void) {
    CHECK(link("a", "b"));
    CHECK(unlink("a"));
}
