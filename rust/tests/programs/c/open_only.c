// Opens without a read or write, in every access mode.
#include "check.h"

int main(void) {
    CHECK(open("a", O_RDONLY));
    CHECK(open("a", O_WRONLY));
    CHECK(open("a", O_RDWR));
    CHECK(open("a", O_WRONLY | O_APPEND));
    CHECK(open("a", O_PATH));
    CHECK(open("a", O_RDWR | O_CREAT, 0644));
    CHECK(lseek(CHECK(open("a", O_RDONLY)), 0, SEEK_END));
    CHECK(fsync(CHECK(open("a", O_RDWR))));
}
