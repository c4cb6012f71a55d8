/*
 * What every target program shares: a handshake by lines on stdin and stdout that itself allocates nothing
 * (no stdio: its first use mallocs a buffer), a clock and a small random number generator.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__GNUC__) && !defined(__clang__)
#define NOINLINE __attribute__((noinline, noipa))       /* no clones (name.isra.0) */
#else
#define NOINLINE __attribute__((noinline))
#endif
#define BARRIER() __asm__ volatile("" ::: "memory")     /* behind a call: no tail call, so its frame stays */

__attribute__((unused)) static void say(const char *format, ...)
{
    char line[4096];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    for (int done = 0; done < size; ) {
        ssize_t n = write(1, line + done, (size_t)(size - done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            _exit(3);
        done += (int)n;
    }
}

/* One line of stdin without its newline; 0 at end of file. */
__attribute__((unused)) static int hear(char *line, size_t size)
{
    size_t n = 0;
    for (;;) {
        char c;
        ssize_t got = read(0, &c, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return 0;
        if (c == '\n')
            break;
        if (n + 1 < size)
            line[n++] = c;
    }
    line[n] = 0;
    return 1;
}

/* Is a line there within so many milliseconds? */
__attribute__((unused)) static int heard(int milliseconds)
{
    struct pollfd p = {0, POLLIN, 0};
    return poll(&p, 1, milliseconds) > 0;
}

static volatile int arrived;

/* A new thread blocks every signal until the C library has set it up: each says when that is over. */
__attribute__((unused)) static void arrive(void)
{
    __atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
}

/* "ready PID" when so many threads have arrived. */
__attribute__((unused)) static void ready(int threads)
{
    while (arrived < threads) {
        struct timespec t = {0, 1000000};
        nanosleep(&t, NULL);
    }
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);     /* Yama 1: a sibling may trace us as well */
    say("ready %d\n", (int)getpid());
}

__attribute__((unused)) static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

__attribute__((unused)) static void nap_us(unsigned us)
{
    struct timespec t = {us / 1000000, (long)(us % 1000000) * 1000};
    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        ;
}

__attribute__((unused)) static uint32_t next_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return (uint32_t)(x >> 16);
}

__attribute__((unused)) static void fill(unsigned char *p, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)(seed + i * 7);
}

__attribute__((unused)) static int intact(const unsigned char *p, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != (unsigned char)(seed + i * 7))
            return 0;
    return 1;
}
