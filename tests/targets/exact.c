/*
 * Threads that allocate in every way, hand blocks to one another, fail some calls on purpose, check their own
 * data all the time, and leak exact numbers of blocks from five known functions.
 *
 *   exact [THREADS [MICROSECONDS BETWEEN CALLS]]
 *
 * "go N" runs N operations (0: until "stop"), then every block that was not leaked is freed, the threads are
 * parked and the program prints what it counted since "go":
 *   leak FUNCTION BLOCKS BYTES     (five times)
 *   total allocs A frees F failed X calls C ops O errors E
 *   end
 * allocs and frees are blocks that came and went (a realloc that moves or resizes one is both), calls are
 * calls made. "count" while running: "count OPS ERRORS".  "quit" ends the program.
 */
#include "common.h"
#include <malloc.h>

#define KINDS 5
#define SLOTS 48
#define RING 128
#define MOST_THREADS 64

struct block { unsigned char *p; size_t n; unsigned seed; };
struct worker {
    pthread_t thread;
    int number;
    uint64_t random, allocs, frees, failed, calls, ops, errors;
    struct block slots[SLOTS];
};

static const char *leak_names[KINDS] = {
    "leak_malloc", "leak_calloc", "leak_realloc", "leak_memalign", "leak_aligned"
};
static const int leak_goals[KINDS] = {7, 11, 13, 17, 23};
static int leak_tickets[KINDS];
static uint64_t leak_count[KINDS], leak_bytes[KINDS];

static struct worker workers[MOST_THREADS];
static int threads = 8;
static unsigned throttle;
static volatile size_t huge = (size_t)1 << 62;
static volatile size_t zero, odd_alignment = 24;

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_changed = PTHREAD_COND_INITIALIZER;
static int round_number, parked;
static pthread_barrier_t barrier;
static volatile int stop;
static uint64_t ops_goal;
static uint64_t ops_begun, errors_seen;

static pthread_mutex_t ring_lock = PTHREAD_MUTEX_INITIALIZER;
static struct block ring[RING];
static int ring_used;

static void wrong(struct worker *w)
{
    w->errors++;
    __atomic_add_fetch(&errors_seen, 1, __ATOMIC_RELAXED);
}

static void leaked(struct worker *w, int kind, unsigned char *p, size_t n)
{
    if (!p) {
        wrong(w);
        return;
    }
    fill(p, n, 1);
    w->allocs++;
    w->calls++;
    __atomic_add_fetch(&leak_count[kind], 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&leak_bytes[kind], n, __ATOMIC_RELAXED);
}

NOINLINE static void leak_malloc(struct worker *w)
{
    leaked(w, 0, malloc(101), 101);
    BARRIER();
}

NOINLINE static void leak_calloc(struct worker *w)
{
    leaked(w, 1, calloc(7, 29), 203);
    BARRIER();
}

NOINLINE static void leak_realloc(struct worker *w)
{
    unsigned char *p = malloc(53);
    w->allocs++;
    w->calls++;
    fill(p, 53, 9);
    p = realloc(p, 307);
    if (!p || !intact(p, 53, 9))
        wrong(w);
    w->frees++;
    leaked(w, 2, p, 307);
    BARRIER();
}

NOINLINE static void leak_memalign(struct worker *w)
{
    void *p = NULL;
    if (posix_memalign(&p, 64, 401) != 0 || ((uintptr_t)p & 63))
        wrong(w);
    leaked(w, 3, p, 401);
    BARRIER();
}

NOINLINE static void leak_aligned(struct worker *w)
{
    leaked(w, 4, aligned_alloc(128, 512), 512);
    BARRIER();
}

NOINLINE static void leak(struct worker *w, int kind)
{
    switch (kind) {
    case 0: leak_malloc(w); break;
    case 1: leak_calloc(w); break;
    case 2: leak_realloc(w); break;
    case 3: leak_memalign(w); break;
    default: leak_aligned(w); break;
    }
    BARRIER();
}

static int ticket(int kind)
{
    if (__atomic_load_n(&leak_tickets[kind], __ATOMIC_RELAXED) <= 0)
        return 0;
    if (__atomic_fetch_sub(&leak_tickets[kind], 1, __ATOMIC_RELAXED) > 0)
        return 1;
    __atomic_fetch_add(&leak_tickets[kind], 1, __ATOMIC_RELAXED);
    return 0;
}

static void check(struct worker *w, const struct block *b)
{
    if (!intact(b->p, b->n, b->seed))
        wrong(w);
}

