/*
 * Signals at a high rate into threads that allocate: a real-time signal queued N times with its number as the
 * value, and an interval timer.  Every queued one must come, once and in order.
 *
 *   signals
 *
 * "go N": "done SENT GOT DISORDER TICKS PAIRS ERRORS".  "quit".
 */
#include "common.h"
#include <sys/time.h>

static volatile int got, disorder, expected, ticks;
static volatile uint64_t pairs, errors;

static void queued(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    if (info->si_value.sival_int != expected)
        disorder++;
    expected = info->si_value.sival_int + 1;
    got++;
}

static void tick(int number)
{
    (void)number;
    ticks++;
}

static void *pair(void *argument)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 3);
    pthread_sigmask(argument ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL);
    arrive();
    for (unsigned i = 0; ; i++) {
        size_t n = 24 + i % 300;
        unsigned char *p = malloc(n);
        fill(p, n, i);
        BARRIER();
        p = realloc(p, n + 50);
        if (!p || !intact(p, n, i))
            errors++;
        free(p);
        pairs++;
        if (i % 64 == 0)
            nap_us(50);
    }
    return NULL;
}

int main(void)
{
    char line[128];
    pthread_t a, b;
    struct sigaction action;
    sigset_t set;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = queued;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(SIGRTMIN + 3, &action, NULL);
    memset(&action, 0, sizeof action);
    action.sa_handler = tick;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 3);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    pthread_create(&a, NULL, pair, (void *)1);      /* the only one that takes the queued signals */
    pthread_create(&b, NULL, pair, NULL);
    ready(2);
    while (hear(line, sizeof line)) {
        if (strncmp(line, "go ", 3) != 0)
            break;
        int n = atoi(line + 3), sent = 0;
        got = expected = disorder = ticks = 0;
        struct itimerval every = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
        setitimer(ITIMER_REAL, &every, NULL);
        while (sent < n) {
            union sigval value = {sent};
            if (sent - got < 200 && sigqueue(getpid(), SIGRTMIN + 3, value) == 0)
                sent++;
            else
                nap_us(100);
            if (sent % 50 == 0)
                nap_us(200);
        }
        for (int i = 0; i < 5000 && got < sent; i++)
            nap_us(1000);
        setitimer(ITIMER_REAL, &never, NULL);
        say("done %d %d %d %d %llu %llu\n", sent, got, disorder, ticks, (unsigned long long)pairs,
            (unsigned long long)errors);
    }
    return 0;
}
