/*
 * epoll_wait as a bare system call in a loop that sets the time-out only once: the kernel leaves it in r10,
 * so the next call finds it there.
 *
 *   rawwait MILLISECONDS
 *
 * "count": "count WAITS TIMEOUT PAIRS": the last value of r10 behind a call.  "quit".
 */
#include "common.h"
#include <sys/epoll.h>

static volatile uint64_t waits, last, pairs;

static void *wait_again(void *argument)
{
    struct epoll_event event;
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0)
        _exit(2);
    last = (uintptr_t)argument;
    arrive();
    __asm__ volatile(
        "    mov %[timeout], %%r10\n"
        "1:  mov $232, %%eax\n"
        "    mov %[fd], %%rdi\n"
        "    mov %[event], %%rsi\n"
        "    mov $1, %%edx\n"
        "    syscall\n"
        "    mov %%r10, (%[last])\n"
        "    incq (%[waits])\n"
        "    jmp 1b\n"
        : : [timeout] "r"(argument), [fd] "r"((long)fd), [event] "r"(&event), [last] "r"(&last),
            [waits] "r"(&waits)
        : "rax", "rcx", "rdx", "rsi", "rdi", "r10", "r11", "memory");
    return NULL;
}

static void *pair(void *argument)
{
    (void)argument;
    arrive();
    for (;;) {
        void *volatile p = malloc(90);
        free(p);
        pairs++;
        nap_us(500);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    char line[128];
    pthread_t t;
    if (argc < 2)
        return 2;
    pthread_create(&t, NULL, wait_again, (void *)(uintptr_t)atoi(argv[1]));
    pthread_create(&t, NULL, pair, NULL);
    ready(2);
    while (hear(line, sizeof line)) {
        if (strcmp(line, "count"))
            break;
        say("count %llu %llu %llu\n", (unsigned long long)waits, (unsigned long long)last,
            (unsigned long long)pairs);
    }
    return 0;
}
