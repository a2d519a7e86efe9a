// Sixteen threads, each of which reads a file and writes another, all at once.
#include "check.h"

#include <pthread.h>

enum { THREADS = 16 };

static pthread_barrier_t barrier;

static void *work(void *number) {
    char name[32];
    pthread_barrier_wait(&barrier);
    snprintf(name, sizeof name, "in%ld", (long)number);
    read_file(name);
    snprintf(name, sizeof name, "out%ld", (long)number);
    make_file(name, "new");
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    ENSURE(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
    for (long i = 0; i < THREADS; i++) ENSURE(pthread_create(&threads[i], NULL, work, (void *)(i + 1)) == 0);
    for (int i = 0; i < THREADS; i++) ENSURE(pthread_join(threads[i], NULL) == 0);
}
