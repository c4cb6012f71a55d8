/* Loaded and unloaded by dl.c: allocates, keeps a block, leaks on demand. */
#include <stdlib.h>
#include <string.h>

static char *kept;

int plugin_start(int n)
{
    kept = malloc((size_t)n + 40);
    if (!kept)
        return 1;
    memset(kept, n, (size_t)n + 40);
    return 0;
}

int plugin_end(int n)
{
    for (int i = 0; i < n + 40; i++)
        if (kept[i] != (char)n)
            return 1;
    free(kept);
    return 0;
}

__attribute__((noinline)) void plugin_leak(void)
{
    void *volatile p = malloc(1021);
    (void)p;
}
