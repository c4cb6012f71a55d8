/*
 * Threads that block every signal for a moment, as libraries do, and allocate while they do and after it.
 *
 *   masks
 *
 * One thread's mask is otherwise empty, another's has SIGUSR1, a third's everything.
 * "count": "count ROUNDS WRONG": WRONG masks were not, after the old one was set again and a block allocated,
 * what they had been.  "quit".
 */
#include "common.h"

#define THREADS 3
static volatile uint64_t rounds[THREADS], wrong;

static int same(const sigset_t *a, const sigset_t *b)
{
    for (int number = 1; number < 65; number++)
        if (sigismember(a, number) != sigismember(b, number))
            return 0;
    return 1;
}

static void pair(void)
{
    void *p = malloc(60);
    BARRIER();
    free(p);
}

static void *block_now_and_then(void *argument)
{
    int which = (int)(intptr_t)argument;
    sigset_t home, all, before, now;
    sigemptyset(&home);
    sigfillset(&all);
    if (which == 1)
        sigaddset(&home, SIGUSR1);
    if (which == 2)
        home = all;
    pthread_sigmask(SIG_SETMASK, &home, &before);
    pthread_sigmask(SIG_SETMASK, NULL, &home);          /* without what can't be blocked */
    arrive();
    for (;;) {
        pthread_sigmask(SIG_SETMASK, &all, &before);
        for (int i = 0; i < 8; i++)
            pair();
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        for (int i = 0; i < 8; i++)
            pair();
        pthread_sigmask(SIG_SETMASK, NULL, &now);
        if (!same(&now, &home)) {
            __atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
            pthread_sigmask(SIG_SETMASK, &home, NULL);
        }
        rounds[which]++;
        nap_us(200);
    }
    return NULL;
}

int main(void)
{
    char line[128];
    pthread_t t;
    for (int i = 0; i < THREADS; i++)
        pthread_create(&t, NULL, block_now_and_then, (void *)(intptr_t)i);
    ready(THREADS);
    while (hear(line, sizeof line) && strcmp(line, "quit")) {
        uint64_t least = rounds[0];
        for (int i = 1; i < THREADS; i++)
            if (rounds[i] < least)
                least = rounds[i];
        say("count %llu %llu\n", (unsigned long long)least, (unsigned long long)wrong);
    }
    return 0;
}
