// One thread opens, another reads, a third closes and uses the number again.
#include "check.h"

#include <pthread.h>

static int fd;

static void *open_in(void *name) {
    fd = CHECK(open(name, O_RDONLY));
    return NULL;
}

static void *read_it(void *unused) {
    read_some(fd);
    return unused;
}

static void *close_it(void *unused) {
    CHECK(close(fd));
    return unused;
}

static void in_a_thread(void *(*work)(void *), void *argument) {
    pthread_t thread;
    ENSURE(pthread_create(&thread, NULL, work, argument) == 0);
    ENSURE(pthread_join(thread, NULL) == 0);
}

int main(void) {
    in_a_thread(open_in, "a");
    in_a_thread(read_it, NULL);
    in_a_thread(close_it, NULL);
    in_a_thread(open_in, "unread");
    in_a_thread(close_it, NULL);
    in_a_thread(open_in, "b");
    in_a_thread(read_it, NULL);
}
