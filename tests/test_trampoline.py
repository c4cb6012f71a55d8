"""
trampoline.py: bytes by hand first, then objdump as judge of lengths, then real execution: in a child process,
functions of libraries compiled in many ways get each kind of stub, with real int3s, and must work as before.

The child is this file itself, run as a script: a task (JSON) on stdin, what it found (JSON) on stdout.
"""

import collections
import ctypes
import glob
import json
import mmap
import os
import random
import re
import struct
import subprocess
import sys
import time
import unittest

import support
import trampoline
from trampoline import AFTER, BEFORE, BOTH, ENTRY, CannotMove

KINDS = (AFTER, BEFORE, BOTH)
ALLOCATORS = {
    'malloc': AFTER, 'calloc': AFTER, 'realloc': BOTH, 'reallocarray': BOTH, 'free': BEFORE, 'cfree': BEFORE,
    'memalign': AFTER, 'posix_memalign': AFTER, 'aligned_alloc': AFTER, 'valloc': AFTER, 'pvalloc': AFTER}

FIXTURE = r'''
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

/* --- what catches the traps of the stubs, and the steps of a thread with the trap flag --- */
struct trap { uint64_t address, go_on, count, rax, rdi, rsi, rdx, sp, words[4]; } traps[64];
int trap_count;
struct step { uint64_t pc, sp; } steps[4096];
int step_count;
uint64_t divert_pc, divert_to;
int64_t divert_sp;
int diverted, unknown_traps;

static void handler(int number, siginfo_t *info, void *context)
{
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    int i;
    if (info->si_code == SI_KERNEL) {
        for (i = 0; i < trap_count && traps[i].address != (uint64_t)r[REG_RIP] - 1; i++)
            ;
        if (i == trap_count)
            unknown_traps++;
        else {
            struct trap *t = &traps[i];
            t->count++;
            t->rax = r[REG_RAX]; t->rdi = r[REG_RDI]; t->rsi = r[REG_RSI]; t->rdx = r[REG_RDX];
        t->sp = r[REG_RSP];
            for (i = 0; i < 4; i++)
                t->words[i] = ((uint64_t *)r[REG_RSP])[i];
            if (t->go_on)
                r[REG_RIP] = t->go_on;
        }
    }
    if (r[REG_EFL] & 0x100) {
        if (step_count < 4096) {
            steps[step_count].pc = r[REG_RIP];
            steps[step_count++].sp = r[REG_RSP];
        }
        if (divert_pc == (uint64_t)r[REG_RIP] && !diverted) {
            diverted = 1;
            r[REG_EFL] &= ~0x100;               /* seen enough */
            r[REG_RSP] += divert_sp;
            r[REG_RIP] = divert_to ? divert_to : ((uint64_t *)r[REG_RSP])[-1];
        }
    }
}

void catch_traps(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGTRAP, &action, 0);
}

__attribute__((visibility("hidden"))) uint64_t step_cfa, probe_state[18], after_state[18];
uint64_t *get_step_cfa(void) { return &step_cfa; }
uint64_t *get_probe_state(void) { return probe_state; }
uint64_t *get_after_state(void) { return after_state; }

__asm__(
    ".text\n"
    /* call_plain(function, a, b, c): a call whose return address is known */
    ".globl call_plain, call_plain_return, call_stepping, call_probe\n"
    "call_plain: push %rbx; mov %rdi, %r11; mov %rsi, %rdi; mov %rdx, %rsi; mov %rcx, %rdx; "
    "xor %eax, %eax; call *%r11\n"
    "call_plain_return: pop %rbx; ret\n"
    "call_stepping: push %rbx; mov %rdi, %r11; mov %rsi, %rdi; mov %rdx, %rsi; mov %rcx, %rdx; "
    "xor %eax, %eax\n"
    " mov %rsp, step_cfa(%rip); pushfq; orq $0x100, (%rsp); popfq; call *%r11\n"
    " pushfq; andq $~0x100, (%rsp); popfq; pop %rbx; ret\n"
    /* call_probe(function): every register and the flags known at the call; all kept behind it */
    "call_probe: push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; sub $8, %rsp\n"
    " mov %rdi, after_state+128(%rip); pushq $0x8d7; popfq\n"
    " mov $0x1101, %eax; mov $0x1102, %ecx; mov $0x1103, %edx; mov $0x1104, %ebx; mov $0x1105, %ebp\n"
    " mov $0x1106, %esi; mov $0x1107, %edi; mov $0x1108, %r8d; mov $0x1109, %r9d; mov $0x110a, %r10d\n"
    " mov $0x110b, %r11d; mov $0x110c, %r12d; mov $0x110d, %r13d; mov $0x110e, %r14d; mov $0x110f, %r15d\n"
    " call *after_state+128(%rip)\n"
    " mov %rax, after_state(%rip); mov %rcx, after_state+8(%rip); mov %rdx, after_state+16(%rip)\n"
    " mov %rbx, after_state+24(%rip); mov %rsp, after_state+32(%rip); mov %rbp, after_state+40(%rip)\n"
    " mov %rsi, after_state+48(%rip); mov %rdi, after_state+56(%rip); mov %r8, after_state+64(%rip)\n"
    " mov %r9, after_state+72(%rip); mov %r10, after_state+80(%rip); mov %r11, after_state+88(%rip)\n"
    " mov %r12, after_state+96(%rip); mov %r13, after_state+104(%rip); mov %r14, after_state+112(%rip)\n"
    " mov %r15, after_state+120(%rip)\n"
    " add $8, %rsp; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n"
    ".globl p_probe; .type p_probe, @function; .p2align 4\n"
    "p_probe: push %rbp; mov %rsp, %rbp; pop %rbp\n"
    " mov %rax, probe_state(%rip); mov %rcx, probe_state+8(%rip); mov %rdx, probe_state+16(%rip)\n"
    " mov %rbx, probe_state+24(%rip); mov %rsp, probe_state+32(%rip); mov %rbp, probe_state+40(%rip)\n"
    " mov %rsi, probe_state+48(%rip); mov %rdi, probe_state+56(%rip); mov %r8, probe_state+64(%rip)\n"
    " mov %r9, probe_state+72(%rip); mov %r10, probe_state+80(%rip); mov %r11, probe_state+88(%rip)\n"
    " mov %r12, probe_state+96(%rip); mov %r13, probe_state+104(%rip); mov %r14, probe_state+112(%rip)\n"
    " mov %r15, probe_state+120(%rip); pushfq; popq probe_state+128(%rip); mov $0x2201, %eax; ret\n"
    ".size p_probe, .-p_probe\n");

/* --- functions to hook --- */
#define F __attribute__((noinline)) long
static long g_count, g_limit, g_table[16];
static int g_small;
static char g_flag;
static long *g_pointer;
static __thread long t_value __attribute__((tls_model("initial-exec")));
static __thread long t_dynamic;
long g_public;
F f_helper(long a, long b, long *p) { g_count += a * 3 + b; return g_count ^ (p ? p[1] : 0); }
static long (*volatile g_function)(long, long, long *) = f_helper;

void reset(long *p)
{
    int i;
    g_count = 5; g_limit = 100; g_small = 3; g_flag = 1; g_pointer = 0; t_value = 9; t_dynamic = 4;
        g_public = 77;
    g_function = f_helper;
    for (i = 0; i < 16; i++) g_table[i] = p[i] = i * 1000003;
}

long state(long *p)
{
    long sum = g_count + 3 * g_limit + 5 * g_small + 7 * g_flag + 11 * (g_pointer == p) + 13 * t_value
        + 17 * g_public;
    int i;
    for (i = 0; i < 16; i++) sum = sum * 31 + g_table[i] + 2 * p[i];
    return sum + t_dynamic;
}

F f_global(long a, long b, long *p) { g_count += a; return g_count ^ b; }
F f_public(long a, long b, long *p) { g_public += a; return g_public ^ b; }
F f_early(long a, long b, long *p) { if (!a) return -1; if (b < 0) return b; p[0] += a; return p[0]; }
F f_compare(long a, long b, long *p) { if (g_limit > a) return b; g_count++; return a; }
F f_compare_constant(long a, long b, long *p) { if (g_small == 3) { g_small = 123456; return b; } return a; }
F f_flag(long a, long b, long *p) { if (g_flag) { g_count += 3; return f_helper(a, b, p); } return b; }
F f_tls(long a, long b, long *p) { t_value += a; return t_value + b; }
F f_tls_dynamic(long a, long b, long *p) { t_dynamic += a; return t_dynamic + b; }
F f_tail(long a, long b, long *p) { return f_helper(a + 1, b, p); }
F f_tail_only(long a, long b, long *p) { return f_helper(a, b, p); }
F f_array(long a, long b, long *p)
{
    volatile char text[24];
    int i;
    for (i = 0; i < 24; i++) text[i] = (char)(a + i * b);
    return text[a & 15] + text[b & 15];
}
F f_alloca(long a, long b, long *p)
{
    volatile char *text = __builtin_alloca((a & 255) + 1);
    text[a & 255] = (char)b; text[0] ^= 3;
    return text[a & 255];
}
F f_loop(long a, long b, long *p) { long s = 0; a &= 15; while (a-- > 0) s += b ^ s; return s; }
F f_do(long a, long b, long *p)
{
    long s = 0; do { s += a & 1; a = (unsigned long)a >> 1; } while (a); return s + b;
}
F f_switch(long a, long b, long *p)
{
    switch (a & 7) {
    case 0: return b; case 1: g_count++; return 2; case 2: return b * 3; case 3: return p[3];
    case 4: return -b; case 5: g_limit = b; return 1; case 6: return a - b;
    }
    return 99;
}
F f_recursive(long a, long b, long *p)
{
    a &= 3; return a < 2 ? b : f_recursive(a - 1, b, p) + f_recursive(a - 2, b, p);
}
F f_pointer(long a, long b, long *p) { return g_function(a, b, p); }
F f_store(long a, long b, long *p) { g_pointer = p; p[2] = a; p[3] = b; return 0; }
F f_constant(long a, long b, long *p) { g_count = 0x123456789abcdef0; g_small = 7; return a; }
F f_double(long a, long b, long *p) { return (long)((double)(a & 0xfffff) * 1.5 + (double)(b & 0xfff)); }
F f_float_state(long a, long b, long *p)
{
    double d[4] = {0, 1, 2, 3}; d[a & 3] += b & 255; return (long)(d[0] + d[3]);
}
F f_clear(long a, long b, long *p)
{
    long t[8]; memset(t, 0, sizeof t); memcpy(p, t, 32); return f_helper(b, a, p);
}
F f_many(long a, long b, long *p)
{
    long c = f_helper(a, b, p), d = f_helper(b, c, p), e = f_helper(c, d, p), f = f_helper(d, e, p),
        g = f_helper(e, f, p);
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g;
}
F f_select(long a, long b, long *p) { return a < b ? a : b; }
F f_shift(long a, long b, long *p) { return (a << 3) ^ (long)((unsigned long)b >> 5) ^ (a >> (b & 31)); }
F f_divide(long a, long b, long *p) { return (b | 1) == -1 ? 0 : a / (b | 1) + a % 10; }
F f_extend(long a, long b, long *p) { return (signed char)a + (short)b + (unsigned char)b + (int)a; }
F f_atomic(long a, long b, long *p)
{
    return __sync_add_and_fetch(&g_count, a) + __sync_lock_test_and_set(&g_limit, b);
}
F f_compare_swap(long a, long b, long *p) { return __sync_val_compare_and_swap(&g_count, 5, a) + b; }
F f_table(long a, long b, long *p) { return g_table[a & 15] + b; }
F f_address(long a, long b, long *p)
{
    g_pointer = &p[0]; return (long)((char *)&g_table[a & 15] - (char *)g_table);
}
F f_bits(long a, long b, long *p)
{
    return __builtin_bswap64(a) + __builtin_ctzl(b | 8) + __builtin_clzl(a | 1);
}
F f_unlikely(long a, long b, long *p)
{
    if (__builtin_expect(!g_flag, 0)) abort(); if (a == 1234567) abort(); return a * b;
}
F f_zero(long a, long b, long *p) { return 0; }
F f_stack(long a, long b, long *p)
{
    volatile long t[40]; t[a & 31] = b; return t[a & 31] + (long)((uintptr_t)t & 15);
}

#define A(name, text) ".globl " #name "; .type " #name ", @function; .p2align 4\n" #name ": " text \
    "\n.size " #name ", .-" #name "\n"
__attribute__((visibility("hidden"))) long a_value = 6;
long a_get(void) { return a_value; }
void a_set(long value) { a_value = value; }
__asm__(
    ".text\n"
    ".p2align 4\na_helper: lea 7(%rdi,%rsi), %rax; ret\n"
    ".data\n.p2align 3\na_pointer: .quad a_helper\n.text\n"
    A(a_jcc8, "test %edi, %edi; je 1f; lea 1(%rdi,%rsi), %rax; ret; 1: mov %rsi, %rax; ret")
    A(a_jcc32, "test %edi, %edi; .byte 0x0f, 0x84; .long 1f-.-4; lea 1(%rdi,%rsi), %rax; ret; "
        "1: mov %rsi, %rax; ret")
    A(a_jcc_hint, "test %edi, %edi; .byte 0x3e, 0x74, 1f-.-1; lea 1(%rdi,%rsi), %rax; ret; "
        "1: mov %rsi, %rax; ret")
    A(a_jmp8_first, ".byte 0xeb, 1f-.-1; nop; nop; nop; nop; 1: lea (%rdi,%rsi), %rax; ret")
    A(a_jmp8_third, "mov %rdi, %rax; .byte 0xeb, 1f-.-1; ud2; 1: add %rsi, %rax; ret")
    A(a_jmp32, ".byte 0xe9; .long a_helper-.-4")
    A(a_jmp_pointer, "jmp *a_pointer(%rip)")
    A(a_jmp_register, "lea a_helper(%rip), %rax; jmp *%rax")
    A(a_jmp_short_register, "mov %rsi, %r11; lea a_helper(%rip), %rax; notrack jmp *%rax")
    A(a_call_first, "call a_helper; add $3, %rax; ret")
    A(a_call_second, "push %rbx; call a_helper; pop %rbx; sub $3, %rax; ret")
    A(a_call_addr32, ".byte 0x67; call a_helper; add $3, %rax; ret")
    A(a_call_pointer, "call *a_pointer(%rip); add $3, %rax; ret")
    A(a_rip_compare, "cmpl $7, a_value(%rip); setg %al; movzbl %al, %eax; ret")
    A(a_rip_store, "movl $0x12345678, a_value(%rip); mov %rdi, %rax; ret")
    A(a_rip_store8, "movb $0x12, a_value(%rip); mov %rdi, %rax; ret")
    A(a_rip_store16, "movw $0x1234, a_value(%rip); mov %rdi, %rax; ret")
    A(a_rip_test, "testb $2, a_value(%rip); setne %al; movzbl %al, %eax; ret")
    A(a_rip_testl, "testl $2, a_value(%rip); setne %al; movzbl %al, %eax; ret")
    A(a_rip_add, "add %rdi, a_value(%rip); mov a_value(%rip), %rax; ret")
    A(a_rip_imul, "imul $1000, a_value(%rip), %rax; ret")
    A(a_rip_push, "push a_value(%rip); pop %rax; ret")
    A(a_rip_lea, "lea a_value(%rip), %rax; mov (%rax), %rax; ret")
    A(a_rip_sse, "movq a_value(%rip), %xmm0; movq %xmm0, %rax; ret")
    A(a_rip_cmov, "test %rdi, %rdi; cmovne a_value(%rip), %rsi; mov %rsi, %rax; ret")
    A(a_rip_xchg, "xchg %rdi, a_value(%rip); mov %rdi, %rax; ret")
    A(a_lock, "lock incq a_value(%rip); mov a_value(%rip), %rax; ret")
    A(a_lock_memory, "lock addl $5, 8(%rdx); mov 8(%rdx), %rax; ret")
    A(a_fs, "mov %fs:0, %rax; sub %fs:16, %rax; ret")
    A(a_fs_compare, "cmpq $0, %fs:40; sete %al; movzbl %al, %eax; ret")
    A(a_movabs, "movabs $0x1122334455667788, %rax; add %rdi, %rax; ret")
    A(a_push32, "push $-0x12345678; pop %rax; ret")
    A(a_push8, "push $-5; pop %rax; add %rdi, %rax; ret")
    A(a_nops, "nop; xchg %ax, %ax; nopl 8(%rax); add %rsi, %rdi; mov %rdi, %rax; ret")
    A(a_long_nop, ".byte 0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0; mov %rdi, %rax; ret")
    A(a_endbr, "endbr64; mov %rdi, %rax; xor %rsi, %rax; ret")
    A(a_endbr_branch, "endbr64; test %rdi, %rdi; jle 1f; mov %rdi, %rax; ret; 1: mov %rsi, %rax; ret")
    A(a_return, "xor %eax, %eax; ret")
    A(a_return_only, "ret")
    A(a_rep_return, "mov %edi, %eax; .byte 0xf3; ret")
    A(a_stack, "sub $24, %rsp; mov %rdi, 8(%rsp); mov 8(%rsp), %rax; add $24, %rsp; ret")
    A(a_leave, "push %rbp; mov %rsp, %rbp; leave; mov %rdi, %rax; ret")
    A(a_flags, "cmp %rsi, %rdi; nopl 0(%rax); setl %al; movzbl %al, %eax; ret")
    A(a_loop_first, "1: shr $1, %rdi; jne 1b; mov %rsi, %rax; ret")
    A(a_again, "shr $1, %rdi; nopl 0(%rax); jne a_again; mov %rsi, %rax; ret")
    A(a_back_inside, "xor %eax, %eax; 1: add %rdi, %rax; shr $1, %rdi; jne 1b; ret")
    A(a_loop, "push $3; pop %rcx; 1: loop 1b; mov %rdi, %rax; ret")
    A(a_dense, "mov %edi, %eax; ret")
    "mov %esi, %eax; mov %esi, %eax; mov %esi, %eax; mov %esi, %eax; mov %esi, %eax; mov %esi, %eax\n");

/* --- a round of every allocator; counts of the traps during it --- */
uint64_t counted[64];
long drive(long rounds)
{
    uint64_t before[64];
    long i, sum = 0;
    for (i = 0; i < 64; i++) before[i] = traps[i].count;
    for (i = 0; i < rounds; i++) {
        unsigned char *p = malloc(i % 300 + 1), *q = calloc(3, i % 50 + 1), *s = aligned_alloc(64, 128);
        void *r = 0;
        long j;
        memset(p, (int)i, i % 300 + 1);
        p = realloc(p, i % 700 + 301);
        for (j = 0; j < 3 * (i % 50 + 1); j++) sum += q[j];
        for (j = 0; j < i % 300 + 1; j++) sum += p[j] != (unsigned char)i;
        sum += posix_memalign(&r, 64, 100) != 0;
        sum += ((uintptr_t)r & 63) + ((uintptr_t)s & 63);
        memset(r, 1, 100);
        free(p); free(q); free(r); free(s);
    }
    for (i = 0; i < 64; i++) counted[i] = traps[i].count - before[i];
    return sum;
}
'''

