// A path of PATH_MAX - 1 bytes, the longest that a call takes.
#include "check.h"

#include <limits.h>

int main(void) {
    char path[PATH_MAX], world[PATH_MAX];
    ENSURE(getcwd(world, sizeof world) != NULL);
    size_t length = strlen(world);
    memcpy(path, world, length);
    // Directories of 200 bytes each, then a name that fills the rest.
    while (sizeof path - 1 - length > 250) {
        path[length++] = '/';
        memset(path + length, 'd', 200);
        length += 200;
        path[length] = '\0';
        CHECK(mkdir(path, 0755));
    }
    path[length++] = '/';
    memset(path + length, 'f', sizeof path - 1 - length);
    path[sizeof path - 1] = '\0';
    make_file(path, "new");
    struct stat status;
    ENSURE(strlen(path) == PATH_MAX - 1 && stat(path, &status) == 0);
}
