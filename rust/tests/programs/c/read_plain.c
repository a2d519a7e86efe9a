// read(2).
#include "check.h"

int main(void) { read_file("in"); }
