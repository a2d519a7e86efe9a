// copy_file_range(2) and sendfile(2) that fail: nothing is read or written.
#include "check.h"

int main(void) {
    int in = CHECK(open("in", O_RDONLY)), out = CHECK(open("out", O_WRONLY));
    FAILS(copy_file_range(out, NULL, in, NULL, 4, 0), EBADF);
    FAILS(copy_file_range(in, NULL, out, NULL, 4, 1), EINVAL);
    FAILS(sendfile(in, out, NULL, 4), EBADF);
}
