// A chain of sixty processes, each the child of the one before; the last one writes.
#include "check.h"

int main(void) {
    for (int depth = 0; depth < 60; depth++) {
        pid_t child = CHECK(fork());
        if (child != 0) {
            wait_for(child);
            return 0;
        }
    }
    make_file("out", "new");
}
