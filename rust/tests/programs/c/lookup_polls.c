// Waits for a file that never comes, a hundred thousand times.
#include "check.h"

int main(void) {
    struct stat status;
    for (int times = 0; times < 100000; times++) {
        ENSURE(stat("absent", &status) == -1);
        ENSURE(access("dir/absent", F_OK) == -1);
    }
}
