/*
 * A program whose first thread ends while the others go on: allocate, spawn programs, leak on command.  The
 * last thread to be made hears the commands.
 *
 *   leaderless [ALLOCATORS [SPAWNERS]]
 *
 * "leave": the first thread ends ("ok").  "count": "count PAIRS ERRORS SPAWNS BAD": BAD programs did not end
 * with status 0.  "leak N": N blocks of 71 bytes are lost in leak_some ("ok").  "quit".
 */
#include "common.h"
#include <semaphore.h>
#include <spawn.h>

extern char **environ;
static volatile uint64_t pairs, errors, spawns, bad;
static sem_t leave;

static void *allocate(void *argument)
{
    uint64_t random = 88172645463325252u + (uintptr_t)argument;
    arrive();
    for (;;) {
        uint32_t r = next_random(&random);
        size_t n = 30 + r % 150;
        unsigned char *p = malloc(n);
        fill(p, n, r);
        BARRIER();
        p = realloc(p, n + 200);
        BARRIER();
        if (!p || !intact(p, n, r))
            __atomic_add_fetch(&errors, 1, __ATOMIC_RELAXED);
        free(p);
        __atomic_add_fetch(&pairs, 1, __ATOMIC_RELAXED);
        if (r % 8 == 0)
            nap_us(100);
    }
    return NULL;
}

static void *spawn(void *argument)
{
    char *arguments[] = {"sh", "-c", "exit 0", NULL};
    (void)argument;
    arrive();
    for (;;) {
        pid_t pid;
        int status = 0;
        if (posix_spawn(&pid, "/bin/sh", NULL, NULL, arguments, environ) != 0) {
            __atomic_add_fetch(&bad, 1, __ATOMIC_RELAXED);
            nap_us(1000);
            continue;
        }
        while (waitpid(pid, &status, 0) != pid)
            ;
        if (status)
            __atomic_add_fetch(&bad, 1, __ATOMIC_RELAXED);
        __atomic_add_fetch(&spawns, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

NOINLINE static void leak_some(int n)
{
    for (int i = 0; i < n; i++) {
        void *volatile p = malloc(71);
        (void)p;
        BARRIER();
    }
}

static void *hear_commands(void *argument)
{
    char line[128];
    int n;
    ready((int)(intptr_t)argument);
    while (hear(line, sizeof line)) {
        if (!strcmp(line, "leave")) {
            sem_post(&leave);
            say("ok\n");
        } else if (!strcmp(line, "count"))
            say("count %llu %llu %llu %llu\n", (unsigned long long)pairs, (unsigned long long)errors,
                (unsigned long long)spawns, (unsigned long long)bad);
        else if (sscanf(line, "leak %d", &n) == 1) {
            leak_some(n);
            say("ok\n");
        } else
            break;
    }
    exit(0);
}

int main(int argc, char **argv)
{
    pthread_t t;
    int allocators = argc > 1 ? atoi(argv[1]) : 2, spawners = argc > 2 ? atoi(argv[2]) : 0;
    sem_init(&leave, 0, 0);
    for (int i = 0; i < allocators + spawners; i++)
        if (pthread_create(&t, NULL, i < allocators ? allocate : spawn, (void *)(intptr_t)(i + 1)) != 0)
            return 2;
    pthread_create(&t, NULL, hear_commands, (void *)(intptr_t)(allocators + spawners));
    while (sem_wait(&leave) != 0)
        ;
    pthread_exit(NULL);
}
