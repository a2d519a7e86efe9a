// Performs a script of file operations, one line after the other, by as many processes and threads as the script makes, and tells what each
// call returned. The lines have one order over all of them: a task begins its line when the one before is done.
//
// The script is an argument. It, the turns and the results are in a file without a name that all processes map, and that a program finds
// again after it has executed itself. A line is `ID TASK CALL WORDS…`; `%ID` is the descriptor, or mapping, that line ID has made in this
// process, `%ID:PATH` a path from that directory, `^/PATH` one below the directory that the root process began in.
#include "check.h"

#include <pthread.h>
#include <semaphore.h>

#include "pass_fd.h"

enum { TASKS_MAX = 16, LINES_MAX = 512, REGISTERS = 2 * LINES_MAX, WORDS_MAX = 4, BUFFER = 65536 };

// Numbers that no script uses: those of its own are below 100.
enum { STATE_FD = 200, SEND_FD, RECEIVE_FD, LOG_FD };

struct state {
    int line;
    sem_t turn[TASKS_MAX];
    int pid[TASKS_MAX];
    int process[TASKS_MAX];
    int registers[TASKS_MAX][REGISTERS];
    struct result {
        long value;
        int error;
        unsigned sum;
    } results[LINES_MAX];
    char root[4096];
    char script[1 << 17];
};

struct line {
    int id, task;
    const char *call;
    char *words[WORDS_MAX];
};

static struct state *state;
static struct line lines[LINES_MAX];
static int line_count;
static pthread_t threads[TASKS_MAX];
// Mappings, by the line that made them. They are gone after exec, as these are.
static struct {
    char *at;
    size_t size;
} mappings[LINES_MAX];
static char *copy;
static const char *self;

// A path and the directory that it begins in.
struct at {
    int directory;
    char path[8192];
};

static const struct {
    const char *name;
    long value;
} FLAGS[] = {
    {"NONE", 0}, {"RDONLY", O_RDONLY}, {"WRONLY", O_WRONLY}, {"RDWR", O_RDWR}, {"CREAT", O_CREAT}, {"EXCL", O_EXCL},
    {"TRUNC", O_TRUNC}, {"APPEND", O_APPEND}, {"CLOEXEC", O_CLOEXEC}, {"NOFOLLOW", O_NOFOLLOW}, {"DIRECTORY", O_DIRECTORY},
    {"PATH", O_PATH}, {"TMPFILE", O_TMPFILE}, {"NOREPLACE", 1 << 0}, {"EXCHANGE", 1 << 1}, {"READ", PROT_READ}, {"WRITE", PROT_WRITE},
    {"SHARED", 1 << 8}, {"KEEP_SIZE", 0x01}, {"PUNCH_HOLE", 0x02}, {"ZERO_RANGE", 0x10}, {"FOLLOW", AT_SYMLINK_FOLLOW},
    {"BY_PROC", 1 << 9},
};

static long flags_of(const char *text) {
    long flags = 0;
    while (*text) {
        size_t length = strcspn(text, "|");
        bool is_known = false;
        for (size_t at = 0; at < sizeof FLAGS / sizeof *FLAGS; at++) {
            if (strlen(FLAGS[at].name) == length && memcmp(FLAGS[at].name, text, length) == 0) {
                flags |= FLAGS[at].value;
                is_known = true;
            }
        }
        ENSURE(is_known);
        text += length + (text[length] == '|');
    }
    return flags;
}

static int process_of(int task) { return state->process[task]; }

static int *register_of(int task, int id) { return &state->registers[process_of(task)][id]; }

// The descriptor that `%ID` is here, or -1.
static int number_of(int task, const char *word) {
    ENSURE(*word == '%');
    return *register_of(task, atoi(word + 1));
}

static void fill_root(char *into, size_t room, const char *text) {
    if (*text == '^') snprintf(into, room, "%s%s", state->root, text + 1);
    else snprintf(into, room, "%s", text);
}

