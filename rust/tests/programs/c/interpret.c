// An interpreter: reads the script that is its last argument.
#include "check.h"

int main(int argc, char **argv) { read_file(argv[argc - 1]); }
