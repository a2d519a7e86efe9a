// The runtime of a sanitizer complains on the standard error, by calls of its own.
// build: -fsanitize=undefined
#include <limits.h>

#include "check.h"

int main(int argc, char **argv) {
    (void)argv;
    volatile int number = INT_MAX;
    number += argc;
    make_file("out", number < 0 ? "wrapped" : "content");
}
