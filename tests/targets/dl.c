/*
 * dlopen and dlclose again and again of a library that allocates, in one thread, while another allocates.
 *
 *   dl LIBRARY
 *
 * "churn N": "churned ROUNDS ERRORS".  "leak N": loads it, leaks N blocks of 1021 bytes in it, unloads it:
 * "leaked N". "keep": loads it and leaves it loaded ("kept").  "quit".
 */
#include "common.h"
#include <dlfcn.h>

static volatile uint64_t pairs, errors;

static void *pair(void *argument)
{
    (void)argument;
    arrive();
    for (unsigned i = 0; ; i++) {
        unsigned char *p = malloc(90);
        fill(p, 90, i);
        BARRIER();
        if (!intact(p, 90, i))
            errors++;
        free(p);
        pairs++;
        nap_us(200);
    }
    return NULL;
}

static int use(const char *path, int number, int leaks)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return 1;
    int (*start)(int) = (int (*)(int))dlsym(library, "plugin_start");
    int (*end)(int) = (int (*)(int))dlsym(library, "plugin_end");
    void (*leak)(void) = (void (*)(void))dlsym(library, "plugin_leak");
    int bad = !start || !end || !leak || start(number) != 0 || end(number) != 0;
    for (int i = 0; i < leaks && !bad; i++)
        leak();
    return dlclose(library) != 0 || bad;
}

int main(int argc, char **argv)
{
    char line[128];
    pthread_t t;
    if (argc < 2)
        return 2;
    pthread_create(&t, NULL, pair, NULL);
    ready(1);
    while (hear(line, sizeof line)) {
        if (!strcmp(line, "quit"))
            break;
        if (!strncmp(line, "churn ", 6)) {
            int n = atoi(line + 6), bad = 0;
            for (int i = 0; i < n; i++)
                bad += use(argv[1], i % 50, 0);
            say("churned %d %d\n", n, bad + (int)errors);
        } else if (!strncmp(line, "leak ", 5)) {
            int n = atoi(line + 5);
            say("leaked %d\n", use(argv[1], 1, n) ? -1 : n);
        } else if (!strcmp(line, "keep"))
            say("%s\n", dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) ? "kept" : "failed");
        else
            say("what?\n");
    }
    return 0;
}
