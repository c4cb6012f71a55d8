/*
 * malloc+free pairs from a stack of known depth.
 *
 *   pairs THREADS FRAMES        FRAMES as a backtrace counts them: malloc, ours, and those of the thread's
 * start
 *
 * "run N": N pairs in all by all threads: "took NANOSECONDS".  "hold N": N blocks of 64 bytes that stay
 * ("held"). "quit".  Nothing of its own allocates in between.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define BARRIER() __asm__ volatile("" ::: "memory")
#if defined(__GNUC__) && !defined(__clang__)
#define NOINLINE __attribute__((noinline, noipa))
#else
#define NOINLINE __attribute__((noinline))
#endif

static int threads, frames;
static long each;
static pthread_barrier_t begin, end;

NOINLINE static void allocate(long n)
{
    for (long i = 0; i < n; i++) {
        void *volatile p = malloc(64);
        free(p);
    }
    BARRIER();
}

NOINLINE static void descend(int levels, long n)
{
    if (levels > 0)
        descend(levels - 1, n);
    else
        allocate(n);
    BARRIER();
}

static void *work(void *argument)
{
    (void)argument;
    for (;;) {
        pthread_barrier_wait(&begin);
        /* malloc, allocate, descend (once and once a level), work, start_thread, clone3 */
        if (frames >= 6)
            descend(frames - 6, each);
        else
            allocate(each);
        pthread_barrier_wait(&end);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    char line[64], text[64];
    pthread_t t;
    if (argc < 3)
        return 2;
    threads = atoi(argv[1]);
    frames = atoi(argv[2]);
    pthread_barrier_init(&begin, NULL, (unsigned)threads + 1);
    pthread_barrier_init(&end, NULL, (unsigned)threads + 1);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&t, NULL, work, NULL) != 0)
            return 2;
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    if (write(1, "ready\n", 6) != 6)
        return 2;
    for (;;) {
        size_t n = 0;
        while (n + 1 < sizeof line && read(0, line + n, 1) == 1 && line[n] != '\n')
            n++;
        line[n] = 0;
        if (!strncmp(line, "run ", 4)) {
            struct timespec a, b;
            each = atol(line + 4) / threads;
            pthread_barrier_wait(&begin);
            clock_gettime(CLOCK_MONOTONIC, &a);
            pthread_barrier_wait(&end);
            clock_gettime(CLOCK_MONOTONIC, &b);
            int size = snprintf(text, sizeof text, "took %lld\n",
                                (long long)(b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec);
            if (write(1, text, (size_t)size) != size)
                return 2;
        } else if (!strncmp(line, "hold ", 5)) {
            for (long i = atol(line + 5); i > 0; i--) {
                void *volatile p = malloc(64);
                (void)p;
            }
            if (write(1, "held\n", 5) != 5)
                return 2;
        } else
            return 0;
    }
}
