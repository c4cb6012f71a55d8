/*
 * Somebody else's tracer: seizes PID and keeps it until stdin ends.
 *
 *   tracer PID
 */
#include "common.h"
#include <sys/ptrace.h>

int main(int argc, char **argv)
{
    char line[128];
    if (argc < 2 || ptrace(0x4206 /* PTRACE_SEIZE */, atoi(argv[1]), 0, 0) != 0)
        return 2;
    ready(0);
    while (hear(line, sizeof line) && strcmp(line, "quit"))
        ;
    return 0;               /* the kernel lets it go: it is not stopped */
}
