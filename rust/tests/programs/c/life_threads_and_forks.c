// Children are forked while other threads make files all the time.
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_bool is_over;

static void *hammer(void *argument) {
    char name[32];
    for (unsigned i = 0; !is_over || i < 50; i++) {
        snprintf(name, sizeof name, "t%ld_%u", (long)argument, i % 50 + 1);
        make_file(name, "new");
    }
    return NULL;
}

int main(int count, char **arguments) {
    if (count == 2) {
        make_file(arguments[1], "new");
        return 0;
    }
    pthread_t threads[3];
    for (long i = 0; i < 3; i++) ENSURE(pthread_create(&threads[i], NULL, hammer, (void *)(i + 1)) == 0);
    for (int i = 1; i <= 60; i++) {
        char name[32];
        snprintf(name, sizeof name, "c%d", i);
        pid_t child = CHECK(i % 3 == 0 ? vfork() : fork());
        if (child == 0) {
            if (i % 3 != 1) execl(arguments[0], arguments[0], name, NULL);
            make_file(name, "new");
            _exit(0);
        }
        wait_for(child);
    }
    is_over = true;
    for (int i = 0; i < 3; i++) ENSURE(pthread_join(threads[i], NULL) == 0);
}
