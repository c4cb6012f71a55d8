/*
 * A thread in each of the blocking system calls that a stop can disturb: it counts EINTR and returns before
 * time. Programs rarely expect either when no handler of theirs has run.
 *
 *   sleepers [plain | block | ignore | handler]
 *
 * block: every thread blocks every signal.  ignore: SIGTRAP is ignored.  handler: SIGTRAP has a handler that
 * counts. Two threads in each mode malloc and free a little.
 * "report": "NAME CALLS EINTR EARLY OTHER" for each thread, "trap HANDLER FLAGS MASK CALLED", "pairs N
 * ERRORS", "end".
 */
#include "common.h"
#include <linux/futex.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

struct sleeper {
    const char *name;
    int (*once)(void);          /* one call: 0 as expected, else errno */
    unsigned least_ms;          /* it must not return before (0: it must never return) */
    pthread_t thread;
    uint64_t calls, eintr, early, other;
};

#define TIMED 130

static int semaphores, messages, full_messages, quiet_pipe[2], sockets[2], quiet_epoll, lock_file;
static char lock_path[64];
static volatile uint64_t pairs, pair_errors;
static volatile int trap_called;

static struct timespec span(void)
{
    struct timespec t = {0, TIMED * 1000000L};
    return t;
}

static int outcome(long result, int expected)
{
    if (result >= 0)
        return expected ? -1 : 0;
    return errno == expected ? 0 : errno;
}

static int in_epoll_wait(void)
{
    struct epoll_event e;
    int fd = epoll_create1(EPOLL_CLOEXEC), result = outcome(epoll_wait(fd, &e, 1, TIMED), 0);
    close(fd);
    return result;
}
static int in_epoll_forever(void)
{
    struct epoll_event e;
    return outcome(epoll_wait(quiet_epoll, &e, 1, -1), 0);
}
static int in_epoll_pwait(void)
{
    struct epoll_event e;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    return outcome(epoll_pwait(quiet_epoll, &e, 1, TIMED, &mask), 0);
}
static int in_poll(void)
{
    struct pollfd p = {quiet_pipe[0], POLLIN, 0};
    return outcome(poll(&p, 1, TIMED), 0);
}
static int in_ppoll(void)
{
    struct pollfd p = {quiet_pipe[0], POLLIN, 0};
    struct timespec t = span();
    return outcome(ppoll(&p, 1, &t, NULL), 0);
}
static int in_select(void)
{
    struct timeval t = {0, TIMED * 1000};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(quiet_pipe[0], &set);
    return outcome(select(quiet_pipe[0] + 1, &set, NULL, NULL, &t), 0);
}
static int in_nanosleep(void) { struct timespec t = span(); return outcome(nanosleep(&t, NULL), 0); }
static int in_clock_nanosleep(void)
{
    struct timespec t = span();
    int e = clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
    return e;
}
static int in_clock_nanosleep_abs(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += TIMED * 1000000L;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}
static int in_semop(void) { struct sembuf b = {0, -1, 0}; return outcome(semop(semaphores, &b, 1), 0); }
static int in_semtimedop(void)
{
    struct sembuf b = {1, -1, 0};
    struct timespec t = span();
    return outcome(semtimedop(semaphores, &b, 1, &t), EAGAIN);
}
static int in_msgrcv(void)
{
    struct { long type; char text[8]; } m;
    return outcome(msgrcv(messages, &m, sizeof m.text, 0, 0), 0);
}
static int in_msgsnd(void)
{
    struct { long type; char text[8]; } m = {1, "x"};
    return outcome(msgsnd(full_messages, &m, sizeof m.text, 0), 0);
}
static int in_recv_timeout(void)
{
    char c;
    return outcome(recv(sockets[0], &c, 1, 0), EAGAIN);
}
static int in_recv_forever(void) { char c; return outcome(recv(sockets[1], &c, 1, 0), 0); }
static int in_futex(void)
{
    static int word;
    struct timespec t = span();
    return outcome(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &t, NULL, 0), ETIMEDOUT);
}
static int in_futex_forever(void)
{
    static int word;
    return outcome(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), 0);
}
static int in_sigtimedwait(void)
{
    sigset_t set;
    struct timespec t = span();
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    return outcome(sigtimedwait(&set, NULL, &t), EAGAIN);
}
static int in_read_pipe(void) { char c; return outcome(read(quiet_pipe[0], &c, 1), 0); }
static int in_eventfd(void)
{
    uint64_t value;
    int fd = eventfd(0, EFD_CLOEXEC), result = outcome(read(fd, &value, sizeof value), 0);
    close(fd);
    return result;
}
static int in_timerfd(void)
{
    struct itimerspec when = {{0, 0}, {0, TIMED * 1000000L}};
    uint64_t value;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    timerfd_settime(fd, 0, &when, NULL);
    int result = outcome(read(fd, &value, sizeof value), 0);
    close(fd);
    return result;
}
static int in_accept(void)
{
    static int fd = -1;
    if (fd < 0) {
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        fd = socket(AF_INET, SOCK_STREAM, 0);
        if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 1) != 0)
            return 0;
    }
    return outcome(accept(fd, NULL, NULL), 0);
}
static int in_flock(void)
{
    int fd = open(lock_path, O_RDWR), result = outcome(flock(fd, LOCK_EX), 0);
    close(fd);
    return result;
}
static int in_cond_timedwait(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += TIMED * 1000000L;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    pthread_mutex_lock(&lock);
    int e = pthread_cond_timedwait(&condition, &lock, &t);
    pthread_mutex_unlock(&lock);
    return e == ETIMEDOUT ? 0 : e ? e : -1;
}
static int in_waitpid(void) { return outcome(waitpid(-1, NULL, __WALL), 0); }

