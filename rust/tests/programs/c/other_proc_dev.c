// procfs, sysfs and devices.
#include "check.h"

int main(void) {
    read_file("/proc/self/status");
    read_file("/proc/cpuinfo");
    read_file("/sys/kernel/mm/transparent_hugepage/enabled");
    read_file("/dev/zero");
    int null = CHECK(open("/dev/null", O_RDWR));
    write_text(null, "text");
    write_text(CHECK(open("/proc/self/comm", O_WRONLY)), "name");
    ENSURE(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, CHECK(open("/dev/zero", O_RDWR)), 0) != MAP_FAILED);
}
