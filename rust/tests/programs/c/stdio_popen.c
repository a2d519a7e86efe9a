// popen(3) and system(3).
#include "check.h"

int main(void) {
    char buffer[16];
    FILE *pipe = popen("cat in", "r");
    ENSURE(pipe != NULL && fgets(buffer, sizeof buffer, pipe) != NULL && pclose(pipe) == 0);
    ENSURE(system("cp in out") == 0);
}
