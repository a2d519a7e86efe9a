// Strict seccomp: only read, write and exit are left.
#include "check.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>

int main(void) {
    int in = CHECK(open("in", O_RDONLY)), out = CHECK(open("out", O_WRONLY | O_CREAT | O_EXCL, 0644));
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
    read_some(in);
    write_text(out, "new");
    syscall(SYS_exit, 0);
}
