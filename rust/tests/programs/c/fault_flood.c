// Tells more at once than a tracer can take: `burst N` makes N files below the directory of the third argument, each written and read, and read
// again by other descriptors, ten events each; `stopped N` waits until it is told by the FIFO `../go`, opens and reads the files of the world
// N times, as fast as it can, and says by `../ready` before and behind that it is there. Ends with status 7.
#include "check.h"

#define FILES 1000

static void burst(int count) {
    char name[64];
    for (int i = 0; i < count; i++) {
        if (i % FILES == 0) {
            snprintf(name, sizeof name, "d%d", i / FILES);
            CHECK(mkdir(name, 0755));
        }
        snprintf(name, sizeof name, "d%d/%d", i / FILES, i);
        int fd = CHECK(open(name, O_RDWR | O_CREAT | O_EXCL, 0644));
        char byte = 'x';
        ENSURE(pwrite(fd, &byte, 1, 0) == 1);
        ENSURE(pread(fd, &byte, 1, 0) == 1);
        CHECK(close(fd));
        for (int more = 0; more < 7; more++) read_file(name);
    }
}

static void read_often(int count) {
    int ready = CHECK(open("../ready", O_WRONLY));
    int go = CHECK(open("../go", O_RDONLY));
    char name[64];
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "f%d", i);
        make_file(name, "content");
    }
    tell(ready);
    await(go);
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "f%d", i % FILES);
        read_file(name);
    }
    tell(ready);
}

int main(int argc, char **argv) {
    ENSURE(argc >= 3);
    int count = atoi(argv[2]);
    if (strcmp(argv[1], "burst") == 0) {
        CHECK(chdir(argv[3]));
        burst(count);
    } else {
        read_often(count);
    }
    return 7;
}
