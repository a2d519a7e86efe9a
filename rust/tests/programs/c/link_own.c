// A new file gets a second name.
#include "check.h"

int main(void) {
    make_file("a", "new");
    CHECK(link("a", "b"));
}
