// Does nothing, successfully: for being executed.
#include "check.h"

int main(void) { return 0; }
