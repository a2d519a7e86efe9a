// A process with a seccomp filter of its own, which makes unlink fail.
#include "check.h"

#include "filter.h"

int main(void) {
    set_filter(SYS_unlink, SECCOMP_RET_ERRNO | ENOANO, 0);
    FAILS(syscall(SYS_unlink, "kept"), ENOANO);
    make_file("out", "new");
}
