// Does nothing, successfully, without a dynamic linker.
#include "check.h"

int main(void) { return 0; }
