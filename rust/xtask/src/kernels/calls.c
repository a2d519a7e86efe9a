// Times system calls in batches, and prints the shortest time of each for one: no interrupt was in it. Where a nanosecond is an instruction,
// that is a number which repeats. The calls take turns, so that each sees every state that a tracer gets into.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 400, BATCH = 100 };

static int in, out;
static char buffer[16];

static void call_getppid(void) { syscall(SYS_getppid); }
static void call_pread(void) { if (pread(in, buffer, sizeof buffer, 0) < 0) abort(); }
static void call_pwrite(void) { if (pwrite(out, buffer, sizeof buffer, 0) < 0) abort(); }
static void call_stat(void) { struct stat status; if (stat("in", &status)) abort(); }
static void call_open_read_close(void) {
    int file = open("in", O_RDONLY);
    if (file < 0 || read(file, buffer, sizeof buffer) < 0 || close(file)) abort();
}

static const struct { const char *name; void (*call)(void); } calls[] = {
    { "getppid", call_getppid },
    { "pread", call_pread },
    { "pwrite", call_pwrite },
    { "stat", call_stat },
    { "open+read+close", call_open_read_close },
};
enum { CALLS = sizeof calls / sizeof *calls };

static long nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000L + now.tv_nsec;
}

int main(int count, char **words) {
    long shortest[CALLS];
    in = open("in", O_RDONLY);
    out = open("out", O_WRONLY | O_CREAT, 0644);
    if (in < 0 || out < 0 || count < 2) return 1;
    for (int round = 0; round < ROUNDS; round++)
        for (int index = 0; index < CALLS; index++) {
            long start = nanoseconds();
            for (int repeat = 0; repeat < BATCH; repeat++) calls[index].call();
            long took = nanoseconds() - start;
            if (round == 0 || took < shortest[index]) shortest[index] = took;
        }
    for (int index = 0; index < CALLS; index++)
        printf("count: %s %s %ld\n", words[1], calls[index].name, (shortest[index] + BATCH / 2) / BATCH);
    return 0;
}
