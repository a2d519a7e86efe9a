// A directory is renamed, and its parent after that.
#include "check.h"

int main(void) {
    CHECK(rename("top/d", "top/e"));
    CHECK(rename("top", "up"));
}
