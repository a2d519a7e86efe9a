// The first thread ends; another goes on, and writes.
#include "check.h"

#include <pthread.h>

static void *work(void *leader) {
    ENSURE(pthread_join(*(pthread_t *)leader, NULL) == 0);
    read_file("in");
    make_file("out", "new");
    exit(0);
}

int main(void) {
    static pthread_t leader;
    pthread_t thread;
    leader = pthread_self();
    ENSURE(pthread_create(&thread, NULL, work, &leader) == 0);
    pthread_exit(NULL);
}
