// One of two names is read, then the other written through.
#include "check.h"

int main(void) {
    read_file("a");
    write_text(CHECK(open("b", O_WRONLY | O_APPEND)), "more");
}