static struct sleeper sleepers[] = {
    {"epoll_wait", in_epoll_wait, TIMED, 0, 0, 0, 0, 0},
    {"epoll_forever", in_epoll_forever, 0, 0, 0, 0, 0, 0},
    {"epoll_pwait", in_epoll_pwait, TIMED, 0, 0, 0, 0, 0},
    {"poll", in_poll, TIMED, 0, 0, 0, 0, 0},
    {"ppoll", in_ppoll, TIMED, 0, 0, 0, 0, 0},
    {"select", in_select, TIMED, 0, 0, 0, 0, 0},
    {"nanosleep", in_nanosleep, TIMED, 0, 0, 0, 0, 0},
    {"clock_nanosleep", in_clock_nanosleep, TIMED, 0, 0, 0, 0, 0},
    {"clock_nanoabs", in_clock_nanosleep_abs, TIMED, 0, 0, 0, 0, 0},
    {"semop", in_semop, 0, 0, 0, 0, 0, 0},
    {"semtimedop", in_semtimedop, TIMED, 0, 0, 0, 0, 0},
    {"msgrcv", in_msgrcv, 0, 0, 0, 0, 0, 0},
    {"msgsnd", in_msgsnd, 0, 0, 0, 0, 0, 0},
    {"recv_timeout", in_recv_timeout, TIMED, 0, 0, 0, 0, 0},
    {"recv_forever", in_recv_forever, 0, 0, 0, 0, 0, 0},
    {"futex", in_futex, TIMED, 0, 0, 0, 0, 0},
    {"futex_forever", in_futex_forever, 0, 0, 0, 0, 0, 0},
    {"sigtimedwait", in_sigtimedwait, TIMED, 0, 0, 0, 0, 0},
    {"read_pipe", in_read_pipe, 0, 0, 0, 0, 0, 0},
    {"eventfd", in_eventfd, 0, 0, 0, 0, 0, 0},
    {"timerfd", in_timerfd, TIMED, 0, 0, 0, 0, 0},
    {"accept", in_accept, 0, 0, 0, 0, 0, 0},
    {"flock", in_flock, 0, 0, 0, 0, 0, 0},
    {"cond_timedwait", in_cond_timedwait, TIMED, 0, 0, 0, 0, 0},
    {"waitpid", in_waitpid, 0, 0, 0, 0, 0, 0},
};
#define SLEEPERS (sizeof sleepers / sizeof *sleepers)

static void *asleep(void *argument)
{
    struct sleeper *s = argument;
    arrive();
    prctl(PR_SET_NAME, s->name, 0, 0, 0);
    for (;;) {
        uint64_t before = now_ns();
        int e = s->once();
        uint64_t took = (now_ns() - before) / 1000000;
        s->calls++;
        if (e == EINTR)
            s->eintr++;
        else if (e)
            s->other++;
        if (s->least_ms == 0 || took + 2 < s->least_ms)     /* jiffies and clock sources may differ by 1 ms */
            s->early++;
        if (s->least_ms == 0 && s->calls > 1000)
            nap_us(10000);
    }
    return NULL;
}

