// Names of any bytes: not UTF-8, line breaks, spaces, quotes, and an ending as the kernel gives to removed files.
#include "check.h"

static const char *const names[] = {
    "caf\xe9", "\xff\xfe", "line\nbreak", "two  spaces ", "x (deleted)", "quote\"'\\", "tab\there", "-dash", "#hash",
    "\x01\x7f", "\xe2\x82\xac", "memfd:x", "pipe:[1]", "*?[a-z]{1..3}",
};

int main(void) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) make_file(names[i], "new");
    read_file("in \xe9\n");
    CHECK(rename("a\xe9", "b\xe9 (deleted)"));
}
