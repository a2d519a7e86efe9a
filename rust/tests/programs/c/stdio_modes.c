// The modes of fopen, and freopen.
#include "check.h"

int main(void) {
    FILE *file = fopen("append", "a");
    ENSURE(file != NULL && fputs("more", file) >= 0 && fclose(file) == 0);
    file = fopen("update", "r+");
    ENSURE(file != NULL && fputs("NEW", file) >= 0 && fclose(file) == 0);
    file = fopen("both", "w+");
    ENSURE(file != NULL && fputs("own", file) >= 0);
    rewind(file);
    ENSURE(getc(file) == 'o' && fclose(file) == 0);
    file = fopen("first", "r");
    ENSURE(file != NULL && getc(file) == 'c');
    file = freopen("second", "r", file);
    ENSURE(file != NULL && getc(file) == 'c' && fclose(file) == 0);
    ENSURE(freopen("stdout", "w", stdout) != NULL && puts("text") >= 0);
    ENSURE(fopen("absent", "r+") == NULL);
}
