// io_uring: RENAMEAT, UNLINKAT and LINKAT of names of which the kernel has nothing in memory when they are asked for; and, if told so, of
// the directory that they are in.
#include "cold.h"

#include "uring.h"

int main(int count, char **arguments) {
    bool is_deep = count > 1 && strcmp(arguments[1], "deep") == 0;
    char path[7][64];
    const char *names[] = {"new", "old", "moved", "fresh", "gone", "linked", "link"};
    for (int at = 0; at < 7; at++) snprintf(path[at], sizeof path[at], "%s%s", is_deep ? "deep/dir/" : "", names[at]);
    struct ring ring = make_ring(0);
    forget_names();
    int result = submit(&ring, entry_for(IORING_OP_RENAMEAT, AT_FDCWD, path[0], AT_FDCWD, (uintptr_t)path[1]));
    if (result == -EINVAL) unsupported("IORING_OP_RENAMEAT");
    ENSURE(result == 0);
    if (is_deep) forget_names();
    ENSURE(submit(&ring, entry_for(IORING_OP_RENAMEAT, AT_FDCWD, path[2], AT_FDCWD, (uintptr_t)path[3])) == 0);
    if (is_deep) forget_names();
    ENSURE(submit(&ring, entry_for(IORING_OP_UNLINKAT, AT_FDCWD, path[4], 0, 0)) == 0);
    if (is_deep) forget_names();
    ENSURE(submit(&ring, entry_for(IORING_OP_LINKAT, AT_FDCWD, path[5], AT_FDCWD, (uintptr_t)path[6])) == 0);
}
