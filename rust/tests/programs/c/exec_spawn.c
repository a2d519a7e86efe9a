// posix_spawn(3) whose file actions open, duplicate and close; the child copies its standard input to its output.
#include "check.h"

#include <spawn.h>

int main(void) {
    posix_spawn_file_actions_t actions;
    ENSURE(posix_spawn_file_actions_init(&actions) == 0);
    ENSURE(posix_spawn_file_actions_addopen(&actions, 5, "in", O_RDONLY, 0) == 0);
    ENSURE(posix_spawn_file_actions_adddup2(&actions, 5, 0) == 0);
    ENSURE(posix_spawn_file_actions_addclose(&actions, 5) == 0);
    ENSURE(posix_spawn_file_actions_addopen(&actions, 1, "out", O_WRONLY | O_CREAT | O_TRUNC, 0644) == 0);
    pid_t child;
    ENSURE(posix_spawnp(&child, "cat", &actions, NULL, (char *[]){"cat", NULL}, environ) == 0);
    wait_for(child);
}
