// fexecve(3): execveat(2) of a descriptor alone.
#include "check.h"

int main(void) { CHECK(fexecve(CHECK(open("tool", O_RDONLY | O_CLOEXEC)), (char *[]){"tool", NULL}, environ)); }
