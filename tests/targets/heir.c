/*
 * A second process in the memory of the first, which goes on allocating when the first ends or runs another
 * program.  From then on the heir hears the commands.
 *
 *   heir
 *
 * "exit", "exec": the first process ends, or becomes a program that does nothing.  "count": "count PAIRS
 * ERRORS PID" with the pairs of the heir and its pid.  "quit".
 */
#include "common.h"
#include <sched.h>

static volatile uint64_t pairs, errors;
static volatile int alone;
static pid_t heir;

static void report(void)
{
    say("count %llu %llu %d\n", (unsigned long long)pairs, (unsigned long long)errors, (int)heir);
}

/* The heir has the first process's thread descriptor (there is no other to be had): the first waits in read()
   meanwhile and allocates nothing. */
static int inherit(void *argument)
{
    char line[128];
    (void)argument;
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    for (unsigned i = 0; ; i++) {
        unsigned char *p = malloc(150);
        fill(p, 150, i);
        BARRIER();
        if (!intact(p, 150, i))
            errors++;
        free(p);
        pairs++;
        nap_us(300);
        if (alone && heard(0)) {
            if (!hear(line, sizeof line) || !strcmp(line, "quit"))
                _exit(0);
            report();
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    static char stack[262144] __attribute__((aligned(16)));
    char line[128];
    if (argc > 1)                       /* after "exec" */
        for (;;)
            pause();
    heir = clone(inherit, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
    if (heir < 0)
        return 2;
    ready(0);
    while (hear(line, sizeof line)) {
        if (!strcmp(line, "exit")) {
            alone = 1;
            _exit(0);
        }
        if (!strcmp(line, "exec")) {
            alone = 1;
            execl(argv[0], argv[0], "idle", (char *)NULL);
            _exit(3);
        }
        if (!strcmp(line, "quit"))
            break;
        report();
    }
    kill(heir, SIGKILL);
    waitpid(heir, NULL, __WALL);
    return 0;
}
