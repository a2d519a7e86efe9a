// renameat(2) between two directories.
#include "check.h"

int main(void) {
    int from = CHECK(open("d", O_RDONLY | O_DIRECTORY)), to = CHECK(open("e", O_PATH));
    CHECK(renameat(from, "a", to, "b"));
}