static struct at at_of(int task, const char *word) {
    struct at at = {.directory = AT_FDCWD};
    if (*word == '%') {
        at.directory = number_of(task, word);
        word = strchr(word, ':');
        ENSURE(word);
        word++;
    }
    fill_root(at.path, sizeof at.path, word);
    return at;
}

static void sum_up(struct result *result, const char *bytes, long count) {
    unsigned sum = 2166136261u;
    for (long at = 0; at < count; at++) sum = (sum ^ (unsigned char)bytes[at]) * 16777619u;
    result->sum = sum;
}

static void perform(struct line *line, struct result *result);

// Whose turn it is at a line.
static int owner_of(int line) { return lines[line].task; }

static void hand_over(int me) {
    int next = owner_of(__atomic_load_n(&state->line, __ATOMIC_ACQUIRE));
    if (next != me) CHECK(sem_post(&state->turn[next]));
}

// Performs the lines of a task until another waits for its end.
static void follow(int me) {
    for (;;) {
        int at = __atomic_load_n(&state->line, __ATOMIC_ACQUIRE);
        struct line *line = &lines[at];
        if (strcmp(line->call, "wait") == 0 && atoi(line->words[0]) == me) return;
        if (line->task == me) {
            struct result *result = &state->results[at];
            errno = 0;
            perform(line, result);
            result->error = result->value == -1 ? errno : 0;
            __atomic_store_n(&state->line, at + 1, __ATOMIC_RELEASE);
            hand_over(me);
        } else {
            while (sem_wait(&state->turn[me]) == -1) ENSURE(errno == EINTR);
        }
    }
}

static void *follow_as_thread(void *task) {
    follow((int)(intptr_t)task);
    return NULL;
}

static long make_process(int me, int task) {
    state->process[task] = task;
    memcpy(state->registers[task], state->registers[process_of(me)], sizeof *state->registers);
    pid_t pid = fork();
    if (pid == 0) {
        follow(task);
        _exit(0);
    }
    if (pid == -1) return -1;
    state->pid[task] = pid;
    return 0;
}

static long make_thread(int me, int task) {
    state->process[task] = process_of(me);
    state->pid[task] = getpid();
    errno = pthread_create(&threads[task], NULL, follow_as_thread, (void *)(intptr_t)task);
    return errno == 0 ? 0 : -1;
}

static long wait_for_task(int me, int task) {
    CHECK(sem_post(&state->turn[task]));
    if (process_of(me) == process_of(task)) {
        errno = pthread_join(threads[task], NULL);
        return errno == 0 ? 0 : -1;
    }
    int status;
    if (waitpid(state->pid[task], &status, 0) == -1) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static long execute(int me, int directory, const char *path) {
    char number[16];
    snprintf(number, sizeof number, "%d", me);
    char *arguments[] = {(char *)self, "--continue", number, NULL};
    // This is the line until the program runs, which goes on with the next: others may look at any time whose turn it is.
    if (!path) fexecve(directory, arguments, environ);
    else if (directory == AT_FDCWD) execv(path, arguments);
    else execveat(directory, path, arguments, environ, 0);
    return -1;
}

static long take_fd(int task, int fd) {
    int handle = syscall(SYS_pidfd_open, state->pid[task], 0);
    if (handle == -1) return -1;
    long taken = syscall(SYS_pidfd_getfd, handle, fd, 0);
    int error = errno;
    CHECK(close(handle));
    errno = error;
    return taken;
}

static long map(int id, int fd, size_t size, long flags) {
    int protection = flags & (PROT_READ | PROT_WRITE);
    char *at = mmap(NULL, size, protection, flags & (1 << 8) ? MAP_SHARED : MAP_PRIVATE, fd, 0);
    mappings[id].at = at == MAP_FAILED ? NULL : at;
    mappings[id].size = size;
    return at == MAP_FAILED ? -1 : 0;
}

static long link_fd(int fd, struct at *to, long flags) {
    if (!(flags & (1 << 9))) return linkat(fd, "", to->directory, to->path, AT_EMPTY_PATH);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, path, to->directory, to->path, AT_SYMLINK_FOLLOW);
}

