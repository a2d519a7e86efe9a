// Every way of stdio to write: a file for each; some are flushed only at the end.
#include "check.h"

static FILE *made(const char *name) {
    FILE *file = fopen(name, "w");
    ENSURE(file != NULL);
    return file;
}

int main(void) {
    ENSURE(fputc('x', made("fputc")) == 'x');
    ENSURE(putc('x', made("putc")) == 'x');
    ENSURE(putc_unlocked('x', made("putc_unlocked")) == 'x');
    ENSURE(fputs("x", made("fputs")) >= 0);
    ENSURE(fprintf(made("fprintf"), "%d", 1) == 1);
    ENSURE(fwrite("x", 1, 1, made("fwrite")) == 1);
    ENSURE(dprintf(CHECK(open("dprintf", O_WRONLY | O_CREAT, 0644)), "%d", 1) == 1);
    ENSURE(fclose(made("fclose")) == 0);
}