static void *pair(void *argument)
{
    (void)argument;
    arrive();
    prctl(PR_SET_NAME, "pairs", 0, 0, 0);
    for (unsigned i = 0; ; i++) {
        unsigned char *p = malloc(100);
        fill(p, 100, i);
        nap_us(2000);
        if (!intact(p, 100, i))
            pair_errors++;
        free(p);
        pairs++;
    }
    return NULL;
}

static void trapped(int number)
{
    (void)number;
    trap_called++;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "plain";
    char line[128];
    sigset_t all;
    struct timeval timeout = {0, TIMED * 1000};

    if (!strcmp(mode, "block")) {
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
    } else if (!strcmp(mode, "ignore"))
        signal(SIGTRAP, SIG_IGN);
    else if (!strcmp(mode, "handler")) {
        struct sigaction action = {0};
        action.sa_handler = trapped;
        action.sa_flags = SA_RESTART | SA_NODEFER;
        sigaddset(&action.sa_mask, SIGUSR1);
        sigaddset(&action.sa_mask, SIGHUP);
        sigaction(SIGTRAP, &action, NULL);
    }
    semaphores = semget(IPC_PRIVATE, 2, 0600);
    messages = msgget(IPC_PRIVATE, 0600);
    full_messages = msgget(IPC_PRIVATE, 0600);
    struct { long type; char text[1024]; } m = {1, ""};
    while (msgsnd(full_messages, &m, sizeof m.text, IPC_NOWAIT) == 0)
        ;
    struct { long type; char text[8]; } small = {1, ""};
    while (msgsnd(full_messages, &small, sizeof small.text, IPC_NOWAIT) == 0)
        ;
    if (semaphores < 0 || messages < 0 || full_messages < 0)
        return 2;
    if (pipe(quiet_pipe) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0)
        return 2;
    setsockopt(sockets[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    quiet_epoll = epoll_create1(0);
    snprintf(lock_path, sizeof lock_path, "/tmp/sleepers.%d", (int)getpid());
    lock_file = open(lock_path, O_RDWR | O_CREAT, 0600);
    flock(lock_file, LOCK_EX);
    pid_t waited = fork();              /* what waitpid waits for; it ends with us */
    if (waited == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (getppid() == 1)
            _exit(0);
        for (;;)
            pause();
    }
    pthread_t t;
    for (size_t i = 0; i < SLEEPERS; i++)
        if (pthread_create(&sleepers[i].thread, NULL, asleep, &sleepers[i]) != 0)
            return 2;
    pthread_create(&t, NULL, pair, NULL);
    pthread_create(&t, NULL, pair, NULL);
    ready((int)SLEEPERS + 2);
    while (hear(line, sizeof line)) {
        if (!strcmp(line, "quit"))
            break;
        struct sigaction action;
        sigaction(SIGTRAP, NULL, &action);
        for (size_t i = 0; i < SLEEPERS; i++) {
            struct sleeper *s = &sleepers[i];
            say("%s %llu %llu %llu %llu\n", s->name, (unsigned long long)s->calls,
                (unsigned long long)s->eintr, (unsigned long long)s->early, (unsigned long long)s->other);
        }
        uint64_t mask;
        memcpy(&mask, &action.sa_mask, sizeof mask);
        const char *disposition = action.sa_handler == SIG_DFL ? "default"
            : action.sa_handler == SIG_IGN ? "ignore" : action.sa_handler == trapped ? "ours" : "foreign";
        say("trap %s %x %llx %d\n", disposition, (unsigned)action.sa_flags, (unsigned long long)mask,
            trap_called);
        say("pairs %llu %llu\n", (unsigned long long)pairs, (unsigned long long)pair_errors);
        say("end\n");
    }
    kill(waited, SIGKILL);
    semctl(semaphores, 0, IPC_RMID);
    msgctl(messages, IPC_RMID, NULL);
    msgctl(full_messages, IPC_RMID, NULL);
    unlink(lock_path);
    return 0;
}
