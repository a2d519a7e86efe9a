// Prints what a program sees of signals: its own, its threads', interrupted and restarted calls, traps, timers.
#include "asleep.h"

#include <poll.h>
#include <setjmp.h>
#include <sys/signalfd.h>
#include <ucontext.h>

static volatile sig_atomic_t count;
static siginfo_t last;
static sigjmp_buf jump;

static void handle(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    last = *info;
    count++;
}

static void escape(int number, siginfo_t *info, void *context) {
    handle(number, info, context);
    siglongjmp(jump, 1);
}

static void on(int number, void (*action)(int, siginfo_t *, void *), int flags) {
    CHECK(sigaction(number, &(struct sigaction){.sa_sigaction = action, .sa_flags = flags | SA_SIGINFO}, NULL));
}

static void show_last(const char *what) {
    printf("%s: count %d, signal %d, code %d, from myself %d, value %d\n", what, (int)count, last.si_signo, last.si_code,
           last.si_pid == getpid(), last.si_code == SI_QUEUE ? last.si_value.sival_int : 0);
}

static void show_sent(void) {
    on(SIGUSR1, handle, 0);
    CHECK(kill(getpid(), SIGUSR1));
    show_last("kill");
    CHECK(raise(SIGUSR1));
    show_last("raise");
    CHECK(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 42}));
    show_last("sigqueue");
    on(SIGRTMIN, handle, 0);
    sigset_t set;
    sigemptyset(&set);
    CHECK(sigaddset(&set, SIGRTMIN));
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL));
    for (int i = 0; i < 5; i++) CHECK(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}));
    CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL));
    show_last("five queued");
    on(SIGTRAP, handle, 0);
    CHECK(raise(SIGTRAP));
    show_last("SIGTRAP");
    on(SIGSYS, handle, 0);
    CHECK(raise(SIGSYS));
    show_last("SIGSYS");
    on(SIGTSTP, handle, 0);
    CHECK(raise(SIGTSTP));
    show_last("SIGTSTP");
    on(SIGCONT, handle, 0);
    CHECK(raise(SIGCONT));
    show_last("SIGCONT");
}

static void show_faults(void) {
    on(SIGSEGV, escape, SA_NODEFER);
    if (sigsetjmp(jump, 1) == 0) *(volatile int *)8 = 1;
    printf("SIGSEGV: code %d, address %p\n", last.si_code, last.si_addr);
    on(SIGFPE, escape, SA_NODEFER);
    volatile int zero = 0;
    if (sigsetjmp(jump, 1) == 0) zero = 1 / zero;
    printf("SIGFPE: code %d\n", last.si_code);
    on(SIGILL, escape, SA_NODEFER);
    if (sigsetjmp(jump, 1) == 0) __asm__ volatile("ud2");
    printf("SIGILL: code %d\n", last.si_code);
    on(SIGTRAP, handle, 0);
    __asm__ volatile("int3");
    printf("int3: signal %d, code %d\n", last.si_signo, last.si_code);
    __asm__ volatile("pushf\n\torl $0x100, (%%rsp)\n\tpopf\n\tnop\n\tpushf\n\tandl $~0x100, (%%rsp)\n\tpopf" ::: "memory", "cc");
    printf("single steps: signal %d, code %d, some %d\n", last.si_signo, last.si_code, count > 10);
}

static int ends[2];

static void tell_too(int number, siginfo_t *info, void *context) {
    handle(number, info, context);
    tell(ends[1]);
}

static void show_interrupted(void) {
    CHECK(pipe(ends));
    char byte;
    on(SIGALRM, handle, 0);
    pthread_t sender = alarm_in(IN_READ);
    ssize_t result = read(ends[0], &byte, 1);
    printf("read interrupted: %zd %s\n", result, strerror(errno));
    ENSURE(pthread_join(sender, NULL) == 0);
    sender = alarm_in(IN_POLL);
    result = poll(&(struct pollfd){.fd = ends[0], .events = POLLIN}, 1, -1);
    printf("poll interrupted: %zd %s\n", result, strerror(errno));
    ENSURE(pthread_join(sender, NULL) == 0);
    on(SIGALRM, tell_too, SA_RESTART);
    sender = alarm_in(IN_READ);
    result = read(ends[0], &byte, 1);
    printf("read restarted: %zd\n", result);
    ENSURE(pthread_join(sender, NULL) == 0);
    sender = alarm_in(IN_POLL);
    result = poll(&(struct pollfd){.fd = ends[0], .events = POLLIN}, 1, -1);
    printf("poll, never restarted: %zd %s\n", result, strerror(errno));
    ENSURE(pthread_join(sender, NULL) == 0);
    await(ends[0]);
    struct itimerval soon = {.it_value.tv_usec = 2000};
    on(SIGVTALRM, handle, 0);
    count = 0;
    CHECK(setitimer(ITIMER_VIRTUAL, &soon, NULL));
    while (count == 0) continue;
    printf("virtual timer: signal %d\n", last.si_signo);
    on(SIGPROF, handle, 0);
    count = 0;
    CHECK(setitimer(ITIMER_PROF, &soon, NULL));
    while (count == 0) continue;
    printf("profiling timer: signal %d\n", last.si_signo);
    printf("alarm: %u\n", alarm(100));
    printf("alarm: some %d\n", alarm(0) > 90);
}

static void *wait_for_signal(void *expected) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, (long)expected);
    int number = 0;
    ENSURE(sigwait(&set, &number) == 0);
    return (void *)(long)number;
}

static pthread_t receiver;

static void note_thread(int number) {
    (void)number;
    receiver = pthread_self();
}

static void *wait_for_end(void *unused) {
    await(ends[0]);
    return unused;
}

static void show_threads(void) {
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL));
    pthread_t thread;
    void *number;
    ENSURE(pthread_create(&thread, NULL, wait_for_signal, (void *)(long)SIGUSR2) == 0);
    ENSURE(pthread_kill(thread, SIGUSR2) == 0);
    ENSURE(pthread_join(thread, &number) == 0);
    CHECK(sigpending(&pending));
    printf("sigwait in a thread: %ld, pending %d\n", (long)number, sigismember(&pending, SIGUSR2));
    signal(SIGUSR1, note_thread);
    ENSURE(pthread_create(&thread, NULL, wait_for_end, NULL) == 0);
    CHECK(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1));
    printf("tgkill of the first thread: %d\n", receiver == pthread_self());
    tell(ends[1]);
    ENSURE(pthread_join(thread, NULL) == 0);
    CHECK(kill(getpid(), SIGUSR2));
    struct signalfd_siginfo info;
    int fd = CHECK(signalfd(-1, &set, SFD_CLOEXEC));
    ENSURE(read(fd, &info, sizeof info) == sizeof info);
    printf("signalfd: %u\n", info.ssi_signo);
    CHECK(kill(getpid(), SIGUSR2));
    printf("sigtimedwait: %d\n", sigtimedwait(&set, NULL, &(struct timespec){1, 0}));
    errno = 0;
    int result = sigtimedwait(&set, NULL, &(struct timespec){0, 0});
    printf("sigtimedwait: %d %s\n", result, strerror(errno));
}

int main(void) {
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    show_sent();
    show_faults();
    show_interrupted();
    show_threads();
}
