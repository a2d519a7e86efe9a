// A thread forks; the child writes.
#include "check.h"

#include <pthread.h>

static void *work(void *unused) {
    pid_t child = CHECK(fork());
    if (child == 0) {
        make_file("out", "new");
        _exit(0);
    }
    wait_for(child);
    return unused;
}

int main(void) {
    pthread_t thread;
    ENSURE(pthread_create(&thread, NULL, work, NULL) == 0);
    ENSURE(pthread_join(thread, NULL) == 0);
}
