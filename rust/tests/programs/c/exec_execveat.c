// execveat(2) of a name below a directory descriptor.
#include "check.h"

int main(void) {
    int dir = CHECK(open("bin", O_PATH | O_CLOEXEC));
    CHECK(syscall(SYS_execveat, dir, "tool", (char *[]){"tool", NULL}, environ, 0));
}
