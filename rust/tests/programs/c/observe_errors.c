// Prints the results of calls that fail, most of them of those that a tracer looks into.
// build: -Wno-nonnull -Wno-stringop-overread -Wno-stringop-overflow
#include "check.h"

#include <linux/openat2.h>
#include <limits.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/resource.h>

#define SHOW(call)                   \
    do {                             \
        errno = 0;                   \
        long result = (long)(call);  \
        show(#call, result, errno);  \
    } while (0)

static void show(const char *what, long result, int number) {
    printf("%s = %ld %s\n", what, result < 0 ? result : 0, strerror(number));
}

// Returns a path of `length` bytes that ends with its page, and no mapped page follows; without its NUL if asked.
static char *at_page_end(const char *text, bool has_end) {
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ENSURE(pages != MAP_FAILED);
    CHECK(munmap(pages + 4096, 4096));
    size_t length = strlen(text) + has_end;
    return memcpy(pages + 4096 - length, text, length);
}

static void show_opens(void) {
    static char longest[PATH_MAX + 10];
    memset(longest, '/', PATH_MAX - 1);
    SHOW(open("absent", O_RDONLY));
    SHOW(open("file", O_WRONLY | O_CREAT | O_EXCL, 0600));
    SHOW(open("file/x", O_RDONLY));
    SHOW(open("file", O_RDONLY | O_DIRECTORY));
    SHOW(open("directory", O_WRONLY));
    SHOW(open("loop", O_RDONLY));
    SHOW(open("", O_RDONLY));
    SHOW(open(NULL, O_RDONLY));
    SHOW(open((char *)8, O_RDONLY));
    SHOW(open((char *)-8, O_RDONLY));
    SHOW(open(at_page_end("file", true), O_RDONLY));
    SHOW(open(at_page_end("file", false), O_RDONLY));
    SHOW(open(longest, O_RDONLY));
    memset(longest, '/', PATH_MAX);
    SHOW(open(longest, O_RDONLY));
    SHOW(openat(-5, "file", O_RDONLY));
    SHOW(openat(1000, "file", O_RDONLY));
    SHOW(openat(CHECK(open("file", O_RDONLY)), "x", O_RDONLY));
    struct open_how how = {.flags = O_RDONLY};
    SHOW(syscall(SYS_openat2, AT_FDCWD, "file", &how, 3));
    SHOW(syscall(SYS_openat2, AT_FDCWD, "file", (void *)8, sizeof how));
    how.resolve = 1ULL << 40;
    SHOW(syscall(SYS_openat2, AT_FDCWD, "file", &how, sizeof how));
    how = (struct open_how){.flags = O_RDONLY, .mode = 0644};
    SHOW(syscall(SYS_openat2, AT_FDCWD, "file", &how, sizeof how));
    SHOW(syscall(SYS_openat2, AT_FDCWD, "file", &(struct { struct open_how how; long more; }){{0}, 1}, sizeof how + 8));
}

static void show_transfers(void) {
    char byte;
    int fd = CHECK(open("file", O_RDWR)), ends[2];
    SHOW(read(-1, &byte, 1));
    SHOW(read(1000, &byte, 1));
    SHOW(read(fd, (void *)8, 1));
    SHOW(read(fd, &byte, 1));
    SHOW(read(fd, &byte, 1));
    SHOW(write(fd, (void *)8, 1));
    SHOW(readv(fd, (void *)8, 1));
    SHOW(readv(fd, NULL, IOV_MAX + 1));
    SHOW(pread(fd, &byte, 1, -1));
    SHOW(sendfile(fd, -1, NULL, 1));
    SHOW(copy_file_range(fd, NULL, -1, NULL, 1, 0));
    SHOW(splice(fd, NULL, fd, NULL, 1, 0));
    SHOW(mmap(NULL, 4096, PROT_READ, MAP_SHARED, -1, 0));
    SHOW(mmap(NULL, 4096, PROT_READ, MAP_SHARED, CHECK(open("directory", O_RDONLY)), 0));
    SHOW(ftruncate(fd, -1));
    SHOW(fallocate(fd, 0, -1, 1));
    SHOW(lseek(fd, -1, SEEK_SET));
    CHECK(pipe(ends));
    SHOW(lseek(ends[0], 0, SEEK_SET));
    CHECK(fcntl(ends[0], F_SETFL, O_NONBLOCK));
    SHOW(read(ends[0], &byte, 1));
    CHECK(close(ends[0]));
    signal(SIGPIPE, SIG_IGN);
    SHOW(write(ends[1], "x", 1));
    signal(SIGPIPE, SIG_DFL);
}

static void show_names(void) {
    SHOW(rename("absent", "x"));
    SHOW(rename((char *)8, "x"));
    SHOW(rename("file", (char *)8));
    SHOW(rename("file", "directory"));
    SHOW(rename("directory", "file"));
    SHOW(rename("directory", "directory/x"));
    SHOW(renameat2(AT_FDCWD, "file", AT_FDCWD, "loop", RENAME_NOREPLACE | RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "file", AT_FDCWD, "x", 1 << 20));
    SHOW(rename("file", "/proc/x"));
    SHOW(link("file", "directory"));
    SHOW(link("file", (char *)8));
    SHOW(linkat(AT_FDCWD, "file", AT_FDCWD, "x", 1 << 20));
    SHOW(symlink("", "x"));
    SHOW(symlink((char *)8, "x"));
    SHOW(unlink("absent"));
    SHOW(unlink((char *)8));
    SHOW(unlink("directory"));
    SHOW(unlinkat(AT_FDCWD, "file", 1 << 20));
    SHOW(truncate("absent", 0));
    SHOW(truncate((char *)8, 0));
    SHOW(mknod("file", S_IFREG, 0));
    SHOW(chdir("absent"));
    SHOW(fchdir(1000));
    SHOW(chroot("absent"));
}

static void show_descriptors(void) {
    SHOW(close(-1));
    SHOW(close(1000));
    SHOW(dup(1000));
    SHOW(dup2(0, -1));
    SHOW(dup2(0, 1 << 30));
    SHOW(dup3(0, 0, 0));
    SHOW(fcntl(0, F_DUPFD, 1 << 30));
    SHOW(fcntl(1000, F_GETFD));
    SHOW(close_range(9, 8, 0));
    SHOW(close_range(900, 901, 1 << 20));
    SHOW(ioctl(CHECK(open("file", O_RDONLY)), FIONREAD, (void *)8));
    SHOW(recvmsg(0, NULL, 0));
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit));
    CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){0, limit.rlim_max}));
    SHOW(open("file", O_RDONLY));
    SHOW(dup(1));
    CHECK(setrlimit(RLIMIT_NOFILE, &limit));
}

