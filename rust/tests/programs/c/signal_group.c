// The signal of the argument is sent to the whole process group, which may hold more than this process: its handler
// runs once.
#include "check.h"

static volatile sig_atomic_t count;

static void handle(int number) {
    (void)number;
    count++;
}

int main(int argc, char **argv) {
    ENSURE(argc == 2);
    int number = atoi(argv[1]);
    CHECK(sigaction(number, &(struct sigaction){.sa_handler = handle}, NULL));
    make_file("before", "new");
    CHECK(kill(0, number));
    ENSURE(count == 1);
    make_file("after", "new");
    ENSURE(count == 1);
    return 7;
}
