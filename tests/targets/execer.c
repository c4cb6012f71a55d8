/*
 * Leaks three blocks on "leak" ("leaked"), executes itself anew on "exec" (from its main thread, or from
 * another one with "execthread"); the new program says "execed PID", then "alive" to each line.  "exit N"
 * ends with that status.
 *
 *   execer
 */
#include "common.h"

static char *path;

static void *pair(void *argument)
{
    (void)argument;
    arrive();
    for (;;) {
        void *p = malloc(50);
        BARRIER();
        free(p);
        nap_us(300);
    }
    return NULL;
}

NOINLINE static void leak_three(void)
{
    for (int i = 0; i < 3; i++) {
        void *volatile p = malloc(77);
        (void)p;
    }
}

static void *execute(void *argument)
{
    (void)argument;
    execl(path, path, "again", (char *)NULL);
    _exit(9);
}

int main(int argc, char **argv)
{
    char line[128];
    pthread_t t;
    (void)argc;
    path = argv[0];
    pthread_create(&t, NULL, pair, NULL);
    if (argc > 1) {
        prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
        say("execed %d\n", (int)getpid());
    } else
        ready(1);
    while (hear(line, sizeof line)) {
        if (!strcmp(line, "quit"))
            break;
        if (!strcmp(line, "exec"))
            execute(NULL);
        if (!strcmp(line, "execthread"))
            pthread_create(&t, NULL, execute, NULL);
        else if (!strncmp(line, "exit ", 5))
            _exit(atoi(line + 5));
        else if (!strcmp(line, "abort"))
            abort();
        else if (!strcmp(line, "leak")) {
            leak_three();
            say("leaked\n");
        } else
            say("alive\n");
    }
    return 0;
}
