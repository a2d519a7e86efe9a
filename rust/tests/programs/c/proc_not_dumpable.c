// A process that forbids others to look into it (PR_SET_DUMPABLE).
#include "check.h"

#include <sys/prctl.h>

int main(void) {
    CHECK(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
    read_file("in");
    make_file("out", "new");
}
