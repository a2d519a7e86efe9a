// Threads with the smallest stacks there may be, each making files, children and programs.
#include "check.h"

#include <limits.h>
#include <pthread.h>
#include <spawn.h>

extern char **environ;
static char *self;

static void *work(void *argument) {
    char name[32], other[32];
    long number = (long)argument;
    snprintf(name, sizeof name, "n%ld", number);
    make_file(name, "new");
    read_file(name);
    snprintf(other, sizeof other, "r%ld", number);
    CHECK(rename(name, other));
    snprintf(name, sizeof name, "f%ld", number);
    pid_t child = CHECK(fork());
    if (child == 0) {
        make_file(name, "new");
        _exit(0);
    }
    wait_for(child);
    snprintf(name, sizeof name, "e%ld", number);
    child = CHECK(vfork());
    if (child == 0) {
        execl(self, self, name, NULL);
        _exit(1);
    }
    wait_for(child);
    snprintf(name, sizeof name, "s%ld", number);
    ENSURE(posix_spawn(&child, self, NULL, NULL, (char *[]){self, name, NULL}, environ) == 0);
    wait_for(child);
    return NULL;
}

int main(int count, char **arguments) {
    if (count == 2) {
        make_file(arguments[1], "new");
        return 0;
    }
    self = arguments[0];
    pthread_attr_t attributes;
    ENSURE(pthread_attr_init(&attributes) == 0);
    size_t least = PTHREAD_STACK_MIN;
    ENSURE(pthread_attr_setstacksize(&attributes, least > 16384 ? least : 16384) == 0);
    pthread_t threads[4];
    for (long i = 0; i < 4; i++) ENSURE(pthread_create(&threads[i], &attributes, work, (void *)(i + 1)) == 0);
    for (int i = 0; i < 4; i++) ENSURE(pthread_join(threads[i], NULL) == 0);
}
