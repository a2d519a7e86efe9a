// vfork and execv of ./tool.
#include "check.h"

int main(void) {
    pid_t child = vfork();
    if (child == 0) {
        execv("./tool", (char *[]){"tool", NULL});
        _exit(1);
    }
    wait_for(CHECK(child));
}
