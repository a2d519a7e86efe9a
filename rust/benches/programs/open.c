/* Opens that read nothing: open COUNT FILE */
#include "loop.h"

int main(int argc, char **argv) {
    for (long i = count(argc, argv); i > 0; i--)
        must(close(must(open(argv[2], O_RDONLY), "open")), "close");
    return 0;
}
