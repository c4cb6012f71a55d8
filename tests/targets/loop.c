/*
 * A bare malloc/free loop in THREADS threads, each checking what it wrote.
 *
 *   loop [THREADS [MICROSECONDS BETWEEN PAIRS]]
 *
 * "count": "count PAIRS ERRORS LONGEST_US": the longest time between two pairs since "reset" ("reset" ->
 * "ok"). "park": the threads wait outside of malloc ("ok"); "run": they go on ("ok").  "quit".
 */
#include "common.h"

#define MOST_THREADS 256

struct looper { pthread_t thread; int number, parked; uint64_t pairs, errors, longest, last; };
static struct looper loopers[MOST_THREADS];
static unsigned throttle;
static volatile int park, generation;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_changed = PTHREAD_COND_INITIALIZER;

static void wait_parked(struct looper *l)
{
    pthread_mutex_lock(&gate);
    l->parked = 1;
    pthread_cond_broadcast(&gate_changed);
    while (park)
        pthread_cond_wait(&gate_changed, &gate);
    l->parked = 0;
    pthread_mutex_unlock(&gate);
    l->last = now_ns();
}

static void *loop(void *argument)
{
    struct looper *l = argument;
    uint64_t random = 362436069u + (uint64_t)l->number * 104729;
    int seen = 0;
    arrive();
    l->last = now_ns();
    for (;;) {
        uint32_t r = next_random(&random);
        size_t n = 8 + r % 240;
        unsigned char *p = malloc(n);
        if (!p)
            l->errors++;
        else {
            fill(p, n, r);
            BARRIER();
            if (!intact(p, n, r))
                l->errors++;
            free(p);
        }
        l->pairs++;
        if (seen != generation) {
            seen = generation;
            l->longest = 0;
            l->last = now_ns();
        }
        if (throttle)
            nap_us(throttle);
        uint64_t now = now_ns();
        if (now - l->last > l->longest)
            l->longest = now - l->last;
        l->last = now;
        if (park)
            wait_parked(l);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    char line[128];
    int threads = argc > 1 ? atoi(argv[1]) : 1;
    if (threads < 1 || threads > MOST_THREADS)
        return 2;
    throttle = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
    for (int i = 0; i < threads; i++) {
        loopers[i].number = i;
        if (pthread_create(&loopers[i].thread, NULL, loop, &loopers[i]) != 0)
            return 2;
    }
    ready(threads);
    while (hear(line, sizeof line)) {
        if (!strcmp(line, "quit"))
            break;
        if (!strcmp(line, "count")) {
            uint64_t pairs = 0, errors = 0, longest = 0;
            for (int i = 0; i < threads; i++) {
                pairs += loopers[i].pairs;
                errors += loopers[i].errors;
                if (loopers[i].longest > longest)
                    longest = loopers[i].longest;
            }
            say("count %llu %llu %llu\n", (unsigned long long)pairs, (unsigned long long)errors,
                (unsigned long long)(longest / 1000));
        } else if (!strcmp(line, "reset")) {
            generation++;
            say("ok\n");
        } else if (!strcmp(line, "park")) {
            pthread_mutex_lock(&gate);
            park = 1;
            for (int i = 0; i < threads; i++)
                while (!loopers[i].parked)
                    pthread_cond_wait(&gate_changed, &gate);
            pthread_mutex_unlock(&gate);
            say("ok\n");
        } else if (!strcmp(line, "run")) {
            pthread_mutex_lock(&gate);
            park = 0;
            pthread_cond_broadcast(&gate_changed);
            pthread_mutex_unlock(&gate);
            say("ok\n");
        } else
            say("what?\n");
    }
    return 0;
}
