// What a child of vfork(2) does to itself alone is nothing to the program that made it: another root directory, a sandbox; and children
// of its own.
#include "filter.h"

static void make_both(const char *absolute, const char *relative) {
    make_file(absolute, "new");
    make_file(relative, "new");
    CHECK(truncate(relative, 1));
}

int main(void) {
    char path[4096];
    ENSURE(getcwd(path, sizeof path - 16));
    size_t length = strlen(path);
    CHECK(mkdir("root", 0755));
    CHECK(symlink("directory", "link"));
    CHECK(mkdir("directory", 0755));

    pid_t pid = CHECK(vfork());
    if (pid == 0) _exit(chroot("root") != 0);
    wait_for(pid);
    strcpy(path + length, "/link/1");
    make_both(path, "link/2");

    pid = CHECK(vfork());
    if (pid == 0) {
        set_filter(SYS_readlink, SECCOMP_RET_KILL_PROCESS, 0);
        set_filter(SYS_readlinkat, SECCOMP_RET_KILL_PROCESS, 0);
        _exit(0);
    }
    wait_for(pid);
    strcpy(path + length, "/link/3");
    make_both(path, "link/4");

    pid = CHECK(vfork());
    if (pid == 0) {
        pid_t inner = vfork();
        if (inner == 0) {
            make_file("inner", "new");
            _exit(0);
        }
        int status;
        if (inner == -1 || waitpid(inner, &status, 0) != inner || status != 0) _exit(1);
        make_file("outer", "new");
        _exit(0);
    }
    wait_for(pid);
    strcpy(path + length, "/link/5");
    make_both(path, "link/6");
}
