// Two files are copied, by the process and by a thread of it; with an argument, memory is used that was freed.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static void copy(const char *from, const char *to) {
    char *buffer = malloc(100);
    FILE *in = fopen(from, "r"), *out = fopen(to, "w");
    fwrite(buffer, 1, fread(buffer, 1, 100, in), out);
    fclose(in);
    fclose(out);
    free(buffer);
}

static void *copy_aside(void *argument) {
    (void)argument;
    copy("in/1", "out/thread");
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t thread;
    pthread_create(&thread, NULL, copy_aside, NULL);
    copy("in/0", "out/process");
    pthread_join(thread, NULL);
    puts("done");
    fflush(stdout);
    char *freed = malloc(100);
    free(freed);
    return argc > 1 ? freed[atoi(argv[1])] : 0;
}
