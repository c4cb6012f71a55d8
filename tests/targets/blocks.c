/*
 * Blocks got and given back on command, each command from a function of its own.
 *
 *   blocks
 *
 * "get N SIZE" (function get_blocks), "put N" (the oldest N of them), "other N SIZE" (other_blocks, never
 * given back), "places N" (one block of 33 bytes from each of N call sites, N <= 16), "drip N US" (N leaked
 * blocks of 57 bytes, one every US microseconds): "ok" when done.  "quit".
 */
#include "common.h"

#define MOST 65536
static unsigned char *held[MOST];
static int first, last;

NOINLINE static void get_blocks(int n, size_t size)
{
    for (int i = 0; i < n && last < MOST; i++) {
        held[last] = malloc(size);
        last++;
    }
}

NOINLINE static void put_blocks(int n)
{
    for (int i = 0; i < n && first < last; i++)
        free(held[first++]);
}

NOINLINE static void other_blocks(int n, size_t size)
{
    for (int i = 0; i < n; i++) {
        void *volatile p = malloc(size);
        (void)p;
    }
}

NOINLINE static void drip(int n, unsigned us)
{
    for (int i = 0; i < n; i++) {
        void *volatile p = malloc(57);
        (void)p;
        if (us)
            nap_us(us);
    }
}

#define PLACE(i) case i: { void *volatile p = malloc(33); (void)p; BARRIER(); break; }

NOINLINE static void place(int i)
{
    switch (i) {
        PLACE(0) PLACE(1) PLACE(2) PLACE(3) PLACE(4) PLACE(5) PLACE(6) PLACE(7)
        PLACE(8) PLACE(9) PLACE(10) PLACE(11) PLACE(12) PLACE(13) PLACE(14) PLACE(15)
    }
}

int main(void)
{
    char line[128];
    int n, size;
    ready(0);
    while (hear(line, sizeof line)) {
        if (sscanf(line, "get %d %d", &n, &size) == 2)
            get_blocks(n, (size_t)size);
        else if (sscanf(line, "put %d", &n) == 1)
            put_blocks(n);
        else if (sscanf(line, "other %d %d", &n, &size) == 2)
            other_blocks(n, (size_t)size);
        else if (sscanf(line, "places %d", &n) == 1)
            for (int i = 0; i < n; i++)
                place(i);
        else if (sscanf(line, "drip %d %d", &n, &size) == 2)
            drip(n, (unsigned)size);
        else
            break;
        say("ok\n");
    }
    return 0;
}
