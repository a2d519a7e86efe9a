// One of two names is written through, then the other read: not its content from before.
#include "check.h"

int main(void) {
    write_text(CHECK(open("b", O_WRONLY | O_APPEND)), "more");
    read_file("a");
}
