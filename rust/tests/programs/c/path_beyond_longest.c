// A file deeper than PATH_MAX, made and read by directory descriptors.
#include "check.h"

int main(void) {
    char name[201];
    memset(name, 'd', 200);
    name[200] = '\0';
    int dir = CHECK(open(".", O_RDONLY | O_DIRECTORY));
    for (int depth = 0; depth < 30; depth++) {
        CHECK(mkdirat(dir, name, 0755));
        int next = CHECK(openat(dir, name, O_RDONLY | O_DIRECTORY));
        CHECK(close(dir));
        dir = next;
    }
    write_text(CHECK(openat(dir, "out", O_WRONLY | O_CREAT | O_EXCL, 0644)), "new");
    read_some(CHECK(openat(dir, "out", O_RDONLY)));
}
