// Paths by way of /proc/self/cwd, /proc/PID/root and /proc/self/fd/N of a directory. The first argument is absolute.
#include "check.h"

int main(int argc, char **argv) {
    char path[4096];
    ENSURE(argc == 2);
    snprintf(path, sizeof path, "/proc/%d/root%s", getpid(), argv[1]);
    read_file(path);
    snprintf(path, sizeof path, "/proc/self/fd/%ld/out", CHECK(open("d", O_PATH)));
    make_file(path, "new");
    CHECK(chdir("d"));
    read_file("/proc/self/cwd/in");
    make_file("/proc/thread-self/cwd/a", "new");
}
