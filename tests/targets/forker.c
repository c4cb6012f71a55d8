/*
 * Makes children in every way while a thread allocates.  A child that is a copy compares the first bytes of
 * malloc, free, calloc and realloc with what they were when the program began, looks for a tracer of its own,
 * allocates for a while, checks its data and exits 0; else 10 and up.
 *
 *   forker
 *
 * "fork N", "nested N" (grandchildren), "exec N", "vfork N" (vfork + exec), "spawn N", "system N", "clone N"
 * (a process that shares the memory, as posix_spawn's): "WAY ok=A bad=B last=STATUS".  "count": "count PAIRS
 * ERRORS".  "quit".
 */
#include "common.h"
#include <sched.h>
#include <spawn.h>

extern char **environ;
static volatile uint64_t pairs, errors;
static unsigned char copies[4][32];
static void *entries[4];

static void look(void)
{
    entries[0] = (void *)malloc;
    entries[1] = (void *)free;
    entries[2] = (void *)calloc;
    entries[3] = (void *)realloc;
}

static void *pair(void *argument)
{
    (void)argument;
    arrive();
    for (unsigned i = 0; ; i++) {
        size_t n = 16 + i % 200;
        unsigned char *p = malloc(n);
        fill(p, n, i);
        BARRIER();
        if (!intact(p, n, i))
            errors++;
        free(p);
        pairs++;
        if (i % 8 == 0)
            nap_us(100);
    }
    return NULL;
}

static int traced(void)
{
    char text[2048];
    int fd = open("/proc/self/status", O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return 0;
    text[n] = 0;
    char *at = strstr(text, "TracerPid:");
    return at && atoi(at + 10) != 0;
}

static int child_check(void)
{
#ifndef HOOKS_STAY
    for (int i = 0; i < 4; i++)
        if (memcmp(entries[i], copies[i], sizeof copies[i]) != 0)
            return 10 + i;
#endif
    if (traced())
        return 20;
    unsigned char *blocks[50];
    for (unsigned i = 0; i < 50; i++) {
        blocks[i] = malloc(i * 10 + 1);
        if (!blocks[i])
            return 21;
        fill(blocks[i], i * 10 + 1, i);
    }
    for (unsigned i = 0; i < 50; i++) {
        if (!intact(blocks[i], i * 10 + 1, i))
            return 22;
        blocks[i] = realloc(blocks[i], 600);
        if (!blocks[i] || !intact(blocks[i], i * 10 + 1, i))
            return 23;
        free(blocks[i]);
    }
    return 0;
}

static int reap(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) != pid)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static int by_fork(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(child_check());
    return reap(pid);
}

static int by_nested(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        pid_t next = fork();
        if (next == 0)
            _exit(child_check());
        int status = reap(next);
        _exit(status ? status : child_check());
    }
    return reap(pid);
}

static int by_exec(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", "exit 0", (char *)NULL);
        _exit(30);
    }
    return reap(pid);
}

static int by_vfork(void)
{
    pid_t pid = vfork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", "exit 0", (char *)NULL);
        _exit(30);
    }
    return reap(pid);
}

static int by_spawn(void)
{
    char *arguments[] = {"sh", "-c", "exit 0", NULL};
    pid_t pid;
    if (posix_spawn(&pid, "/bin/sh", NULL, NULL, arguments, environ) != 0)
        return 31;
    return reap(pid);
}

static int by_system(void)
{
    int status = system("exit 0");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256;
}

static int shared_work(void *argument)
{
    /* Shares our memory but is a process of its own: its malloc runs through the same hooks. */
    unsigned char *p = malloc(333);
    fill(p, 333, 5);
    BARRIER();
    *(volatile int *)argument = p != NULL && intact(p, 333, 5);
    free(p);
    _exit(0);
}

static int by_clone(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    volatile int good = 0;
    pid_t pid = clone(shared_work, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)&good);
    if (pid < 0)
        return 32;
    int status = reap(pid);
    return status ? status : good ? 0 : 33;
}

int main(void)
{
    static const struct { const char *name; int (*run)(void); } ways[] = {
        {"fork", by_fork}, {"nested", by_nested}, {"exec", by_exec}, {"vfork", by_vfork}, {"spawn", by_spawn},
        {"system", by_system}, {"clone", by_clone},
    };
    char line[128];
    pthread_t t;
    look();
    for (int i = 0; i < 4; i++)
        memcpy(copies[i], entries[i], sizeof copies[i]);
    pthread_create(&t, NULL, pair, NULL);
    ready(1);
    while (hear(line, sizeof line)) {
        if (!strcmp(line, "quit"))
            break;
        if (!strcmp(line, "count")) {
            say("count %llu %llu\n", (unsigned long long)pairs, (unsigned long long)errors);
            continue;
        }
        for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
            size_t size = strlen(ways[i].name);
            if (strncmp(line, ways[i].name, size) != 0 || line[size] != ' ')
                continue;
            int ok = 0, bad = 0, last = 0;
            for (int n = atoi(line + size); n > 0; n--) {
                int status = ways[i].run();
                if (status == 0)
                    ok++;
                else {
                    bad++;
                    last = status;
                }
            }
            say("%s ok=%d bad=%d last=%d\n", ways[i].name, ok, bad, last);
        }
    }
    return 0;
}
