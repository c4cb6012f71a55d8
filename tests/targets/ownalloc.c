/* A library with a malloc and a free of its own, for unloader.c. */
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
