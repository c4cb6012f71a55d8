/*
 * Threads that fork without a pause, beside others that allocate.  Each child allocates a little and ends.
 *
 *   forkers [FORKERS [ALLOCATORS]]
 *
 * "count": "count FORKS BAD LAST PAIRS": children reaped, those that did not end with status 0, the wait
 * status of the last of them, what the allocating threads did.  "quit".
 */
#include "common.h"

static volatile uint64_t forks, bad, pairs;
static volatile int last;

static void *allocate(void *argument)
{
    (void)argument;
    arrive();
    for (;;) {
        unsigned char *p = malloc(100);
        BARRIER();
        p = realloc(p, 200);
        BARRIER();
        free(p);
        pairs++;
    }
    return NULL;
}

static void child(void)
{
    for (unsigned i = 0; i < 20; i++) {
        unsigned char *p = malloc(64 + i);
        if (!p)
            _exit(1);
        fill(p, 64 + i, i);
        BARRIER();
        if (!intact(p, 64 + i, i))
            _exit(2);
        free(p);
    }
    _exit(0);
}

static void *go_forth(void *argument)
{
    (void)argument;
    arrive();
    for (;;) {
        int status = 0;
        pid_t pid = fork();
        if (pid == 0)
            child();
        if (pid < 0) {
            nap_us(1000);
            continue;
        }
        while (waitpid(pid, &status, 0) != pid)
            ;
        if (status) {
            last = status;
            __atomic_add_fetch(&bad, 1, __ATOMIC_RELAXED);
        }
        __atomic_add_fetch(&forks, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    char line[128];
    pthread_t t;
    int forkers = argc > 1 ? atoi(argv[1]) : 4, allocators = argc > 2 ? atoi(argv[2]) : 0;
    for (int i = 0; i < forkers + allocators; i++)
        if (pthread_create(&t, NULL, i < forkers ? go_forth : allocate, NULL) != 0)
            return 2;
    ready(forkers + allocators);
    while (hear(line, sizeof line) && strcmp(line, "quit"))
        say("count %llu %llu %x %llu\n", (unsigned long long)forks, (unsigned long long)bad, (unsigned)last,
            (unsigned long long)pairs);
    return 0;
}
