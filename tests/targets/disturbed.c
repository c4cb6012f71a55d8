/*
 * A thread in epoll_wait with a time-out, whom signals reach that the program ignores: for a program that
 * installs no handler they do not exist.
 *
 *   disturbed TIMEOUT_MS EVERY_US
 *
 * One signal every EVERY_US: SIGWINCH and SIGURG (ignored by default), SIGUSR1 (SIG_IGN) and, when a child
 * ends, SIGCHLD.  "count": "count WAITS EINTR LEAST_US LONGEST_US SIGNALS".  "quit".
 */
#include "common.h"
#include <sys/epoll.h>

static volatile uint64_t waits, eintr, least = UINT64_MAX, longest, signals;
static int timeout;
static unsigned every;

static void *wait_for_nothing(void *argument)
{
    struct epoll_event event;
    int fd = epoll_create1(EPOLL_CLOEXEC);
    (void)argument;
    arrive();
    for (;;) {
        void *p = malloc(20);           /* a program that the monitor has to do with */
        BARRIER();
        free(p);
        uint64_t begin = now_ns();
        int result = epoll_wait(fd, &event, 1, timeout), error = errno;
        uint64_t took = (now_ns() - begin) / 1000;
        if (result < 0 && error == EINTR)
            eintr++;
        if (took < least)
            least = took;
        if (took > longest)
            longest = took;
        waits++;
    }
    return NULL;
}

static void *disturb(void *argument)
{
    static const int numbers[] = {SIGWINCH, SIGUSR1, SIGURG};
    pthread_t waiter = *(pthread_t *)argument;
    arrive();
    for (unsigned i = 0; ; i++) {
        nap_us(every);
        if (i % 32 == 31) {
            pid_t pid = fork();
            if (pid == 0)
                _exit(0);
            while (waitpid(pid, NULL, 0) != pid)
                ;
        } else
            pthread_kill(waiter, numbers[i % 3]);
        signals++;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    char line[128];
    pthread_t waiter, t;
    if (argc < 3)
        return 2;
    timeout = atoi(argv[1]);
    every = (unsigned)atoi(argv[2]);
    signal(SIGUSR1, SIG_IGN);
    pthread_create(&waiter, NULL, wait_for_nothing, NULL);
    pthread_create(&t, NULL, disturb, &waiter);
    ready(2);
    while (hear(line, sizeof line) && strcmp(line, "quit"))
        say("count %llu %llu %llu %llu %llu\n", (unsigned long long)waits, (unsigned long long)eintr,
            (unsigned long long)least, (unsigned long long)longest, (unsigned long long)signals);
    return 0;
}
