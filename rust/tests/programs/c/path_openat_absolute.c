// An absolute path makes the directory descriptor irrelevant, even a bad one.
#include "check.h"

int main(int argc, char **argv) {
    ENSURE(argc == 2);
    read_some(CHECK(openat(-5, argv[1], O_RDONLY)));
}
