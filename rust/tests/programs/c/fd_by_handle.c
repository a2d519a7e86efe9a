// open_by_handle_at(2).
#include "check.h"

int main(void) {
    struct { struct file_handle handle; char room[MAX_HANDLE_SZ]; } place = {.handle.handle_bytes = MAX_HANDLE_SZ};
    int mount, here = CHECK(open(".", O_RDONLY | O_DIRECTORY));
    if (name_to_handle_at(AT_FDCWD, "in", &place.handle, &mount, 0) == -1) unsupported("name_to_handle_at");
    int fd = open_by_handle_at(here, &place.handle, O_RDONLY);
    if (fd == -1 && errno == EPERM) unsupported("open_by_handle_at");
    read_some(CHECK(fd));
    place.handle.handle_bytes = MAX_HANDLE_SZ;
    CHECK(name_to_handle_at(AT_FDCWD, "x", &place.handle, &mount, 0));
    write_text(CHECK(open_by_handle_at(here, &place.handle, O_WRONLY | O_TRUNC)), "new");
}