# What has to become of the functions in assembly: hooked by a jump, by a trap at the entry alone, or not.
ONLY_BY_TRAP = {'a_jmp8_first', 'a_back_inside', 'a_loop', 'a_dense'}
NOT_AT_ALL = {'a_call_pointer'}
SEVERAL_TRAPS = {'a_again', 'a_loop_first', 'f_recursive'}       # one call may pass the entry more than once


# --- the child ---

class Trap(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ('address', 'go_on', 'count', 'rax', 'rdi', 'rsi', 'rdx',
                                                     'sp')]
    _fields_.append(('words', ctypes.c_uint64 * 4))


class Step(ctypes.Structure):
    _fields_ = [('pc', ctypes.c_uint64), ('sp', ctypes.c_uint64)]


def mappings():
    with open('/proc/self/maps') as f:
        for line in f:
            fields = line.split(None, 5)
            start, end = (int(part, 16) for part in fields[0].split('-'))
            yield start, end, fields[1], int(fields[2], 16), fields[5].strip() if len(fields) > 5 else ''


class Playground(object):
    """In the child: the library of functions, with pages near it for stubs, everything writable."""

    INPUTS = [(0, 0), (1, 2), (-1, 5), (7, -9), (1234567890123, 3), (100, 100), (-(1 << 63), -1),
              (54321, 1 << 40)]

    def __init__(self, fixture):
        self.library = ctypes.CDLL(fixture)
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.mmap.restype = ctypes.c_void_p
        self.libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
        self.libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        self.traps = (Trap * 64).in_dll(self.library, 'traps')
        self.counted = (ctypes.c_uint64 * 64).in_dll(self.library, 'counted')
        self.steps = (Step * 4096).in_dll(self.library, 'steps')
        self.cell = {name: kind.in_dll(self.library, name) for name, kind in (
            ('trap_count', ctypes.c_int), ('step_count', ctypes.c_int), ('diverted', ctypes.c_int),
            ('unknown_traps', ctypes.c_int), ('divert_pc', ctypes.c_uint64), ('divert_to', ctypes.c_uint64),
            ('divert_sp', ctypes.c_int64))}
        self.buffer = (ctypes.c_long * 16)()
        self.pointer = ctypes.addressof(self.buffer)
        for name in ('call_plain', 'call_stepping', 'call_probe', 'state', 'drive', 'a_get'):
            function = getattr(self.library, name)
            function.restype = ctypes.c_long
        self.call_plain, self.call_stepping = self.library.call_plain, self.library.call_stepping
        for function in (self.call_plain, self.call_stepping):
            function.argtypes = [ctypes.c_uint64, ctypes.c_long, ctypes.c_long, ctypes.c_uint64]
        self.library.state.argtypes = self.library.reset.argtypes = [ctypes.c_void_p]
        self.library.call_probe.argtypes = [ctypes.c_uint64]
        self.library.a_set.argtypes = self.library.drive.argtypes = [ctypes.c_long]
        for name in ('get_step_cfa', 'get_probe_state', 'get_after_state'):
            getattr(self.library, name).restype = ctypes.POINTER(ctypes.c_uint64)
        self.return_address = self.address('call_plain_return')
        self.library.catch_traps()
        self.page = None

    def address(self, name):
        return ctypes.cast(getattr(self.library, name), ctypes.c_void_p).value

    def open_up(self, path):
        """Make the text of a library writable, and a page near it for stubs."""
        path = os.path.realpath(path)
        first = None
        for start, end, permissions, offset, name in list(mappings()):
            if name == path:
                first = start if first is None else first
                if 'x' in permissions and self.libc.mprotect(start, end - start, 7):
                    raise OSError(ctypes.get_errno(), 'mprotect')
        if first is None:
            raise OSError(2, 'not mapped', path)
        for distance in range(16, 1024, 16):
            page = self.libc.mmap(first - (distance << 20), 65536, 7, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,
                                  -1, 0)
            if abs(page - first) < 1 << 30:
                self.page = page
                return first
            self.libc.munmap(ctypes.c_void_p(page), 65536)
        raise OSError(12, 'no page near the library')

    def set_traps(self, stubs):
        self.cell['trap_count'].value = 0
        number = 0
        for stub in stubs:
            for address in sorted(stub.traps):
                trap = self.traps[number]
                ctypes.memset(ctypes.addressof(trap), 0, ctypes.sizeof(trap))
                trap.address = address
                if not stub.address <= address < stub.address + len(stub.code):
                    trap.go_on = stub.address
                number += 1
        self.cell['trap_count'].value = number

    def run(self, function, a, b, caller=None):
        """One call from a known state: its result and the state afterwards."""
        self.library.reset(self.pointer)
        self.library.a_set(6)
        result = (caller or self.call_plain)(function, a, b, self.pointer)
        return result, self.library.state(self.pointer), self.library.a_get()

    def step(self, function, a, b, divert=(0, 0, 0)):
        """The same step by step -> (result, [(pc, sp)])."""
        cell = self.cell
        cell['step_count'].value = cell['diverted'].value = 0
        cell['divert_pc'].value, cell['divert_to'].value, cell['divert_sp'].value = divert
        outcome = self.run(function, a, b, self.call_stepping)
        steps = [(self.steps[i].pc, self.steps[i].sp) for i in range(cell['step_count'].value)]
        cell['divert_pc'].value = 0
        return outcome, steps


