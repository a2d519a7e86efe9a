// The runtime of a sanitizer that has nothing to complain of.
// build: -fsanitize=undefined
#include "check.h"

int main(void) {
    read_file("in");
}
