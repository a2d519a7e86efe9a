// An environment that has LD_PRELOAD twice: loaders take the last.
#include "check.h"

int main(void) {
    char *environment[256];
    int count = 0;
    for (char **at = environ; *at && count < 254; at++) environment[count++] = *at;
    environment[count++] = "LD_PRELOAD=";
    environment[count] = NULL;
    CHECK(execve("/bin/cp", (char *[]){"cp", "in", "out", NULL}, environment));
}
