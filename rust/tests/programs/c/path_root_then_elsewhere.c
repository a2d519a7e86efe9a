// The root directory is opened and nothing done with it; then relative names elsewhere, from the working directory and from a descriptor of
// it that has the same number.
#include "check.h"

static void work(const char *name, const char *made) {
    int directory = CHECK(open(".", O_RDONLY | O_DIRECTORY));
    int in = CHECK(openat(directory, name, O_RDONLY));
    read_some(in);
    CHECK(close(in));
    int out = CHECK(openat(directory, made, O_WRONLY | O_CREAT, 0644));
    write_text(out, "new");
    CHECK(close(out));
    CHECK(close(directory));
}

int main(void) {
    int here = CHECK(open(".", O_RDONLY | O_DIRECTORY));
    for (int round = 0; round < 2; round++) {
        CHECK(chdir("/"));
        int root = CHECK(open("/", O_RDONLY | O_DIRECTORY));
        CHECK(close(root));
        root = CHECK(open(".", O_RDONLY | O_DIRECTORY));
        CHECK(fchdir(here));
        CHECK(chdir(round == 0 ? "a" : "b"));
        CHECK(close(root));
        read_file("in");
        make_file("out", "new");
        work("in2", "out2");
    }
    int root = CHECK(open("/", O_RDONLY | O_DIRECTORY));
    CHECK(fchdir(here));
    work("in3", "out3");
    CHECK(close(root));
}
