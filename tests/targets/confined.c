/*
 * Threads under a seccomp filter that kills the process for any system call but the few they make themselves:
 * one that is made in their name by somebody else is the end of them.
 *
 *   confined [block]        block: the threads block every signal as well
 *
 * "count": "count PAIRS ERRORS".  "quit".
 */
#include "common.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

static volatile uint64_t pairs, errors;
static int block;

static void *pair(void *argument)
{
    (void)argument;
    sigset_t all;
    sigfillset(&all);
    if (block)
        pthread_sigmask(SIG_BLOCK, &all, NULL);
    arrive();
    for (unsigned i = 0; ; i++) {
        unsigned char *p = malloc(200);
        fill(p, 200, i);
        BARRIER();
        if (!intact(p, 200, i))
            errors++;
        free(p);
        pairs++;
        if (i % 4 == 0) {
            struct timespec t = {0, 200000};
            clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
        }
    }
    return NULL;
}

#define ALLOW(name) \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

int main(int argc, char **argv)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(read), ALLOW(write), ALLOW(clock_nanosleep), ALLOW(restart_syscall), ALLOW(exit_group),
        ALLOW(exit), ALLOW(futex), ALLOW(brk), ALLOW(rt_sigreturn),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    char line[128];
    pthread_t t;
    block = argc > 1 && !strcmp(argv[1], "block");
    for (int i = 0; i < 2; i++)
        pthread_create(&t, NULL, pair, NULL);
    while (pairs < 100)
        nap_us(1000);                   /* arenas and masks are set up by now */
    ready(2);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
            || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0) {
        say("unable %d\n", errno);
        return 2;
    }
    say("confined\n");
    while (hear(line, sizeof line)) {
        if (!strcmp(line, "quit"))
            break;
        say("count %llu %llu\n", (unsigned long long)pairs, (unsigned long long)errors);
    }
    _exit(0);
}
