// As raw_calls, in a static program.
#include "check.h"

#include "raw.h"

int main(void) {
    char buffer[8];
    int in = raw(SYS_open, (long)"in", O_RDONLY, 0), out = raw(SYS_open, (long)"out", O_WRONLY | O_CREAT, 0644);
    ENSURE(in >= 0 && out >= 0);
    ENSURE(raw(SYS_read, in, (long)buffer, 4) == 4);
    ENSURE(raw(SYS_write, out, (long)buffer, 4) == 4);
}
