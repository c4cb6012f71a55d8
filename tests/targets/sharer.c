/*
 * Two processes (thread groups) in one memory, both allocating: hooks in the text of one are in the text of
 * the other.
 *
 *   sharer
 *
 * "count": "count PAIRS_HERE PAIRS_THERE ERRORS".  "quit".
 */
#include "common.h"
#include <sched.h>

static volatile uint64_t pairs[2], errors;

static int work(void *argument)
{
    int which = (int)(intptr_t)argument;
    if (which)
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    for (unsigned i = 0; ; i++) {
        unsigned char *p = malloc(150);
        fill(p, 150, i);
        BARRIER();
        if (!intact(p, 150, i))
            errors++;
        free(p);
        pairs[which]++;
        struct timespec t = {0, 300000};
        syscall(SYS_nanosleep, &t, NULL);
    }
    return 0;
}

static void *thread_work(void *argument)
{
    arrive();
    work(argument);
    return NULL;
}

int main(void)
{
    static char stack[262144] __attribute__((aligned(16)));
    char line[128];
    pthread_t t;
    pthread_create(&t, NULL, thread_work, (void *)0);
    /* A thread descriptor of its own (CLONE_SETTLS) is not to be had here: the other process uses the main
       thread's, which waits in read() meanwhile and allocates nothing. */
    pid_t other = clone(work, stack + sizeof stack, CLONE_VM | SIGCHLD, (void *)1);
    if (other < 0)
        return 2;
    ready(1);
    while (hear(line, sizeof line)) {
        if (!strcmp(line, "quit"))
            break;
        say("count %llu %llu %llu %d\n", (unsigned long long)pairs[0], (unsigned long long)pairs[1],
            (unsigned long long)errors, (int)other);
    }
    kill(other, SIGKILL);
    waitpid(other, NULL, __WALL);
    return 0;
}
