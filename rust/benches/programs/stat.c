/* Calls that matter to no lineage: stat COUNT FILE */
#include "loop.h"

int main(int argc, char **argv) {
    struct stat status;
    for (long i = count(argc, argv); i > 0; i--)
        must(stat(argv[2], &status), "stat");
    return 0;
}
