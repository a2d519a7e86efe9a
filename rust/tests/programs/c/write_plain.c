// write(2) to a new file.
#include "check.h"

int main(void) { write_text(CHECK(open("out", O_WRONLY | O_CREAT | O_EXCL, 0644)), "new"); }
