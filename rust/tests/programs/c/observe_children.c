// Prints what a parent sees of its children: how they end, stop and go on; and what a child sees.
#include "check.h"

#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static int ends[2], back[2];
static volatile sig_atomic_t count, codes[16];

static void handle(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    if (count < 16) codes[count] = info->si_code;
    count++;
}

static void on_children(int flags) {
    CHECK(sigaction(SIGCHLD, &(struct sigaction){.sa_sigaction = handle, .sa_flags = flags | SA_SIGINFO}, NULL));
}

static void show_endings(void) {
    int status;
    for (int code = 0; code < 300; code += 100) {
        pid_t child = CHECK(fork());
        if (child == 0) _exit(code);
        ENSURE(waitpid(child, &status, 0) == child);
        printf("exit %d: status %x\n", code, status);
    }
    CHECK(setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}));
    const int signals[] = {SIGKILL, SIGTERM, SIGSEGV, SIGABRT, SIGPIPE, SIGTRAP, SIGSYS, SIGRTMIN};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        pid_t child = CHECK(fork());
        if (child == 0) {
            raise(signals[i]);
            _exit(0);
        }
        siginfo_t info;
        CHECK(waitid(P_PID, child, &info, WEXITED | WNOWAIT));
        ENSURE(waitpid(child, &status, 0) == child);
        printf("signal %d: status %x, code %d\n", signals[i], status, info.si_code);
    }
}

static void show_stops(void) {
    int status;
    on_children(0);
    count = 0;
    sigset_t set, old;
    sigemptyset(&set);
    CHECK(sigaddset(&set, SIGCHLD));
    CHECK(sigprocmask(SIG_BLOCK, &set, &old));
    pid_t child = CHECK(fork());
    if (child == 0) {
        CHECK(raise(SIGSTOP));
        await(ends[0]);
        CHECK(raise(SIGSTOP));
        await(ends[0]);
        _exit(3);
    }
    ENSURE(waitpid(child, &status, WUNTRACED) == child);
    printf("stopped: status %x\n", status);
    printf("still stopped: %d\n", waitpid(child, &status, WUNTRACED | WNOHANG));
    CHECK(kill(child, SIGCONT));
    ENSURE(waitpid(child, &status, WCONTINUED) == child);
    printf("continued: status %x\n", status);
    tell(ends[1]);
    siginfo_t info;
    CHECK(waitid(P_PID, child, &info, WSTOPPED));
    printf("stopped: code %d, status %d\n", info.si_code, info.si_status);
    CHECK(kill(child, SIGCONT));
    CHECK(waitid(P_PID, child, &info, WCONTINUED));
    printf("continued: code %d, status %d\n", info.si_code, info.si_status);
    tell(ends[1]);
    CHECK(waitid(P_PID, child, &info, WEXITED));
    printf("ended: code %d, status %d\n", info.si_code, info.si_status);
    CHECK(sigprocmask(SIG_SETMASK, &old, NULL));
    printf("signals, all merged: %d\n", (int)count);
}

// Each change waited for in its handler's turn: one signal for each.
static void await_count(int expected) {
    sigset_t set, old;
    sigemptyset(&set);
    CHECK(sigaddset(&set, SIGCHLD));
    CHECK(sigprocmask(SIG_BLOCK, &set, &old));
    while (count < expected) sigsuspend(&old);
    CHECK(sigprocmask(SIG_SETMASK, &old, NULL));
}

static void show_notices(int flags) {
    int status;
    on_children(flags | SA_RESTART);
    count = 0;
    bool tells_stops = !(flags & SA_NOCLDSTOP);
    pid_t child = CHECK(fork());
    if (child == 0) {
        CHECK(raise(SIGSTOP));
        await(ends[0]);
        _exit(0);
    }
    ENSURE(waitpid(child, &status, WUNTRACED) == child);
    if (tells_stops) await_count(1);
    CHECK(kill(child, SIGCONT));
    ENSURE(waitpid(child, &status, WCONTINUED) == child);
    if (tells_stops) await_count(2);
    tell(ends[1]);
    await_count(tells_stops ? 3 : 1);
    ENSURE(waitpid(child, &status, 0) == child);
    printf("notices with flags %x: %d:", flags, (int)count);
    for (int i = 0; i < count; i++) printf(" %d", (int)codes[i]);
    printf("\n");
}

static void show_waits(void) {
    on_children(SA_NOCLDWAIT);
    pid_t child = CHECK(fork());
    if (child == 0) _exit(0);
    errno = 0;
    pid_t result = waitpid(child, NULL, 0);
    printf("not waited for: %d %s\n", result, strerror(errno));
    signal(SIGCHLD, SIG_DFL);
    child = CHECK(fork());
    if (child == 0) _exit(0);
    struct rusage usage;
    printf("wait4: %d\n", wait4(-1, NULL, __WALL, &usage) == child);
    child = CHECK(fork());
    if (child == 0) {
        CHECK(setpgid(0, 0));
        _exit(0);
    }
    printf("any child: %d\n", wait(NULL) == child);
    errno = 0;
    result = wait(NULL);
    printf("no child: %d %s\n", result, strerror(errno));
}

