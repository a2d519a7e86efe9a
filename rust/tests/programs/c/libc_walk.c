// glob, nftw, scandir and realpath read no files.
#include "check.h"

#include <dirent.h>
#include <ftw.h>
#include <glob.h>

static int seen;

static int visit(const char *path, const struct stat *status, int kind, struct FTW *where) {
    (void)path, (void)status, (void)kind, (void)where;
    seen++;
    return 0;
}

int main(void) {
    glob_t found;
    ENSURE(glob("d/*", 0, NULL, &found) == 0 && found.gl_pathc == 2);
    CHECK(nftw("d", visit, 8, FTW_PHYS));
    struct dirent **names;
    ENSURE(scandir("d", &names, NULL, alphasort) == 4 && seen == 3);
    ENSURE(realpath("d/../d/a", NULL) != NULL);
    read_file(found.gl_pathv[1]);
}
