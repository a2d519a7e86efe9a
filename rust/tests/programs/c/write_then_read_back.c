// A new file is written, closed and read: no input.
#include "check.h"

int main(void) {
    make_file("x", "own");
    read_file("x");
}
