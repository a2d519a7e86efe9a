// One of two names is written through, the other never touched.
#include "check.h"

int main(void) { write_text(CHECK(open("b", O_WRONLY | O_APPEND)), "more"); }
