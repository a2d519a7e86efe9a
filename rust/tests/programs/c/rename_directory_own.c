// A directory that the run made, with a file in it, is renamed.
#include "check.h"

int main(void) {
    CHECK(mkdir("d", 0755));
    make_file("d/x", "new");
    CHECK(rename("d", "e"));
}
