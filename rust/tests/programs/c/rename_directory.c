// A directory is renamed; the files below it are never touched.
#include "check.h"

int main(void) { CHECK(rename("d", "e")); }
