// statx(2) looks for a path and finds nothing.
#include "check.h"

int main(void) {
    struct statx extended;
    int dir = CHECK(open("dir", O_RDONLY | O_DIRECTORY));
    FAILS(statx(dir, "absent_statx", 0, STATX_ALL, &extended), ENOENT);
}
