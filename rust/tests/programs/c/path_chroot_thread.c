// A thread with a root directory of its own (unshare(CLONE_FS), chroot(2)), while another thread keeps the first.
#include "check.h"

#include <pthread.h>

static int ends[2], back[2];

static void *work(void *unused) {
    CHECK(unshare(CLONE_FS));
    CHECK(chroot("jail"));
    CHECK(chdir("/"));
    tell(ends[1]);
    await(back[0]);
    CHECK(unlink("/gone"));
    CHECK(rename("/a", "/b"));
    make_file("/out", "new");
    CHECK(truncate("/emptied", 0));
    return unused;
}

int main(void) {
    CHECK(pipe(ends));
    CHECK(pipe(back));
    pthread_t thread;
    ENSURE(pthread_create(&thread, NULL, work, NULL) == 0);
    await(ends[0]);
    CHECK(unlink("gone"));
    make_file("out", "new");
    tell(back[1]);
    ENSURE(pthread_join(thread, NULL) == 0);
    CHECK(rename("a", "b"));
}
