// A directory descriptor leads to its directory after that was renamed.
#include "check.h"

int main(void) {
    int dir = CHECK(open("d", O_PATH));
    CHECK(rename("d", "e"));
    write_text(CHECK(openat(dir, "out", O_WRONLY | O_CREAT, 0644)), "new");
}
