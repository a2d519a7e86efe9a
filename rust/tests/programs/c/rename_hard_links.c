// rename(2) of two names of one file does nothing and succeeds.
#include "check.h"

int main(void) {
    CHECK(rename("a", "b"));
    struct stat status;
    CHECK(stat("a", &status));
    ENSURE(status.st_nlink == 2);
}
