// A file is removed, and a process outside of the run makes another, which as a rule gets the same inode; it is read.
#include "check.h"

int main(void) {
    make_file("tmp", "own");
    CHECK(unlink("tmp"));
    write_text(CHECK(open("go", O_WRONLY)), "go\n");
    read_all(CHECK(open("done", O_RDONLY)));
    read_file("foreign");
}
