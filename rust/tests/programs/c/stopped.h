// Whether a process is stopped, by a signal or by a tracer.
#pragma once

#include "check.h"

static inline bool is_stopped(pid_t pid) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = CHECK(open(path, O_RDONLY));
    ssize_t length = CHECK(read(fd, text, sizeof text - 1));
    CHECK(close(fd));
    text[length] = '\0';
    char *name_end = strrchr(text, ')');
    ENSURE(name_end != NULL);
    return name_end[2] == 'T' || name_end[2] == 't';
}
