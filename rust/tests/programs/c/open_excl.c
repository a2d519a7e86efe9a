// O_EXCL makes a file; a second try fails.
#include "check.h"

int main(void) {
    CHECK(open("x", O_WRONLY | O_CREAT | O_EXCL, 0644));
    FAILS(open("x", O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
}
