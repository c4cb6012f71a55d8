/*
 * A thread that has allocated for a while before it blocks every signal for good.
 *
 *   latemask
 *
 * "go": 100 pairs, then all signals are blocked, then 2,000 pairs: "lost N", after so many of them SIGTRAP was missing from
 * the mask.  "mask": "there" or "missing".  "quit".
 */
#include "common.h"

static int blocked(void)
{
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    return sigismember(&mask, SIGTRAP);
}

static void pairs(int n, int *lost)
{
    while (n--) {
        void *volatile p = malloc(24);
        free(p);
        if (lost)
            *lost += !blocked();
    }
}

int main(void)
{
    char line[128];
    sigset_t all;
    int lost;
    sigfillset(&all);
    ready(0);
    while (hear(line, sizeof line)) {
        if (!strcmp(line, "go")) {
            pairs(100, NULL);
            sigprocmask(SIG_BLOCK, &all, NULL);
            lost = 0;
            pairs(2000, &lost);
            say("lost %d\n", lost);
        } else if (!strcmp(line, "mask"))
            say(blocked() ? "there\n" : "missing\n");
        else
            break;
    }
    return 0;
}
