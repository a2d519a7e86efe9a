// Prints what the program was given: all that must be the same with and without a tracer.
#include "check.h"

#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/time.h>

// Lines of /proc/self/status that speak of ids, of sizes, or of what a tracer may change by its documentation.
static const char *const left_out[] = {
    "Tgid", "Ngid", "Pid", "PPid", "TracerPid", "NS", "Vm", "Rss", "Hugetlb", "voluntary", "nonvoluntary", "Seccomp",
    "NoNewPrivs", "Speculation", "SigQ", "FDSize",
};

static void print_status(void) {
    char line[8192];
    FILE *file = fopen("/proc/self/status", "re");
    ENSURE(file != NULL);
    while (fgets(line, sizeof line, file) != NULL) {
        bool is_left_out = false;
        for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
            is_left_out |= strncmp(line, left_out[i], strlen(left_out[i])) == 0;
        if (!is_left_out) printf("status %s", line);
    }
    fclose(file);
}

static void print_file(const char *path) {
    char buffer[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count = fd == -1 ? -1 : read(fd, buffer, sizeof buffer);
    printf("%s: ", path);
    for (ssize_t i = 0; i < count; i++) putchar(buffer[i] == '\0' ? ' ' : buffer[i]);
    putchar('\n');
    if (fd != -1) close(fd);
}

static void print_descriptors(void) {
    for (int fd = 0; fd < 1024; fd++) {
        struct stat status;
        int flags = fcntl(fd, F_GETFD);
        if (flags == -1 || fstat(fd, &status) == -1) continue;
        int mode = status.st_mode & S_IFMT;
        printf("fd %d: flags %d, mode %o, type %o, offset %ld, terminal %d\n", fd, flags, fcntl(fd, F_GETFL), mode,
               S_ISREG(mode) && fd > 2 ? (long)lseek(fd, 0, SEEK_CUR) : 0L, isatty(fd));
    }
}

static void print_signals(void) {
    sigset_t blocked, pending;
    CHECK(sigprocmask(SIG_SETMASK, NULL, &blocked));
    CHECK(sigpending(&pending));
    for (int number = 1; number <= 64; number++) {
        struct sigaction action;
        bool is_known = sigaction(number, NULL, &action) == 0;
        printf("signal %d: blocked %d, pending %d, %s\n", number, sigismember(&blocked, number),
               sigismember(&pending, number), !is_known ? "unknown" : action.sa_handler == SIG_DFL   ? "default"
                                                                  : action.sa_handler == SIG_IGN ? "ignored"
                                                                                                 : "handled");
    }
    stack_t stack;
    CHECK(sigaltstack(NULL, &stack));
    printf("alternate stack: flags %d\n", stack.ss_flags);
}

static void print_limits(void) {
    for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
        struct rlimit limit;
        CHECK(getrlimit(resource, &limit));
        printf("limit %d: %lu %lu\n", resource, (unsigned long)limit.rlim_cur, (unsigned long)limit.rlim_max);
    }
}

static void print_scheduling(void) {
    cpu_set_t set;
    CHECK(sched_getaffinity(0, sizeof set, &set));
    printf("processors %d, policy %d, priority %d, io priority %ld\n", CPU_COUNT(&set), sched_getscheduler(0),
           getpriority(PRIO_PROCESS, 0), syscall(SYS_ioprio_get, 1, 0));
    printf("personality %x, dumpable %d, death signal ", personality(0xffffffff), prctl(PR_GET_DUMPABLE));
    int number;
    CHECK(prctl(PR_GET_PDEATHSIG, &number));
    printf("%d, subreaper ", number);
    CHECK(prctl(PR_GET_CHILD_SUBREAPER, &number));
    printf("%d, keep capabilities %d, secure bits %d, timer slack %d, thp %d\n", number, prctl(PR_GET_KEEPCAPS),
           prctl(PR_GET_SECUREBITS), prctl(PR_GET_TIMERSLACK), prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
}

static void print_relations(void) {
    printf("same session as the parent %d, same group %d, leads the group %d, leads the session %d\n",
           getsid(0) == getsid(getppid()), getpgrp() == getpgid(getppid()), getpgrp() == getpid(), getsid(0) == getpid());
    errno = 0;
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    printf("controlling terminal: %s\n", terminal == -1 ? strerror(errno) : "yes");
    errno = 0;
    pid_t child = waitpid(-1, NULL, WNOHANG | __WALL);
    printf("children: %d %s\n", child, strerror(errno));
}

int main(int argc, char **argv) {
    // A closed standard output is a case of its own; what there is to say is then said on standard error.
    if (fcntl(1, F_GETFD) == -1) stdout = stderr;
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    print_descriptors();
    for (int i = 0; i < argc; i++) printf("argument %d: %s\n", i, argv[i]);
    for (char **variable = environ; *variable != NULL; variable++) printf("environment %s\n", *variable);
    print_signals();
    print_limits();
    mode_t mask = umask(0);
    umask(mask);
    char directory[4096];
    ENSURE(getcwd(directory, sizeof directory) != NULL);
    printf("umask %o, directory %s\n", mask, directory);
    printf("program %s, secure %lu, uid %lu\n", (char *)getauxval(AT_EXECFN), getauxval(AT_SECURE), getauxval(AT_UID));
    print_scheduling();
    print_relations();
    struct itimerval timer;
    for (int which = 0; which < 3; which++) {
        CHECK(getitimer(which, &timer));
        printf("timer %d: %ld %ld\n", which, timer.it_value.tv_sec, timer.it_interval.tv_sec);
    }
    print_status();
    const char *const files[] = {"cmdline", "comm", "cgroup", "oom_score_adj", "coredump_filter", "timerslack_ns",
                                 "loginuid", "uid_map", "personality"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/%s", files[i]);
        print_file(path);
    }
}
