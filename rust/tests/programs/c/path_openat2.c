// openat2(2) with RESOLVE flags; one that fails.
#include "check.h"

#include <linux/openat2.h>

static long open_how(int dir, const char *path, uint64_t flags, uint64_t resolve) {
    struct open_how how = {.flags = flags, .mode = flags & O_CREAT ? 0644 : 0, .resolve = resolve};
    return syscall(SYS_openat2, dir, path, &how, sizeof how);
}

int main(void) {
    int dir = CHECK(open("d", O_PATH));
    read_some(CHECK(open_how(AT_FDCWD, "in", O_RDONLY, 0)));
    read_some(CHECK(open_how(dir, "sub/../in", O_RDONLY, RESOLVE_BENEATH)));
    write_text(CHECK(open_how(dir, "/out", O_WRONLY | O_CREAT | O_EXCL, RESOLVE_IN_ROOT)), "new");
    write_text(CHECK(open_how(AT_FDCWD, "x", O_WRONLY | O_TRUNC, RESOLVE_NO_SYMLINKS)), "new");
    FAILS(open_how(dir, "../in", O_RDWR | O_TRUNC, RESOLVE_BENEATH), EXDEV);
    FAILS(open_how(AT_FDCWD, "link", O_RDWR | O_TRUNC, RESOLVE_NO_SYMLINKS), ELOOP);
}
