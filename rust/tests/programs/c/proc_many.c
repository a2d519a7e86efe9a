// As many processes as the first argument says, one after another, each of which copies `in` to a file of its own.
#include "check.h"

int main(int argc, char **argv) {
    ENSURE(argc == 2);
    for (int i = 1; i <= atoi(argv[1]); i++) {
        pid_t child = CHECK(fork());
        if (child == 0) {
            char name[32];
            snprintf(name, sizeof name, "o%d", i);
            read_file("in");
            make_file(name, "new");
            _exit(0);
        }
        wait_for(child);
    }
}
