/*
 * Call stacks that look alike: at each of LEVELS steps left() or right() goes on, whose frames are of one size, so that
 * sp and the return address of malloc are always the same and the words between decide.
 *
 *   twins [THREADS]
 *
 * "go ROUNDS": each thread allocates ROUNDS times on each of the 2^LEVELS paths, in an order of its own, and frees
 * what it got at once, except the first (PATH % 7) of every path. "done". "quit".
 */
#include "common.h"

#define LEVELS 6
#define PATHS (1 << LEVELS)

struct walker { pthread_t thread; int number; };
static volatile int rounds, generation, finished;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
void *leaked[32 * PATHS * 7];
static int leaks;

static void *step(unsigned path, int to_go);

NOINLINE static void *leaf(unsigned path)
{
    void *p = malloc(16 + path);
    BARRIER();
    return p;
}

NOINLINE static void *left(unsigned path, int to_go)
{
    void *p = step(path, to_go);
    BARRIER();
    return p;
}

NOINLINE static void *right(unsigned path, int to_go)
{
    void *p = step(path, to_go);
    __asm__ volatile("# not to be taken for left" ::: "memory");
    return p;
}

NOINLINE static void *step(unsigned path, int to_go)
{
    void *p;
    if (!to_go)
        p = leaf(path);
    else if (path >> (to_go - 1) & 1)
        p = right(path, to_go - 1);
    else
        p = left(path, to_go - 1);
    BARRIER();
    return p;
}

static void *walk(void *argument)
{
    struct walker *w = argument;
    uint64_t random = 88172645463325252u + (uint64_t)w->number * 7919;
    int seen = 0;
    arrive();
    for (;;) {
        pthread_mutex_lock(&gate);
        while (seen == generation)
            pthread_cond_wait(&changed, &gate);
        seen = generation;
        pthread_mutex_unlock(&gate);
        unsigned kept[PATHS] = { 0 };
        unsigned start = next_random(&random) % PATHS, stride = next_random(&random) % PATHS | 1;
        for (int round = 0; round < rounds; round++) {
            stride = (stride + 2) % PATHS | 1;
            for (unsigned i = 0; i < PATHS; i++) {
                unsigned path = (start + i * stride) % PATHS;
                void *p = step(path, LEVELS);
                if (kept[path] < path % 7) {
                    kept[path]++;
                    leaked[__sync_fetch_and_add(&leaks, 1)] = p;
                } else
                    free(p);
            }
        }
        pthread_mutex_lock(&gate);
        finished++;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&gate);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    static struct walker walkers[32];
    char line[128];
    int threads = argc > 1 ? atoi(argv[1]) : 1;
    if (threads < 1 || threads > 32)
        return 2;
    for (int i = 0; i < threads; i++) {
        walkers[i].number = i;
        if (pthread_create(&walkers[i].thread, NULL, walk, &walkers[i]) != 0)
            return 2;
    }
    ready(threads);
    while (hear(line, sizeof line)) {
        if (!strcmp(line, "quit"))
            break;
        if (sscanf(line, "go %d", (int *)&rounds) == 1) {
            pthread_mutex_lock(&gate);
            finished = leaks = 0;
            generation++;
            pthread_cond_broadcast(&changed);
            while (finished < threads)
                pthread_cond_wait(&changed, &gate);
            pthread_mutex_unlock(&gate);
            say("done\n");
        } else
            say("what?\n");
    }
    return 0;
}
