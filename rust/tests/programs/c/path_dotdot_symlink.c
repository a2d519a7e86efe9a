// `link/..` is the parent of the directory that the link leads to, not of the link.
#include "check.h"

int main(void) {
    read_file("link/../in");
    make_file("link/../out", "new");
}
