// Starts a command in a state that a shell cannot easily make, and ends as it ends (128 and the signal). Options, each
// with a value: --close FD, --ignore SIGNAL, --block SIGNAL, --nofile LIMIT, --umask OCTAL, --extra FD (opened on the
// file `extra`), --merge 1 (standard error is standard output), --nice N.
//
// With --pty KEYS, which stands alone, the command is a shell's job on a terminal of its own, whose output is copied to
// standard output. Each time a line `press` comes, the next of KEYS is typed: c is Ctrl-C, z is Ctrl-Z, \ is Ctrl-\, any
// other is itself and a line end. A stopped job is continued.
#include "check.h"

#include <pty.h>
#include <sys/resource.h>
#include <termios.h>

#include "check.h"

static const char *keys;

static void apply(const char *option, const char *value) {
    int number = atoi(value);
    sigset_t set;
    if (strcmp(option, "--close") == 0) {
        CHECK(close(number));
    } else if (strcmp(option, "--ignore") == 0) {
        ENSURE(signal(number, SIG_IGN) != SIG_ERR);
    } else if (strcmp(option, "--block") == 0) {
        sigemptyset(&set);
        CHECK(sigaddset(&set, number));
        CHECK(sigprocmask(SIG_BLOCK, &set, NULL));
    } else if (strcmp(option, "--nofile") == 0) {
        CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){number, number}));
    } else if (strcmp(option, "--umask") == 0) {
        umask(strtol(value, NULL, 8));
    } else if (strcmp(option, "--extra") == 0) {
        int fd = CHECK(open("extra", O_RDWR | O_CREAT, 0644));
        if (fd != number) {
            CHECK(dup2(fd, number));
            CHECK(close(fd));
        }
    } else if (strcmp(option, "--merge") == 0) {
        CHECK(dup2(1, 2));
    } else if (strcmp(option, "--nice") == 0) {
        CHECK(setpriority(PRIO_PROCESS, 0, number));
    } else {
        ENSURE(!"a known option");
    }
}

static void press(int terminal) {
    char key = *keys;
    ENSURE(key != '\0');
    keys++;
    if (key == 'c') {
        write_text(terminal, "\003");
    } else if (key == '\\') {
        write_text(terminal, "\034");
    } else if (key == 'z') {
        write_text(terminal, "\032");
    } else {
        write_text(terminal, (char[]){key, '\n', '\0'});
    }
}

// Copies what the terminal says, until nobody has it open any more.
static void attend(int terminal) {
    char line[4096];
    size_t length = 0;
    while (read(terminal, line + length, 1) == 1) {
        ENSURE(length + 1 < sizeof line);
        if (line[length++] != '\n') continue;
        ENSURE(fwrite(line, 1, length, stdout) == length);
        fflush(stdout);
        if (strncmp(line, "press", 5) == 0) press(terminal);
        length = 0;
    }
    fwrite(line, 1, length, stdout);
    fflush(stdout);
}

static int shell_status(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Runs the command as an interactive shell runs a job: in a group of its own, in the foreground, continued when it stops.
static int run_as_job(char **command) {
    signal(SIGTTOU, SIG_IGN);
    // A key that sends a signal would discard what is on its way to the reader: when it is read would matter.
    struct termios modes;
    CHECK(tcgetattr(0, &modes));
    modes.c_lflag |= NOFLSH;
    // The kernel sends the signal of a key before it echoes the key: the echo would come before or after what the job says next.
    modes.c_lflag &= ~(tcflag_t)ECHO;
    CHECK(tcsetattr(0, TCSANOW, &modes));
    pid_t job = CHECK(fork());
    if (job == 0) {
        CHECK(setpgid(0, 0));
        CHECK(tcsetpgrp(0, getpgrp()));
        signal(SIGTTOU, SIG_DFL);
        execvp(command[0], command);
        _exit(127);
    }
    int status;
    while (ENSURE(waitpid(job, &status, WUNTRACED) == job), WIFSTOPPED(status)) {
        dprintf(1, "[stopped by %d]\n", WSTOPSIG(status));
        CHECK(tcsetpgrp(0, getpgrp()));
        CHECK(tcsetpgrp(0, job));
        CHECK(kill(-job, SIGCONT));
    }
    return shell_status(status);
}

static int run_with_terminal(char **command) {
    int terminal, status;
    pid_t shell = CHECK(forkpty(&terminal, NULL, NULL, &(struct winsize){.ws_row = 24, .ws_col = 80}));
    if (shell == 0) _exit(run_as_job(command));
    attend(terminal);
    ENSURE(waitpid(shell, &status, 0) == shell);
    printf("[keys left: %zu]\n", strlen(keys));
    return shell_status(status);
}

int main(int argc, char **argv) {
    int first = 1;
    while (first < argc && strcmp(argv[first], "--") != 0) first += 2;
    ENSURE(first + 1 < argc);
    char **command = argv + first + 1;
    if (strcmp(argv[1], "--pty") == 0) {
        keys = argv[2];
        return run_with_terminal(command);
    }
    pid_t child = CHECK(fork());
    if (child == 0) {
        for (int i = 1; i < first; i += 2) apply(argv[i], argv[i + 1]);
        execvp(command[0], command);
        _exit(127);
    }
    int status;
    ENSURE(waitpid(child, &status, 0) == child);
    return shell_status(status);
}
