/*
 * A static function that happens to be called calloc, but allocates from a pool and takes the pool as its
 * first argument, as a local symbol of a program that is not stripped.
 *
 *   namesake
 *
 * "count": "count CALLS ERRORS".  "quit".
 */
#include "common.h"

struct pool { unsigned char room[1 << 16]; size_t at; };
static struct pool pool;
static volatile uint64_t calls, errors;

/* <stdlib.h> has declared the other one: only the symbol has the name */
NOINLINE static void *pool_calloc(struct pool *from, size_t size) __asm__("calloc");
NOINLINE static void *pool_calloc(struct pool *from, size_t size)
{
    void *p = from->room + from->at;
    from->at = (from->at + 64) % (sizeof from->room - 64);
    BARRIER();
    return size ? p : NULL;
}

static void *work(void *argument)
{
    (void)argument;
    arrive();
    for (unsigned i = 0; ; i++) {
        unsigned char *p = pool_calloc(&pool, (size_t)1 << 20);     /* times a pointer: more than 64 bits */
        unsigned char *q = malloc(90);
        fill(q, 90, i);
        BARRIER();
        if (p < pool.room || p > pool.room + sizeof pool.room || !intact(q, 90, i))
            errors++;
        free(q);
        calls++;
        nap_us(500);
    }
    return NULL;
}

int main(void)
{
    char line[128];
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    ready(1);
    while (hear(line, sizeof line)) {
        if (strcmp(line, "count"))
            break;
        say("count %llu %llu\n", (unsigned long long)calls, (unsigned long long)errors);
    }
    return 0;
}