static long receive(long flags) {
    union control control;
    struct iovec part = {&(char){0}, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    if (recvmsg(RECEIVE_FD, &message, flags & O_CLOEXEC ? MSG_CMSG_CLOEXEC : 0) == -1) return -1;
    return fd_of(&message);
}

// Tells all that was returned, and ends.
static void end(void) {
    static char text[1 << 17];
    size_t length = 0;
    for (int task = 0; task < TASKS_MAX; task++) {
        if (state->pid[task]) length += sprintf(text + length, "process %d %010d\n", process_of(task), state->pid[task]);
    }
    for (int at = 0; at + 1 < line_count; at++) {
        struct result *result = &state->results[at];
        length += sprintf(text + length, "%d %ld %d %u\n", lines[at].id, result->value, result->error, result->sum);
    }
    for (size_t at = 0; at < length;) at += CHECK(write(LOG_FD, text + at, length - at));
    exit(0);
}

#define IS(name) (strcmp(call, name) == 0)

static long perform_on_names(int me, const char *call, char **words, bool *is_mine) {
    struct at at = at_of(me, words[IS("symlink")]);
    bool is_plain = at.directory == AT_FDCWD;
    if (IS("symlink")) {
        char target[8192];
        fill_root(target, sizeof target, words[0]);
        return is_plain ? symlink(target, at.path) : symlinkat(target, at.directory, at.path);
    }
    if (IS("rename")) {
        struct at to = at_of(me, words[1]);
        long flags = flags_of(words[2]);
        if (flags) return renameat2(at.directory, at.path, to.directory, to.path, flags);
        if (is_plain && to.directory == AT_FDCWD) return rename(at.path, to.path);
        return renameat(at.directory, at.path, to.directory, to.path);
    }
    if (IS("link")) {
        struct at to = at_of(me, words[1]);
        long flags = flags_of(words[2]);
        if (!flags && is_plain && to.directory == AT_FDCWD) return link(at.path, to.path);
        return linkat(at.directory, at.path, to.directory, to.path, flags);
    }
    if (IS("unlink")) return is_plain ? unlink(at.path) : unlinkat(at.directory, at.path, 0);
    if (IS("rmdir")) return is_plain ? rmdir(at.path) : unlinkat(at.directory, at.path, AT_REMOVEDIR);
    if (IS("mkdir")) return is_plain ? mkdir(at.path, 0755) : mkdirat(at.directory, at.path, 0755);
    if (IS("mknod")) return mknodat(at.directory, at.path, S_IFREG | 0644, 0);
    if (IS("truncate")) return truncate(at.path, atol(words[1]));
    if (IS("chdir")) return chdir(at.path);
    if (IS("chmod")) return fchmodat(at.directory, at.path, 0755, 0);
    if (IS("exec")) return execute(me, at.directory, at.path);
    struct stat found;
    if (IS("stat")) return fstatat(at.directory, at.path, &found, 0);
    char text[8192];
    if (IS("readlink")) return readlinkat(at.directory, at.path, text, sizeof text) == -1 ? -1 : 0;
    *is_mine = false;
    return 0;
}

static long perform_on_bytes(int fd, const char *call, struct line *line, struct result *result, bool *is_mine) {
    static _Thread_local char buffer[BUFFER];
    long size = line->words[1] ? atol(line->words[1]) : 0;
    off_t offset = line->words[2] && *line->words[2] <= '9' ? atol(line->words[2]) : 0;
    ENSURE(size <= BUFFER);
    struct iovec halves[2] = {{buffer, size / 2}, {buffer + size / 2, size - size / 2}};
    long count;
    if (IS("read")) count = read(fd, buffer, size);
    else if (IS("pread")) count = pread(fd, buffer, size, offset);
    else if (IS("readv")) count = readv(fd, halves, 2);
    else {
        memset(buffer, 'A' + line->id % 26, size);
        if (IS("write")) return write(fd, buffer, size);
        if (IS("pwrite")) return pwrite(fd, buffer, size, offset);
        if (IS("writev")) return writev(fd, halves, 2);
        *is_mine = false;
        return 0;
    }
    if (count >= 0) sum_up(result, buffer, count);
    return count;
}

static long perform_on_descriptors(int me, const char *call, char **words, struct line *line, bool *is_mine) {
    int fd = number_of(me, words[0]);
    if (IS("close")) return close(fd);
    if (IS("dup")) return dup(fd);
    if (IS("dup2")) return dup2(fd, atoi(words[1]));
    if (IS("dup3")) return dup3(fd, atoi(words[1]), O_CLOEXEC);
    if (IS("fcntl_dup")) return fcntl(fd, flags_of(words[2]) ? F_DUPFD_CLOEXEC : F_DUPFD, atoi(words[1]));
    if (IS("set_cloexec")) return fcntl(fd, F_SETFD, atoi(words[1]) ? FD_CLOEXEC : 0);
    if (IS("seek")) return lseek(fd, atol(words[1]), SEEK_SET);
    if (IS("map")) return map(line->id, fd, atol(words[1]), flags_of(words[2]));
    if (IS("ftruncate")) return ftruncate(fd, atol(words[1]));
    if (IS("fallocate")) return fallocate(fd, flags_of(words[1]), atol(words[2]), atol(words[3]));
    if (IS("sendfile")) return sendfile(fd, number_of(me, words[1]), NULL, atol(words[2]));
    if (IS("copy_range")) return copy_file_range(fd, NULL, number_of(me, words[1]), NULL, atol(words[2]), 0);
    if (IS("splice")) return splice(fd, NULL, number_of(me, words[1]), NULL, atol(words[2]), 0);
    if (IS("fchdir")) return fchdir(fd);
    if (IS("exec_fd")) return execute(me, fd, NULL);
    if (IS("send")) return send_fd(SEND_FD, fd), 0;
    if (IS("link_fd")) {
        struct at to = at_of(me, words[1]);
        return link_fd(fd, &to, flags_of(words[2]));
    }
    if (IS("reopen")) {
        char path[64];
        snprintf(path, sizeof path, line->id % 2 ? "/proc/self/fd/%d" : "/dev/fd/%d", fd);
        return open(path, flags_of(words[1]), 0644);
    }
    *is_mine = false;
    return 0;
}

static long perform_on_mappings(const char *call, struct line *line, bool *is_mine) {
    int id = *line->words[0] == '%' ? atoi(line->words[0] + 1) : 0;
    if (IS("store")) return mappings[id].at[atol(line->words[1])] = 'a' + line->id % 26, 0;
    if (IS("protect")) return mprotect(mappings[id].at, mappings[id].size, flags_of(line->words[1]));
    if (IS("unmap")) return munmap(mappings[id].at, mappings[id].size);
    *is_mine = false;
    return 0;
}

static void perform(struct line *line, struct result *result) {
    const char *call = line->call;
    char **words = line->words;
    int me = line->task;
    int *made = register_of(me, line->id);
    if (IS("end")) end();
    if (IS("fork")) result->value = make_process(me, atoi(words[0]));
    else if (IS("thread")) result->value = make_thread(me, atoi(words[0]));
    else if (IS("wait")) result->value = wait_for_task(me, atoi(words[0]));
    else if (IS("close_range")) result->value = close_range(atoi(words[0]), atoi(words[1]), flags_of(words[2]) ? 4 : 0);
    else if (IS("receive")) result->value = *made = receive(flags_of(words[0]));
    else if (IS("get_fd")) {
        int task = atoi(words[0]);
        result->value = *made = take_fd(task, number_of(task, words[1]));
    } else if (IS("pipe")) {
        int ends[2] = {-1, -1};
        result->value = pipe(ends);
        *made = ends[0];
        made[LINES_MAX] = ends[1];
    } else if (IS("open")) {
        struct at at = at_of(me, words[0]);
        long flags = flags_of(words[1]);
        if (at.directory != AT_FDCWD) result->value = *made = openat(at.directory, at.path, flags, 0644);
        else if (flags == (O_WRONLY | O_CREAT | O_TRUNC)) result->value = *made = creat(at.path, 0644);
        else result->value = *made = open(at.path, flags, 0644);
    } else {
        bool is_mine = true;
        result->value = perform_on_mappings(call, line, &is_mine);
        if (is_mine) return;
        is_mine = true;
        if (*words[0] != '%' || strchr(words[0], ':') || IS("symlink")) {
            result->value = perform_on_names(me, call, words, &is_mine);
            ENSURE(is_mine);
            return;
        }
        result->value = perform_on_bytes(number_of(me, words[0]), call, line, result, &is_mine);
        if (is_mine) return;
        is_mine = true;
        result->value = perform_on_descriptors(me, call, words, line, &is_mine);
        ENSURE(is_mine);
        bool makes = IS("dup") || IS("dup2") || IS("dup3") || IS("fcntl_dup") || IS("reopen");
        if (makes) *made = result->value;
    }
}

static void read_script(void) {
    copy = strdup(state->script);
    char *rest = copy;
    for (char *text; (text = strsep(&rest, "\n"));) {
        if (!*text) continue;
        ENSURE(line_count < LINES_MAX);
        struct line *line = &lines[line_count++];
        line->id = atoi(strsep(&text, " "));
        line->task = atoi(strsep(&text, " "));
        line->call = strsep(&text, " ");
        for (int word = 0; text && word < WORDS_MAX; word++) line->words[word] = strsep(&text, " ");
    }
}

static void begin(const char *script) {
    // Whoever starts it may have left something open.
    CHECK(close_range(3, STATE_FD - 1, 0));
    int stdout_copy = CHECK(fcntl(1, F_DUPFD, LOG_FD));
    ENSURE(stdout_copy == LOG_FD);
    int memory = CHECK(memfd_create("agree", 0));
    CHECK(ftruncate(memory, sizeof *state));
    CHECK(dup2(memory, STATE_FD));
    CHECK(close(memory));
    int sockets[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
    CHECK(dup2(sockets[0], SEND_FD));
    CHECK(dup2(sockets[1], RECEIVE_FD));
    CHECK(close(sockets[0]));
    CHECK(close(sockets[1]));
    state = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, STATE_FD, 0);
    ENSURE(state != MAP_FAILED);
    ENSURE(strlen(script) < sizeof state->script);
    strcpy(state->script, script);
    ENSURE(getcwd(state->root, sizeof state->root));
    for (int task = 0; task < TASKS_MAX; task++) CHECK(sem_init(&state->turn[task], 1, 0));
    memset(state->registers, -1, sizeof state->registers);
    state->pid[0] = getpid();
}

// `SELF SCRIPT`, or `SELF --continue TASK` after exec; a script with `#!` puts its own path between.
int main(int count, char **arguments) {
    self = arguments[0];
    signal(SIGPIPE, SIG_IGN);
    int me = 0;
    int at = 1;
    while (at < count && strcmp(arguments[at], "--continue") != 0) at++;
    bool continues = at + 1 < count;
    if (continues) {
        me = atoi(arguments[at + 1]);
        state = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, STATE_FD, 0);
        ENSURE(state != MAP_FAILED);
    } else {
        ENSURE(count == 2);
        begin(arguments[1]);
    }
    read_script();
    if (continues) {
        __atomic_store_n(&state->line, state->line + 1, __ATOMIC_RELEASE);
        hand_over(me);
    }
    follow(me);
    return 0;
}
