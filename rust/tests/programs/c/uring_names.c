// io_uring: RENAMEAT, UNLINKAT, LINKAT, SYMLINKAT.
#include "check.h"

#include "uring.h"

int main(void) {
    struct ring ring = make_ring(0);
    struct io_uring_sqe entry = entry_for(IORING_OP_RENAMEAT, AT_FDCWD, "a", AT_FDCWD, (uintptr_t)"b");
    int result = submit(&ring, entry);
    if (result == -EINVAL) unsupported("IORING_OP_RENAMEAT");
    ENSURE(result == 0);
    ENSURE(submit(&ring, entry_for(IORING_OP_UNLINKAT, AT_FDCWD, "gone", 0, 0)) == 0);
    ENSURE(submit(&ring, entry_for(IORING_OP_LINKAT, AT_FDCWD, "c", AT_FDCWD, (uintptr_t)"hard")) == 0);
    ENSURE(submit(&ring, entry_for(IORING_OP_SYMLINKAT, AT_FDCWD, "c", 0, (uintptr_t)"soft")) == 0);
    ENSURE(submit(&ring, entry_for(IORING_OP_UNLINKAT, AT_FDCWD, "absent", 0, 0)) == -ENOENT);
}
