/*
 * The least that a tracer can do: wait for a stop, continue.  The tracee runs into int3 again and again.
 *
 *   bare STOPS [shared|free]
 *
 * shared: tracer and tracee pinned to one core (the first one allowed); free: wherever the kernel puts them.
 * Prints nanoseconds a stop.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int stops = argc > 1 ? atoi(argv[1]) : 20000;
    if (argc < 3 || strcmp(argv[2], "free") != 0) {
        cpu_set_t allowed, one;
        sched_getaffinity(0, sizeof allowed, &allowed);
        CPU_ZERO(&one);
        for (int i = 0; i < CPU_SETSIZE; i++)
            if (CPU_ISSET(i, &allowed)) {
                CPU_SET(i, &one);
                break;
            }
        if (sched_setaffinity(0, sizeof one, &one) != 0)
            return 2;
    }
    pid_t child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        for (;;)
            __asm__ volatile("int3");
    }
    int status;
    struct timespec a, b;
    for (int i = -500; i < stops; i++) {
        if (i == 0)
            clock_gettime(CLOCK_MONOTONIC, &a);
        if (waitpid(child, &status, __WALL) != child || !WIFSTOPPED(status))
            return 2;
        ptrace(PTRACE_CONT, child, 0, 0);
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    kill(child, SIGKILL);
    printf("%.1f\n", ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / stops);
    return 0;
}
