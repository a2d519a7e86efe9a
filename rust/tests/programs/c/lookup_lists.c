// Lists directories, one of them twice, and changes what is in them.
#include "check.h"

#include <dirent.h>

static int count(const char *path) {
    int names = 0;
    DIR *directory = opendir(path);
    ENSURE(directory != NULL);
    while (readdir(directory) != NULL) {
        names++;
    }
    CHECK(closedir(directory));
    return names - 2;
}

int main(void) {
    ENSURE(count("data") == 3);
    ENSURE(count("data") == 3);
    ENSURE(count("data/sub") == 0);
    CHECK(close(CHECK(open("data/own", O_WRONLY | O_CREAT, 0644))));
    CHECK(unlink("data/a"));
    CHECK(rename("data/b", "data/c"));
    // Opened, and not listed.
    CHECK(close(CHECK(open("other", O_RDONLY | O_DIRECTORY))));
}
