/*
 * A program whose forked children stay and allocate, as it does itself.
 *
 *   brood
 *
 * "fork": "child PID"; "hide": the same, of a child whose mappings others may not look at.  "count": "count
 * PAIRS PAIRS_OF_EACH_CHILD... ERRORS".  "quit": the children end with it.
 */
#include "common.h"
#include <sys/mman.h>

#define MOST 64

static volatile uint64_t *pairs, *errors;

static void allocate(int number, unsigned i)
{
    size_t n = 16 + i % 300;
    unsigned char *p = malloc(n);
    fill(p, n, i);
    BARRIER();
    if (!intact(p, n, i))
        __atomic_add_fetch(errors, 1, __ATOMIC_RELAXED);
    free(p);
    pairs[number]++;
    nap_us(200);
}

static void *parent(void *argument)
{
    (void)argument;
    arrive();
    for (unsigned i = 0; ; i++)
        allocate(0, i);
    return NULL;
}

int main(void)
{
    char line[128];
    int children = 0;
    pthread_t t;
    pairs = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pairs == MAP_FAILED)
        return 2;
    errors = pairs + MOST;
    pthread_create(&t, NULL, parent, NULL);
    ready(1);
    while (hear(line, sizeof line)) {
        int hide = !strcmp(line, "hide");
        if ((hide || !strcmp(line, "fork")) && children + 1 < MOST) {
            pid_t pid = fork();
            if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
                prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
                prctl(PR_SET_DUMPABLE, !hide, 0, 0, 0);
                for (unsigned i = 0; ; i++)
                    allocate(children + 1, i);
            }
            children++;
            say("child %d\n", (int)pid);
        } else if (!strcmp(line, "count")) {
            char text[MOST * 21];
            int n = 0;
            for (int i = 0; i <= children; i++)
                n += sprintf(text + n, " %llu", (unsigned long long)pairs[i]);
            say("count%s %llu\n", text, (unsigned long long)*errors);
        } else
            break;
    }
    _exit(0);
}
