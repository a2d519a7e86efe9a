// Puts another file in the place of its own program, and dies at once: whoever looks later finds the other file.
#include "check.h"

int main(int argc, char **argv) {
    CHECK(argc == 2 ? rename(argv[1], argv[0]) : -1);
    kill(getpid(), SIGKILL);
    return 1;
}
