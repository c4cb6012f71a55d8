/*
 * A thread that allocates under a stream of queued real-time signals, sent by another process so that they
 * come while it is held, too.  Each carries the next number.  A second thread sleeps.
 *
 *   queued [handle | ignore]
 *
 * handle, ignore: what is done with SIGTRAP.  The handler runs on a stack of its own; SIGALRM comes every 3
 * ms; now and then a SIGSEGV is raised and left by siglongjmp.
 * "count": "count GOT WRONG FAULTS CAUGHT TRAPS PAIRS ERRORS": WRONG signals did not carry the number that
 * was due, TRAPS handlers of SIGTRAP ran.  "quit".
 */
#include "common.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/time.h>

#define NUMBER (SIGRTMIN + 3)
#define UNDERWAY 30             /* so many are sent ahead */

struct shared { volatile int got; };
static struct shared *shared;
static volatile int wrong, caught, ticks, traps;
static volatile int *nowhere;
static sigjmp_buf back;

static void queued(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    if (info->si_code != SI_QUEUE || info->si_value.sival_int != shared->got)
        wrong++;
    shared->got++;
}

static void tick(int number)
{
    (void)number;
    ticks++;
}

static void trapped(int number)
{
    (void)number;
    traps++;
}

static void fault(int number)
{
    (void)number;
    caught++;
    siglongjmp(back, 1);
}

static void send_all(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    for (int next = 0; getppid() == parent; ) {
        union sigval value = {next};
        if (next - shared->got < UNDERWAY && sigqueue(parent, NUMBER, value) == 0)
            next++;
        nap_us(200);                /* a tracer's stop at each of them leaves time for something else */
    }
    _exit(0);
}

static void *sleep_for_ever(void *argument)
{
    (void)argument;
    arrive();
    for (;;)
        pause();
    return NULL;
}

static void on(int number, void (*handler)(int), int flags)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = flags;
    sigaction(number, &action, NULL);
}

int main(int argc, char **argv)
{
    static char room[65536];
    stack_t stack = {.ss_sp = room, .ss_size = sizeof room};
    struct sigaction action;
    struct itimerval every = {{0, 3000}, {0, 3000}};
    volatile uint64_t pairs = 0, errors = 0, faults = 0;
    char line[128];
    pthread_t sleeper;
    sigset_t all;
    pid_t parent = getpid();

    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED || nowhere == MAP_FAILED || sigaltstack(&stack, NULL) != 0)
        return 2;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = queued;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    sigaction(NUMBER, &action, NULL);
    on(SIGALRM, tick, SA_RESTART);
    on(SIGSEGV, fault, SA_NODEFER);
    if (argc > 1)
        on(SIGTRAP, strcmp(argv[1], "ignore") ? trapped : SIG_IGN, SA_RESTART);
    if (fork() == 0)
        send_all(parent);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    pthread_create(&sleeper, NULL, sleep_for_ever, NULL);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
    ready(1);
    for (unsigned i = 0; ; i++) {
        size_t n = 24 + i % 300;
        unsigned char *p = malloc(n);
        fill(p, n, i);
        BARRIER();
        p = realloc(p, n + 50);
        BARRIER();
        if (!p || !intact(p, n, i))
            errors++;
        free(p);
        pairs++;
        if (i % 64 == 0) {
            faults++;
            if (!sigsetjmp(back, 1))
                *nowhere = 1;
        }
        if (heard(0)) {
            if (!hear(line, sizeof line) || !strcmp(line, "quit"))
                return 0;
            say("count %d %d %llu %d %d %llu %llu\n", shared->got, wrong, (unsigned long long)faults, caught,
                traps, (unsigned long long)pairs, (unsigned long long)errors);
        }
    }
}
