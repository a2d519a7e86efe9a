// A directory is renamed; then a file below it is removed, one appended to, one made.
#include "check.h"

int main(void) {
    CHECK(rename("d", "e"));
    CHECK(unlink("e/gone"));
    write_text(CHECK(open("e/changed", O_WRONLY | O_APPEND)), "more");
    make_file("e/new", "new");
}
