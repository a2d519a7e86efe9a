// Makes files one after another, by itself and by children of every kind, and says on standard output which are complete:
// what is said there must be in the record, whoever is killed meanwhile. Ends with status 7.
#include "check.h"

#include <spawn.h>

extern char **environ;

static void say(const char *name) {
    char line[64];
    int len = snprintf(line, sizeof line, "%s\n", name);
    ENSURE(write(STDOUT_FILENO, line, len) == len);
}

static void make_by_fork(const char *name) {
    pid_t child = CHECK(fork());
    if (child == 0) {
        make_file(name, "by a child");
        say(name);
        _exit(0);
    }
    wait_for(child);
}

static void make_by_rename(const char *name) {
    char aside[64];
    snprintf(aside, sizeof aside, "%s.new", name);
    make_file(aside, "renamed");
    CHECK(rename(aside, name));
    say(name);
}

static void make_by_program(const char *self, const char *name) {
    pid_t child;
    char *arguments[] = {(char *)self, "one", (char *)name, NULL};
    ENSURE(posix_spawn(&child, self, NULL, NULL, arguments, environ) == 0);
    wait_for(child);
}

int main(int count, char **arguments) {
    ENSURE(count == 3);
    if (strcmp(arguments[1], "one") == 0) {
        make_file(arguments[2], "by a program");
        say(arguments[2]);
        return 0;
    }
    int files = atoi(arguments[2]);
    for (int i = 1; i <= files; i++) {
        char name[32];
        snprintf(name, sizeof name, "o%d", i);
        if (i % 4 == 1) {
            make_file(name, "new");
            say(name);
        } else if (i % 4 == 2) {
            make_by_rename(name);
        } else if (i % 8 == 3) {
            make_by_program(arguments[0], name);
        } else {
            make_by_fork(name);
        }
    }
    return 7;
}
