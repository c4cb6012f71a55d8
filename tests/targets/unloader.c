/*
 * Loads and unloads a library that has a malloc and a free of its own, while those of the C library go on
 * being called.
 *
 *   unloader LIBRARY [load]         load: it is loaded before "ready"
 *
 * "load": "loaded".  "unload": "unloaded" when its memory is free.  "occupy": anonymous memory is mapped at
 * its place and filled: "occupied".  "changed": "changed N", the bytes there that are not what they were.
 * "fork": a child mallocs, frees and ends with status 7: "child WAITSTATUS".  "count": "count PAIRS ERRORS".
 * "quit".
 */
#include "common.h"
#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>

static volatile uint64_t pairs, errors;
static uintptr_t low, high, inside;                 /* where the library is or was */

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
        nap_us(500);
    }
    return NULL;
}

static int look(struct dl_phdr_info *info, size_t size, void *argument)
{
    uintptr_t start = UINTPTR_MAX, end = 0;
    (void)size;
    (void)argument;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD)
            continue;
        uintptr_t from = (info->dlpi_addr + segment->p_vaddr) & ~(uintptr_t)4095;
        uintptr_t to = (info->dlpi_addr + segment->p_vaddr + segment->p_memsz + 4095) & ~(uintptr_t)4095;
        if (from < start)
            start = from;
        if (to > end)
            end = to;
    }
    if (inside < start || inside >= end)
        return 0;
    low = start;
    high = end;
    return 1;
}

static void *load(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *(*allocate)(size_t) = library ? (void *(*)(size_t))dlsym(library, "malloc") : NULL;
    int (*use)(void) = library ? (int (*)(void))dlsym(library, "ownalloc_use") : NULL;
    if (!allocate || !allocate(100) || !use || !use())
        _exit(2);
    inside = (uintptr_t)allocate;
    if (!dl_iterate_phdr(look, NULL))
        _exit(2);
    return library;
}

int main(int argc, char **argv)
{
    char line[128];
    void *library = NULL;
    pthread_t t;
    if (argc < 2)
        return 2;
    if (argc > 2)
        library = load(argv[1]);
    pthread_create(&t, NULL, pair, NULL);
    ready(1);
    while (hear(line, sizeof line)) {
        if (!strcmp(line, "load")) {
            library = load(argv[1]);
            say("loaded\n");
        } else if (!strcmp(line, "unload")) {
            int gone = dlclose(library) == 0 && msync((void *)low, 4096, MS_ASYNC) != 0;
            say(gone ? "unloaded\n" : "failed\n");
        } else if (!strcmp(line, "occupy")) {
            size_t size = high - low;
            void *p = mmap((void *)low, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (p == (void *)low) {                     /* a hint, but nothing else is there */
                fill(p, size, 1);
                say("occupied\n");
            } else
                say("failed\n");
        } else if (!strcmp(line, "changed")) {
            unsigned long n = 0;
            for (uintptr_t i = 0; i < high - low; i++)
                n += ((volatile unsigned char *)low)[i] != (unsigned char)(1 + i * 7);
            say("changed %lu\n", n);
        } else if (!strcmp(line, "fork")) {
            int status = -1;
            pid_t child = fork();
            if (child == 0) {
                void *volatile p = malloc(50);
                free(p);
                _exit(7);
            }
            while (waitpid(child, &status, 0) < 0 && errno == EINTR)
                ;
            say("child %d\n", status);
        } else if (!strcmp(line, "count"))
            say("count %llu %llu\n", (unsigned long long)pairs, (unsigned long long)errors);
        else
            break;
    }
    return 0;
}
