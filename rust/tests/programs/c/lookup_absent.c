// Every call that looks for a path and finds nothing, each by a name of its own.
#include "check.h"

int main(void) {
    struct stat status;
    char buffer[64];
    char *arguments[] = {"absent_execve", NULL};
    int dir = CHECK(open("dir", O_RDONLY | O_DIRECTORY));
    FAILS(open("absent_open", O_RDONLY), ENOENT);
    FAILS(open("absent_emptied", O_WRONLY | O_TRUNC), ENOENT);
    FAILS(openat(dir, "absent_openat", O_RDWR), ENOENT);
    FAILS(execve("absent_execve", arguments, arguments + 1), ENOENT);
    FAILS(stat("absent_stat", &status), ENOENT);
    FAILS(lstat("absent_lstat", &status), ENOENT);
    FAILS(fstatat(dir, "absent_fstatat", &status, 0), ENOENT);
    FAILS(access("absent_access", F_OK), ENOENT);
    FAILS(faccessat(dir, "absent_faccessat", R_OK, 0), ENOENT);
    FAILS(readlink("absent_readlink", buffer, sizeof buffer), ENOENT);
    FAILS(readlinkat(dir, "absent_readlinkat", buffer, sizeof buffer), ENOENT);
}