static void release(struct worker *w, struct block *b)
{
    check(w, b);
    memset(b->p, 0xa5, b->n);
    if (next_random(&w->random) % 16 == 0 && b->n > 0) {
        if (realloc(b->p, zero) != NULL)        /* glibc: frees and returns NULL */
            wrong(w);
    } else
        free(b->p);
    w->calls++;
    w->frees++;
    b->p = NULL;
}

static void acquire(struct worker *w, struct block *b)
{
    uint32_t r = next_random(&w->random);
    size_t n = r % 600;
    if (r % 97 == 0)
        n = r % 20000;
    if (r % 1009 == 0)
        n = 140000 + r % 100000;                /* past the mmap threshold */
    void *p = NULL;
    size_t aligned = 0;
    switch (next_random(&w->random) % 10) {
    case 0: case 1: case 2: p = malloc(n); break;
    case 3:
        n = n / 3 * 3;
        p = calloc(n / 3, 3);
        for (size_t i = 0; p && i < n; i++)
            if (((char *)p)[i])
                wrong(w);
        break;
    case 4: p = realloc(NULL, n); break;
    case 5: n = n / 5 * 5; p = reallocarray(NULL, n / 5, 5); break;
    case 6: if (posix_memalign(&p, aligned = 256, n) != 0) wrong(w); break;
    case 7: aligned = 64; n = (n + 63) & ~(size_t)63; p = aligned_alloc(64, n); break;
    case 8: p = memalign(aligned = 32, n); break;
    default: p = r % 8 ? malloc(n) : valloc(n); break;
    }
    w->calls++;
    if (!p || (aligned && ((uintptr_t)p & (aligned - 1)))) {
        wrong(w);
        return;
    }
    w->allocs++;
    b->p = p;
    b->n = n;
    b->seed = r;
    fill(b->p, n, r);
}

static void resize(struct worker *w, struct block *b)
{
    uint32_t r = next_random(&w->random);
    size_t n = 1 + r % 900;
    void *p = r & 0x10000 ? realloc(b->p, n) : reallocarray(b->p, n, 1);
    w->calls++;
    if (!p || !intact(p, n < b->n ? n : b->n, b->seed)) {
        wrong(w);
        return;
    }
    w->allocs++;
    w->frees++;
    b->p = p;
    b->n = n;
    fill(b->p, n, b->seed);
}

/* Calls that must fail, must say so as ever, and must leave everything as it was. */
static void fail(struct worker *w, struct block *b)
{
    void *p = (void *)0x5a5a;
    w->calls++;
    w->failed++;
    errno = 0;
    switch (next_random(&w->random) % 8) {
    case 0: if (malloc(huge) != NULL || errno != ENOMEM) wrong(w); break;
    case 1: if (calloc(huge, huge) != NULL || errno != ENOMEM) wrong(w); break;
    case 2: if (realloc(b->p, huge) != NULL || errno != ENOMEM) wrong(w); break;
    case 3: if (reallocarray(b->p, huge, 16) != NULL || errno != ENOMEM) wrong(w); break;
    case 4: if (posix_memalign(&p, odd_alignment, 10) != EINVAL || p != (void *)0x5a5a) wrong(w); break;
    case 5: if (posix_memalign(&p, 64, huge) != ENOMEM || p != (void *)0x5a5a) wrong(w); break;
    case 6: if (memalign(64, huge) != NULL || errno != ENOMEM) wrong(w); break;
    default: errno = 77; free(NULL); if (errno != 77) wrong(w); w->failed--; break;
    }
    check(w, b);
}

static void hand_over(struct worker *w, struct block *mine)
{
    struct block theirs = {0, 0, 0};
    pthread_mutex_lock(&ring_lock);
    if (ring_used == RING || (ring_used > 0 && next_random(&w->random) % 2)) {
        int i = (int)(next_random(&w->random) % (unsigned)ring_used);
        theirs = ring[i];
        ring[i] = ring[--ring_used];
    }
    ring[ring_used++] = *mine;
    pthread_mutex_unlock(&ring_lock);
    mine->p = NULL;
    if (theirs.p)
        release(w, &theirs);
}

NOINLINE static void operate(struct worker *w)
{
    struct block *b = &w->slots[next_random(&w->random) % SLOTS];
    uint32_t r = next_random(&w->random) % 32;
    w->ops++;
    if (!b->p)
        acquire(w, b);
    else if (r < 14)
        release(w, b);
    else if (r < 20)
        resize(w, b);
    else if (r < 22)
        fail(w, b);
    else
        hand_over(w, b);
}

