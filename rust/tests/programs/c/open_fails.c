// Opens that fail, among them some that would create or empty a file.
#include "check.h"

int main(void) {
    FAILS(open("absent", O_RDONLY), ENOENT);
    FAILS(open("a", O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST);
    FAILS(open("a/b", O_RDWR | O_CREAT, 0644), ENOTDIR);
    FAILS(open("absent/b", O_RDWR | O_CREAT | O_TRUNC, 0644), ENOENT);
    FAILS(open("link", O_RDWR | O_TRUNC | O_NOFOLLOW), ELOOP);
    FAILS(open("a", O_RDONLY | O_DIRECTORY), ENOTDIR);
    FAILS(open("dir", O_WRONLY | O_TRUNC), EISDIR);
    FAILS(open((char *)8, O_RDONLY), EFAULT);
}
