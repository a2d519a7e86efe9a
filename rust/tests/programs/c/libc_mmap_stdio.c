// stdio with mode "m" reads through a mapping.
#include "check.h"

int main(void) {
    FILE *file = fopen("in", "rm");
    ENSURE(file != NULL && getc(file) == 'c');
}