static void show_restarts(void) {
    // A stop and a continuation without a handler interrupt neither a read nor a poll.
    pid_t child = CHECK(fork());
    if (child == 0) {
        tell(back[1]);
        char byte;
        if (read(ends[0], &byte, 1) != 1) _exit(1);
        tell(back[1]);
        if (poll(&(struct pollfd){.fd = ends[0], .events = POLLIN}, 1, 1000000) != 1) _exit(2);
        await(ends[0]);
        _exit(0);
    }
    int status;
    for (int i = 0; i < 2; i++) {
        await(back[0]);
        CHECK(kill(child, SIGSTOP));
        ENSURE(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
        CHECK(kill(child, SIGCONT));
        ENSURE(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
        tell(ends[1]);
    }
    ENSURE(waitpid(child, &status, 0) == child);
    printf("calls of a stopped child: status %x\n", status);
}

static void *spin(void *unused) {
    await(ends[0]);
    return unused;
}

static void show_ids(void) {
    pid_t parent = getpid(), child = CHECK(fork());
    if (child == 0) {
        bool is_right = getppid() == parent && gettid() == getpid() && getpgrp() == getpgid(parent);
        ENSURE(write(back[1], &(pid_t){getpid()}, sizeof(pid_t)) == sizeof(pid_t));
        _exit(!is_right);
    }
    pid_t told;
    ENSURE(read(back[0], &told, sizeof told) == sizeof told);
    wait_for(child);
    printf("ids agree: %d\n", told == child);
    pid_t by_parent = 0;
    child = CHECK(syscall(SYS_clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, 0, &by_parent, &told, 0));
    if (child == 0) _exit(told != getpid());
    wait_for(child);
    printf("clone tells ids: %d\n", by_parent == child);
    pthread_t thread;
    ENSURE(pthread_create(&thread, NULL, spin, NULL) == 0);
    child = CHECK(fork());
    if (child == 0) {
        struct stat status;
        ENSURE(stat("/proc/self/task", &status) == 0);
        _exit(status.st_nlink != 3);
    }
    wait_for(child);
    tell(ends[1]);
    ENSURE(pthread_join(thread, NULL) == 0);
    printf("fork of a thread has one thread: 1\n");
}

static void show_death_signal(void) {
    pid_t middle = CHECK(fork());
    if (middle == 0) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        CHECK(sigprocmask(SIG_BLOCK, &set, NULL));
        if (CHECK(fork()) == 0) {
            CHECK(prctl(PR_SET_PDEATHSIG, SIGUSR1));
            tell(ends[1]);
            int number = 0;
            ENSURE(sigwait(&set, &number) == 0);
            write_text(back[1], number == SIGUSR1 ? "y" : "n");
            _exit(0);
        }
        await(ends[0]);
        _exit(0);
    }
    wait_for(middle);
    char byte;
    ENSURE(read(back[0], &byte, 1) == 1);
    printf("signal at the death of the parent: %c\n", byte);
}

static void show_vfork(void) {
    static volatile int value;
    pid_t child = vfork();
    if (child == 0) {
        value = 42;
        _exit(5);
    }
    int status;
    ENSURE(waitpid(child, &status, 0) == child);
    printf("vfork: value %d, status %x\n", value, status);
}

// Exec: ignored signals and the mask stay, handlers go, the alarm stays; a thread's exec keeps the process id.
static void *exec_again(void *path) {
    char pid[16];
    snprintf(pid, sizeof pid, "%d", getpid());
    execl(path, "again", pid, NULL);
    return NULL;
}

static int show_exec(char **argv) {
    sigset_t mask;
    CHECK(sigprocmask(SIG_SETMASK, NULL, &mask));
    struct sigaction ignored, handled;
    CHECK(sigaction(SIGUSR1, NULL, &ignored));
    CHECK(sigaction(SIGUSR2, NULL, &handled));
    printf("after exec: same process %d, leader %d, ignored %d, default %d, blocked %d, alarm %d, name %s\n",
           atoi(argv[1]) == getpid(), gettid() == getpid(), ignored.sa_handler == SIG_IGN, handled.sa_handler == SIG_DFL,
           sigismember(&mask, SIGHUP), alarm(0) > 0, argv[0]);
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 1) return show_exec(argv);
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    CHECK(fcntl(1, F_GETFD));
    CHECK(pipe(ends));
    CHECK(pipe(back));
    show_endings();
    show_stops();
    show_notices(0);
    show_notices(SA_NOCLDSTOP);
    show_waits();
    show_restarts();
    show_ids();
    show_death_signal();
    show_vfork();
    fflush(stdout);
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, SIG_DFL);
    on_children(0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL));
    alarm(100);
    pthread_t thread;
    ENSURE(pthread_create(&thread, NULL, exec_again, "/proc/self/exe") == 0);
    for (;;) pause();
}
