// Memory files, shared memory, eventfd, timerfd, signalfd, epoll, inotify: no subjects.
#include "check.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

int main(void) {
    int fd = CHECK(memfd_create("x", 0));
    write_text(fd, "text");
    CHECK(ftruncate(fd, 4096));
    ENSURE(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    read_file(path);
    uint64_t value = 1;
    int event = CHECK(eventfd(0, 0));
    ENSURE(write(event, &value, sizeof value) == sizeof value);
    ENSURE(read(event, &value, sizeof value) == sizeof value);
    CHECK(epoll_create1(0));
    CHECK(timerfd_create(CLOCK_MONOTONIC, 0));
    sigset_t set;
    sigemptyset(&set);
    CHECK(signalfd(-1, &set, 0));
    int shared = CHECK(shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600));
    char *memory = shmat(shared, NULL, 0);
    CHECK(shmctl(shared, IPC_RMID, NULL));
    memory[0] = 'x';
    ENSURE(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    CHECK(inotify_add_watch(CHECK(inotify_init1(0)), ".", IN_CREATE));
}
