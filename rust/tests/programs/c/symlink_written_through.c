// Writing through a link to a file, and through one to nowhere, which makes the file.
#include "check.h"

int main(void) {
    make_file("link", "new");
    make_file("dangling", "new");
    write_text(CHECK(open("dirlink/c", O_WRONLY | O_CREAT, 0644)), "new");
}
