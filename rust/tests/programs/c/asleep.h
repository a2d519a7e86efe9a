// Signals that interrupt a call for certain: sent once the caller is seen to sleep in it. After a time alone, on a busy
// machine, the signal comes before the call.
#pragma once

#include "check.h"

#include <pthread.h>
#include <sys/time.h>

// Calls that wait for a descriptor: read(2), or poll(2) as the C library of the architecture makes it.
enum { IN_READ = SYS_read,
#ifdef SYS_poll
       IN_POLL = SYS_poll
#else
       IN_POLL = SYS_ppoll
#endif
};

static int asleep_call_;

// Returns whether the first thread sleeps in the call. /proc/PID/task/TID/syscall starts with the number of the call of a
// thread that does not run, also of one that a tracer has stopped, which the state in /proc/PID/task/TID/stat tells apart (proc(5)).
static inline bool asleep_in_(int number) {
    char path[64], text[256], state;
    snprintf(path, sizeof path, "/proc/self/task/%d/syscall", (int)getpid());
    FILE *file = fopen(path, "r");
    ENSURE(file != NULL);
    bool in_call = fgets(text, sizeof text, file) != NULL && atoi(text) == number && strncmp(text, "running", 7) != 0;
    fclose(file);
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)getpid());
    file = fopen(path, "r");
    ENSURE(file != NULL && fscanf(file, "%*d (%*[^)]) %c", &state) == 1);
    fclose(file);
    return in_call && state == 'S';
}

static inline void *alarm_when_asleep_(void *unused) {
    while (!asleep_in_(asleep_call_)) sched_yield();
    CHECK(setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_usec = 1}, NULL));
    return unused;
}

// Makes SIGALRM come once the first thread, which calls this, sleeps in the call. The thread returned is to be joined.
static inline pthread_t alarm_in(int call) {
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    ENSURE(pthread_sigmask(SIG_BLOCK, &all, &before) == 0);
    asleep_call_ = call;
    ENSURE(pthread_create(&thread, NULL, alarm_when_asleep_, NULL) == 0);
    ENSURE(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    return thread;
}