def plan(kind, by_trap, code, size, padding):
    if by_trap:
        return trampoline.plan_prologue(code, size, trampoline.TRAP_SIZE)
    return trampoline.plan_prologue(code, size, padding=padding)


def builder(by_trap):
    return trampoline.build_entry_trap_stub if by_trap else trampoline.build_stub


def check(condition, *what):
    if not condition:
        raise AssertionError(' '.join(str(part) for part in what))


def try_function(play, name, size, kind, by_trap):
    """Hook one function of the fixture in one way and see that nothing changes; what was found."""
    entry = play.address(name)
    code = ctypes.string_at(entry, size)
    padding = ctypes.string_at(entry + size, -(entry + size) % 16)
    try:
        prologue = plan(kind, by_trap, code, size, padding)
    except CannotMove as problem:
        return str(problem)
    stub = builder(by_trap)(kind, play.page + 64, entry, code, prologue)
    check(len(stub.code) <= trampoline.stub_size(kind, prologue, by_trap), 'stub larger than said')
    ctypes.memmove(stub.address, stub.code, len(stub.code))
    play.set_traps([stub])
    signed = ctypes.c_long
    expected = [play.run(entry, a, b) for a, b in play.INPUTS]
    address, patch = trampoline.entry_patch(stub)
    old = ctypes.string_at(address, len(patch))

    # 1. hooked as entry_patch says: the same results, one pass of each trap a call, with the right registers
    ctypes.memmove(address, patch, len(patch))
    for number, (a, b) in enumerate(play.INPUTS):
        counts = [play.traps[i].count for i in range(len(stub.traps))]
        outcome = play.run(entry, a, b)
        check(outcome == expected[number], 'hooked', (a, b), 'gives', outcome, 'not', expected[number])
        for i, trap_address in enumerate(sorted(stub.traps)):
            trap, trap_kind = play.traps[i], stub.traps[trap_address]
            check(name in SEVERAL_TRAPS or trap.count == counts[i] + 1, trap_kind, 'passed',
                  trap.count - counts[i])
            if name in SEVERAL_TRAPS:
                continue
            words = [signed(word).value for word in trap.words]
            if trap_kind == AFTER:
                check(words[:3] == [a, b, play.pointer] and words[3] == play.return_address, 'after', words)
                check(signed(trap.rax).value == outcome[0], 'result', trap.rax)
            else:
                check(words[0] == play.return_address, 'before', words)
                check((signed(trap.rdi).value, signed(trap.rsi).value, trap.rdx) == (a, b, play.pointer),
                      'arguments')
    if by_trap and kind == BOTH:
        ctypes.memmove(address, old, len(old))
        return 0                     # the code is that of AFTER
    # 2. step by step: each pc in the stub is one it speaks of, each cfa is what it says
    outcome, steps = play.step(entry, *play.INPUTS[3])
    check(outcome == expected[3], 'stepped', outcome, 'not', expected[3])
    cfa = play.library.get_step_cfa()[0]
    seen = set()
    for pc, sp in steps:
        if stub.address <= pc < stub.address + len(stub.code):
            seen.add(pc)
            rules = [offset for start, end, offset in stub.cfi if start <= pc < end]
            if rules and name not in SEVERAL_TRAPS:
                check(len(rules) == 1 and sp + rules[0] == cfa, 'cfa at', pc - stub.address,
                      sp + rules[0] - cfa)
            if not rules:
                check(trampoline.original(stub, pc) is not None, 'nothing said of', pc - stub.address)
                check(pc in stub.offsets.values() or pc == stub.jump_back or prologue.ends_with == 'call',
                      'not a boundary', pc - stub.address)
    check(stub.moved[0] in seen, 'the copy was not run')
    check(kind == BEFORE or stub.frame[1] in seen, 'the stub was not left by its ret')
    ctypes.memmove(address, old, len(old))

    # 3. the entry restored, a thread in the stub: leaves it by way_out() at any pc and gets the same result
    ways = 0
    for pc in sorted(seen):
        way = trampoline.way_out(stub, pc)
        if way is None:
            check(prologue.ends_with == 'call' and stub.moved[0] < pc < stub.moved[1], 'no way out',
                  pc - stub.address)
            continue
        check(trampoline.home(stub, pc) in (None, way.pc), 'home and way_out differ')
        outcome, steps = play.step(stub.address, *(play.INPUTS[3] + ((pc, way.pc or 0, way.sp_change),)))
        check(outcome == expected[3], 'out at', pc - stub.address, 'gives', outcome, 'not', expected[3])
        ways += play.cell['diverted'].value
    # 4. not hooked yet, a thread inside the bytes to be replaced: goes on in the copy
    for offset in prologue.boundaries[1:] if kind == BOTH else ():
        to = trampoline.away(stub, entry + offset)
        check(to is not None, 'no way away at', offset)
        for a, b in play.INPUTS[:4]:
            outcome, steps = play.step(entry, a, b, (entry + offset, to, 0))
            check(outcome == play.run(entry, a, b), 'away at', offset, 'gives', outcome)
            ways += play.cell['diverted'].value
    # 5. neutralised: no trap is seen
    for where, data in trampoline.neutralise(stub):
        ctypes.memmove(where, data, len(data))
    check(trampoline.same_code(stub, ctypes.string_at(stub.address, len(stub.code))), 'not recognised')
    unknown = play.cell['unknown_traps'].value
    play.set_traps([])
    if not by_trap:
        ctypes.memmove(address, patch, len(patch))
        outcome = play.run(entry, *play.INPUTS[4])
        ctypes.memmove(address, old, len(old))
        check(outcome == expected[4] and play.cell['unknown_traps'].value == unknown, 'neutralised')
    return ways


