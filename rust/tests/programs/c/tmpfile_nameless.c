// O_TMPFILE, written and read back, that never gets a name: no record.
#include "check.h"

int main(void) {
    int fd = open(".", O_TMPFILE | O_RDWR, 0644);
    if (fd == -1) unsupported("O_TMPFILE");
    write_text(fd, "own");
    CHECK(lseek(fd, 0, SEEK_SET));
    read_some(fd);
    char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ENSURE(map != MAP_FAILED);
}
