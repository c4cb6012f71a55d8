/*
 * Allocates on every kind of stack there is, through call sites that were never seen before, and checks what
 * it wrote.
 *
 *   stackful
 *
 * The first thread: coroutines on small stacks with a page below each that nobody may touch, which lie where
 * the kernel puts them, right below its TCB; and handlers on alternate stacks that come and go, one of which
 * leaves by siglongjmp after an overflow.  A second thread: coroutines on memory that is unmapped, and mapped
 * again with another size or nothing above it.  A third: threads with stacks of changing sizes, some on
 * memory of ours that is unmapped behind them.
 * "count": "count COROUTINES REMAPPED THREADS ERRORS".  "quit".
 */
#include "common.h"
#include <limits.h>
#include <setjmp.h>
#include <ucontext.h>
#include "made.h"

#define SITES 1000u
#define SMALL 16384u
#define GUARD 4096u

static volatile uint64_t switches, remapped, births, errors;

static void wrong(void)
{
    __atomic_add_fetch(&errors, 1, __ATOMIC_RELAXED);
}

static void use(unsigned char *sites, unsigned number)
{
    size_t n = 40 + number % 100;
    unsigned char *p = call_site(sites, number % SITES, n);
    unsigned char *q = malloc(n);
    fill(p, n, number);
    fill(q, n, number + 1);
    BARRIER();
    if (!intact(p, n, number) || !intact(q, n, number + 1))
        wrong();
    free(p);
    free(q);
}

/* The sites go to another place now and then. */
static unsigned char *renewed(unsigned char *sites, unsigned number)
{
    if (sites && number % (SITES * 2))
        return sites;
    if (sites)
        munmap(sites, SITES * SITE);
    sites = make_sites(SITES);
    if (!sites)
        _exit(2);
    return sites;
}

/* --- the first thread --- */

#define COROUTINES 4
static ucontext_t home, coroutines[COROUTINES];
static unsigned char *main_sites;
static unsigned steps;
static sigjmp_buf escape;
static volatile int sink, expected;

static void coroutine(int number)
{
    for (;;) {
        use(main_sites, steps);
        swapcontext(&coroutines[number], &home);
    }
}

static void on_signal(int number)
{
    if (number == SIGSEGV && (!expected || syscall(SYS_gettid) != getpid())) {
        signal(SIGSEGV, SIG_DFL);       /* not ours: it happens again, and is the end */
        return;
    }
    use(main_sites, steps + (unsigned)number);
    if (number == SIGSEGV)
        siglongjmp(escape, 1);
}

NOINLINE static int overflow(int n)
{
    volatile char room[2048];
    room[0] = (char)n;
    sink = room[0];
    return n < 0 ? 0 : overflow(n + 1) + room[0];
}

static void handlers(void)
{
    size_t size = SMALL << (steps / 64 % 3);
    stack_t stack = {.ss_size = size}, none = {.ss_flags = SS_DISABLE};
    stack.ss_sp = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack.ss_sp == MAP_FAILED || sigaltstack(&stack, NULL) != 0)
        _exit(2);
    raise(SIGUSR1);
    expected = steps % 512 == 0;
    if (expected && !sigsetjmp(escape, 1))
        overflow(0);
    expected = 0;
    sigaltstack(&none, NULL);
    munmap(stack.ss_sp, size);
}

/* --- the second --- */

static void once(void)
{
    static unsigned number;
    static unsigned char *sites;
    for (int i = 0; i < 20; i++) {
        sites = renewed(sites, number);
        use(sites, number++);
    }
}

