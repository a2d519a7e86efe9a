// Writes to standard output and standard error; standard input is left alone.
#include "check.h"

int main(void) {
    write_text(1, "out\n");
    write_text(2, "err\n");
}
