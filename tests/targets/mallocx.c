/*
 * jemalloc's own family of functions (jemalloc(3)), which FreeBSD's libc defines and libjemalloc elsewhere (preload it).
 *
 *   mallocx
 *
 * "go": five blocks of 97 bytes leak from by_mallocx, two of 1000 from by_aligned, three of 5000 from by_rallocx, seven
 * that become 40 bytes where they lie from by_xallocx, four of 33 that can't grow so from by_refused, 22 come and go:
 * "ok".  "quit".
 */
#include "common.h"
#include <dlfcn.h>

#define ALIGN_512 9                     /* MALLOCX_ALIGN(512): the alignment's logarithm */
#define ZERO 0x40                       /* MALLOCX_ZERO */

static void *(*mallocx_)(size_t, int);
static void *(*rallocx_)(void *, size_t, int);
static size_t (*xallocx_)(void *, size_t, size_t, int);
static void (*dallocx_)(void *, int);
static void (*sdallocx_)(void *, size_t, int);
static int errors;

static void *checked(void *p, size_t n)
{
    if (!p)
        errors++;
    else
        fill(p, n, (unsigned)n);
    return p;
}

NOINLINE static void by_mallocx(void)
{
    for (int i = 0; i < 5; i++)
        checked(mallocx_(97, 0), 97);
    BARRIER();
}

NOINLINE static void by_aligned(void)
{
    for (int i = 0; i < 2; i++) {
        unsigned char *p = mallocx_(1000, ALIGN_512 | ZERO);
        if (!p || ((uintptr_t)p & 511) || p[999])
            errors++;
    }
    BARRIER();
}

NOINLINE static void by_rallocx(void)
{
    for (int i = 0; i < 3; i++) {
        unsigned char *p = rallocx_(checked(mallocx_(51, 0), 51), 5000, 0);
        if (!p || !intact(p, 51, 51))
            errors++;
    }
    BARRIER();
}

NOINLINE static void by_xallocx(void)
{
    for (int i = 0; i < 7; i++)
        if (xallocx_(checked(mallocx_(33, 0), 33), 40, 0, 0) < 40)      /* its room is 48 bytes from the start */
            errors++;
    BARRIER();
}

NOINLINE static void by_refused(void)
{
    for (int i = 0; i < 4; i++) {
        unsigned char *p = checked(mallocx_(33, 0), 33);
        if (xallocx_(p, 9000, 0, 0) >= 9000 || !intact(p, 33, 33))
            errors++;
    }
    BARRIER();
}

NOINLINE static void given_back(void)
{
    for (int i = 0; i < 11; i++) {
        void *p = checked(mallocx_(200, 0), 200), *q = checked(mallocx_(300, 0), 300);
        dallocx_(p, 0);
        sdallocx_(q, 300, 0);
    }
    BARRIER();
}

int main(void)
{
    char line[64];
    mallocx_ = (void *(*)(size_t, int))dlsym(RTLD_DEFAULT, "mallocx");
    rallocx_ = (void *(*)(void *, size_t, int))dlsym(RTLD_DEFAULT, "rallocx");
    xallocx_ = (size_t (*)(void *, size_t, size_t, int))dlsym(RTLD_DEFAULT, "xallocx");
    dallocx_ = (void (*)(void *, int))dlsym(RTLD_DEFAULT, "dallocx");
    sdallocx_ = (void (*)(void *, size_t, int))dlsym(RTLD_DEFAULT, "sdallocx");
    if (!mallocx_ || !rallocx_ || !xallocx_ || !dallocx_ || !sdallocx_)
        return 2;
    ready(0);
    while (hear(line, sizeof line)) {
        if (strcmp(line, "go") != 0)
            return errors;
        by_mallocx();
        by_aligned();
        by_rallocx();
        by_xallocx();
        by_refused();
        given_back();
        say("ok %d\n", errors);
    }
    return 0;
}
