// fork, execv of ./tool and wait, twice.
#include "check.h"

int main(void) {
    for (int i = 0; i < 2; i++) {
        pid_t child = CHECK(fork());
        if (child == 0) CHECK(execv("./tool", (char *[]){"tool", NULL}));
        wait_for(child);
    }
}
