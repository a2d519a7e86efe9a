// The checked twins that -D_FORTIFY_SOURCE calls: __read_chk, __fgets_chk, __fprintf_chk, __open_2 and others.
// build: -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
#include "check.h"

int main(int argc, char **argv) {
    (void)argv;
    char buffer[64];
    volatile size_t size = sizeof buffer / argc;
    volatile int flags = O_RDONLY;
    ENSURE(read(CHECK(open("read", flags)), buffer, size) > 0);
    ENSURE(pread(CHECK(openat(AT_FDCWD, "pread", flags)), buffer, size, 0) > 0);
    FILE *file = fopen("fgets", "r");
    ENSURE(file != NULL && fgets(buffer, size, file) != NULL);
    file = fopen("fread", "r");
    ENSURE(file != NULL && fread(buffer, 1, size, file) > 0);
    file = fopen("fprintf", "w");
    ENSURE(file != NULL && fprintf(file, "%d\n", argc) > 0);
}
