/*
 * A thread that waits in vfork, another that allocates, and blocks that are lost on command: much to report,
 * and a thread that no tracer can stop.
 *
 *   vfleaker
 *
 * "leak N": N blocks of 43 bytes are lost ("ok").  "vfork MS": a thread vforks a child that sleeps so long
 * ("vforked"); "vforkdone" when it goes on.  "count": "count PAIRS ERRORS".  "quit".
 */
#include "common.h"

static volatile uint64_t pairs, errors;
static volatile unsigned order;

static void *allocate(void *argument)
{
    (void)argument;
    arrive();
    for (unsigned i = 0; ; i++) {
        unsigned char *p = malloc(64);
        fill(p, 64, i);
        BARRIER();
        if (!intact(p, 64, i))
            errors++;
        free(p);
        pairs++;
        nap_us(500);
    }
    return NULL;
}

static void *fork_on_order(void *argument)
{
    (void)argument;
    arrive();
    for (;;) {
        while (!order)
            nap_us(1000);
        unsigned ms = order;
        struct timespec t = {ms / 1000, (ms % 1000) * 1000000L};
        order = 0;
        pid_t child = vfork();
        if (child == 0) {
            syscall(SYS_nanosleep, &t, NULL);
            _exit(0);
        }
        say("vforkdone\n");
        while (waitpid(child, NULL, 0) != child)
            ;
    }
    return NULL;
}

int main(void)
{
    char line[128];
    unsigned n;
    pthread_t t;
    pthread_create(&t, NULL, allocate, NULL);
    pthread_create(&t, NULL, fork_on_order, NULL);
    ready(2);
    while (hear(line, sizeof line)) {
        if (sscanf(line, "vfork %u", &n) == 1) {
            order = n;
            say("vforked\n");
        } else if (sscanf(line, "leak %u", &n) == 1) {
            while (n--) {
                void *volatile p = malloc(43);
                (void)p;
                BARRIER();
            }
            say("ok\n");
        } else if (!strcmp(line, "count"))
            say("count %llu %llu\n", (unsigned long long)pairs, (unsigned long long)errors);
        else
            break;
    }
    return 0;
}
