// Everything about a file but its content.
#include "check.h"

#include <sys/statfs.h>
#include <sys/xattr.h>

int main(void) {
    struct stat status;
    struct statx extended;
    struct statfs system;
    char buffer[64];
    CHECK(stat("a", &status));
    CHECK(lstat("link", &status));
    CHECK(statx(AT_FDCWD, "a", 0, STATX_ALL, &extended));
    CHECK(access("a", R_OK));
    CHECK(faccessat(AT_FDCWD, "a", W_OK, AT_EACCESS));
    CHECK(readlink("link", buffer, sizeof buffer));
    CHECK(chmod("a", 0600));
    CHECK(chown("a", getuid(), getgid()));
    CHECK(utimensat(AT_FDCWD, "a", NULL, 0));
    CHECK(statfs("a", &system));
    ENSURE(getxattr("a", "user.absent", buffer, sizeof buffer) == -1);
    CHECK(fstat(CHECK(open("a", O_RDONLY)), &status));
}
