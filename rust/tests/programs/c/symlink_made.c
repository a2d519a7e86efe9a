// symlink(2) and symlinkat(2), one of them to nowhere.
#include "check.h"

int main(void) {
    CHECK(symlink("a", "link"));
    CHECK(symlinkat("nowhere", CHECK(open("dir", O_PATH)), "link"));
}
