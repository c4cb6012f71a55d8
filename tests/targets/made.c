/*
 * Allocates through call sites that nobody can unwind.
 *
 *   made SITES
 *
 * "go N": N pairs through them, one after the other: "done ERRORS".  "quit".
 */
#include "common.h"
#include "made.h"

int main(int argc, char **argv)
{
    char line[128];
    int n, sites = argc > 1 ? atoi(argv[1]) : 1;
    unsigned char *code = make_sites((unsigned)sites);
    if (!code)
        return 2;
    ready(0);
    while (hear(line, sizeof line) && sscanf(line, "go %d", &n) == 1) {
        int errors = 0;
        for (int i = 0; i < n; i++) {
            unsigned char *p = call_site(code, (unsigned)(i % sites), 50);
            fill(p, 50, (unsigned)i);
            BARRIER();
            errors += !intact(p, 50, (unsigned)i);
            free(p);
        }
        say("done %d\n", errors);
    }
    return 0;
}
