// A file is renamed away, and a new one made in its place: how logs are rotated.
#include "check.h"

int main(void) {
    CHECK(rename("log", "log.1"));
    make_file("log", "new");
}
