// Threads that are cancelled while they wait in read(2) and open(2), and clean up by writing a file.
#include "check.h"

#include <pthread.h>

static int pipe_ends[2];

static void clean_up(void *name) {
    make_file(name, "cancelled");
}

static void *reads(void *name) {
    char byte;
    pthread_cleanup_push(clean_up, name);
    read(pipe_ends[0], &byte, 1);
    pthread_cleanup_pop(0);
    return NULL;
}

static void *opens(void *name) {
    pthread_cleanup_push(clean_up, name);
    open("fifo", O_RDONLY);
    pthread_cleanup_pop(0);
    return NULL;
}

static void cancel(void *(*work)(void *), const char *name) {
    pthread_t thread;
    void *result;
    ENSURE(pthread_create(&thread, NULL, work, (void *)name) == 0);
    usleep(20000);
    ENSURE(pthread_cancel(thread) == 0);
    ENSURE(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
}

int main(void) {
    CHECK(pipe(pipe_ends));
    CHECK(mkfifo("fifo", 0600));
    for (int i = 1; i <= 5; i++) {
        char name[16];
        snprintf(name, sizeof name, "r%d", i);
        cancel(reads, name);
        snprintf(name, sizeof name, "o%d", i);
        cancel(opens, name);
    }
    CHECK(unlink("fifo"));
    make_file("last", "new");
}