static void show_processes(void) {
    char *argv[] = {"x", NULL}, *huge[] = {malloc(1 << 18), NULL};
    memset(huge[0], 'x', (1 << 18) - 1);
    huge[0][(1 << 18) - 1] = '\0';
    SHOW(execve("absent", argv, environ));
    SHOW(execve("file", argv, environ));
    SHOW(execve("directory", argv, environ));
    SHOW(execve("noformat", argv, environ));
    SHOW(execve("badscript", argv, environ));
    SHOW(execve((char *)8, argv, environ));
    SHOW(execve("/bin/true", (char **)8, environ));
    SHOW(execve("/bin/true", huge, environ));
    SHOW(syscall(SYS_execveat, 1000, "", argv, environ, AT_EMPTY_PATH));
    SHOW(syscall(SYS_clone, CLONE_THREAD, 0, 0, 0, 0));
    SHOW(syscall(SYS_clone, CLONE_FS | CLONE_NEWNS, 0, 0, 0, 0));
    SHOW(syscall(SYS_clone3, (void *)8, 64));
    SHOW(syscall(SYS_clone3, (void *)8, 1));
    SHOW(waitpid(-1, NULL, 0));
    SHOW(waitpid(getppid(), NULL, 0));
    SHOW(kill(getpid(), 100));
    SHOW(kill(1 << 30, 0));
    SHOW(syscall(SYS_tgkill, getpid(), 1 << 30, 0));
    SHOW(setpgid(0, 1 << 30));
    SHOW(syscall(1000));
    SHOW(syscall(SYS_seccomp, 99, 0, NULL));
    SHOW(syscall(SYS_rt_sigaction, SIGKILL, &(struct sigaction){0}, NULL, 8));
    SHOW(poll(NULL, 1, 0));
}

int main(void) {
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    make_file("file", "x");
    make_file("noformat", "not a program\n");
    make_file("badscript", "#!./absent\n");
    CHECK(chmod("noformat", 0755));
    CHECK(chmod("badscript", 0755));
    CHECK(mkdir("directory", 0755));
    CHECK(symlink("loop", "loop"));
    show_opens();
    show_transfers();
    show_names();
    show_descriptors();
    show_processes();
    fflush(stdout);
    int ends[2], status;
    CHECK(pipe(ends));
    CHECK(close(ends[0]));
    pid_t child = CHECK(fork());
    if (child == 0) {
        write_text(ends[1], "x");
        _exit(0);
    }
    ENSURE(waitpid(child, &status, 0) == child);
    printf("write to a broken pipe: status %x\n", status);
}
