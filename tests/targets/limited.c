/*
 * A program that lives close to its limits, which the test sets: a thread allocates, and on command the
 * program asks for what it may still have.
 *
 *   limited
 *
 * "map MB": a mapping of so many megabytes, used and unmapped again: "map ok" or "map failed".  "lock":
 * mlockall of all that is and will be mapped: "lock 0" or "lock ERRNO".  "count": "count PAIRS ERRORS".
 * "quit".
 */
#include "common.h"
#include <sys/mman.h>

static volatile uint64_t pairs, errors;

static void *pair(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < 100; i++)
        free(malloc(i));                /* the arena is set up by now */
    arrive();
    for (unsigned i = 0; ; i++) {
        unsigned char *p = malloc(100);
        if (!p) {
            errors++;
            continue;
        }
        fill(p, 100, i);
        BARRIER();
        if (!intact(p, 100, i))
            errors++;
        free(p);
        pairs++;
        nap_us(200);
    }
    return NULL;
}

int main(void)
{
    char line[128];
    int size;
    pthread_t t;
    pthread_create(&t, NULL, pair, NULL);
    ready(1);
    while (hear(line, sizeof line)) {
        if (sscanf(line, "map %d", &size) == 1) {
            size_t bytes = (size_t)size << 20;
            char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (p != MAP_FAILED) {
                p[0] = p[bytes - 1] = 1;
                munmap(p, bytes);
            }
            say(p == MAP_FAILED ? "map failed\n" : "map ok\n");
        } else if (!strcmp(line, "lock"))
            say("lock %d\n", mlockall(MCL_CURRENT | MCL_FUTURE) ? errno : 0);
        else if (!strcmp(line, "count"))
            say("count %llu %llu\n", (unsigned long long)pairs, (unsigned long long)errors);
        else
            break;
    }
    _exit(0);
}
