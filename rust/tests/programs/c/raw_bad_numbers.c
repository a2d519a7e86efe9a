// System calls that do not exist fail as they would untraced; of a number only the lower half counts.
#include "check.h"

#include "raw.h"

int main(void) {
    ENSURE(raw(999, 1, 2, 3) == -ENOSYS);
    ENSURE(raw(-1, 1, 2, 3) == -ENOSYS);
    ENSURE(raw(1L << 40 | SYS_getpid, 0, 0, 0) == getpid());
    make_file("out", "new");
}
