/*
 * Threads that do nothing but allocate and free, so that nearly always one of them is inside: what is placed
 * in the process or taken out of it must never meet one at the wrong moment.
 *
 *   dense [THREADS]
 *
 * "count": "count PAIRS ERRORS".  "quit".
 */
#include "common.h"

#define MOST_THREADS 16
#define HELD 8

static struct { volatile uint64_t pairs, errors, spare[6]; } workers[MOST_THREADS];

static void *work(void *argument)
{
    long number = (long)argument;
    unsigned char *held[HELD];
    arrive();
    for (unsigned round = 0; ; round++) {
        for (unsigned i = 0; i < HELD; i++) {
            held[i] = malloc(24 + i * 16);
            *(volatile unsigned *)held[i] = round + i;
        }
        for (unsigned i = 0; i < HELD; i++) {
            if (*(volatile unsigned *)held[i] != round + i)
                workers[number].errors++;
            free(held[i]);
        }
        workers[number].pairs += HELD;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    char line[128];
    long threads = argc > 1 ? atoi(argv[1]) : 2;
    if (threads < 1 || threads > MOST_THREADS)
        return 2;
    for (long i = 0; i < threads; i++) {
        pthread_t t;
        if (pthread_create(&t, NULL, work, (void *)i) != 0)
            return 2;
    }
    ready((int)threads);
    while (hear(line, sizeof line)) {
        uint64_t pairs = 0, errors = 0;
        if (strcmp(line, "count") != 0)
            break;
        for (long i = 0; i < threads; i++) {
            pairs += workers[i].pairs;
            errors += workers[i].errors;
        }
        say("count %llu %llu\n", (unsigned long long)pairs, (unsigned long long)errors);
    }
    _exit(0);
}
