// Libraries loaded and unloaded many times, and one in a namespace of its own, with a C library of its own that writes.
#include "check.h"

#include <dlfcn.h>

int main(void) {
    for (int i = 0; i < 100; i++) {
        void *library = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);
        ENSURE(library != NULL);
        ENSURE(dlclose(library) == 0);
    }
    make_file("first", "new");
    void *other = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW);
    if (other != NULL) {
        int (*other_open)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(other, "open");
        ssize_t (*other_write)(int, const void *, size_t) =
            (ssize_t(*)(int, const void *, size_t))dlsym(other, "write");
        int fd = CHECK(other_open("second", O_WRONLY | O_CREAT, 0644));
        ENSURE(other_write(fd, "x", 1) == 1);
        CHECK(close(fd));
    }
    make_file("third", "new");
}
