// mkstemp, mkostemps, mkdtemp, tmpfile: some removed, one renamed into place.
#include "check.h"

int main(void) {
    char gone[] = "goneXXXXXX", kept[] = "keptXXXXXX.txt", dir[] = "dirXXXXXX", inside[64];
    write_text(CHECK(mkstemp(gone)), "own");
    CHECK(unlink(gone));
    write_text(CHECK(mkostemps(kept, 4, O_CLOEXEC)), "new");
    CHECK(rename(kept, "out"));
    ENSURE(mkdtemp(dir) != NULL);
    snprintf(inside, sizeof inside, "%s/x", dir);
    make_file(inside, "own");
    CHECK(unlink(inside));
    CHECK(rmdir(dir));
    FILE *file = tmpfile();
    ENSURE(file != NULL && fputs("own", file) >= 0 && fclose(file) == 0);
}
