/*
 * A malloc of the program's own on top of the C library's, as allocators with statistics do it; linked into
 * exact.c and loop.c.  With -DTAIL it jumps into the real function as its last act, without it calls and
 * comes back.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

static void *(*real_malloc)(size_t), *(*real_calloc)(size_t, size_t), *(*real_realloc)(void *, size_t);
static void (*real_free)(void *);
volatile unsigned long wrapped_calls;
static char early[4096];
static size_t early_used;

static void find(void)
{
    real_malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    real_calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
    real_realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    real_free = (void (*)(void *))dlsym(RTLD_NEXT, "free");
}

#ifdef TAIL
#define AFTER()
#else
#define AFTER() __atomic_add_fetch(&wrapped_calls, 1, __ATOMIC_RELAXED)
#endif

void *malloc(size_t n)
{
    if (!real_malloc)
        find();
#ifdef TAIL
    return real_malloc(n);
#else
    void *p = real_malloc(n);
    AFTER();
    return p;
#endif
}

void *calloc(size_t n, size_t size)
{
    if (!real_calloc) {             /* dlsym itself may calloc */
        if (early_used + n * size > sizeof early) {
            errno = ENOMEM;
            return NULL;
        }
        void *p = early + early_used;
        early_used += (n * size + 15) & ~(size_t)15;
        return p;
    }
#ifdef TAIL
    return real_calloc(n, size);
#else
    void *p = real_calloc(n, size);
    AFTER();
    return p;
#endif
}

void *realloc(void *old, size_t n)
{
    if (!real_realloc)
        find();
#ifdef TAIL
    return real_realloc(old, n);
#else
    void *p = real_realloc(old, n);
    AFTER();
    return p;
#endif
}

void free(void *p)
{
    if ((char *)p >= early && (char *)p < early + sizeof early)
        return;
    if (!real_free)
        find();
    real_free(p);
    AFTER();
}
