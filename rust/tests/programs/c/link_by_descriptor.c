// Files that have names are given second ones by their descriptors: by the descriptor itself, which takes a privilege, and by way of proc.
// So is a symbolic link.
#include "check.h"

int main(void) {
    int a = CHECK(open("a", O_RDONLY));
    CHECK(linkat(a, "", AT_FDCWD, "by_descriptor", AT_EMPTY_PATH));
    int link = CHECK(open("link", O_PATH | O_NOFOLLOW));
    CHECK(linkat(link, "", AT_FDCWD, "second_link", AT_EMPTY_PATH));
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", (int)CHECK(open("b", O_RDONLY)));
    CHECK(linkat(AT_FDCWD, path, AT_FDCWD, "by_proc", AT_SYMLINK_FOLLOW));
}
