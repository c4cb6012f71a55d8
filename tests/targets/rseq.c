/*
 * Spins in restartable sequences: in one, the kernel either leaves the thread's mark alone or has aborted it.
 * Whoever moves the thread elsewhere inside of one and back breaks it: the mark is gone, and what the program
 * relies on with it.
 *
 *   rseq
 *
 * "ready PID", or "unable" where the C library has none registered.  "count": "count DONE BROKEN".  "quit".
 */
#include "common.h"
#include <sys/rseq.h>

struct sequence { uint32_t version, flags; uint64_t start, length, abort; } __attribute__((aligned(32)));

extern char sequence_start[], sequence_end[], sequence_abort[];
static struct sequence sequence;
static uint64_t done, broken;

NOINLINE static void spin(struct rseq *mine)
{
    long left = 100000, how = 0;
    void *volatile *mark = (void *volatile *)&mine->rseq_cs;
    __asm__ volatile(
        "   mov %[sequence], (%[mark])\n"
        "sequence_start:\n"
        "1: cmpq $0, (%[mark])\n"
        "   je 2f\n"
        "   dec %[left]\n"
        "   jnz 1b\n"
        "sequence_end:\n"
        "   mov $1, %[how]\n"
        "   jmp 3f\n"
        "2: mov $2, %[how]\n"
        "   jmp 3f\n"
        "   .long 0x53053053\n"             /* the signature before an abort's address */
        "sequence_abort:\n"
        "   mov $3, %[how]\n"
        "3:\n"
        : [left] "+r"(left), [how] "+r"(how) : [sequence] "r"(&sequence), [mark] "r"(mark) : "memory", "cc");
    *mark = NULL;
    done++;
    if (how == 2)
        broken++;
}

int main(void)
{
    char line[128];
    struct rseq *mine = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
    if (!__rseq_size) {
        say("unable\n");
        return 0;
    }
    sequence.start = (uintptr_t)sequence_start;
    sequence.length = (uint64_t)(sequence_end - sequence_start);
    sequence.abort = (uintptr_t)sequence_abort;
    ready(0);
    for (;;) {
        for (int i = 0; i < 50; i++)
            spin(mine);
        free(malloc(40));
        if (!heard(0))
            continue;
        if (!hear(line, sizeof line) || strcmp(line, "count") != 0)
            break;
        say("count %llu %llu\n", (unsigned long long)done, (unsigned long long)broken);
    }
    return 0;
}
