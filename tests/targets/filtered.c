/*
 * A thread that has a seccomp filter of its own, which the others have not: any system call but those that
 * malloc may need ends the process.  It runs all the time.  SIGTRAP has a handler; a third thread, without a
 * filter, blocks it.
 *
 *   filtered
 *
 * "count": "count PAIRS_OF_THE_FILTERED PAIRS_OF_THE_BLOCKING ERRORS".  "quit".
 */
#include "common.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

static volatile uint64_t pairs, blocked_pairs, errors;

#define ALLOW(name) \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void pair(unsigned i)
{
    unsigned char *p = malloc(200);
    fill(p, 200, i);
    BARRIER();
    if (!intact(p, 200, i))
        errors++;
    free(p);
}

static void *filtered(void *argument)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(futex), ALLOW(brk), ALLOW(exit_group), ALLOW(restart_syscall),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    (void)argument;
    for (unsigned i = 0; i < 100; i++)
        pair(i);                        /* the arena is set up by now */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
            || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        say("unable %d\n", errno);
        _exit(2);
    }
    arrive();
    for (unsigned i = 0; ; i++) {
        pair(i);
        pairs++;
        for (volatile int n = 0; n < 300000; n++)
            ;
    }
    return NULL;
}

static void *blocking(void *argument)
{
    sigset_t trap;
    (void)argument;
    sigemptyset(&trap);
    sigaddset(&trap, SIGTRAP);
    pthread_sigmask(SIG_BLOCK, &trap, NULL);
    arrive();
    for (unsigned i = 0; ; i++) {
        pair(i);
        blocked_pairs++;
        nap_us(1000);
    }
    return NULL;
}

static void on_trap(int number)
{
    (void)number;
    errors++;                           /* nobody sends one */
}

int main(void)
{
    char line[128];
    pthread_t t;
    signal(SIGTRAP, on_trap);
    pthread_create(&t, NULL, filtered, NULL);
    pthread_create(&t, NULL, blocking, NULL);
    ready(2);
    while (hear(line, sizeof line)) {
        if (!strcmp(line, "quit"))
            break;
        say("count %llu %llu %llu\n", (unsigned long long)pairs, (unsigned long long)blocked_pairs,
            (unsigned long long)errors);
    }
    _exit(0);
}
