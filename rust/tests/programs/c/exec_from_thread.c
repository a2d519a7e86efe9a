// A thread other than the leader executes ./tool while the others wait.
#include "check.h"

#include <pthread.h>

static void *run(void *unused) {
    CHECK(execv("./tool", (char *[]){"tool", "x", NULL}));
    return unused;
}

int main(void) {
    pthread_t thread;
    ENSURE(pthread_create(&thread, NULL, run, NULL) == 0);
    for (;;) pause();
}
