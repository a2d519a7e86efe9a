// fexecve(3) of a descriptor that stays open: a script finds itself as /dev/fd/N. With an argument the name is removed first.
#include "check.h"

int main(int count, char **arguments) {
    (void)arguments;
    int fd = CHECK(open("tool", O_RDONLY));
    if (count > 1) CHECK(unlink("tool"));
    CHECK(fexecve(fd, (char *[]){"tool", NULL}, environ));
}
