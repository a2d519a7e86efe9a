// What every program uses. A program asserts its own success: where a call does not do what the program is there to
// show, it says so and ends with status 1; where the kernel cannot do it at all, it ends with 77.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

// Ends the program with a message unless the condition holds.
#define ENSURE(condition) ((condition) ? (void)0 : fail_(#condition, __FILE__, __LINE__))

// Returns the result of a call that must not be -1.
#define CHECK(call) check_((long)(call), #call, __FILE__, __LINE__)

// Ends the program unless the call fails with that errno.
#define FAILS(call, number) (errno = 0, ENSURE((long)(call) == -1 && errno == (number)))

static inline void fail_(const char *what, const char *file, int line) {
    fprintf(stderr, "%s:%d: %s (errno: %s)\n", file, line, what, strerror(errno));
    _exit(1);
}

static inline long check_(long result, const char *what, const char *file, int line) {
    if (result == -1) fail_(what, file, line);
    return result;
}

// The kernel cannot do what the program shows.
static inline void unsupported(const char *what) {
    fprintf(stderr, "not supported here: %s (errno: %s)\n", what, strerror(errno));
    _exit(77);
}

// Reads at least one byte.
static inline void read_some(int fd) {
    char buffer[4096];
    ENSURE(read(fd, buffer, sizeof buffer) > 0);
}

// Reads until the end of the file.
static inline void read_all(int fd) {
    char buffer[4096];
    while (CHECK(read(fd, buffer, sizeof buffer)) > 0) continue;
}

// Writes all of the text.
static inline void write_text(int fd, const char *text) {
    ENSURE(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

// Makes or empties a file and writes the text.
static inline void make_file(const char *path, const char *text) {
    int fd = CHECK(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
    write_text(fd, text);
    CHECK(close(fd));
}

// Opens a file, reads some of it and closes it.
static inline void read_file(const char *path) {
    int fd = CHECK(open(path, O_RDONLY));
    read_some(fd);
    CHECK(close(fd));
}

// Waits for a child, which must end with status 0.
static inline void wait_for(pid_t pid) {
    int status;
    ENSURE(waitpid(pid, &status, 0) == pid);
    ENSURE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

// Tells whoever waits on the other end of a pipe.
static inline void tell(int fd) {
    ENSURE(write(fd, "x", 1) == 1);
}

// Waits until somebody tells.
static inline void await(int fd) {
    char byte;
    ssize_t count;
    do count = read(fd, &byte, 1);
    while (count == -1 && errno == EINTR);
    ENSURE(count == 1);
}
