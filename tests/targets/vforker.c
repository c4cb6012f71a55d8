/*
 * A parent that waits in vfork for SECONDS at a time while another thread allocates.
 *
 *   vforker
 *
 * "vfork MS": a thread vforks a child that sleeps so long and ends ("vforked"); "vforkdone" when it was
 * reaped; "count": "count PAIRS ERRORS LONGEST_US" of the allocating thread since "reset".  "quit".
 */
#include "common.h"

static volatile uint64_t pairs, errors, longest;
static volatile int reset, order;
static volatile unsigned sleep_ms;

static void *pair(void *argument)
{
    (void)argument;
    arrive();
    uint64_t last = now_ns();
    for (unsigned i = 0; ; i++) {
        unsigned char *p = malloc(64);
        fill(p, 64, i);
        BARRIER();
        if (!intact(p, 64, i))
            errors++;
        free(p);
        pairs++;
        nap_us(500);
        uint64_t now = now_ns();
        if (reset) {
            reset = 0;
            longest = 0;
        } else if (now - last > longest)
            longest = now - last;
        last = now;
    }
    return NULL;
}

static void *forker(void *argument)
{
    (void)argument;
    arrive();
    for (;;) {
        while (!order)
            nap_us(1000);
        order = 0;
        struct timespec t = {sleep_ms / 1000, (sleep_ms % 1000) * 1000000L};
        pid_t child = vfork();
        if (child == 0) {
            syscall(SYS_nanosleep, &t, NULL);
            _exit(7);
        }
        int status = 0;
        if (waitpid(child, &status, 0) != child)
            status = -1;
        say("vforkdone %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    }
    return NULL;
}

int main(void)
{
    char line[128];
    pthread_t t;
    pthread_create(&t, NULL, pair, NULL);
    pthread_create(&t, NULL, forker, NULL);
    ready(2);
    while (hear(line, sizeof line)) {
        if (!strcmp(line, "quit"))
            break;
        if (!strncmp(line, "vfork ", 6)) {
            sleep_ms = (unsigned)atoi(line + 6);
            order = 1;
            say("vforked\n");
        } else if (!strcmp(line, "reset")) {
            reset = 1;
            say("ok\n");
        } else if (!strcmp(line, "count"))
            say("count %llu %llu %llu\n", (unsigned long long)pairs, (unsigned long long)errors,
                (unsigned long long)longest / 1000);
    }
    return 0;
}