def child_functions(task):
    play = Playground(task['fixture'])
    play.open_up(task['fixture'])
    found = {}
    for name, size in sorted(task['functions'].items()):
        for kind in KINDS:
            for by_trap in (False, True):
                print(name, kind, by_trap, file=sys.stderr, flush=True)
                try:
                    outcome = try_function(play, name, size, kind, by_trap)
                except AssertionError as problem:
                    outcome = {'failed': str(problem)}
                found['%s %s %s' % (name, kind, 'trap' if by_trap else 'jump')] = outcome
    return found


def child_registers(task):
    play = Playground(task['fixture'])
    play.open_up(task['fixture'])
    entry, size = play.address('p_probe'), task['functions']['p_probe']
    code = ctypes.string_at(entry, size)

    def states():
        play.library.call_probe(entry)
        return play.library.get_probe_state()[:17], play.library.get_after_state()[:16]
    found = {'plain': states()}
    for kind in KINDS:
        for by_trap in (False, True):
            prologue = plan(kind, by_trap, code, size, b'')
            stub = builder(by_trap)(kind, play.page, entry, code, prologue)
            ctypes.memmove(stub.address, stub.code, len(stub.code))
            play.set_traps([stub])
            address, patch = trampoline.entry_patch(stub)
            ctypes.memmove(address, patch, len(patch))
            found['%s %s' % (kind, by_trap)] = states()
            ctypes.memmove(address, code[address - entry:], len(patch))
    return found


def child_allocators(task):
    """Hook all allocators of a loaded library, in this very process, and count a known number of calls."""
    play = Playground(task['fixture'])
    base = play.open_up(task['path'])
    plain = play.library.drive(100)
    where = play.page
    stubs, names, why = [], {}, {}
    for name, (value, size) in sorted(task['functions'].items()):
        entry = base + value
        if entry in names:
            names[entry].append(name)
            continue
        code = ctypes.string_at(entry, size)
        by_trap = False
        try:
            try:
                prologue = plan(None, False, code, size, ctypes.string_at(entry + size, -(entry + size) % 16))
            except CannotMove as problem:
                why[name] = str(problem)
                by_trap = True
                prologue = plan(None, True, code, size, b'')
            stub = builder(by_trap)(ALLOCATORS[name], where, entry, code, prologue)
        except CannotMove as problem:
            why[name] = 'not at all: %s' % problem
            continue
        ctypes.memmove(where, stub.code, len(stub.code))
        where += len(stub.code)
        stubs.append(stub)
        names[entry] = [name]
    play.set_traps(stubs)
    patches = [trampoline.entry_patch(stub) for stub in stubs]
    for address, patch in patches:
        ctypes.memmove(address, patch, len(patch))
    hooked = play.library.drive(1000)
    work = [json.dumps({'a': list(range(n))}) for n in range(200)]
    for stub, (address, patch) in zip(stubs, patches):
        old = task_bytes(stub, task, base)
        ctypes.memmove(address, old[address - stub.entry:], len(patch))
    counts, number = {}, 0
    for stub in stubs:
        for address in sorted(stub.traps):
            for name in names[stub.entry]:
                counts['%s %s' % (name, stub.traps[address])] = play.counted[number]
            number += 1
    return {'plain': plain, 'hooked': hooked, 'counts': counts, 'why': why, 'work': len(work),
            'unknown': play.cell['unknown_traps'].value}


def task_bytes(stub, task, base):
    """The bytes at a function's entry as the file has them."""
    with open(task['path'], 'rb') as f:
        data = f.read()
    offset, = struct.unpack_from('<Q', data, 32)
    size, count = struct.unpack_from('<HH', data, 54)
    for i in range(count):
        kind, _, start, address, _, length = struct.unpack_from('<IIQQQQ', data, offset + i * size)
        if kind == 1 and address <= stub.entry - base < address + length:
            start += stub.entry - base - address
            return data[start:start + 32]
    raise AssertionError('not in the file')


def run_child(task, **environment):
    """Give a task to a child process: what it prints. A crash of it is a failure of the test."""
    child = subprocess.Popen([sys.executable, os.path.abspath(__file__), 'child'], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ,
                                                                                      **environment))
    out, err = child.communicate(json.dumps(task).encode(), timeout=120)
    if child.returncode:
        raise AssertionError('the child ended with %d; the last it said:\n%s' % (
            child.returncode, err[-1500:].decode('utf-8', 'replace')))
    return json.loads(out.decode())


# --- compiling and listing ---

def fixture(*flags):
    path = os.path.join(support.temporary_directory(), 'trampoline_fixture.c')
    if not os.path.exists(path):
        with open(path, 'w') as f:
            f.write(FIXTURE)
    return support.compile_program(path, flags=['-shared', '-fPIC', '-w'] + list(flags),
                                   name='trampoline_fixture', required=False)


def symbols(path, dynamic=False):
    """Defined functions of a library by nm: name -> (file address, size)."""
    out = subprocess.check_output(['nm', '-S', '--defined-only'] + (['-D'] if dynamic else []) + [path])
    found = {}
    for line in out.decode('utf-8', 'replace').splitlines():
        fields = line.split()
        if len(fields) == 4 and fields[2] in 'tTwWi':
            found.setdefault(fields[3].split('@')[0], (int(fields[0], 16), int(fields[1], 16)))
    return found


def fixture_functions(path):
    return {name: size for name, (_, size) in symbols(path).items()
            if re.match('[af]_[^.]*$', name) and name not in ('a_get', 'a_set', 'a_helper', 'a_value',
                                                              'a_pointer')}


