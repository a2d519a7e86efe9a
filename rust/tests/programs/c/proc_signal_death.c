// Writes a file and dies of the signal whose number is the first argument.
#include "check.h"

int main(int argc, char **argv) {
    ENSURE(argc == 2);
    make_file("out", "new");
    raise(atoi(argv[1]));
}
