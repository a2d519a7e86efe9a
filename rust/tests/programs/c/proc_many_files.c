// As many files as the first argument says are read, as many written, and those read back.
#include "check.h"

int main(int argc, char **argv) {
    ENSURE(argc == 2);
    int count = atoi(argv[1]);
    char name[64];
    for (int i = 1; i <= count; i++) {
        snprintf(name, sizeof name, "in/%d", i);
        read_file(name);
    }
    for (int i = 1; i <= count; i++) {
        snprintf(name, sizeof name, "out/%d", i);
        make_file(name, "new");
    }
    for (int i = 1; i <= count; i++) {
        snprintf(name, sizeof name, "out/%d", i);
        read_file(name);
    }
}
