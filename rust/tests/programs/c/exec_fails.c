// Executions that fail: absent, no permission, a directory, no format, an interpreter that is absent.
#include "check.h"

int main(void) {
    char *argv[] = {"x", NULL};
    FAILS(execve("./absent", argv, environ), ENOENT);
    FAILS(execve("./plain", argv, environ), EACCES);
    FAILS(execve(".", argv, environ), EACCES);
    FAILS(execve("./noformat", argv, environ), ENOEXEC);
    FAILS(execve("./badscript", argv, environ), ENOENT);
    FAILS(execve("./file/below", argv, environ), ENOTDIR);
}
