// A new file gets its final name by link(2), and loses the first: how git and mail programs publish a file.
#include "check.h"

int main(void) {
    make_file("a.tmp", "new");
    CHECK(link("a.tmp", "a"));
    CHECK(unlink("a.tmp"));
}
