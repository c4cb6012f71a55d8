/*
 * Does on command what programs do for reasons of their own.
 *
 *   habits
 *
 * "handle": it installs a handler for SIGTRAP ("ok").  "trap": it raises SIGTRAP: "traps N", those handled
 * so far.  "grow N": a block grows in N steps by reallocarray and is freed ("ok").  "count": "count PAIRS
 * ERRORS" of a thread that mallocs and frees.  "quit".
 */
#include "common.h"

static volatile uint64_t pairs, errors;
static volatile int traps;

static void on_trap(int number)
{
    (void)number;
    traps++;
}

static void *pair(void *argument)
{
    (void)argument;
    arrive();
    for (unsigned i = 0; ; i++) {
        unsigned char *p = malloc(90);
        fill(p, 90, i);
        BARRIER();
        if (!intact(p, 90, i))
            errors++;
        free(p);
        pairs++;
        nap_us(500);
    }
    return NULL;
}

NOINLINE static void grow(int steps)
{
    void *p = NULL;
    for (int i = 1; i <= steps; i++) {
        p = reallocarray(p, (size_t)i, 16);
        if (!p)
            _exit(2);
    }
    BARRIER();
    free(p);
}

int main(void)
{
    char line[128];
    int n;
    pthread_t t;
    pthread_create(&t, NULL, pair, NULL);
    ready(1);
    while (hear(line, sizeof line)) {
        if (!strcmp(line, "handle")) {
            signal(SIGTRAP, on_trap);
            say("ok\n");
        } else if (!strcmp(line, "trap")) {
            raise(SIGTRAP);
            say("traps %d\n", traps);
        } else if (sscanf(line, "grow %d", &n) == 1) {
            grow(n);
            say("ok\n");
        } else if (!strcmp(line, "count"))
            say("count %llu %llu\n", (unsigned long long)pairs, (unsigned long long)errors);
        else
            break;
    }
    return 0;
}