def disassemble(path, limit):
    """objdump's view of .text: yields (address, bytes, text) of up to `limit` instructions."""
    objdump = subprocess.Popen(['objdump', '-d', '-w', '-j', '.text', path], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    try:
        for line in objdump.stdout:
            parts = line.decode('utf-8', 'replace').rstrip('\n').split('\t')
            if len(parts) >= 3 and parts[0].endswith(':'):
                yield int(parts[0].strip()[:-1], 16), bytes.fromhex(parts[1].replace(' ', '')), parts[2]
                limit -= 1
                if limit == 0:
                    break
    finally:
        objdump.kill()
        objdump.stdout.close()
        objdump.wait()


def loaded_library(pattern):
    """Path of a library of this process whose name matches, or of one on the usual paths; None."""
    for _, _, _, _, name in mappings():
        if re.match(pattern, os.path.basename(name)):
            return name
    for directory in ('/lib/x86_64-linux-gnu', '/usr/lib/x86_64-linux-gnu', '/lib64', '/usr/lib64',
                      '/usr/lib'):
        for path in sorted(glob.glob(directory + '/*.so*')):
            if re.match(pattern, os.path.basename(path)) and os.path.isfile(path):
                return path
    return None


def unhex(text):
    return bytes.fromhex(text.replace(' ', ''))


needs_amd64 = unittest.skipUnless(
    sys.platform.startswith('linux') and os.uname().machine == 'x86_64', 'executes amd64 code on Linux')
needs_objdump = support.skip_unless_program('objdump')
needs_nm = support.skip_unless_program('nm')


# --- bytes ---

class LengthTest(unittest.TestCase):

    def test_lengths(self):
        for text, length in (
                ('55', 1), ('41 57', 2), ('48 89 e5', 3), ('f3 0f 1e fa', 4), ('90', 1), ('66 90', 2),
                ('0f 1f 44 00 00', 5), ('66 2e 0f 1f 84 00 00 00 00 00', 10), ('48 8b 05 11 22 33 44', 7),
                ('48 8b 04 25 11 22 33 44', 8), ('48 8b 04 24', 4), ('8b 44 8d 10', 4),
                ('8b 84 8d 10 00 00 00', 7),
                ('8b 04 8d 10 00 00 00', 7), ('64 48 8b 04 25 28 00 00 00', 9),
                ('48 b8 1122334455667788', 10),
                ('b8 11223344', 5), ('66 b8 1122', 4), ('c7 44 24 08 01 00 00 00', 8),
                ('66 c7 44 24 08 01 00', 7),
                ('48 c7 44 24 08 01 00 00 00', 9), ('f6 05 11223344 01', 7), ('f6 1d 11223344', 6),
                ('f7 05 11223344 11223344', 10), ('66 f7 c1 1122', 5), ('f7 d8', 2),
                ('48 a1 1122334455667788', 10),
                ('67 a1 11223344', 6), ('68 11223344', 5), ('6a 01', 2), ('66 68 1122', 4),
                ('c8 10 00 00', 4),
                ('c2 08 00', 3), ('e8 11223344', 5), ('67 e8 11223344', 6), ('66 66 48 e8 11223344', 8),
                ('eb fe', 2),
                ('0f 84 11223344', 6), ('e3 00', 2), ('c7 f8 11223344', 6), ('0f 0f c1 9e', 4),
                ('0f 38 00 c1', 4),
                ('66 0f 3a 0f c1 08', 6), ('0f 05', 2), ('0f 0b', 2), ('0f a2', 2), ('0f c8', 2),
                ('0f ba e0 05', 4),
                ('c5 f8 77', 3), ('c5 f9 6f 05 11223344', 8), ('c4 e2 79 18 05 11223344', 9),
                ('c4 e3 79 0f c1 08', 6),
                ('62 f1 7c 48 10 05 11223344', 10), ('62 f1 7c 48 c6 c1 08', 7), ('62 f5 7c 48 58 c1', 6),
                ('8f e8 78 c2 c0 07', 6), ('8f c0', 2), ('9b', 1), ('d9 7c 24 02', 4), ('f0 48 0f c7 0f', 5)):
            code = unhex(text)
            for tail in (b'', b'\xff' * 20):
                for kind in (bytes, bytearray, memoryview):
                    self.assertEqual(trampoline.instruction_length(kind(code + tail)), length, text)
            self.assertEqual(trampoline.instruction_length(b'\x90' * 3 + code, 3), length, text)
            for cut in range(len(code)):
                if cut == 0 or text not in ('66 90',):
                    with self.assertRaises(CannotMove, msg='%s cut to %d' % (text, cut)):
                        trampoline.instruction_length(code[:cut])

    def test_fields(self):
        one = trampoline.decode(unhex('90 66 c7 05 11 22 33 44 55 66'), 1)
        self.assertEqual((one.length, one.prefixes, one.opcode_map, one.opcode, one.modrm, one.modrm_offset),
                         (9, b'\x66', 0, 0xc7, 5, 2))
        self.assertEqual((one.disp_offset, one.disp_size, one.imm_offset, one.imm_size, one.rip_relative,
                          one.branch),
                         (3, 4, 7, 2, True, None))
        for text, branch, target in (
                ('eb fe', 'jmp', 0), ('74 10', 'jcc', 18), ('e9 fbffffff', 'jmp', 0),
                ('e8 00000000', 'call', 5),
                ('0f 85 00010000', 'jcc', 262), ('e2 02', 'loop', 4), ('e3 80', 'loop', -126),
                ('c3', 'ret', None),
                ('f3 c3', 'ret', None), ('c2 0800', 'ret', None), ('ff 25 00000000', 'indirect jmp', None),
                ('ff e0', 'indirect jmp', None), ('ff d0', 'indirect call', None), ('ff 30', None, None),
                ('cc', 'trap', None), ('0f 0b', 'trap', None), ('c7 f8 10000000', 'loop', 22)):
            one = trampoline.decode(unhex(text))
            self.assertEqual((one.branch, one.target), (branch, target), text)

    def test_refused(self):
        for text in (
                '06', '27', '60', '62 00 00 00 00 00', '82 c0 01', '9a 1122334455667788', 'ce', 'd4 0a',
                'd6', 'ea',
                '0f 04', '0f 0a', '0f 24 c0', '0f 36', '0f 3b', '0f b8 c0',
                '8d c0', '8f d0 00 00 00 00', '8f cb 00 00 00 00', 'c6 c8 00', 'c7 c8 00000000', 'fe d0',
                'ff f8',
                '48 66 90', '48 48 90', '66 c5 f8 77', 'f3 c5 f8 77', 'f0 c5 f8 77', '48 c5 f8 77',
                'c4 e0 78 10 c0', 'c4 e7 78 10 c0', '62 f4 7c 48 10 c0', '62 f1 78 48 10 c0', 'c5 f8 80 00',
                '66 e8 11223344', '66 e9 11223344', '66 0f 84 11223344',
                '66' * 15, '66' * 14 + '89 c0', '2e' * 9 + '48 b8 1122334455667788', ''):
            with self.assertRaises(CannotMove, msg=text) as caught:
                trampoline.decode(b'\x90' + unhex(text), 1)
            self.assertEqual(caught.exception.offset, 1)
            self.assertTrue(caught.exception.problem)
        with self.assertRaises(CannotMove):
            trampoline.decode(b'\x90', -1)
        with self.assertRaises(CannotMove):
            trampoline.decode(b'\x90', 7)

    @needs_objdump
    def test_objdump_agrees(self):
        paths = [loaded_library(r'libc[.-].*so'), loaded_library(r'libstdc\+\+\.so'),
                 loaded_library(r'libm[.-].*so'),
                 loaded_library('libpython3.*so') or os.path.realpath(sys.executable)]
        total = 0
        for path in paths:
            if path:
                total += self.compare(path, 15000)
        self.assertGreater(total, 15000)

    @needs_objdump
    @support.skip_unless_compiler
    def test_objdump_agrees_on_vector_code(self):
        for flags in (['-O3', '-march=skylake-avx512', '-mprefer-vector-width=512'],
                      ['-O3', '-mavx2', '-mfma'],
                      ['-O3', '-mxop', '-mfma4'], ['-O2', '-mcmodel=large', '-fno-pic'], ['-O2',
                                                                                          '-mfpmath=387']):
            path = fixture(*flags)
            if path:
                self.assertGreater(self.compare(path, 5000), 500)

    @needs_objdump
    @support.skip_unless_compiler
    def test_objdump_agrees_on_rare_instructions(self):
        rare = '''movabs 0x1122334455667788,%al; movabs %rax,0x1122334455667788; addr32 mov 0x11223344,%eax
            enter $16,$1
            leave; xlat; in $5,%al; out %eax,%dx; insb; outsl; rep movsb; repne scasb; lods %ds:(%rsi),%al
            ret $8; int $3
            jrcxz .; loop .; xbegin .; xabort $3; xend; xtest; lock cmpxchg16b (%rdi); cmpxchg8b (%rdi)
            bswap %r11
            fldcw 4(%rsp); fxsave (%rax); fnstcw (%rsp); fucomip %st(1),%st; pextrw $3,%xmm1,%eax
            pinsrw $1,%eax,%xmm2
            pfadd %mm1,%mm2; femms; prefetchw (%rax); movbe (%rax),%ecx
            crc32b (%rax),%ecx; crc32q %rax,%rcx; adcx %rax,%rbx; adox %rax,%rbx; pclmulqdq $1,%xmm1,%xmm2
            aesenc %xmm1,%xmm2
            sha1rnds4 $1,%xmm1,%xmm2; palignr $5,%mm1,%mm2; dppd $1,%xmm1,%xmm2; rdrand %eax; rdfsbase %rax
            rdsspq %rax
            endbr32; incsspq %rax; wrssq %rax,(%rax); vzeroall; vpermq $1,%ymm1,%ymm2
            vpgatherdd %ymm1,(%rax,%ymm2,4),%ymm3
            vpermil2ps $1,%ymm1,%ymm2,%ymm3,%ymm4; vpcmov %ymm1,%ymm2,%ymm3,%ymm4; vprotb $1,%xmm1,%xmm2
            vphaddbw %xmm1,%xmm2
            bextr $0x1234,%eax,%ebx; blcs %eax,%ebx; vfmaddpd %ymm1,%ymm2,%ymm3,%ymm4; andn %eax,%ebx,%ecx
            rorx $1,%eax,%ebx
            kmovq %rax,%k1; kandw %k1,%k2,%k3; kshiftlq $1,%k1,%k2; ktestb %k1,%k2
            vaddps 64(%rax),%zmm1,%zmm2{%k1}{z}
            vaddps 4(%rax){1to16},%zmm1,%zmm2; vmovups x(%rip),%zmm3; vpternlogd $1,%zmm1,%zmm2,%zmm3
            vpsrldq $1,%zmm1,%zmm2
            vcmpps $1,%zmm1,%zmm2,%k1; vgetexpph %zmm1,%zmm2; vaddph %zmm1,%zmm2,%zmm3
            vfmadd132ph %zmm1,%zmm2,%zmm3
            vcvttps2udq %zmm1,%zmm2; vpscatterdd %zmm1,(%rax,%zmm2,4){%k1}; tileloadd (%rax,%rbx),%tmm1
            tilezero %tmm2
            push $-1; pushw $0x1234; push %fs; pop %gs; popf; pushf; lar %eax,%ebx; sgdt (%rax); swapgs
            rdtscp; monitor; syscall
            sysenter; cpuid; rdpmc; xgetbv; clflushopt (%rax); clwb (%rax); pause; lfence; ud1 (%rax),%eax
            hlt; icebp; cmc
            shld $3,%eax,x(%rip); shrd %cl,%eax,(%rbx); imul $0x1234,x(%rip),%ax; testw $0x1234,x(%rip)
            btcl $3,x(%rip)
            movw $0x1234,8(%rsp,%rax,2); movq $1,%gs:x(%rip); data16 lea x(%rip),%rdi; mov %cs,%eax
            lss (%rax),%ecx'''
        source = os.path.join(support.temporary_directory(), 'rare.s')
        lines = [part.strip() for line in rare.splitlines() for part in line.split(';')]
        with open(source, 'w') as f:
            f.write('.text\nx:\n' + '\n'.join(lines) + '\n')
        done = subprocess.Popen([support.find_compiler(), '-c', '-o', source + '.o', source],
                                stderr=subprocess.PIPE)
        text = done.communicate()[1].decode('utf-8', 'replace')
        if done.returncode:
            # an older assembler knows fewer
            refused = {int(n) for n in re.findall(r':(\d+): Error', text)}
            with open(source, 'w') as f:
                f.write('.text\nx:\n' + '\n'.join(
                    line for number, line in enumerate(lines, 3) if number not in refused) + '\n')
            subprocess.check_call([support.find_compiler(), '-c', '-o', source + '.o', source],
                                  stderr=subprocess.DEVNULL)
        self.assertGreater(self.compare(source + '.o', 1000), 90)

    def compare(self, path, limit):
        number = 0
        for address, code, text in disassemble(path, limit):
            number += 1
            one = None
            try:
                one = trampoline.decode(code + b'\x90' * 15)
                length = one.length
            except CannotMove as problem:
                length = str(problem)
            if length == 1 and code[:1] == b'\x9b':
                continue               # objdump takes fwait and the next one together; the processor doesn't
            if length != len(code) and ('(bad)' in text or text.startswith('rex')):
                continue               # data in the text
            self.assertEqual(length, len(code), '%s %x: %s %s' % (path, address, code.hex(), text))
            if one.target is not None:
                shown = re.match(r'\S+ (?:\S+ )?\s*([0-9a-f]+)(?: <|$)', text)
                if shown and 'x' not in shown.group(1):
                    self.assertEqual((address + one.target) % (1 << 64), int(shown.group(1), 16), text)
            self.assertEqual(one.rip_relative, '(%rip)' in text or '(%eip)' in text, text)
        return number


class MoveTest(unittest.TestCase):
    OLD, NEW = 0x7f0000001000, 0x7f0000101000

    def check(self, old, new, falls_through=True):
        moved = trampoline.move(unhex(old), self.OLD, self.NEW)
        self.assertEqual(moved.bytes.hex(), unhex(new).hex(), old)
        self.assertEqual(moved.falls_through, falls_through)
        return moved

    def test_verbatim(self):
        for text in (
                '55', '41 54', '5b', '8f 00', '6a 00', '68 11223344', 'ff 30', '48 89 e5', '8b 07',
                '48 8d 44 24 08',
                '48 83 ec 18', '48 81 ec 00010000', '48 85 ff', '31 c0', '48 39 f7', '3c 01', 'a8 01',
                '0d 01000000',
                '48 b8 1122334455667788', 'bf 01000000', '64 48 8b 04 25 28000000', '64 48 8b 00',
                '65 8b 04 25 00000000',
                'c7 44 24 04 01000000', 'c6 00 01', '0f 44 c7', '0f 94 c0', '0f b6 c0', '0f be c0',
                'c1 e0 04', 'd3 e0',
                '90', '66 90', '0f 1f 44 00 00', '66 2e 0f 1f 84 00 00000000', 'f3 90', 'f0 48 ff 07',
                'f0 0f b1 0f', '48 63 c7',
                '66 0f ef c0', 'f3 0f 10 07', '0f 11 07', 'f3 0f b8 c7', 'f3 0f bc c7', 'c5 f9 ef c0',
                '48 0f c8', '98',
                '67 8d 04 37', 'c9', '48 f7 e6', 'f6 07 01', '48 0f af fe', '0f ba e7 03', '87 07'):
            self.check(text, text)

    def test_rip_relative(self):
        # 1 MB further on: 0x100000 less to the same place
        self.check('48 8b 05 00001000', '48 8b 05 00000000')
        self.check('48 8d 3d 10000000', '48 8d 3d 1000f0ff')
        self.check('83 3d 00002000 07', '83 3d 00001000 07')         # an immediate behind the displacement
        self.check('c7 05 00002000 11223344', 'c7 05 00001000 11223344')
        self.check('66 c7 05 00002000 1122', '66 c7 05 00001000 1122')
        self.check('f0 48 ff 05 00002000', 'f0 48 ff 05 00001000')
        self.check('64 8b 05 00002000', '64 8b 05 00001000')
        self.check('66 0f 6f 05 00002000', '66 0f 6f 05 00001000')
        self.check('c5 fa 6f 05 00002000', 'c5 fa 6f 05 00001000')
        self.check('ff 25 00002000', 'ff 25 00001000', False)
        moved = self.check('55 48 8b 05 00001000 53', '55 48 8b 05 00000000 53')
        self.assertEqual(moved.offsets, {0: 0, 1: 1, 8: 8})

    def test_branches(self):
        self.check('74 10', '0f 84 0cfff0'.replace('0cfff0', '0c00f0ff'))
        self.check('75 f0', '0f 85 ecffefff')
        self.check('2e 74 10', '0f 84 0d00f0ff')
        self.check('0f 8f 00001000', '0f 8f 00000000')
        self.check('eb 10', 'e9 0d00f0ff', False)
        self.check('e9 00001000', 'e9 00000000', False)
        self.check('c3', 'c3', False)
        self.check('f3 c3', 'f3 c3', False)
        self.check('c2 0800', 'c2 0800', False)
        moved = self.check('85 ff 74 10 90', '85ff 0f 84 0c00f0ff 90')
        self.assertEqual(moved.offsets, {0: 0, 2: 2, 4: 8})
        # a loop to the first byte stays in the copy
        self.check('48 d1 ef 75 fb', '48 d1 ef 0f 85 f7ffffff')

    def test_call(self):
        # push low half; mov high half; jmp. The return address is the original one.
        moved = self.check('e8 00001000', '68 05100000 c7 44 24 04 007f0000 e9 f3ffffff', False)
        self.assertEqual(moved.offsets, {0: 0})
        self.check('67 e8 00001000', '68 06100000 c7 44 24 04 007f0000 e9 f4ffffff', False)
        self.check('53 e8 00001000', '53 68 06100000 c7 44 24 04 007f0000 e9 f3ffffff', False)
        high = trampoline.move(unhex('e8 00000000'), 0x7f00fffffff0, 0x7f00f0000000)
        self.assertEqual(high.bytes[:13].hex(), '68f5ffffff' + 'c7442404' + '007f0000')

    def test_refused(self):
        for text in (
                'cc', 'f4', '0f0b', '0f05', 'cd80', 'e2 02', 'e3 02', 'ff d0', 'ff 15 00000000', 'ff 28',
                'c7 f8 00000000',
                'f3 0f 1e fa', 'f3 48 a5', 'a4', 'aa', '9c', '9d', 'c8 000000', '8e d8', '8c d8', '0f a2',
                '0f 31', '0f 01 d0',
                '0f ae f0', 'f3 0f 1e c8', 'd9 07', '9b', 'fa', 'c5 f8 77', 'c4 e2 79 18 07',
                '62 f1 7c 48 10 07',
                'cb', 'cf', 'c6 f8 00', 'f2 e9 00000000', 'f2 74 00', '48 e9 00000000', '66 eb 00',
                'f2 89 07',
                '67 48 8b 05 00000000', 'f3 e8 00000000', '0f c7 0f', 'e4 10', '6c', 'a0 1122334455667788',
                '0f 38 00 c1',
                '8f e8 78 c2 c0 07', '0f 0f c1 9e'):
            with self.assertRaises(CannotMove, msg=text) as caught:
                trampoline.move(b'\x90' + unhex(text), self.OLD, self.NEW)
            self.assertEqual(caught.exception.offset, 1, text)
        for text, offset in (('e8 00100000 90', 5), ('c3 90', 1), ('eb 10 90', 2), ('74 01 90 90', 0),
                             ('90 eb fd 90', 3)):
            with self.assertRaises(CannotMove, msg=text) as caught:
                trampoline.move(unhex(text), self.OLD, self.NEW)
            self.assertEqual(caught.exception.offset, offset, text)

    def test_too_far(self):
        for text in ('48 8b 05 00000000', 'eb 10', '74 10', 'e8 00000000', 'ff 25 00000000'):
            with self.assertRaises(CannotMove, msg=text):
                trampoline.move(unhex(text), self.OLD, self.OLD + (1 << 31) + 64)
            with self.assertRaises(CannotMove, msg=text):
                trampoline.move(unhex(text), self.OLD, self.OLD - (1 << 31) - 64)
            trampoline.move(unhex(text), self.OLD, self.OLD + (1 << 31) - 64)
        trampoline.move(unhex('48 8b 05 00000080'), self.OLD, self.OLD - 1)
        with self.assertRaises(CannotMove):
            trampoline.move(unhex('48 8b 05 00000080'), self.OLD, self.OLD + 1)

    def test_jump(self):
        self.assertEqual(trampoline.jump(0x1000, 0x1005), b'\xe9\0\0\0\0')
        self.assertEqual(trampoline.jump(0x1000, 0x1000), b'\xe9\xfb\xff\xff\xff')
        self.assertEqual(trampoline.jump(0, 0x80000004), b'\xe9\xff\xff\xff\x7f')
        with self.assertRaises(CannotMove) as caught:
            trampoline.jump(0, 0x80000005)
        self.assertEqual(caught.exception.address, 0x80000005)


class PlanTest(unittest.TestCase):

    def plan(self, text, *arguments, **options):
        code = unhex(text)
        return trampoline.plan_prologue(code, options.pop('size', len(code)), *arguments, **options)

    def test_plan(self):
        one = self.plan('41 55 41 54 55 53 48 83 ec 08 c3')
        self.assertEqual((one.length, one.skip, one.boundaries, one.moved_size, one.ends_with),
                         (5, 0, (0, 2, 4), 5, None))
        one = self.plan('f3 0f 1e fa 55 48 89 e5 53 c3')
        self.assertEqual((one.length, one.skip, one.boundaries), (5, 4, (4, 5, 8)))
        one = self.plan('85 ff 74 10 48 8d 44 24 08 c3')
        self.assertEqual((one.length, one.boundaries, one.moved_size), (9, (0, 2, 4), 13))
        one = self.plan('53 e8 00000000 5b c3')
        self.assertEqual((one.length, one.moved_size, one.ends_with), (6, 19, 'call'))
        self.assertEqual(self.plan('e9 00000000').ends_with, 'jmp')
        self.assertEqual(self.plan('ff 25 00000000').ends_with, 'indirect jmp')
        self.assertEqual(self.plan('48 89 f8 90 c3').ends_with, 'ret')

    def test_one_byte(self):
        one = self.plan('48 89 f8 75 fc c3', 1)              # a branch back into it does not matter
        self.assertEqual((one.length, one.boundaries), (3, (0,)))
        one = self.plan('f3 0f 1e fa c3', 1)
        self.assertEqual((one.length, one.skip, one.boundaries, one.ends_with), (1, 4, (4,), 'ret'))
        for text in ('cc', '0f 05', 'e3 00', 'f3 0f 1e fa', ''):
            with self.assertRaises(CannotMove, msg=text):
                self.plan(text, 1)

    def test_too_short(self):
        for text in ('31 c0 c3', 'c3', '90 90 90 90', 'f3 0f 1e fa 31 c0 c3', '', '55 48 89'):
            with self.assertRaises(CannotMove, msg=text):
                self.plan(text)
        with self.assertRaises(CannotMove):
            self.plan('90 90 90 90 90 90', size=7)
        with self.assertRaises(CannotMove):
            self.plan('48 89 f8 48 89 f8 c3', size=5)         # the function ends inside an instruction

    def test_padding(self):
        for padding in ('90 90', '66 90', 'cc cc', '0f 1f 44 00 00', '66 2e 0f 1f 84 00 00 00 00 00',
                        '90 cc'):
            one = self.plan('31 c0 c3', padding=unhex(padding))
            self.assertEqual((one.length, one.boundaries, one.moved_size, one.ends_with),
                             (5, (0, 2), 3, 'ret'))
            stub = trampoline.build_stub(BEFORE, 0x2000, 0x1000, unhex('31 c0 c3' + padding), one)
            self.assertEqual(stub.code, unhex('cc 31 c0 c3'))
        for padding in ('90', '90 55', 'f3 0f 1e fa', '00 00', '0f 1f', '', 'c3 90'):
            with self.assertRaises(CannotMove, msg=padding):
                self.plan('31 c0 c3', padding=unhex(padding))
        with self.assertRaises(CannotMove):                  # goes on behind its end: into the padding
            self.plan('31 c0 90', padding=b'\x90' * 8)

    def test_branches_into(self):
        head = '31 c0 48 01 f8 90 90 90 '                     # boundaries 0, 2; replaced 0 to 4
        self.plan(head + 'eb f6 c3')                          # to the first byte
        self.plan(head + 'eb fb c3')                          # behind the replaced
        for tail in ('eb f8 c3', '75 f8 c3', 'e2 f8', 'e3 f9', 'e9 f5ffffff', '0f 85 f4ffffff', 'e8 f5ffffff',
                     'c7 f8 f4ffffff', '31 c0 75 f6'):
            with self.assertRaises(CannotMove, msg=tail) as caught:
                self.plan(head + tail)
            self.assertGreaterEqual(caught.exception.offset, 8)
        # bytes that only look like a branch are none
        self.plan(head + 'b8 ebf70000 c3')
        self.plan(head + '48 b8 e9f4ffffffffffff c3')
        # but they are taken for one behind a place that can't be decoded
        with self.assertRaises(CannotMove):
            self.plan(head + '06 b8 ebf60000 c3')
        with self.assertRaises(CannotMove):
            self.plan(head + '06 48 b8 e9f2ffffffffffff c3')
        # from far away
        with self.assertRaises(CannotMove):
            self.plan(head + '90' * 300 + 'e9' + struct.pack('<i', 2 - 313).hex())
        with self.assertRaises(CannotMove):                   # forward, from inside the replaced bytes
            self.plan('74 01 48 89 f8 c3')

    def test_order_of_ends(self):
        for text in ('c3 90 90 90 90', 'eb 10 90 90 90', 'ff e0 90 90 90', 'f3 c3 90 90 90'):
            with self.assertRaises(CannotMove, msg=text):
                self.plan(text)

    def test_every_entry_of_a_module(self):
        code = bytearray(b'\x90' * 4096)
        code[100:105] = trampoline.jump(0x1000 + 100, 0x1000 + 2002)
        code[200:206] = b'\x0f\x84' + struct.pack('<i', 2004 - 206)
        code[300:305] = b'\xe8' + struct.pack('<i', 2000 - 305)          # the first byte
        code[400:405] = b'\xe8' + struct.pack('<i', 2005 - 405)          # behind
        found = trampoline.branches_into(bytes(code), 0x1000,
                                         [(0x1000 + 2000, 0x1000 + 2005), (0x9000, 0x9005)])
        self.assertEqual(found, [(0x1000 + 100, 0x1000 + 2002), (0x1000 + 200, 0x1000 + 2004)])
        self.assertEqual(trampoline.branches_into(b'\xe8\0', 0, [(0, 5)]), [])
        self.assertEqual(trampoline.branches_into(bytes(code), 0x1000, []), [])

    def test_fast(self):
        # 500 bytes with branches back to just behind the prologue, so that all of it has to be decoded
        body = unhex('48 8b 44 24 08 48 85 c0 0f 84 00010000 e8 00200000 48 89 c7') * 21
        code = unhex('55 48 89 e5 53 41 54') + body + unhex('b8 ebfe0000') + unhex('48 b8 e9') + struct.pack(
            '<i', 3 - (7 + len(body) + 5 + 7)) + unhex('000000 c3')
        best = min(self.seconds(code) for _ in range(20))
        self.assertLess(best, 0.003)                          # measured: 0.2 ms; room for a loaded machine

    def seconds(self, code):
        start = time.perf_counter()
        trampoline.plan_prologue(code, len(code))
        return time.perf_counter() - start


class StubTest(unittest.TestCase):
    CODE = unhex('f3 0f 1e fa 55 48 89 e5 85 ff 74 20') + b'\x90' * 40
    ENTRY, STUB = 0x401000, 0x402000

    def build(self, kind, by_trap=False, code=CODE):
        prologue = trampoline.plan_prologue(code, len(code), 1 if by_trap else 5)
        stub = builder(by_trap)(kind, self.STUB, self.ENTRY, code, prologue)
        self.assertLessEqual(len(stub.code), trampoline.stub_size(kind, prologue, by_trap))
        return stub

    def test_after(self):
        stub = self.build(AFTER)
        self.assertEqual(stub.code.hex(), '525657' 'e806000000' 'cc' '4883c418' 'c3'
                         '55' '4889e5' '85ff' 'e9' + struct.pack('<i', 0x40100a - 0x402019).hex())
        self.assertEqual(stub.traps, {0x402008: AFTER})
        self.assertEqual(stub.moved, (0x40200e, 0x402014))
        self.assertEqual(stub.offsets, {4: 0x40200e, 5: 0x40200f, 8: 0x402012})
        self.assertEqual(stub.jump_back, 0x402014)
        self.assertEqual(stub.frame, (0x402008, 0x40200d))
        self.assertEqual(stub.cfi, [(0x402000, 0x402001, 8), (0x402001, 0x402002, 16),
                                    (0x402002, 0x402003, 24),
                                    (0x402003, 0x40200d, 32), (0x40200d, 0x40200e, 8)])
        self.assertEqual(trampoline.entry_patch(stub), (0x401004,
                                                        b'\xe9' + struct.pack('<i', 0x402000 - 0x401009)))
        self.assertEqual(trampoline.neutralise(stub), [(0x402008, b'\x90')])
        self.assertEqual([trampoline.away(stub, self.ENTRY + offset) for offset in (0, 4, 5, 6, 8, 10)],
                         [None, None, 0x40200f, None, 0x402012, None])
        home = {pc: trampoline.home(stub, pc) for pc in range(0x401ff0, 0x402030)}
        self.assertEqual({pc: to for pc, to in home.items() if to is not None}, {
            0x402000: 0x401004, 0x40200e: 0x401004, 0x40200f: 0x401005, 0x402012: 0x401008,
            0x402014: 0x40100a})
        ways = {pc: trampoline.way_out(stub, pc) for pc in (0x402001, 0x402002, 0x402003, 0x402008, 0x402009,
                                                            0x40200d)}
        self.assertEqual(ways, {0x402001: (0x401004, 8), 0x402002: (0x401004, 16), 0x402003: (0x401004, 24),
                                0x402008: (None, 32), 0x402009: (None, 32), 0x40200d: (None, 8)})
        self.assertEqual([trampoline.original(stub, pc) for pc in (0x40200d, 0x40200e, 0x402010, 0x402013,
                                                                   0x402014,
                                                                   0x402018, 0x402019)],
                         [None, 0x401004, 0x401005, 0x401008, 0x40100a, 0x40100a, None])

    def test_before(self):
        stub = self.build(BEFORE)
        self.assertEqual(stub.code.hex(), 'cc' '55' '4889e5' '85ff' 'e9'
                         + struct.pack('<i', 0x40100a - 0x40200c).hex())
        self.assertEqual((stub.traps, stub.frame, stub.cfi),
                         ({0x402000: BEFORE}, None, [(0x402000, 0x402001, 8)]))
        self.assertEqual(trampoline.home(stub, 0x402000), 0x401004)
        self.assertEqual(trampoline.home(stub, 0x402001), 0x401004)
        self.assertEqual(trampoline.neutralise(stub), [(0x402000, b'\x90')])

    def test_both(self):
        stub = self.build(BOTH)
        self.assertEqual(stub.code.hex(), 'cc' '525657' 'e806000000' 'cc' '4883c418' 'c3'
                         '55' '4889e5' '85ff' 'e9' + struct.pack('<i', 0x40100a - 0x40201a).hex())
        self.assertEqual(stub.traps, {0x402000: BEFORE, 0x402009: AFTER})
        self.assertEqual(stub.frame, (0x402009, 0x40200e))
        self.assertEqual(trampoline.neutralise(stub), [(0x402000, b'\x90'), (0x402009, b'\x90')])
        self.assertEqual(trampoline.home(stub, 0x402001), 0x401004)
        self.assertEqual(trampoline.way_out(stub, 0x402001), (0x401004, 0))
        self.assertEqual(trampoline.way_out(stub, 0x402002), (0x401004, 8))

    def test_by_trap(self):
        stub = self.build(BEFORE, True)
        self.assertEqual(stub.code.hex(), '55' 'e9' + struct.pack('<i', 0x401005 - 0x402006).hex())
        self.assertEqual(stub.traps, {0x401004: BEFORE})
        self.assertEqual(trampoline.entry_patch(stub), (0x401004, b'\xcc'))
        self.assertEqual(trampoline.neutralise(stub), [])
        stub = self.build(AFTER, True)
        self.assertEqual(stub.traps, {0x401004: ENTRY, 0x402008: AFTER})
        stub = self.build(BOTH, True)
        self.assertEqual(stub.traps, {0x401004: BEFORE, 0x402008: AFTER})
        self.assertEqual(stub.code[:9].hex(), '525657' 'e806000000' 'cc')

    def test_no_way_back(self):
        for text in ('e9 00100000', '48 89 f8 ff e0', 'e8 00100000', '48 89 f8 f3 c3'):
            stub = self.build(AFTER, code=unhex(text) + b'\x90' * 20)
            self.assertIsNone(stub.jump_back)
            self.assertIsNone(trampoline.home(stub, stub.moved[1]))

    def test_out_of_reach(self):
        prologue = trampoline.plan_prologue(self.CODE, len(self.CODE))
        for kind in KINDS:
            with self.assertRaises(CannotMove):
                trampoline.build_stub(kind, self.ENTRY + (1 << 32), self.ENTRY, self.CODE, prologue)
        code = unhex('48 8b 05 00000070') + b'\x90' * 9
        prologue = trampoline.plan_prologue(code, len(code))
        with self.assertRaises(CannotMove) as caught:
            trampoline.build_stub(AFTER, self.ENTRY - 0x20000000, self.ENTRY, code, prologue)
        self.assertEqual((caught.exception.offset, caught.exception.address), (0, self.ENTRY))
        with self.assertRaises(ValueError):
            trampoline.build_stub('sometimes', self.STUB, self.ENTRY, code, prologue)

    def test_area(self):
        codes = [self.CODE, unhex('41 55 41 54 55 53 48 83 ec 08 c3'), unhex('31 c0 c3 cc cc'),
                 unhex('74 10 eb fe 48 90 90 c3')]
        area = 0x500000
        address = area + trampoline.area_header_size(4)
        stubs = []
        for i, (kind, code, by_trap) in enumerate(zip((AFTER, BEFORE, BOTH, BOTH), codes,
                                                      (False, False, False, True))):
            entry = 0x400000 + 4096 * i
            size = 3 if i == 2 else len(code)
            prologue = trampoline.plan_prologue(code, size, 1 if by_trap else 5, b'\xcc\xcc')
            stubs.append(builder(by_trap)(kind, address, entry, code, prologue))
            address += len(stubs[-1].code)
        header = trampoline.area_header(area, address - area, stubs)
        self.assertEqual(len(header), 16 + 8 * 4)
        self.assertTrue(header.startswith(trampoline.AREA_MAGIC))
        data = header + b''.join(stub.code for stub in stubs)
        self.assertEqual(len(data), address - area)
        found = trampoline.parse_area_header(data + b'more', area)
        self.assertEqual((found.address, found.version, found.size), (area, 1, address - area))
        for hook, stub, code in zip(found.hooks, stubs, codes):
            self.assertEqual(trampoline.rebuild_stub(hook, code), stub)
            mine = bytearray(data[stub.address - area:])
            self.assertTrue(trampoline.same_code(stub, mine))
            for where, new in trampoline.neutralise(stub):
                mine[where - stub.address] = new[0]
            self.assertTrue(trampoline.same_code(stub, mine))
            mine[len(stub.code) - 1] ^= 1
            self.assertFalse(trampoline.same_code(stub, mine))
            self.assertFalse(trampoline.same_code(stub, mine[:3]))
            with self.assertRaises(CannotMove):
                trampoline.rebuild_stub(hook, b'\x0f\x05' * 10)
        self.assertIsNone(trampoline.parse_area_header(b'', area))
        self.assertIsNone(trampoline.parse_area_header(data[:15], area))
        self.assertIsNone(trampoline.parse_area_header(bytes(4096), area))
        for i in range(8, len(header)):                       # damaged: never believed, never an error
            broken = bytearray(data)
            broken[i] ^= 0x55
            again = trampoline.parse_area_header(bytes(broken), area)
            self.assertTrue(again.hooks is None or i in (10, 11), i)
        self.assertIsNone(trampoline.parse_area_header(data[:40], area).hooks)
        with self.assertRaises(CannotMove):
            trampoline.area_header(area + (1 << 40), 100, stubs)


class FuzzTest(unittest.TestCase):

    def test_random_bytes(self):
        chance = random.Random(20)
        telling = unhex('66f0f2f3480fc4c5628f383a67ffe8eb74c7f8')
        starts = [bytes(chance.getrandbits(8) for _ in range(chance.choice((1, 5, 16, 64))))
                  for _ in range(6000)]
        starts += [bytes([chance.choice(telling)
                          for _ in range(24)]) for _ in range(4000)]
        outcomes = collections.Counter()
        slowest = 0
        for code in starts:
            start = time.perf_counter()
            try:
                length = trampoline.instruction_length(code)
                self.assertTrue(1 <= length <= min(15, len(code)))
                outcomes['length'] += 1
            except CannotMove:
                pass
            for jump_size in (1, 5):
                try:
                    prologue = trampoline.plan_prologue(code, len(code), jump_size)
                    self.assertTrue(jump_size <= prologue.length <= len(code) - prologue.skip)
                    outcomes['plan', jump_size] += 1
                    for kind in KINDS:
                        stub = builder(jump_size == 1)(kind, 0x7000, 0x6000, code, prologue)
                        self.assertEqual(len(stub.code) <= trampoline.stub_size(kind, prologue,
                                                                                jump_size == 1), True)
                except CannotMove as problem:
                    str(problem)
            slowest = max(slowest, time.perf_counter() - start)
            trampoline.parse_area_header(trampoline.AREA_MAGIC + code)
        self.assertGreater(outcomes['length'], 1000)
        self.assertGreater(outcomes['plan', 1], 500)
        self.assertGreater(outcomes['plan', 5], 30)
        self.assertLess(slowest, 60)

    def test_large(self):
        chance = random.Random(21)
        for code in (b'\x66' * 300000, b'\x90' * 300000, b'\x55' * 5 + b'\xeb\xfb' * 100000,
                     b'\x55' * 8 + bytes(chance.getrandbits(8) for _ in range(200000)),
                     b'\x55' * 5 + b'\x0f\x80' * 100000):
            start = time.perf_counter()
            try:
                trampoline.plan_prologue(code, len(code))
            except CannotMove:
                pass
            self.assertLess(time.perf_counter() - start, 60)


# --- real code, executed ---

@needs_amd64
@needs_nm
@support.skip_unless_compiler
class ExecutionTest(unittest.TestCase):

    def judge(self, *flags):
        path = fixture(*flags)
        if path is None:
            self.skipTest('the compiler does not know %s' % ' '.join(flags))
        functions = fixture_functions(path)
        found = run_child({'do': 'functions', 'fixture': path, 'functions': functions})
        self.assertEqual(len(found), 6 * len(functions))
        failed = {name: outcome for name, outcome in found.items() if isinstance(outcome, dict)}
        self.assertEqual(failed, {}, flags)
        ways = 0
        for key, outcome in found.items():
            name, kind, how = key.split()
            moved = isinstance(outcome, int)
            if moved:
                ways += outcome
            if name.startswith('a_'):
                expected = name not in NOT_AT_ALL and (how == 'trap' or name not in ONLY_BY_TRAP)
                self.assertEqual(moved, expected, (key, outcome, flags))
            elif not moved:
                # gcc may begin a C function with a loop or, for TLS, a data16 call
                self.assertRegex(str(outcome), 'branch into the replaced|shorter than|before the end|prefix',
                                 (key, flags))
        c_functions = [outcome for key, outcome in found.items() if key.startswith('f_')
                       and key.endswith('jump')]
        hooked = sum(isinstance(outcome, int) for outcome in c_functions)
        self.assertGreater(hooked, 0.93 * len(c_functions), flags)
        self.assertGreater(ways, 1000)

    def test_O0(self):
        self.judge('-O0', '-fcf-protection=none')

    def test_O0_cf(self):
        self.judge('-O0', '-fcf-protection=full', '-fstack-protector-all')

    def test_O1(self):
        self.judge('-O1', '-fcf-protection=none', '-fno-omit-frame-pointer', '-mno-red-zone', '-mtune=atom')

    def test_O2(self):
        self.judge('-O2', '-fcf-protection=none')

    def test_O2_cf(self):
        self.judge('-O2', '-fcf-protection=full', '-fno-plt')

    def test_O3(self):
        self.judge('-O3', '-fcf-protection=full')

    def test_Os(self):
        self.judge('-Os', '-fcf-protection=none', '-fstack-protector-all', '-fstack-clash-protection')

    def test_registers(self):
        path = fixture('-O2', '-fcf-protection=none')
        found = run_child({'do': 'registers', 'fixture': path,
                           'functions': {'p_probe': symbols(path)['p_probe'][1]}})
        inside, after = found.pop('plain')
        self.assertEqual(inside[:4] + inside[5:16], [0x1101, 0x1102, 0x1103, 0x1104]
                         + list(range(0x1105, 0x1110)))
        self.assertEqual(inside[16] & 0x8d5, 0x8d5)
        self.assertEqual(len(found), 6)
        for kind, (hooked_inside, hooked_after) in found.items():
            lower = 0 if kind.startswith(BEFORE) else 32
            self.assertEqual(hooked_inside[:4] + hooked_inside[5:], inside[:4] + inside[5:], kind)
            self.assertEqual(hooked_inside[4], inside[4] - lower, kind)       # sp: its alignment is kept
            self.assertEqual(hooked_after, after, kind)


@needs_amd64
@needs_nm
class AllocatorTest(unittest.TestCase):
    """The allocators of this machine, for real."""

    def plan_all(self, path):
        with open(path, 'rb') as f:
            f.read(4)
        found = {name: where for name, where in symbols(path, True).items() if name in ALLOCATORS}
        self.assertIn('malloc', found)
        self.assertIn('free', found)
        return found

    def hook_all(self, path, preload=None):
        library = fixture('-O2', '-fcf-protection=none')
        environment = {'LD_PRELOAD': preload} if preload else {}
        found = run_child({'do': 'allocators', 'fixture': library, 'path': path,
                           'functions': self.plan_all(path)},
                          **environment)
        self.assertEqual((found['plain'], found['hooked'], found['unknown']), (0, 0, 0))
        self.assertEqual(found['why'], {}, 'every allocator here takes a jump')
        counts = found['counts']
        known = {'malloc after': 1000, 'calloc after': 1000, 'realloc before': 1000, 'realloc after': 1000,
                 'free before': 4000, 'posix_memalign after': 1000, 'aligned_alloc after': 1000}
        if preload:
            # Some call one another by the hooked entries, as mimalloc's realloc calls free.
            self.assertEqual({name: min(counts[name], number) for name, number in known.items()}, known, path)
        else:
            self.assertEqual({name: counts[name] for name in known}, known, path)
        return found

    @support.skip_unless_compiler
    def test_libc(self):
        path = loaded_library(r'libc[.-].*so')
        self.assertTrue(path)
        self.hook_all(os.path.realpath(path))

    @support.skip_unless_compiler
    def test_others(self):
        """jemalloc, tcmalloc, mimalloc where installed; others as MEMLEAX_TEST_ALLOCATORS=path:path."""
        paths = [path for path in os.environ.get('MEMLEAX_TEST_ALLOCATORS', '').split(':') if path]
        for pattern in (r'libjemalloc\.so', r'libtcmalloc_minimal\.so', r'libtcmalloc\.so',
                        r'libmimalloc\.so'):
            path = loaded_library(pattern)
            if path:
                paths.append(path)
        if not paths:
            self.skipTest('no other allocator installed (jemalloc, tcmalloc, mimalloc)')
        for path in paths:
            path = os.path.realpath(path)
            self.hook_all(path, path)


if __name__ == '__main__':
    if sys.argv[1:] == ['child']:
        work = json.loads(sys.stdin.read())
        json.dump({'functions': child_functions, 'registers': child_registers,
                   'allocators': child_allocators}[work['do']](work), sys.stdout)
    else:
        unittest.main()
