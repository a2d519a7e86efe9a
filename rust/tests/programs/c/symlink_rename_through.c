// Names are changed in a directory that is reached through a link.
#include "check.h"

int main(void) {
    CHECK(rename("dirlink/a", "dirlink/b"));
    CHECK(unlink("dirlink/c"));
}
