// fork(2): parent and child each write a file.
#include "check.h"

int main(void) {
    pid_t child = CHECK(fork());
    make_file(child == 0 ? "child" : "parent", "new");
    if (child != 0) wait_for(child);
}
