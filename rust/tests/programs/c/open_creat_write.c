// O_CREAT of a file that exists is an ordinary open; the write is in place.
#include "check.h"

int main(void) { write_text(CHECK(open("x", O_WRONLY | O_CREAT, 0644)), "new"); }