static void *work(void *argument)
{
    struct worker *w = argument;
    char name[16];
    snprintf(name, sizeof name, "worker-%d", w->number);
    prctl(PR_SET_NAME, name, 0, 0, 0);
    for (int seen = 0; ; ) {
        pthread_mutex_lock(&gate);
        parked++;
        pthread_cond_broadcast(&gate_changed);
        while (round_number == seen)
            pthread_cond_wait(&gate_changed, &gate);
        seen = round_number;
        pthread_mutex_unlock(&gate);
        for (;;) {
            int finishing = stop
                || (ops_goal && __atomic_fetch_add(&ops_begun, 1, __ATOMIC_RELAXED) >= ops_goal);
            int kind = -1;
            if (finishing) {
                for (int k = 0; k < KINDS && kind < 0; k++)
                    if (ticket(k))
                        kind = k;
            } else if (next_random(&w->random) % 64 == 0) {
                int k = (int)(next_random(&w->random) % KINDS);
                if (ticket(k))
                    kind = k;
            }
            if (kind >= 0)
                leak(w, kind);
            else if (finishing)
                break;
            else
                operate(w);
            if (throttle)
                nap_us(throttle);
        }
        for (int i = 0; i < SLOTS; i++)
            if (w->slots[i].p)
                release(w, &w->slots[i]);
        pthread_barrier_wait(&barrier);
        if (w->number == 0)
            while (ring_used > 0)
                release(w, &ring[--ring_used]);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    char line[128];
    if (argc > 1)
        threads = atoi(argv[1]);
    if (threads < 1 || threads > MOST_THREADS)
        return 2;
    if (argc > 2)
        throttle = (unsigned)atoi(argv[2]);
    pthread_barrier_init(&barrier, NULL, (unsigned)threads);
    for (int i = 0; i < threads; i++) {
        workers[i].number = i;
        workers[i].random = 88172645463325252ull + (uint64_t)i * 7919;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            return 2;
    }
    pthread_mutex_lock(&gate);
    while (parked < threads)
        pthread_cond_wait(&gate_changed, &gate);
    pthread_mutex_unlock(&gate);
    ready(0);
    while (hear(line, sizeof line)) {
        if (!strcmp(line, "quit"))
            return errors_seen ? 1 : 0;
        if (strncmp(line, "go", 2) != 0) {
            say("what?\n");
            continue;
        }
        for (int i = 0; i < threads; i++) {
            struct worker *w = &workers[i];
            w->allocs = w->frees = w->failed = w->calls = w->ops = w->errors = 0;
        }
        for (int k = 0; k < KINDS; k++) {
            leak_tickets[k] = leak_goals[k];
            leak_count[k] = leak_bytes[k] = 0;
        }
        pthread_mutex_lock(&gate);
        stop = 0;
        ops_begun = 0;
        ops_goal = line[2] ? strtoull(line + 2, NULL, 10) : 0;
        parked = 0;
        round_number++;
        pthread_cond_broadcast(&gate_changed);
        pthread_mutex_unlock(&gate);
        for (int done = 0; !done; ) {
            if (heard(20)) {
                if (!hear(line, sizeof line) || !strcmp(line, "quit"))
                    return 1;
                if (!strcmp(line, "stop"))
                    stop = 1;
                if (!strcmp(line, "count")) {
                    uint64_t ops = 0;
                    for (int i = 0; i < threads; i++)
                        ops += workers[i].ops;
                    say("count %llu %llu\n", (unsigned long long)ops, (unsigned long long)errors_seen);
                }
            }
            pthread_mutex_lock(&gate);
            done = parked == threads;
            pthread_mutex_unlock(&gate);
        }
        struct worker sum = {0};
        for (int i = 0; i < threads; i++) {
            sum.allocs += workers[i].allocs;
            sum.frees += workers[i].frees;
            sum.failed += workers[i].failed;
            sum.calls += workers[i].calls;
            sum.ops += workers[i].ops;
            sum.errors += workers[i].errors;
        }
        for (int k = 0; k < KINDS; k++)
            say("leak %s %llu %llu\n", leak_names[k],
                (unsigned long long)leak_count[k], (unsigned long long)leak_bytes[k]);
        say("total allocs %llu frees %llu failed %llu calls %llu ops %llu errors %llu\n",
            (unsigned long long)sum.allocs, (unsigned long long)sum.frees, (unsigned long long)sum.failed,
            (unsigned long long)sum.calls, (unsigned long long)sum.ops, (unsigned long long)sum.errors);
        say("end\n");
    }
    return 0;
}
