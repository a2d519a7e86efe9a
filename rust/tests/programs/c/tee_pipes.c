// tee(2) between pipes moves no file; what comes of it is spliced into one.
#include "check.h"

int main(void) {
    int first[2], second[2];
    CHECK(pipe(first));
    CHECK(pipe(second));
    write_text(first[1], "text");
    ENSURE(tee(first[0], second[1], 4, 0) == 4);
    ENSURE(vmsplice(second[1], &(struct iovec){"more", 4}, 1, 0) == 4);
    ENSURE(splice(second[0], NULL, CHECK(open("out", O_WRONLY | O_CREAT, 0644)), NULL, 8, 0) > 0);
}
