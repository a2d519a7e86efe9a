// O_TRUNC empties a file even where it is opened for reading only.
#include "check.h"

int main(void) {
    CHECK(open("x", O_RDONLY | O_TRUNC));
    struct stat status;
    CHECK(stat("x", &status));
    ENSURE(status.st_size == 0);
}
