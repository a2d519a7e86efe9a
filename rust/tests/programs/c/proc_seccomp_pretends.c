// A filter that says that unlink succeeded, and does nothing: the file is still there.
#include "check.h"

#include "filter.h"

int main(void) {
    set_filter(SYS_unlink, SECCOMP_RET_ERRNO | 0, 0);
    ENSURE(syscall(SYS_unlink, "kept") == 0);
    CHECK(access("kept", F_OK));
}