static void *remap(void *argument)
{
    const size_t room = 1 << 20, middle = room / 2;
    char *region = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    (void)argument;
    if (region == MAP_FAILED)
        _exit(2);
    arrive();
    for (unsigned i = 0; ; i++) {
        static ucontext_t back, there;
        size_t size = SMALL << (i % 3), above = i % 4 ? (size_t)GUARD << (i % 5) : 0;
        char *stack = region + middle - size;
        if (mmap(stack, size + above, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
                == MAP_FAILED)
            _exit(2);
        getcontext(&there);
        there.uc_stack.ss_sp = stack;
        there.uc_stack.ss_size = size;
        there.uc_link = &back;
        makecontext(&there, once, 0);
        swapcontext(&back, &there);
        if (above) {                    /* it goes on with what lay above it gone */
            mmap(stack + size, above, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
            getcontext(&there);
            there.uc_stack.ss_sp = stack;
            there.uc_stack.ss_size = size;
            there.uc_link = &back;
            makecontext(&there, once, 0);
            swapcontext(&back, &there);
        }
        if (mmap(stack, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
            _exit(2);
        remapped++;
        nap_us(200);
    }
    return NULL;
}

/* --- the third, and its children --- */

NOINLINE static void descend(unsigned char *sites, unsigned number, int depth)
{
    volatile char room[256];
    room[0] = (char)depth;
    if (depth > 0)
        descend(sites, number, depth - 1);
    else
        use(sites, number);
    sink = room[0];
}

static unsigned char *their_sites;

static void *child(void *argument)
{
    unsigned number = (unsigned)(uintptr_t)argument;
    for (unsigned i = 0; i < 5; i++)
        descend(their_sites, number + i, (int)(number % 15));
    return NULL;
}

static void *spawn(void *argument)
{
    (void)argument;
    arrive();
    for (unsigned i = 0; ; i += 3) {
        pthread_t threads[3];
        void *memory[3] = {NULL, NULL, NULL};
        size_t sizes[3];
        their_sites = renewed(their_sites, i);
        for (unsigned k = 0; k < 3; k++) {
            pthread_attr_t attributes;
            pthread_attr_init(&attributes);
            sizes[k] = (size_t)65536 << ((i / 3 + k) % 5);
            if ((i / 3) % 3 == k) {
                memory[k] = mmap(NULL, sizes[k], PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                if (memory[k] == MAP_FAILED || pthread_attr_setstack(&attributes, memory[k], sizes[k]) != 0)
                    _exit(2);
            } else
                pthread_attr_setstacksize(&attributes, sizes[k]);
            if (pthread_create(&threads[k], &attributes, child, (void *)(uintptr_t)(i + k)) != 0)
                _exit(2);
            pthread_attr_destroy(&attributes);
        }
        for (unsigned k = 0; k < 3; k++) {
            pthread_join(threads[k], NULL);
            if (memory[k])
                munmap(memory[k], sizes[k]);
            births++;
        }
        nap_us(200);
    }
    return NULL;
}

int main(void)
{
    char line[128], *stacks[COROUTINES];
    struct sigaction action;
    pthread_t t;
    for (int i = 0; i < COROUTINES; i++) {
        stacks[i] = mmap(NULL, GUARD + SMALL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (stacks[i] == MAP_FAILED || mprotect(stacks[i], GUARD, PROT_NONE) != 0)
            return 2;
        getcontext(&coroutines[i]);
        coroutines[i].uc_stack.ss_sp = stacks[i] + GUARD;
        coroutines[i].uc_stack.ss_size = SMALL;
        makecontext(&coroutines[i], (void (*)(void))coroutine, 1, i);
    }
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    pthread_create(&t, NULL, remap, NULL);
    pthread_create(&t, NULL, spawn, NULL);
    ready(2);
    for (; ; steps++) {
        main_sites = renewed(main_sites, steps);
        swapcontext(&home, &coroutines[steps % COROUTINES]);
        switches++;
        if (steps % 64 == 0)
            handlers();
        if (steps % 16)
            continue;
        nap_us(100);
        if (!heard(0))
            continue;
        if (!hear(line, sizeof line) || strcmp(line, "count") != 0)
            break;
        say("count %llu %llu %llu %llu\n", (unsigned long long)switches, (unsigned long long)remapped,
            (unsigned long long)births, (unsigned long long)errors);
    }
    _exit(0);
}
