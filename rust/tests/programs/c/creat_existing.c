// creat(2) of a file that exists.
#include "check.h"

int main(void) { write_text(CHECK(syscall(SYS_creat, "x", 0644)), "new"); }
