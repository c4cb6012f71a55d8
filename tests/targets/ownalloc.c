/*
 * A library with a malloc and a free of its own, for unloader.c.  Loaded with RTLD_LOCAL, its own calls of
 * these go to the C library's all the same, which are found first.
 */
#include <stddef.h>

static char pool[1 << 16];
static size_t at;

__attribute__((noinline)) void *malloc(size_t n)
{
    void *p = pool + at;
    at = (at + ((n + 15) & ~(size_t)15)) % (sizeof pool - 4096);
    return p;
}

__attribute__((noinline)) void free(void *p)
{
    /* long enough for a jump in front of it */
    __asm__ volatile("nop; nop; nop; nop; nop; nop; nop; nop" : : "r"(p) : "memory");
}

/* A call of malloc from this library's code; no tail call, so that its frame is on the stack. */
int ownalloc_use(void)
{
    void *p = malloc(60);
    __asm__ volatile("" : : "r"(p) : "memory");
    free(p);
    __asm__ volatile("" : : : "memory");
    return p != NULL;
}
