// Writes a file and ends with the status that is the first argument.
#include "check.h"

int main(int argc, char **argv) {
    ENSURE(argc == 2);
    make_file("out", "new");
    return atoi(argv[1]);
}
