// A program whose symbols are all bound at its start, and read-only from then on.
// build: -Wl,-z,now,-z,relro -pie -fPIE
#include "check.h"

int main(void) {
    read_file("in");
    make_file("out", "new");
}
