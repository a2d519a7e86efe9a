// Prints in turn from parent, child and threads, on both streams: the order is kept by pipes alone.
#include "check.h"

#include <pthread.h>

static int there[2], back[2];

static void *answer(void *rounds) {
    for (long i = 0; i < (long)rounds; i++) {
        await(there[0]);
        dprintf(2, "thread %ld\n", i);
        tell(back[1]);
    }
    return NULL;
}

int main(void) {
    CHECK(pipe(there));
    CHECK(pipe(back));
    pid_t child = CHECK(fork());
    if (child == 0) {
        for (int i = 0; i < 500; i++) {
            await(there[0]);
            dprintf(i % 2 + 1, "child %d\n", i);
            tell(back[1]);
        }
        _exit(0);
    }
    for (int i = 0; i < 500; i++) {
        dprintf(1, "parent %d\n", i);
        tell(there[1]);
        await(back[0]);
    }
    wait_for(child);
    pthread_t thread;
    ENSURE(pthread_create(&thread, NULL, answer, (void *)100L) == 0);
    for (int i = 0; i < 100; i++) {
        dprintf(1, "main %d\n", i);
        tell(there[1]);
        await(back[0]);
    }
    ENSURE(pthread_join(thread, NULL) == 0);
}
