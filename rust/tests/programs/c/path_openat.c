// Every *at call with directory descriptors, one of them moved by dup and one read-only.
#include "check.h"

int main(void) {
    int d = CHECK(dup(CHECK(open("d", O_RDONLY | O_DIRECTORY)))), e = CHECK(open("e", O_PATH | O_DIRECTORY));
    read_some(CHECK(openat(d, "in", O_RDONLY)));
    write_text(CHECK(openat(e, "out", O_WRONLY | O_CREAT, 0644)), "new");
    CHECK(linkat(d, "in", e, "hard", 0));
    CHECK(symlinkat("out", e, "soft"));
    CHECK(mknodat(e, "node", S_IFREG | 0644, 0));
    CHECK(unlinkat(d, "gone", 0));
}
