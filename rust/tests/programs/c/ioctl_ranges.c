// FS_IOC_ZERO_RANGE and FS_IOC_UNRESVSP64 change bytes; FS_IOC_RESVSP64 does not, nor the size.
#include "check.h"

// From the kernel's linux/falloc.h, which is not installed for programs.
struct range {
    int16_t type, whence;
    int64_t start, length;
    int32_t system;
    uint32_t pid;
    int32_t padding[4];
};

#define RESERVE _IOW('X', 42, struct range)
#define UNRESERVE _IOW('X', 43, struct range)
#define ZERO _IOW('X', 57, struct range)

static void change(const char *name, unsigned long request) {
    struct range range = {.whence = SEEK_SET, .start = 0, .length = 4};
    int fd = CHECK(open(name, O_WRONLY));
    if (ioctl(fd, request, &range) == -1) unsupported(name);
    CHECK(close(fd));
}

int main(void) {
    change("zeroed", ZERO);
    change("punched", UNRESERVE);
    change("reserved", RESERVE);
}
