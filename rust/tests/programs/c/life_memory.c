// A program that does to its memory what few do: makes the text of the C library writable and not again, locks all memory,
// and takes every free place in the lowest 4 GiB.
#include "check.h"

static void protect(int to) {
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    ENSURE(maps != NULL);
    while (fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        char mode[5];
        if (strstr(line, "/libc.so.6") && sscanf(line, "%lx-%lx %4s", &start, &end, mode) == 3 && mode[2] == 'x')
            CHECK(mprotect((void *)start, end - start, to));
    }
    fclose(maps);
}

static void fill_low(void) {
    for (unsigned long at = 0x1000000; at < 0x100000000; at += 0x4000000) {
        void *wanted = (void *)at;
        void *got = mmap(wanted, 0x1000, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        ENSURE(got == wanted || errno == EEXIST);
    }
}

int main(void) {
    make_file("first", "new");
    protect(PROT_READ | PROT_WRITE | PROT_EXEC);
    make_file("writable", "new");
    protect(PROT_READ | PROT_EXEC);
    make_file("not_writable", "new");
    fill_low();
    make_file("filled", "new");
    CHECK(mlockall(MCL_CURRENT | MCL_FUTURE));
    make_file("locked", "new");
    pid_t child = CHECK(fork());
    if (child == 0) {
        make_file("child", "new");
        _exit(0);
    }
    wait_for(child);
}
