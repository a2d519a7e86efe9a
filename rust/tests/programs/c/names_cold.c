// Calls on names of which the kernel has nothing in memory when they begin. Alone, and with a directory on the way that is not in
// memory either.
#include "cold.h"

int main(int count, char **arguments) {
    bool is_deep = count > 1 && strcmp(arguments[1], "deep") == 0;
    char path[10][64];
    const char *names[] = {"new", "old", "moved", "fresh", "gone", "cut", "emptied", "linked", "link", "script"};
    for (int at = 0; at < 10; at++) snprintf(path[at], sizeof path[at], "%s%s", is_deep ? "deep/dir/" : "", names[at]);
    forget_names();
    if (count > 1 && strcmp(arguments[1], "same") == 0) {
        // Two names of one file: nothing happens, with success.
        CHECK(rename(path[0], path[1]));
        ENSURE(access(path[0], F_OK) == 0);
        return 0;
    }
    CHECK(rename(path[0], path[1]));
    if (is_deep) forget_names();
    CHECK(rename(path[2], path[3]));
    if (is_deep) forget_names();
    CHECK(unlink(path[4]));
    if (is_deep) forget_names();
    CHECK(truncate(path[5], 1));
    if (is_deep) forget_names();
    CHECK(open(path[6], O_WRONLY | O_TRUNC));
    CHECK(link(path[7], path[8]));
    if (is_deep) forget_names();
    CHECK(execl(path[9], path[9], NULL));
}
