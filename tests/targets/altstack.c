/*
 * A thread that callocs large blocks; on command a signal handler interrupts it while calloc clears one, and
 * stays there.
 *
 *   altstack [plain]
 *
 * The handler has a stack of its own (plain: it has not).
 * "interrupt": "inside" when the handler stands on top of a calloc, "outside" where none can be caught in the
 * act.  "release": the handler returns; "released" when that calloc has come back and two more after it.
 * "exec": it runs itself anew, allocating nothing ("execed").  "count": "count PAIRS ERRORS".  "quit".
 */
#include "common.h"
#include <malloc.h>
#include <sys/mman.h>

#define BLOCK (16u << 20)
#define STACK 65536u
#define GUARD 4096u

static volatile unsigned char *early, *late;        /* two bytes of the block: cleared soon, cleared last */
static volatile int held, released, answered;
static volatile uint64_t pairs, errors;

static void on_top(int number)
{
    (void)number;
    if (early && !*early && *late) {
        held = 1;
        while (!released)
            nap_us(500);
        held = 0;
    }
    answered = 1;
}

static void *allocate(void *argument)
{
    /* Between two pages that nobody can touch, so that it is a mapping of its own. */
    char *room = mmap(NULL, STACK + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    stack_t stack = {.ss_sp = room + GUARD, .ss_size = STACK};
    (void)argument;
    if (room == MAP_FAILED || mprotect(room + GUARD, STACK, PROT_READ | PROT_WRITE) != 0
            || sigaltstack(&stack, NULL) != 0)
        _exit(2);
    arrive();
    for (;;) {
        unsigned char *p = calloc(1, BLOCK);
        if (!p)
            _exit(2);
        if (p[BLOCK / 4] || p[BLOCK / 2] || p[BLOCK - GUARD])
            errors++;
        late = p + BLOCK - GUARD;
        *late = 1;
        early = p + GUARD;
        *early = 1;
        p[BLOCK / 2] = 1;
        BARRIER();
        free(p);
        pairs++;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    char line[128];
    pthread_t t = 0;
    struct sigaction action;
    mallopt(M_MMAP_THRESHOLD, 1 << 30);     /* from the heap, where calloc clears what was used before */
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    memset(&action, 0, sizeof action);
    action.sa_handler = on_top;
    action.sa_flags = argc > 1 ? SA_RESTART : SA_ONSTACK | SA_RESTART;
    sigaction(SIGUSR1, &action, NULL);
    if (argc > 1 && !strcmp(argv[1], "again")) {
        prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
        say("execed\n");
    } else {
        pthread_create(&t, NULL, allocate, NULL);
        ready(1);
    }
    while (hear(line, sizeof line)) {
        if (!strcmp(line, "interrupt")) {
            released = 0;
            for (int i = 0; i < 1000 && !held; i++) {
                answered = 0;
                pthread_kill(t, SIGUSR1);
                while (!held && !answered)
                    nap_us(100);
                nap_us((unsigned)i);        /* not in step with the thread */
            }
            say(held ? "inside\n" : "outside\n");
        } else if (!strcmp(line, "release")) {
            uint64_t now = pairs;
            released = 1;
            while (pairs < now + 3)
                nap_us(500);
            say("released\n");
        } else if (!strcmp(line, "exec")) {
            execl(argv[0], argv[0], "again", (char *)NULL);
            _exit(9);
        } else if (!strcmp(line, "count"))
            say("count %llu %llu\n", (unsigned long long)pairs, (unsigned long long)errors);
        else
            break;
    }
    return 0;
}
