// sendfile(2) from a file to a file.
#include "check.h"

int main(void) {
    int in = CHECK(open("in", O_RDONLY));
    int out = CHECK(open("out", O_WRONLY | O_CREAT | O_EXCL, 0644));
    ENSURE(sendfile(out, in, NULL, 4) == 4);
}
