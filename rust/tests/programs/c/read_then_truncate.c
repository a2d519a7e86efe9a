// The content is read before another open empties the file.
#include "check.h"

int main(void) {
    read_file("x");
    make_file("x", "new");
}
