// A file on /dev/shm, named by the first argument, is a file like any other.
#include "check.h"

int main(int argc, char **argv) {
    ENSURE(argc == 2);
    char other[256];
    snprintf(other, sizeof other, "%s.gone", argv[1]);
    make_file(argv[1], "new");
    make_file(other, "own");
    CHECK(unlink(other));
}
