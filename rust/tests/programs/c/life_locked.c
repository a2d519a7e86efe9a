// A program without privileges that locks all its memory, within the limit that there is where nobody has set another.
#include "check.h"

#include <sys/resource.h>

int main(void) {
    CHECK(chmod(".", 0777));
    struct rlimit limit = {.rlim_cur = 8 << 20, .rlim_max = 8 << 20};
    CHECK(setrlimit(RLIMIT_MEMLOCK, &limit));
    CHECK(setresgid(65534, 65534, 65534));
    CHECK(setresuid(65534, 65534, 65534));
    CHECK(mlockall(MCL_CURRENT));
    make_file("out", "new");
    CHECK(munlockall());
}
