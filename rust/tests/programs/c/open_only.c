// Opens without a read or write, in every access mode; locks, advice and the like.
#include "check.h"

#include <sys/file.h>

int main(void) {
    CHECK(open("a", O_RDONLY));
    CHECK(open("a", O_WRONLY));
    CHECK(open("a", O_RDWR));
    CHECK(open("a", O_WRONLY | O_APPEND));
    CHECK(open("a", O_PATH));
    CHECK(open("a", O_RDWR | O_CREAT, 0644));
    CHECK(lseek(CHECK(open("a", O_RDONLY)), 0, SEEK_END));
    int fd = CHECK(open("a", O_RDWR));
    CHECK(fsync(fd));
    CHECK(flock(fd, LOCK_EX));
    CHECK(fcntl(fd, F_SETLK, &(struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET}));
    CHECK(readahead(fd, 0, 4096));
    ENSURE(posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED) == 0);
}
