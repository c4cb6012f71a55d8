/*
 * Leaks blocks from below a recursion of known depth.
 *
 *   deep
 *
 * "leak DEPTH N": N blocks of 211 bytes from down() called DEPTH times in one another ("leaked N").  "quit".
 */
#include "common.h"

NOINLINE static unsigned down(int depth, int n)
{
    unsigned result = 0;
    if (depth > 1)
        result = down(depth - 1, n) + 1;
    else
        for (int i = 0; i < n; i++) {
            unsigned char *volatile p = malloc(211);
            result += p != NULL;
        }
    BARRIER();
    return result;
}

int main(void)
{
    char line[128];
    int depth, n;
    ready(0);
    while (hear(line, sizeof line)) {
        if (sscanf(line, "leak %d %d", &depth, &n) != 2)
            break;
        down(depth, n);
        say("leaked %d\n", n);
    }
    return 0;
}
