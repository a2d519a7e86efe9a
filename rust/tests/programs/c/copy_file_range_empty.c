// copy_file_range(2) from an empty file to one that exists: the former is read, the latter unchanged.
#include "check.h"

int main(void) {
    int in = CHECK(open("empty", O_RDONLY));
    ENSURE(copy_file_range(in, NULL, CHECK(open("out", O_WRONLY)), NULL, 4, 0) == 0);
}
