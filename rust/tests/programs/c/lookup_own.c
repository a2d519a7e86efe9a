// Looks for what it then makes, has made and removed, or has removed.
#include "check.h"

int main(void) {
    struct stat status;
    FAILS(stat("made", &status), ENOENT);
    CHECK(close(CHECK(open("made", O_WRONLY | O_CREAT, 0644))));
    FAILS(access("renamed", F_OK), ENOENT);
    CHECK(rename("made", "renamed"));
    FAILS(access("made", F_OK), ENOENT);
    FAILS(stat("directory", &status), ENOENT);
    CHECK(mkdir("directory", 0755));
    FAILS(stat("temporary", &status), ENOENT);
    CHECK(close(CHECK(creat("temporary", 0644))));
    CHECK(unlink("temporary"));
    FAILS(stat("temporary", &status), ENOENT);
    CHECK(unlink("old"));
    FAILS(stat("old", &status), ENOENT);
}
