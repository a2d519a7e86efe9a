// Reads and writes of single bytes through the same descriptors: by one thread, by four at once, then by a child and its parent at once.
#include "check.h"

#include <pthread.h>

static int in, out;

static void copy_bytes(int count) {
    char byte;
    for (int i = 0; i < count; i++) {
        ENSURE(pread(in, &byte, 1, 0) == 1);
        ENSURE(write(out, &byte, 1) == 1);
    }
}

static void *copy_many(void *unused) {
    copy_bytes(20000);
    return unused;
}

int main(void) {
    in = CHECK(open("in", O_RDONLY));
    out = CHECK(open("out", O_WRONLY | O_CREAT | O_APPEND, 0644));
    copy_bytes(1000);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) ENSURE(pthread_create(&threads[i], NULL, copy_many, NULL) == 0);
    for (int i = 0; i < 4; i++) ENSURE(pthread_join(threads[i], NULL) == 0);
    pid_t child = CHECK(fork());
    if (child == 0) {
        copy_bytes(500);
        _exit(0);
    }
    copy_bytes(700);
    wait_for(child);
}
