/*
 * A program with a malloc and a free of its own, in which a signal handler interrupts malloc.  The handler
 * has a stack of its own, is written without unwind tables, and keeps nothing in the frame pointer.
 *
 *   unwindless
 *
 * "interrupt": "inside" when the handler, which runs all the time, stands on top of a malloc.  "release": it
 * returns, and "released" when that malloc has come back and two more after it.  "count": "count PAIRS
 * ERRORS".  "quit".
 */
#include "common.h"
#include <sys/mman.h>

#define STACK 65536u

static unsigned char pool[1 << 16];
static size_t at;
static volatile uint64_t pairs, errors;
static volatile int wanted;
volatile int handler_is_in, handler_may_leave;

void handler_without_tables(int number);
__asm__(
    ".text\n"
    ".type inner_without_tables, @function\n"
    "inner_without_tables:\n"
    "    push %rbx\n"
    "    sub $64, %rsp\n"
    "    movl $1, handler_is_in(%rip)\n"
    "1:  pause\n"
    "    cmpl $0, handler_may_leave(%rip)\n"
    "    je 1b\n"
    "    movl $0, handler_is_in(%rip)\n"
    "    add $64, %rsp\n"
    "    pop %rbx\n"
    "    ret\n"
    ".size inner_without_tables, . - inner_without_tables\n"
    ".globl handler_without_tables\n"
    ".type handler_without_tables, @function\n"
    "handler_without_tables:\n"
    "    push %rbp\n"
    "    xor %ebp, %ebp\n"
    "    sub $32, %rsp\n"
    "    call inner_without_tables\n"
    "    add $32, %rsp\n"
    "    pop %rbp\n"
    "    ret\n"
    ".size handler_without_tables, . - handler_without_tables\n"
);

NOINLINE void *malloc(size_t n)
{
    size_t here = __atomic_fetch_add(&at, (n + 15) & ~(size_t)15, __ATOMIC_SEQ_CST);
    if (n == 4321 && wanted) {
        wanted = 0;
        raise(SIGUSR2);
    }
    return pool + here % (sizeof pool - 8192);
}

NOINLINE void free(void *p)
{
    __asm__ volatile("nop; nop; nop; nop; nop; nop; nop; nop" : : "r"(p) : "memory");
}

static void *allocate(void *argument)
{
    stack_t stack = {.ss_size = STACK};
    (void)argument;
    stack.ss_sp = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack.ss_sp == MAP_FAILED || sigaltstack(&stack, NULL) != 0)
        _exit(2);
    arrive();
    for (;;) {
        unsigned char *p = malloc(4321);
        BARRIER();
        if (p < pool || p > pool + sizeof pool)
            errors++;
        free(p);
        pairs++;
        nap_us(500);
    }
    return NULL;
}

int main(void)
{
    char line[128];
    pthread_t t;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler_without_tables;
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR2, &action, NULL);
    pthread_create(&t, NULL, allocate, NULL);
    ready(1);
    while (hear(line, sizeof line)) {
        if (!strcmp(line, "interrupt")) {
            wanted = 1;
            while (!handler_is_in)
                nap_us(500);
            say("inside\n");
        } else if (!strcmp(line, "release")) {
            uint64_t now = pairs;
            handler_may_leave = 1;
            while (pairs < now + 3)
                nap_us(500);
            say("released\n");
        } else if (!strcmp(line, "count"))
            say("count %llu %llu\n", (unsigned long long)pairs, (unsigned long long)errors);
        else
            break;
    }
    return 0;
}
