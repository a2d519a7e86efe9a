// A user namespace of its own.
#include "check.h"

int main(void) {
    if (unshare(CLONE_NEWUSER) == -1) unsupported("unshare(CLONE_NEWUSER)");
    read_file("in");
}
