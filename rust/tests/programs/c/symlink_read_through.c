// Reading through a link to a file, a link to a link, and a link to a directory.
#include "check.h"

int main(void) {
    read_file("link");
    read_file("linklink");
    read_file("dirlink/b");
}
