// O_APPEND: updated, and not an input.
#include "check.h"

int main(void) { write_text(CHECK(open("log", O_WRONLY | O_APPEND)), "more\n"); }
