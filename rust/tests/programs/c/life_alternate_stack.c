// A handler on a stack of its own, hardly larger than the kernel needs for the signal itself, that makes files.
#include "check.h"

#include <sys/auxv.h>

static int number;

static void handle(int signal) {
    (void)signal;
    char name[3] = {'o', (char)('0' + number++), 0};
    int fd = open(name, O_WRONLY | O_CREAT, 0644);
    if (fd < 0 || write(fd, "x", 1) != 1 || close(fd) != 0) _exit(9);
}

int main(void) {
    unsigned long least = getauxval(AT_MINSIGSTKSZ);
    size_t size = (least > 2048 ? least : 2048) + 6144;
    char *memory = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ENSURE(memory != MAP_FAILED);
    // Whatever grows beyond the stack meets a page that is not there.
    CHECK(mprotect(memory, 4096, PROT_NONE));
    stack_t stack = {.ss_sp = memory + 4096, .ss_size = (size + 15) & ~15UL};
    CHECK(sigaltstack(&stack, NULL));
    CHECK(sigaction(SIGUSR1, &(struct sigaction){.sa_handler = handle, .sa_flags = SA_ONSTACK}, NULL));
    for (int i = 0; i < 9; i++) CHECK(raise(SIGUSR1));
}
