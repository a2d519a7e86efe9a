// A file gets a second name, and is written to through it.
#include "check.h"

int main(void) {
    CHECK(linkat(AT_FDCWD, "a", AT_FDCWD, "b", 0));
    write_text(CHECK(open("b", O_WRONLY | O_APPEND)), "more");
}
