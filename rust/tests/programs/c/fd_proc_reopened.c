// /proc/self/fd/N and /dev/fd/N open the file anew; of a file that was renamed, under its new name.
#include "check.h"

int main(void) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%ld", CHECK(open("in", O_PATH)));
    read_file(path);
    int fd = CHECK(open("x", O_RDONLY | O_CREAT, 0644));
    CHECK(rename("x", "y"));
    snprintf(path, sizeof path, "/dev/fd/%d", fd);
    write_text(CHECK(open(path, O_WRONLY)), "new");
}
