// Making, listing, renaming and removing directories; listing a directory of files reads none of them.
#include "check.h"

#include <dirent.h>

int main(void) {
    CHECK(mkdir("new", 0755));
    CHECK(mkdirat(AT_FDCWD, "new/sub", 0755));
    CHECK(rename("new", "newer"));
    CHECK(rmdir("newer/sub"));
    CHECK(rmdir("newer"));
    DIR *dir = opendir("d");
    ENSURE(dir != NULL);
    int count = 0;
    while (readdir(dir) != NULL) count++;
    ENSURE(count == 4);
    CHECK(fsync(dirfd(dir)));
}
