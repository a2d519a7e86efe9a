// Every way of stdio to read: a file for each.
#include "check.h"

static FILE *opened(const char *name) {
    FILE *file = fopen(name, "r");
    ENSURE(file != NULL);
    return file;
}

int main(void) {
    char buffer[64], *line = NULL;
    size_t room = 0;
    int number;
    ENSURE(fgets(buffer, sizeof buffer, opened("fgets")) != NULL);
    ENSURE(getc(opened("getc")) == '1');
    ENSURE(fgetc(opened("fgetc")) == '1');
    ENSURE(getc_unlocked(opened("getc_unlocked")) == '1');
    ENSURE(getline(&line, &room, opened("getline")) > 0);
    ENSURE(getdelim(&line, &room, 'x', opened("getdelim")) > 0);
    ENSURE(fscanf(opened("fscanf"), "%d", &number) == 1);
    ENSURE(fread(buffer, 1, 4, opened("fread")) == 4);
    ENSURE(fread_unlocked(buffer, 1, 4, opened("fread_unlocked")) == 4);
    FILE *file = opened("setvbuf");
    ENSURE(setvbuf(file, NULL, _IONBF, 0) == 0 && fgetc(file) == '1');
    file = opened("ungetc");
    ENSURE(ungetc(getc(file), file) == '1');
}
