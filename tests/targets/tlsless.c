/*
 * A static program without a C library, and so without a thread pointer: fs:0 is no memory.  It has an allocator of
 * its own, for leaks on demand.
 *
 *   tlsless
 *
 * "leak N": N blocks of 77 bytes: "leaked N".  "count": "count PAIRS ERRORS".  "quit".
 * Compiled with -nostdlib -static.
 */
#define NOINLINE __attribute__((noinline))

static long system_call(long number, long a, long b, long c)
{
    register long result __asm__("rax") = number;
    __asm__ volatile("syscall" : "+r"(result) : "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

static char pool[1 << 20];
static unsigned long at, pairs, errors;

NOINLINE void *malloc(unsigned long n)
{
    void *p = pool + at;
    at = (at + ((n + 15) & ~15ul)) % (sizeof pool - 4096);
    return p;
}

NOINLINE void free(void *p)
{
    /* long enough for a jump in front of it */
    __asm__ volatile("nop; nop; nop; nop; nop; nop; nop; nop" : : "r"(p) : "memory");
}

static void say_number(unsigned long number)
{
    char digits[24];
    int n = sizeof digits;
    do
        digits[--n] = (char)('0' + number % 10);
    while (number /= 10);
    system_call(1, 1, (long)(digits + n), (long)sizeof digits - n);
}

static void say(const char *text)
{
    long n = 0;
    while (text[n])
        n++;
    system_call(1, 1, (long)text, n);
}

static void pair(void)
{
    char *p = malloc(40);
    p[0] = (char)pairs;
    __asm__ volatile("" : : "r"(p) : "memory");
    if (p[0] != (char)pairs)
        errors++;
    free(p);
    pairs++;
}

static NOINLINE void leak(unsigned long n)
{
    while (n--) {
        void *volatile p = malloc(77);
        (void)p;
    }
}

__attribute__((used, noreturn)) static void begin(void)
{
    char line[64];
    unsigned n = 0;
    say("ready ");
    say_number((unsigned long)system_call(39, 0, 0, 0));        /* getpid */
    say("\n");
    for (;;) {
        struct { int fd; short events, found; } wait = {0, 1, 0};
        pair();
        if (system_call(7, (long)&wait, 1, 1) <= 0)             /* poll, 1 ms */
            continue;
        if (system_call(0, 0, (long)(line + n), 1) != 1 || line[0] == 'q')
            break;
        if (line[n] != '\n') {
            n += n < sizeof line - 1;
            continue;
        }
        n = 0;
        if (line[0] == 'c') {
            say("count ");
            say_number(pairs);
            say(" ");
            say_number(errors);
            say("\n");
        } else if (line[0] == 'l') {
            leak((unsigned long)(line[5] - '0'));
            say("leaked\n");
        }
    }
    system_call(231, 0, 0, 0);                                  /* exit_group */
    __builtin_unreachable();
}

__asm__(".globl _start\n_start:\n xor %ebp, %ebp\n and $-16, %rsp\n call begin\n");
