// open, read, write, rename and unlink by the `syscall` instruction.
#include "check.h"

#include "raw.h"

int main(void) {
    char buffer[8];
    int in = raw(SYS_open, (long)"in", O_RDONLY, 0), out = raw(SYS_open, (long)"tmp", O_WRONLY | O_CREAT, 0644);
    ENSURE(in >= 0 && out >= 0);
    ENSURE(raw(SYS_read, in, (long)buffer, 4) == 4);
    ENSURE(raw(SYS_write, out, (long)buffer, 4) == 4);
    ENSURE(raw(SYS_rename, (long)"tmp", (long)"out", 0) == 0);
    ENSURE(raw(SYS_unlink, (long)"gone", 0, 0) == 0);
}
