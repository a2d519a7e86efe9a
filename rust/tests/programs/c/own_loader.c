// A program whose dynamic linker is a file of the world.
// build: -Wl,--dynamic-linker=./ld.so
#include "check.h"

int main(void) { return 0; }
