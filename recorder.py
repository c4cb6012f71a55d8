"""The recorder's machine code, the layout of the memory it shares with the monitor, teaching and reading it.

The recorder is what a hook's stub calls in place of a trap: some kilobytes of code placed in the target. Its
source is recorder.c; the bytes at the end of this file are made from it by

    python3 recorder.py --build recorder.c          (needs gcc; --check only compares)

At run time nothing is compiled. A second piece of code, the keeper, made from the same source, is run by the
monitor in its own process for what Python cannot do (a 16-byte compare-and-swap) or not fast enough (looking
at all blocks).

How the pieces find each other. The code begins with one word, the address of the gate: a private page of the
target with MADV_WIPEONFORK (madvise(2)) whose first word is the address of the tables, 0 for off. A forked
child finds 0 there and notes nothing. code(gate) puts the word in. The tables are one shared mapping (a
memfd); their header (HEADER) says where in it everything lies. Its word `state` is a second switch, for who
can't write to the target any more.

What a stub calls (build_stub makes the stubs):
    code + OFFSETS['recorder_before'], code + OFFSETS['recorder_after'], with a hook's word pushed last
    before: free and realloc, argument in rdi.  after: the result in rax, and the words rdi, rsi, rdx of the
    call on the stack above the hook's word. All registers are kept but flags; up to 800 bytes of stack are used.

The tables, each with its size in the header:
    blocks    buckets of 4 records of 16 bytes; an address can be in two buckets of each level. First word:
              address / 8 (44 bits), stack (20 bits); second: tick of birth (31), reported as expired (1),
              size or its code (32), never 0. Records come by one cmpxchg16b and go by two stores, the second
              word first (see take()): one word alone is no block. There are no tombstones. The first bucket is one of 64
              in a row that a kilobyte of the program's memory shares, the other one can be anywhere. Behind a
              level's buckets, 16 bits for each: how many records whose first bucket it is are in their second
              one (never less than there are): where that is 0, only the first is looked at. Level 0 takes
              what finds both its buckets full, level 1 is the table, further levels can be added while the
              recorder runs.
    large     sizes of 4 GB and more; a size code from LARGE_CODE on is an index into it
    stacks    a record each (STACK), number 0 is for blocks whose stack found no room. Only added to.
    index     hash of a stack (44 bits) and its number (20), open addressing, one compare-and-swap publishes a
              stack
    frames    words handed out one after the other: the frames of the stacks, and layouts
    layouts   where the return addresses of a stack lay, counted from sp: to find a stack again the words are
              compared where they lay the last time. The cache says which layout to try and which stack that is
              (20 bits), first by sp and return address, then by the word that differed. Its entries are of one
              generation (12 bits) of the rules
    counters  8 shards (4 of one thread each, 4 for all others) of a row for each stack: what its frees add up
              to. What was allocated is that and what is in the table of blocks, so an allocation counts
              nothing.
    rules     for each pc what leads to its caller, 48 bits pc (bit 47: it is exact, no return address) and 16
              bits of rule, in one word. Written by the monitor alone. palette: 64 bits for rules that 16 do
              not hold.
    missed    pcs that had no rule, for the monitor
    pending   stacks that could not be walked to the end, copied for the monitor. Their blocks are filed under
              a provisional stack number, pending_base + slot, until the monitor settles them. Nobody waits.
    threads   by fs:0: the stacks that a thread is known to have, filled in by the monitor
    notes     bytes for the monitor's successor

Facts: System V ABI AMD64, 3.2 (registers, stack), 6.2; SDM volume 3, 9.2 (order of loads and stores);
madvise(2), memfd_create(2). A store of an aligned word is seen whole and in order (SDM 9.1.1 and 9.2.2).
"""

import base64
import collections
import ctypes
import errno
import mmap
import os
import struct
import sys
import tempfile
import zlib
from array import array

import trampoline
from trampoline import AFTER, BEFORE, BOTH

# ---- the layout of the shared memory, for both languages ----

CONSTANTS = (
    ('BUCKET', 4),              # blocks in a bucket: a cache line
    ('MAX_LEVELS', 4),
    ('SHARD_BITS', 3), ('OWN_SHARDS', 4), ('COMMON_SHARDS', 4),
    ('LARGE_SIZES', 4096),
    ('LARGE_CODE', 0xFFFFF000),
    ('LARGE_PROBES', 16),
    ('RULE_PROBES', 16),
    ('INDEX_PROBES', 64),
    ('CACHE_BITS', 15),
    ('CACHE_TRIES', 6),         # stacks compared before one is walked
    ('MISSED_BITS', 10),
    ('PALETTE_SIZE', 4096),
    ('THREAD_BUCKET', 4),       # threads in a bucket
    ('THREAD_RANGES', 3),       # stacks of a thread
    ('PENDING_WAYS', 64),       # slots that a stack can be copied to
    ('PENDING_BYTES', 16384 - 80),
    ('WAIT_ROUNDS', 20000),     # looks, with a pause each, that a thread waits for the monitor at once: 1 ms or so
    ('STATE_ON', 1), ('STATE_LEARNING', 2),     # while learning nothing is noted but what is not known yet
    ('PENDING_FREE', 0), ('PENDING_BUSY', 1), ('PENDING_FULL', 2),
    ('LATE_AGES', 3),
    ('SUM_WORDS', 10),
    ('NESTED', 1),              # flag of a stack: the allocating function was called by another
    ('NEST_DEPTH', 6),          # frames within which that other one would be found
    # how a walk ended; from FIRST_CUT on it was cut short; after NO_RULES and COMPLEX the monitor may know more
    ('END', 0), ('LIMIT', 1), ('MEMORY', 2), ('LOOP', 3), ('NO_RULES', 4), ('COMPLEX', 5), ('CUT', 6),
    ('FIRST_CUT', 2),
    # low bits of a rule; the two last only in the palette
    ('KIND_SP', 0), ('KIND_FP', 1), ('KIND_LONG', 2), ('KIND_SPECIAL', 3),
    ('KIND_DEREF', 4), ('KIND_SIGNAL', 5),
    ('RULE_END', 3), ('RULE_COMPLEX', 7), ('RULE_CUT', 11), ('RULE_UNKNOWN', 0xFFFF),
    # a hook's word
    ('HOOK_MASK', 0xFF), ('HOOK_SIZE_SHIFT', 8), ('HOOK_PRODUCT', 1 << 10), ('HOOK_BOTH', 1 << 11),
    ('HOOK_THROUGH', 1 << 12), ('HOOK_RESIZES', 1 << 13),
)
_constant = dict(CONSTANTS)
NEST_DEPTH = _constant['NEST_DEPTH']
STATE_ON, STATE_LEARNING = _constant['STATE_ON'], _constant['STATE_LEARNING']

# (name, type, count). A counter has a line of 8 words to itself, of which the first is used; with 64 words it
# has one for each shard.
HEADER = (
    ('magic', 'u64', 1), ('version', 'u64', 1), ('size', 'u64', 1), ('tick_ns', 'u64', 1),
    ('monitor', 'u64', 1), ('started', 'u64', 1), ('notes_size', 'u64', 1), ('base', 'u64', 1),
    # written by the monitor now and then, read at each call
    ('state', 'u64', 1), ('tick', 'u64', 1), ('generation', 'u64', 1), ('limit', 'u64', 1),
    ('trust', 'u64', 1), ('levels', 'u64', 1), ('pending_base', 'u64', 1), ('rows', 'u64', 1),
    ('blocks_at', 'u64', 4), ('blocks_mask', 'u64', 4),
    ('rules_at', 'u64', 1), ('rules_mask', 'u64', 1), ('rules_shift', 'u64', 1), ('palette_at', 'u64', 1),
    ('cache_at', 'u64', 1), ('threads_at', 'u64', 1), ('threads_mask', 'u64', 1), ('stacks_at', 'u64', 1),
    ('frames_at', 'u64', 1), ('counters_at', 'u64', 1), ('index_at', 'u64', 1), ('index_mask', 'u64', 1),
    ('stacks_limit', 'u64', 1), ('frames_limit', 'u64', 1), ('large_at', 'u64', 1), ('missed_at', 'u64', 1),
    ('pending_at', 'u64', 1), ('pending_mask', 'u64', 1), ('notes_at', 'u64', 1), ('cpu', 'u64', 1),
    ('shards_at', 'u64', 1), ('spare2', 'u64', 3),
    # written by the recorder
    ('stacks_next', 'u64', 8), ('frames_next', 'u64', 8), ('asked', 'u64', 8), ('late_frees', 'u64', 8),
    ('unknown_frees', 'u64', 64), ('missed_frees', 'u64', 8), ('replaced', 'u64', 8), ('failed', 'u64', 8),
    ('cut', 'u64', 64), ('wasted', 'u64', 8), ('unknown_stacks', 'u64', 64), ('overflowed', 'u64', 8),
    ('lost_blocks', 'u64', 8), ('lost_stacks', 'u64', 8), ('lost_threads', 'u64', 8),
    ('lost_sizes', 'u64', 8), ('attention', 'u64', 8), ('waits', 'u64', 8),
    ('shards_next', 'u64', 8),
)
_FIXED = [name for name, _, count in HEADER if count == 1 and name.endswith((
    '_at', '_mask', '_shift', '_limit', '_base', '_size', 'rows'))]
COUNTERS = tuple([name for name, _, count in HEADER if count >= 8])
_SHARDED = frozenset([name for name, _, count in HEADER if count == 64])
STRUCTURES = (
    ('header', HEADER),
    ('block', (('w0', 'u64', 1), ('w1', 'u64', 1))),
    ('counters', (
        ('free', 'u64', 1), ('free_bytes', 'u64', 1), ('free_total', 'u64', 1), ('free_min', 'u32', 1),
        ('free_max', 'u32', 1))),
    ('stack_record', (
        ('hash', 'u64', 1), ('frames', 'u32', 1), ('layout', 'u32', 1),
        ('free_expired', 'u64', 1), ('generation', 'u64', 1), ('dropped', 'u64', 1),
        ('count', 'u32', 1), ('ending', 'u16', 1), ('hook', 'u8', 1), ('flags', 'u8', 1),
        ('late_ages', 'u32', 3), ('spare', 'u32', 1))),
    ('layout', (
        ('count', 'u32', 1), ('extras', 'u32', 1), ('span', 'u32', 1), ('hook', 'u32', 1), ('frames', 'u32', 1),
        ('top', 'u32', 1), ('where', 'u32', 0))),
    ('thread', (('tcb', 'u64', 1), ('asked', 'u64', 1), ('low', 'u64', 3), ('high', 'u64', 3))),
    ('pending', (
        ('state', 'u64', 1), ('hook', 'u64', 1), ('address', 'u64', 1), ('pc', 'u64', 1), ('sp', 'u64', 1),
        ('fp', 'u64', 1), ('high', 'u64', 1), ('missing', 'u64', 1), ('length', 'u64', 1),
        ('spare', 'u64', 1),
        ('stack', 'u8', 16384 - 80))),
)
# What the monitor's loop over traps (keeper_traps) works on: memory of the monitor alone, no part of the tables. The
# columns are those of monitor.BlockTable.
LOOP_STRUCTURES = (
    ('trap_hook', (
        ('pc', 'u64', 1),           # behind the int3; 0: no entry
        ('kind', 'u32', 1), ('size', 'u32', 1), ('through', 'u32', 1), ('number', 'u32', 1), ('spare', 'u64', 1))),
    ('trap_task', (
        ('tid', 'u64', 1), ('last', 'u64', 1), ('mask', 'u64', 1),
        ('mask_left', 'u64', 1), ('cpu_left', 'u64', 1), ('cpu_every', 'u64', 1), ('spare', 'u64', 2))),
    ('known_stack', (
        ('sp', 'u64', 1), ('return_address', 'u64', 1), ('fp', 'u64', 1), ('hook', 'u32', 1), ('stack', 'u32', 1),
        ('count', 'u32', 1), ('need', 'u32', 1), ('uses_fp', 'u64', 1), ('words', 'u64', 0))),
    ('loop', (
        ('registers', 'u64', 1), ('copy', 'u64', 1), ('memory', 'u64', 1), ('clock', 'u64', 1),
        ('started', 'u64', 1), ('until', 'u64', 1), ('look_only', 'u64', 1), ('several', 'u64', 1),
        ('hooks_at', 'u64', 1), ('hooks_mask', 'u64', 1), ('tasks_at', 'u64', 1), ('tasks_mask', 'u64', 1),
        ('cache_at', 'u64', 1), ('pool_at', 'u64', 1),
        # of monitor.BlockTable and Ledger
        ('addresses', 'u64', 1), ('sizes', 'u64', 1), ('stacks', 'u64', 1), ('births', 'u64', 1),
        ('older', 'u64', 1), ('newer', 'u64', 1), ('chain', 'u64', 1), ('heads', 'u64', 1),
        ('buckets', 'u64', 1), ('low', 'u64', 1), ('high', 'u64', 1), ('figures', 'u64', 1),
        ('spare', 'u64', 1), ('blocks', 'u64', 1), ('bytes', 'u64', 1),
        # what happened since the last look
        ('calls', 'u64', 1), ('unknown_frees', 'u64', 1), ('stops', 'u64', 1), ('busy', 'u64', 1),
        ('longest', 'u64', 1), ('overhead', 'u64', 1), ('overheads', 'u64', 1),
        # the thread whose standstill is measured, by its schedstat
        ('stat_fd', 'u64', 1), ('stat_tid', 'u64', 1), ('stat_state', 'u64', 1), ('stat_left', 'u64', 1),
        ('stat_begin', 'u64', 1), ('stat_run', 'u64', 1), ('stat_times', 'u64', 1),
        # what Python is to look at
        ('tid', 'u64', 1), ('status', 'u64', 1), ('pc', 'u64', 1), ('last', 'u64', 1), ('due', 'u64', 1),
        ('turn', 'u64', 1), ('queue_next', 'u64', 1), ('queue_end', 'u64', 1), ('queue', 'u64', 64))),
)
LOOP_CONSTANTS = (
    ('TRAP_FREE', 1), ('TRAP_ALLOCATION', 2),
    ('SIZE_FIRST', 0), ('SIZE_SECOND', 1), ('SIZE_THIRD', 2), ('SIZE_PRODUCT', 3), ('SIZE_PRODUCT_23', 4),
    ('FOUND_NOTHING', 0), ('FOUND_EVENT', 1), ('FOUND_TRAP', 2), ('FOUND_NOBODY', 3),
    ('DUE_CPU', 1), ('DUE_MASK', 2), ('DUE_ROOM', 4),
    ('QUEUE_SIZE', 64), ('GATHER_EVERY', 8), ('MASK_EVERY', 16), ('SAMPLE_EVERY', 64), ('SAMPLE_MOST', 1000000),
    ('SHORT_COPY', 1024), ('COPY_BYTES', 16384), ('STACK_CACHE_BITS', 15), ('STACK_TRIES', 6),
    ('FIGURE_ALLOC', 0), ('FIGURE_ALLOC_BYTES', 1), ('FIGURE_FREE', 2), ('FIGURE_FREE_BYTES', 3),
    ('FIGURE_FREE_TOTAL', 4), ('FIGURE_FREE_MIN', 5), ('FIGURE_FREE_MAX', 6), ('FIGURES', 8),
)
_TYPES = {'u8': (1, 'B'), 'u16': (2, 'H'), 'u32': (4, 'I'), 'u64': (8, 'Q')}
MAGIC = int.from_bytes(b'memleaxR', 'little')
VERSION = 3
PAGE = 4096


def _offsets(fields):
    """-> ({name: offset}, size). Every field lies at a multiple of its size, so no compiler puts holes in."""
    offsets = {}
    offset = 0
    for name, kind, count in fields:
        width = _TYPES[kind][0]
        if offset % width:
            raise ValueError(name)
        offsets[name] = offset
        offset += width * count
    return offsets, offset


_at = {}
_size = {}
for _name, _fields in STRUCTURES + LOOP_STRUCTURES:
    _at[_name], _size[_name] = _offsets(_fields)
_header = _at['header']


def offsets_of(name):
    """({field: offset}, size) of a structure."""
    return _at[name], _size[name]


_WORD = {name: offset >> 3 for name, offset in _header.items()}      # index of a header's word
_STACK = struct.Struct('<' + ''.join(['%d%s' % (count, _TYPES[kind][1])
                                      for _, kind, count in dict(STRUCTURES)['stack_record']]))
_PENDING = struct.Struct('<10Q')
LAYOUT_CHECKSUM = zlib.crc32(repr((CONSTANTS, STRUCTURES)).encode('ascii')) & 0xffffffff


def c_header():
    """The declarations above for recorder.c -> str; the compiler checks every offset."""
    lines = ['typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32;',
             'typedef unsigned long u64;']
    for name, value in CONSTANTS + LOOP_CONSTANTS:
        lines.append('#define %s 0x%xu%s' % (name, value, 'l' if value >> 32 else ''))
    for name, fields in STRUCTURES + LOOP_STRUCTURES:
        lines.append('struct %s {' % name)
        for field, kind, count in fields:
            lines.append('\t%s %s%s;' % (kind, field, '' if count == 1 else '[%s]' % (count or '')))
        lines.append('}%s;' % (' __attribute__((aligned(16)))' if name == 'block' else ''))
        lines.append('typedef struct %s %s;' % (name, name))
        for field, kind, count in fields:
            lines.append('_Static_assert(__builtin_offsetof(%s, %s) == %d, "%s");'
                         % (name, field, _at[name][field], field))
        lines.append('_Static_assert(sizeof(%s) == %d, "%s");' % (name, _size[name], name))
    return '\n'.join(lines) + '\n'


# How a walk ended, in words: the first two as it should, the others mean that the stack was cut short. The
# recorder itself says the first six, the monitor's unwinder the first four and the last two.
ENDINGS = ('end', 'limit', 'memory', 'loop', 'no rules yet', 'no short rules', 'no rules', 'bad rules')
ENDING = {text: number for number, text in enumerate(ENDINGS)}
END_OF_STACK = 'end'
NO_RULES = 'no rules'                   # a rule: nobody knows how to go on from here
SIGNAL_FRAME = 'signal frame'           # a rule: the pc is where signal handlers return to (rt_sigreturn)
RBP, RSP = 6, 7                         # DWARF register numbers (psABI figure 3.36)
EXACT = 1 << 47                         # in the key of a rule: an exact pc
EXACT_FRAME = 1 << 63                   # in a frame of a stack: the same


class RecorderError(Exception):
    """Why the recorder cannot be used, a phrase."""


# ---- the code in the target ----

def code(gate_address, code_bytes=None):
    """The recorder's machine code for a process whose gate is at gate_address -> bytes.

    Runs at any address, 16-byte aligned; needs no memory of its own but the gate and the tables.
    """
    return struct.pack('<Q', gate_address) + (CODE if code_bytes is None else code_bytes)[8:]


# The largest part, after(), begins so far behind a multiple of 64: then none of its loops over the words of a stack
# crosses a line of the processor's code cache. (Where one does, deep stacks cost a quarter more.)
_LINE, _PHASE = 64, 48


def place(areas, built=None):
    """Where the recorder's parts can lie -> list of addresses, in the order of the parts, or None: no room.

    areas: list of (start, end) of unused executable memory, at most 2 GB apart, best also from the stubs. One
    piece if an area holds it, else the largest parts first, each where the least is left over.
    """
    built = built or Built(CODE, OFFSETS, PARTS, FIXUPS)
    for start, end in areas:
        start += -start % _LINE
        if end - start >= len(built.code):
            return [start + offset for offset, _ in built.parts]
    free = [list(area) for area in areas]
    addresses = [0] * len(built.parts)
    sizes = [end - start for start, end in built.parts]
    order = sorted(range(len(sizes)), key=lambda number: -sizes[number])
    for number in order:
        size = sizes[number]
        fitting = []
        for area in free:
            first = area[0]
            if number == order[0]:
                first += (_PHASE - first) % _LINE
            if first + size <= area[1]:
                fitting.append((area[1] - area[0], first, area))
        if not fitting:
            return None
        _, first, area = min(fitting)
        addresses[number] = first
        if first > area[0]:
            free.append([area[0], first])
        area[0] = first + size
    if max(addresses) - min(addresses) > (1 << 31) - (1 << 20):
        return None
    return addresses


def code_parts(gate_address, addresses, built=None):
    """The recorder's code in pieces, for addresses of place() -> list of (address, bytes), and {name:
    address} of its two entries."""
    built = built or Built(CODE, OFFSETS, PARTS, FIXUPS)
    text = bytearray(code(gate_address, built.code))
    shifts = [address - start for address, (start, _) in zip(addresses, built.parts)]
    for offset, part, target in built.fixups:
        value = struct.unpack_from('<i', text, offset)[0] + shifts[target] - shifts[part]
        struct.pack_into('<i', text, offset, value)
    pieces = [(address, bytes(text[start:end])) for address, (start, end) in zip(addresses, built.parts)]
    entries = {name: built.offsets[name] + shifts[0] for name in ('recorder_before', 'recorder_after')}
    return pieces, entries


def gate(tables_address):
    """The first bytes of the gate's page: tables_address is where the target has mapped the tables, 0 for
    off."""
    return struct.pack('<Q', tables_address)


FIRST, SECOND, THIRD, PRODUCT, PRODUCT_23 = range(5)
_FACTORS = {PRODUCT: FIRST, PRODUCT_23: SECOND}        # the first factor; the other is the next argument


def hook_word(number, kind, size, through_argument=False, resizes=False):
    """What a stub pushes -> int. number: of the hook, 0 to 255; size: which argument is the size, FIRST to
    PRODUCT_23 (product of the first two, of the second and third); through_argument: the block is *argument
    where rax = 0; resizes: the block is the first argument where rax is no less than the size, else none."""
    if not 0 <= number <= _constant['HOOK_MASK']:
        raise ValueError(number)
    word = number | _FACTORS.get(size, size or 0) << _constant['HOOK_SIZE_SHIFT']
    if size in _FACTORS:
        word |= _constant['HOOK_PRODUCT']
    if kind == BOTH:
        word |= _constant['HOOK_BOTH']
    if through_argument:
        word |= _constant['HOOK_THROUGH']
    if resizes:
        word |= _constant['HOOK_RESIZES']
    return word


_ENTER = b'\x52\x56\x57'                     # push rdx; push rsi; push rdi
_ZEROS = b'\x6a\x00\x6a\x00'                # push 0; push 0: where the old block of realloc waits
_DROP_WORD = b'\x48\x8d\x64\x24\x08'        # lea rsp, [rsp+8]
THUNK_SIZE = 14


def thunk(address):
    """Code that jumps to any address, for stubs farther than 2 GB from the recorder -> bytes."""
    return b'\xff\x25\0\0\0\0' + struct.pack('<Q', address)          # jmp [rip+0]


def stub_size(kind, prologue):
    """Most bytes that a stub can take, wherever it is put."""
    return {BEFORE: 15, AFTER: 23, BOTH: 42}[kind] + prologue.moved_size + trampoline.JUMP_SIZE


def build_stub(kind, stub_address, entry_address, prologue_code, prologue, word, before, after):
    """The stub of a hook that calls the recorder -> trampoline.Stub without traps.

    As trampoline.build_stub; word: of hook_word(); before, after: addresses of the recorder's two entries, or
    of thunks to them. trampoline's home, away, original and entry_patch work with it.
    CannotMove: something is farther than 2 GB from the stub.

        BEFORE   push word; call before; lea rsp, [rsp+8]; moved: ...; jmp back
        AFTER    push rdx; push rsi; push rdi; call moved; push word; call after; add rsp, 32; ret; moved: ...
        BOTH     push 0; push 0; push rdx; push rsi; push rdi; push word; call before; lea rsp, [rsp+8];
                 call moved; push word; call after; add rsp, 48; ret; moved: ...
    """
    push_word = b'\x68' + struct.pack('<I', word)
    text = bytearray()
    cfi = []
    depth = [8]

    def emit(instruction, change=0):
        start = stub_address + len(text)
        text.extend(instruction)
        if cfi and cfi[-1][2] == depth[0]:
            cfi[-1] = (cfi[-1][0], stub_address + len(text), depth[0])
        else:
            cfi.append((start, stub_address + len(text), depth[0]))
        depth[0] += change

    def call(target):
        position = stub_address + len(text)
        displacement = target - position - 5
        if not -1 << 31 <= displacement < 1 << 31:
            raise trampoline.CannotMove('the recorder is farther than 2 GB from the stub', None, target)
        emit(b'\xe8' + struct.pack('<i', displacement))

    frame = None
    if kind == BEFORE:
        emit(push_word, 8)
        call(before)
        emit(_DROP_WORD, -8)
    elif kind in (AFTER, BOTH):
        size = 32
        if kind == BOTH:
            emit(_ZEROS[:2], 8)
            emit(_ZEROS[2:], 8)
        for position in range(3):
            emit(_ENTER[position:position + 1], 8)
        if kind == BOTH:
            size = 48
            emit(push_word, 8)
            call(before)
            emit(_DROP_WORD, -8)
        tail = 5 + 5 + 4 + 1
        call(stub_address + len(text) + 5 + tail)
        frame = (stub_address + len(text), stub_address + len(text) + 5)
        emit(push_word, 8)
        call(after)
        emit(b'\x48\x83\xc4' + bytes((size,)), -size)
        emit(b'\xc3')
    else:
        raise ValueError(kind)
    skip = prologue.skip
    replaced = entry_address + skip
    moved_address = stub_address + len(text)
    last = prologue.boundaries[-1]
    end = last + trampoline.instruction_length(prologue_code, last)
    try:
        moved = trampoline.move(prologue_code[skip:end], replaced, moved_address)
    except trampoline.CannotMove as problem:
        offset = skip + (problem.offset or 0)
        raise trampoline.CannotMove(problem.problem, offset, entry_address + offset) from None
    text += moved.bytes
    moved_end = stub_address + len(text)
    jump_back = None
    if moved.falls_through:
        jump_back = moved_end
        text += trampoline.jump(jump_back, replaced + prologue.length)
    trampoline.jump(replaced, stub_address)
    offsets = {skip + old: moved_address + new for old, new in moved.offsets.items()}
    return trampoline.Stub(kind, stub_address, bytes(text), entry_address, prologue, False, {},
                           (moved_address, moved_end), offsets, jump_back, frame, cfi)


def frame_rule(stub):
    """The rule for stub.frame[0], what stands on the stack while the hooked function runs -> a rule for
    teach()."""
    for start, end, offset in stub.cfi:
        if start <= stub.frame[0] - 1 < end:
            return RSP, offset, None
    raise ValueError(stub)


# ---- the keeper: the monitor's own machine code ----

def executable(code_bytes):
    """Machine code made runnable in this process -> (address, object that keeps it). Raises RecorderError."""
    size = -(-len(code_bytes) // PAGE) * PAGE
    problem = ''
    try:
        memory = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE)
        memory[:len(code_bytes)] = code_bytes
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(size),
                         mmap.PROT_READ | mmap.PROT_EXEC) == 0:
            return address, memory
        problem = os.strerror(ctypes.get_errno())
    except (OSError, ValueError) as error:
        problem = str(error)
    # a policy may refuse to run memory that was written, and allow a file
    try:
        with tempfile.TemporaryFile() as stream:
            stream.write(code_bytes.ljust(size, b'\xcc'))
            stream.flush()
            memory = mmap.mmap(stream.fileno(), size, mmap.MAP_PRIVATE,
                               mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        return ctypes.addressof(ctypes.c_char.from_buffer(memory)), memory
    except (OSError, ValueError):
        raise RecorderError('this process may not run code of its own (%s)' % problem)


class Keeper(object):
    """The keeper's functions, callable. code_bytes, offsets: others than those of this module, for tests."""

    def __init__(self, code_bytes=None, offsets=None):
        address, self._memory = executable(KEEPER if code_bytes is None else code_bytes)
        for name, offset in (OFFSETS if offsets is None else offsets).items():
            if name.startswith('keeper_'):
                function = ctypes.CFUNCTYPE(ctypes.c_uint64, *[ctypes.c_uint64] * 8)(address + offset)
                setattr(self, name[len('keeper_'):], function)
        # holds the interpreter's lock, as there is one thread, and is a microsecond faster
        self.traps = ctypes.PYFUNCTYPE(ctypes.c_uint64, ctypes.c_uint64)(ctypes.cast(self.traps, ctypes.c_void_p).value)


# ---- the tables ----

Pending = collections.namedtuple('Pending', 'slot hook pc sp fp high missing stack address')
Pending.__doc__ = """A stack copied for the monitor: the frame of the hooked function's caller.

pc: a return address; sp, fp: of the frame it returns to; stack: bytes from sp on, up to `high`, the end of
the stack, or 16 KB; what lies between that and `high` has changed since and must not be read. missing: the pc
(with EXACT: an exact one) without a usable rule. address: of the block, 0 if it found no room.
"""
StackRecord = collections.namedtuple(
    'StackRecord', 'number hook frames exact ending nested free_expired late_ages')
StackRecord.__doc__ = """A stack in the tables. frames: tuple of pcs from the hooked function's caller on,
exact: indices of those that are no return addresses; ending: of ENDINGS; free_expired: frees of reported blocks
as far as the recorder saw the report; late_ages: of the first of them, in ticks."""
Figures = collections.namedtuple(
    'Figures', 'live live_bytes oldest free free_bytes free_total free_min free_max expired expired_bytes')
Figures.__doc__ = """What a stack's blocks add up to; ages in ticks. alloc = live + free.

oldest: age of the oldest alive, None if there is none; expired: of those alive, what was reported as expired.
"""

# name: (what it counts, default)
SIZES = {
    'blocks': 1 << 17,          # records; half of them used is a good load; few, to be found in the cache
    'reserve': 1 << 24,         # records of further levels, address space only
    'stacks': 1 << 15,
    'frames': 1 << 20,          # words
    'rules': 1 << 17,
    'threads': 1 << 12,
    'pending': 1 << 9,
    'notes': 1 << 16,           # bytes
}


def _power(number):
    return 1 << max(number - 1, 1).bit_length()


def _level_size(buckets):
    """Bytes of a level of blocks: its buckets, then two for each that say how many are in their second bucket."""
    return -(-(64 + 2) * buckets // PAGE) * PAGE


def _take_memory(fd, start, size):
    """Have the memory of a part of a file there, at once and from this process's account (fallocate(2))."""
    try:
        os.posix_fallocate(fd, start, size)
    except OSError as error:
        if error.errno not in (errno.ENODEV, errno.EOPNOTSUPP):
            raise
        for position in range(start, start + size, 1 << 20):        # shared memory before FreeBSD 13
            os.pwrite(fd, bytes(min(1 << 20, start + size - position)), position)


class Tables(object):
    """The shared memory, from the monitor's side.

    Tables.create(fd, **sizes) lays it out in an empty file of memory, Tables.open(fd) finds it there. Both
    map it; fd stays the caller's. Sizes: see SIZES, raised to powers of two. `size`: bytes to map in the
    target, shared, read and write. Raises RecorderError, OSError (no memory).
    """

    def __init__(self, fd, size, keeper=None):
        self.size = size
        self._map = mmap.mmap(fd, size)
        self._bytes = memoryview(self._map)
        self._words = self._bytes.cast('Q')
        self._base = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self.keeper = keeper or Keeper()
        # what never changes, kept where the target can't damage it
        self._fixed = {}
        self._levels = []               # (offset, buckets)
        self._copy = ctypes.create_string_buffer(_size['header'])
        self._header = ctypes.addressof(self._copy)
        self._palette = {}
        self._unsettled = {}            # slot -> number of its stack
        self._level = self._position = 0
        self._out = array('Q', bytes(8 * 4 * 4096))
        self._out_address = self._out.buffer_info()[0]
        self._found = (ctypes.c_uint64 * 2)()
        self._alive = self.alive = 0    # blocks met in this round of scan(), and in the one before
        self._found_address = ctypes.addressof(self._found)

    @staticmethod
    def _lay_out(sizes):
        """-> (words of the header, bytes that are taken at once, places and buckets of levels 0 and 1)."""
        wanted = dict(SIZES)
        for name, value in sizes.items():
            if name not in SIZES:
                raise ValueError(name)
            wanted[name] = value
        buckets = max(_power(wanted['blocks']) // _constant['BUCKET'], 16)
        overflow = max(buckets // 32, 16)
        rules = max(_power(wanted['rules']), 64)
        threads = max(_power(wanted['threads']) // _constant['THREAD_BUCKET'], 1)
        pending = max(_power(wanted['pending']), _constant['PENDING_WAYS'])
        stacks = min(max(wanted['stacks'], 16), (1 << 20) - pending)
        rows = stacks + pending
        index = max(_power(stacks * 2), 64)
        head = {
            'magic': MAGIC, 'version': VERSION | LAYOUT_CHECKSUM << 32, 'generation': 1, 'limit': 50, 'trust': 1 << 14,
            'levels': 2, 'tick': 1, 'pending_base': stacks, 'rows': rows, 'rules_mask': rules - 1,
            'rules_shift': 65 - rules.bit_length(), 'threads_mask': threads - 1, 'index_mask': index - 1,
            'stacks_limit': stacks, 'frames_limit': wanted['frames'], 'pending_mask': pending - 1,
            'notes_size': wanted['notes'], 'stacks_next': 1, 'frames_next': 1,
        }
        position = -(-_size['header'] // PAGE) * PAGE
        for name, size in (
                ('cache_at', 8 << _constant['CACHE_BITS']),
                ('rules_at', 8 * rules),
                ('palette_at', 8 * _constant['PALETTE_SIZE']),
                ('threads_at', threads * _constant['THREAD_BUCKET'] * _size['thread']),
                ('shards_at', threads * _constant['THREAD_BUCKET']),
                ('missed_at', 8 << _constant['MISSED_BITS']),
                ('large_at', 8 * _constant['LARGE_SIZES']),
                ('index_at', 8 * index),
                ('stacks_at', rows * _size['stack_record']),
                ('counters_at', rows * _size['counters'] << _constant['SHARD_BITS']),
                ('frames_at', 8 * wanted['frames']),
                ('pending_at', pending * _size['pending']),
                ('notes_at', wanted['notes']),
                ('overflow_at', _level_size(overflow)),
                ('blocks_at', _level_size(buckets))):
            head[name] = position
            position += -(-size // PAGE) * PAGE
        head['size'] = position
        if wanted['reserve']:
            head['size'] += _level_size(wanted['reserve'] // _constant['BUCKET']) + PAGE * _constant['MAX_LEVELS']
        levels = [(head.pop('overflow_at'), overflow), (head.pop('blocks_at'), buckets)]
        return head, position, levels

    @classmethod
    def size_of(cls, **sizes):
        """How many bytes are to be mapped of tables that create() makes with these sizes."""
        return cls._lay_out(sizes)[0]['size']

    @classmethod
    def taken(cls, **sizes):
        """How many bytes of memory they take from the start."""
        return cls._lay_out(sizes)[1]

    @classmethod
    def create(cls, fd, keeper=None, **sizes):
        """Lay the tables out. Memory is taken at once but for the reserve, and from this process's account
        (fallocate(2))."""
        head, taken, levels = cls._lay_out(sizes)
        os.ftruncate(fd, head['size'])
        _take_memory(fd, 0, taken)
        tables = cls(fd, head['size'], keeper)
        for level, (place, buckets) in enumerate(levels):
            tables._words[_WORD['blocks_at'] + level] = place
            tables._words[_WORD['blocks_mask'] + level] = buckets - 1
        for name, value in head.items():
            tables._words[_WORD[name]] = value
        tables._take_over()
        return tables

    @classmethod
    def open(cls, fd, keeper=None):
        """Tables that another monitor made."""
        data = os.pread(fd, _size['header'], 0)
        if len(data) < _size['header'] or struct.unpack_from('<Q', data)[0] != MAGIC:
            raise RecorderError('not the memory of a recorder')
        if struct.unpack_from('<Q', data, 8)[0] != VERSION | LAYOUT_CHECKSUM << 32:
            raise RecorderError('the memory of another version of the recorder')
        size = struct.unpack_from('<Q', data, 16)[0]
        if size > os.fstat(fd).st_size:
            raise RecorderError('the memory of the recorder is cut short')
        if size < _size['header']:
            raise RecorderError('the memory of the recorder is damaged')
        tables = cls(fd, size, keeper)
        tables._take_over()
        palette = tables['palette_at'] >> 3
        for number in range(1, _constant['PALETTE_SIZE']):
            word = tables._words[palette + number]
            if not word:
                break
            tables._palette[word] = number
        return tables

    def _take_over(self):
        """Copy what the header says of the tables' places, and check that they lie inside. Raises
        RecorderError."""
        fixed = {name: self._words[_WORD[name]] for name in _FIXED}
        spans = [
            ('cache_at', 8 << _constant['CACHE_BITS']), ('rules_at', 8 * (fixed['rules_mask'] + 1)),
            ('palette_at', 8 * _constant['PALETTE_SIZE']),
            ('threads_at', (fixed['threads_mask'] + 1) * _constant['THREAD_BUCKET'] * _size['thread']),
            ('shards_at', (fixed['threads_mask'] + 1) * _constant['THREAD_BUCKET']),
            ('missed_at', 8 << _constant['MISSED_BITS']), ('large_at', 8 * _constant['LARGE_SIZES']),
            ('index_at', 8 * (fixed['index_mask'] + 1)), ('stacks_at', fixed['rows'] * _size['stack_record']),
            ('counters_at', fixed['rows'] * _size['counters'] << _constant['SHARD_BITS']),
            ('frames_at', 8 * fixed['frames_limit']),
            ('pending_at', (fixed['pending_mask'] + 1) * _size['pending']), ('notes_at', fixed['notes_size'])]
        places = [(fixed[name], size) for name, size in spans]
        levels = self._words[_WORD['levels']]
        if not 1 <= levels <= _constant['MAX_LEVELS']:
            raise RecorderError('the memory of the recorder is damaged')
        starts, masks = _WORD['blocks_at'], _WORD['blocks_mask']
        self._levels = [(self._words[starts + level], self._words[masks + level] + 1)
                        for level in range(levels)]
        places += [(start, _level_size(buckets)) for start, buckets in self._levels]
        masks = [fixed[name] for name in ('rules_mask', 'threads_mask', 'index_mask', 'pending_mask')]
        masks += [buckets - 1 for _, buckets in self._levels]
        if (any(start & PAGE - 1 or start < _size['header'] or start + size > self.size
                for start, size in places)
                or any(mask & mask + 1 for mask in masks)
                or fixed['rules_shift'] + fixed['rules_mask'].bit_length() != 64
                or fixed['stacks_limit'] > fixed['pending_base']
                or fixed['pending_base'] + fixed['pending_mask'] + 1 > fixed['rows']):
            raise RecorderError('the memory of the recorder is damaged')
        self._fixed = fixed
        self._copy[:] = bytes(self._bytes[:_size['header']])
        struct.pack_into('<Q', self._copy, _header['base'], self._base)

    def close(self):
        """Unmap the tables. The recorder goes on with them, if it is on."""
        self._words.release()
        self._bytes.release()
        self._words = self._bytes = None
        self._base = 0
        # ctypes holds on to the map by a cycle of its own; it is unmapped when that is gone
        self._map = None

    def __getitem__(self, name):
        """A word of the header, or a counter."""
        value = self._fixed.get(name)
        if value is not None:
            return value
        start = _WORD[name]
        if name in _SHARDED:
            return sum(self._words[start:start + 64:8].tolist())
        return self._words[start]

    def __setitem__(self, name, value):
        self._words[_WORD[name]] = value
        if name == 'limit':                     # the keeper walks by its own copy
            struct.pack_into('<Q', self._copy, _header[name], value)

    def lost(self):
        """{name: number} of all that was not noted as it should be, zeros left out."""
        return {name: self[name] for name in (
            'lost_blocks', 'lost_stacks', 'lost_threads', 'lost_sizes', 'cut', 'unknown_stacks')
            if self[name]}

    # -- rules

    def teach(self, pc, rule, is_return=True, nested=False):
        """What leads from a pc to its caller. -> False where the table has no room for it.

        rule: (register, offset, slot): CFA = register + offset, RSP or RBP, return address at CFA-8, the
        caller's fp at CFA + slot or, None, unchanged; (RBP, offset, slot, True): the CFA is the word at fp +
        offset; END_OF_STACK; SIGNAL_FRAME; None for what these do not express.
        is_return: the pc is a return address, else an exact one. nested: it lies in a stub.
        """
        done = self.keeper.teach(self._header, pc if is_return else pc | EXACT, self._encode(rule, nested),
                                 0, 0, 0, 0, 0)
        if done == 2:
            self.forget_layouts()
        return bool(done)

    def _encode(self, rule, nested):
        if rule == END_OF_STACK:
            return _constant['RULE_END']
        if rule == NO_RULES:
            return _constant['RULE_CUT']
        if rule == SIGNAL_FRAME:
            return self._long(_constant['KIND_SIGNAL'] << 48)
        if rule is None:
            return _constant['RULE_COMPLEX']
        register, offset, slot = rule[:3]
        deref = len(rule) > 3 and rule[3]
        place = 0 if slot is None else (-slot - 8) // 8
        if (register not in (RSP, RBP) or offset & 7
                or slot is not None and (slot & 7 or not 0 < place < 65536)):
            return _constant['RULE_COMPLEX']
        if deref:
            kind = _constant['KIND_DEREF']
        else:
            kind = _constant['KIND_SP'] if register == RSP else _constant['KIND_FP']
        if not nested and not deref and 8 <= offset < 8192 and place < 16:
            return offset >> 3 << 6 | place << 2 | kind
        if not -1 << 31 <= offset < 1 << 31 or not deref and offset < 8:
            return _constant['RULE_COMPLEX']
        return self._long(offset & 0xffffffff | place << 32 | kind << 48 | (1 << 56 if nested else 0))

    def _long(self, word):
        number = self._palette.get(word)
        if number is None:
            number = len(self._palette) + 1
            if number >= _constant['PALETTE_SIZE']:
                return _constant['RULE_COMPLEX']
            self._words[(self['palette_at'] >> 3) + number] = word
            self._palette[word] = number
        return number << 2 | _constant['KIND_LONG']

    def forget(self, start, end):
        """Drop the rules of pcs in [start, end) -> how many: a module was unloaded there, or one was
        loaded."""
        number = self.keeper.forget(self._header, start, end, 0, 0, 0, 0, 0)
        self.forget_layouts()
        return number

    def forget_layouts(self):
        """What was found by comparing is walked again."""
        generation = self['generation'] + 1 & (1 << 64) - 1
        if not generation & 0xfff:              # that of an empty entry of the cache, which holds 12 bits of it
            generation += 1
            start = self['cache_at']
            self._bytes[start:start + (8 << _constant['CACHE_BITS'])] = bytes(8 << _constant['CACHE_BITS'])
        self['generation'] = generation

    def missed(self):
        """Keys without a rule that were met since the last time -> list of (pc, is_return)."""
        start = self['missed_at'] >> 3
        end = start + (1 << _constant['MISSED_BITS'])
        found = [key for key in self._words[start:end].tolist() if key]
        if found:
            self._bytes[start << 3:end << 3] = bytes((end - start) << 3)
        return [(key & ~EXACT, not key & EXACT) for key in found]

    # -- stacks that wait

    def pending(self, most=1000):
        """Stacks that were copied and are to be settled -> list of Pending."""
        start = self['pending_at']
        width = _size['pending']
        count = self['pending_mask'] + 1
        states = self._words[start >> 3:(start + width * count) >> 3:width >> 3].tolist()
        found = []
        if not any(states):
            return found
        for slot, state in enumerate(states):
            if state == _constant['PENDING_FULL'] and slot not in self._unsettled:
                place = start + slot * width
                (_, hook, address, pc, sp, fp, high, missing, length,
                 _) = _PENDING.unpack_from(self._bytes, place)
                place += _PENDING.size
                length = min(length, _constant['PENDING_BYTES'])
                found.append(Pending(slot, hook, pc, sp, fp, high, missing,
                                     bytes(self._bytes[place:place + length]), address))
                if len(found) >= most:
                    break
        return found

    def finish_known(self):
        """Settle the waiting stacks that the rules known by now lead through -> ({slot: number of its stack}, whether
        others wait)."""
        start = self['pending_at']
        width = _size['pending']
        states = self._words[start >> 3:(start + width * (self['pending_mask'] + 1)) >> 3:width >> 3].tolist()
        done, others = {}, False
        if not any(states):
            return done, others
        full = _constant['PENDING_FULL']
        finish, header, settled = self.keeper.finish, self._header, self._found_address
        for slot, state in enumerate(states):
            if state == full and slot not in self._unsettled:
                number = finish(header, slot, settled, 0, 0, 0, 0, 0)
                if number:
                    done[slot] = number
                    if not self._found[0]:
                        self._unsettled[slot] = number
                else:
                    others = True
        return done, others

    def waiting(self):
        """(slots that a thread is writing to, slots that are to be settled). One of the first kind that stays
        has been left by a thread that was thrown out of the recorder; it is not used again."""
        start = self['pending_at']
        width = _size['pending']
        states = self._words[start >> 3:(start + width * (self['pending_mask'] + 1)) >> 3:width >> 3].tolist()
        return states.count(_constant['PENDING_BUSY']), states.count(_constant['PENDING_FULL'])

    def learn(self, item, walk, simple_rule, stub_frames, ending=None):
        """Teach what a walk over a pending stack went through, number the stack and settle its block -> the
        number.

        item: of pending(). walk: of the unwinder, with .addresses, .exact and .ending, started at item.pc as
        a return address with item.sp and item.fp, no other registers, and a `read` that refuses [item.sp,
        item.high). simple_rule(pc, is_return) -> a rule for teach(). stub_frames: set of the stubs' frame[0],
        whose rules are taught already. ending: in place of walk.ending; one that is not of ENDINGS counts as
        'no rules yet'.
        """
        exact = frozenset(walk.exact)
        nested = False
        for index, pc in enumerate(walk.addresses):
            if pc in stub_frames:
                nested = True
            else:
                is_return = index not in exact
                self.teach(pc, simple_rule(pc, is_return), is_return)
        ending = ending or walk.ending
        number = self.stack_number(item.hook, walk.addresses, walk.exact,
                                   ending if ending in ENDING else 'no rules yet', nested)
        self.settle(item.slot, number)
        return number

    def settle(self, slot, number):
        """File a pending stack's block under the stack `number`. False: it is on its way out; settle_rest()
        will."""
        if self.keeper.settle(self._header, slot, number, 0, 0, 0, 0, 0):
            self._unsettled.pop(slot, None)
            return True
        self._unsettled[slot] = number
        return False

    def settle_rest(self):
        """Try again for those that settle() could not -> how many are left."""
        for slot, number in list(self._unsettled.items()):
            self.settle(slot, number)
        return len(self._unsettled)

    def stack_number(self, hook, frames, exact, ending, nested):
        """The number of a stack, a new one if need be; 0 where there is no room.

        frames: pcs from the hooked function's caller on, as the recorder would walk them; exact: indices;
        ending: one of ENDINGS.
        """
        words = array('Q', frames)
        for index in exact:
            words[index] |= EXACT_FRAME
        return self.keeper.stack(self._header, hook, words.buffer_info()[0], len(words), ENDING[ending],
                                 1 if nested else 0, 0, 0)

    # -- blocks and figures

    def set_tick(self, ticks):
        """The time, in ticks. Never 0: a block of no bytes born then would look like one that is on its way out."""
        self['tick'] = ticks & 0x7fffffff or 1

    def scan(self, threshold, buckets=1 << 30, most=1 << 30):
        """Blocks that are `threshold` ticks old or more and were not listed before, the oldest first, as a
        list of (address, size, stack number, birth in ticks). Goes round: looks at so many buckets from where
        it stopped the last time, at all of them at most once; fewer once it has found `most`. A bucket is 64
        bytes; 10 million are looked at in a second or less. Whenever it has come round, `alive` is the number
        of blocks there were.
        """
        found = []
        levels = self._levels
        left = min(buckets, self.buckets())
        scan = self.keeper.scan
        room = len(self._out) // 4
        while left > 0 and len(found) < most:
            position = self._position
            end = scan(self._header, self._level, position, left, threshold, self._out_address, room,
                       self._found_address)
            count = self._found[0]
            self._alive += self._found[1]
            if count:
                values = self._out[:4 * count].tolist()
                found += zip(values[::4], values[1::4], values[2::4], values[3::4])
            left -= end - position
            self._position = end
            if end >= levels[self._level][1]:
                self._position = 0
                self._level = (self._level + 1) % len(levels)
                if not self._level:
                    self.alive, self._alive = self._alive, 0
        tick = self._words[_WORD['tick']] + 1
        found.sort(key=lambda block: block[3] - tick & 0x7fffffff)
        return found

    def buckets(self):
        """How many buckets there are."""
        return sum([buckets for _, buckets in self._levels])

    def count(self):
        """(blocks, their bytes, frees) now; 5 ms for a million blocks."""
        size, frees = ctypes.c_uint64(), ctypes.c_uint64()
        live = self.keeper.count(self._header, ctypes.addressof(size), ctypes.addressof(frees), 0, 0, 0, 0, 0)
        return live, size.value, frees.value

    def figures(self):
        """Figures of every stack -> list by number. Exact when no thread is inside the recorder."""
        self.settle_rest()
        rows = max(min(self['stacks_next'], self['stacks_limit']), 1)
        out = array('Q', bytes(8 * _constant['SUM_WORDS'] * rows))
        self.keeper.sum(self._header, out.buffer_info()[0], rows, 0, 0, 0, 0, 0)
        found = []
        append = found.append
        for (live, live_bytes, oldest, free, free_bytes, total, inverse, longest, expired,
             expired_bytes) in zip(*[iter(out)] * _constant['SUM_WORDS']):
            append(Figures(live, live_bytes, None if oldest >> 63 else oldest, free, free_bytes, total,
                           inverse ^ 0xffffffff if inverse else 0, longest, expired, expired_bytes))
        return found

    def stack(self, number):
        """The StackRecord of a stack."""
        if not 0 <= number < self['rows']:
            raise IndexError(number)
        place = self['stacks_at'] + number * _STACK.size
        (_, frames, _, free_expired, _, _, count, ending, hook, flags, late0, late1, late2,
         _) = _STACK.unpack_from(self._bytes, place)
        start = (self['frames_at'] >> 3) + frames
        if number == 0 or not frames or start + count > self.size >> 3:
            words = []
            ending = _constant['NO_RULES']
        else:
            words = self._words[start:start + count].tolist()
        exact = tuple([index for index, word in enumerate(words) if word & EXACT_FRAME])
        return StackRecord(number, hook, tuple([word & ~EXACT_FRAME for word in words]), exact,
                           ENDINGS[min(ending, len(ENDINGS) - 1)], bool(flags & _constant['NESTED']),
                           free_expired,
                           tuple([late - 1 for late in (late0, late1, late2) if late]))

    def add_level(self, fd, records):
        """A further level of blocks, into which new ones go from now on. `reserve` has to hold it, and one that is
        not larger than the one before is of no use. -> False: no room. Raises OSError."""
        level = len(self._levels)
        if level >= _constant['MAX_LEVELS']:
            return False
        end = max([start + _level_size(buckets) for start, buckets in self._levels])
        buckets = _power(records) // _constant['BUCKET']
        while end + _level_size(buckets) > self.size:
            buckets //= 2
        if buckets <= self._levels[-1][1]:
            return False
        _take_memory(fd, end, _level_size(buckets))
        self._words[_WORD['blocks_at'] + level] = end
        self._words[_WORD['blocks_mask'] + level] = buckets - 1
        self['levels'] = level + 1
        self._levels.append((end, buckets))
        for name, value in (('blocks_at', end), ('blocks_mask', buckets - 1)):
            struct.pack_into('<Q', self._copy, _header[name] + 8 * level, value)
        struct.pack_into('<Q', self._copy, _header['levels'], level + 1)
        return True

    # -- threads

    def asked(self):
        """Stacks (of threads) that the recorder met and does not know -> list of (tcb, sp)."""
        if not self['asked']:
            return []
        self['asked'] = 0
        start = self['threads_at']
        width = _size['thread']
        end = start + width * _constant['THREAD_BUCKET'] * (self['threads_mask'] + 1)
        owners = self._words[start >> 3:end >> 3:width >> 3].tolist()
        places = self._words[(start >> 3) + 1:end >> 3:width >> 3].tolist()
        found = []
        for index, sp in enumerate(places):
            if sp and owners[index]:
                self._words[(start + index * width >> 3) + 1] = 0
                found.append((owners[index], sp))
        return found

    def set_stack(self, tcb, low, high, own=True):
        """The stack memory [low, high) may be read by the thread whose fs:0 is tcb; own: it is the stack that it began
        with. -> False: no room."""
        bucket = tcb * 0x9E3779B97F4A7C15 >> 32 & self['threads_mask'] if tcb else 0
        words = self._words
        ranges = _constant['THREAD_RANGES']
        for entry in range(_constant['THREAD_BUCKET']):
            place = self['threads_at'] + (bucket * _constant['THREAD_BUCKET'] + entry) * _size['thread'] >> 3
            if words[place] not in (0, tcb):
                continue
            lows, highs = place + 2, place + 2 + ranges
            choice = 0
            if not own:
                others = range(1, ranges)
                choice = next((number for number in others
                               if words[lows + number] < high and low < words[highs + number]), 0) \
                    or next((number for number in others if not words[highs + number]), 0) \
                    or 1 + (low >> 12) % (ranges - 1)
            words[highs + choice] = 0
            words[lows + choice] = low
            words[highs + choice] = high
            words[place] = tcb
            return True
        return False

    def check_stacks(self, is_mapped, growth=0):
        """Drop stacks that are no longer there. is_mapped(low, high) -> bool. growth: the lowest so many bytes of the
        first thread's stack need not be mapped yet. -> how many were dropped."""
        words = self._words
        ranges = _constant['THREAD_RANGES']
        start = self['threads_at'] >> 3
        width = _size['thread'] >> 3
        dropped = 0
        end = start + width * _constant['THREAD_BUCKET'] * (self['threads_mask'] + 1)
        owners = words[start:end:width].tolist()
        for index, tcb in enumerate(owners):
            if not tcb:
                continue
            place = start + index * width
            for number in range(ranges):
                high = words[place + 2 + ranges + number]
                low = words[place + 2 + number]
                if high and not is_mapped(low, high) and not (high - low == growth and is_mapped(high - PAGE, high)):
                    words[place + 2 + ranges + number] = 0
                    dropped += 1
            if not is_mapped(tcb, tcb + 8):
                # whoever has this place next shares its counters: should the thread live after all, it may have them, too
                self._bytes[self['shards_at'] + index] = _constant['OWN_SHARDS'] + 1
                words[place] = 0
        return dropped

    # -- notes for a successor

    def write_notes(self, data):
        """Keep bytes for whoever opens the tables next."""
        if len(data) + 8 > self['notes_size']:
            raise ValueError(len(data))
        start = self['notes_at']
        self._bytes[start + 8:start + 8 + len(data)] = data
        self._words[start >> 3] = len(data)

    def read_notes(self):
        """The bytes that write_notes() kept."""
        start = self['notes_at']
        size = min(self._words[start >> 3], self['notes_size'] - 8)
        return bytes(self._bytes[start + 8:start + 8 + size])


def write_left(fd, data, sizes, monitor, started):
    """Put notes (bytes) where Tables.create() with these sizes leaves them be, and what read_left() looks at: before
    there are tables. monitor, started: its process and start time."""
    head = Tables._lay_out(sizes)[0]
    words = {'magic': MAGIC, 'version': head['version'], 'size': head['size'], 'notes_at': head['notes_at'],
             'notes_size': head['notes_size'], 'monitor': monitor, 'started': started}
    if len(data) + 8 > head['notes_size']:
        raise RecorderError('its notes are too long')
    os.pwrite(fd, struct.pack('<Q', len(data)) + data, head['notes_at'])
    for name in sorted(words, key=lambda name: name == 'magic'):
        os.pwrite(fd, struct.pack('<Q', words[name]), _header[name])


def read_left(read, address):
    """What the tables that another process has mapped at `address` say -> (notes, pid of the monitor, its start time).

    read(address, size): of that process's memory. Raises RecorderError.
    """
    head = read(address, _size['header'])
    if len(head) < _size['header']:
        raise RecorderError('its shared memory cannot be read')

    def word(name):
        return struct.unpack_from('<Q', head, _header[name])[0]

    if word('magic') != MAGIC or word('version') != VERSION | LAYOUT_CHECKSUM << 32:
        raise RecorderError('it was another version')
    size = read(address + word('notes_at'), 8)
    size = struct.unpack('<Q', size)[0] if len(size) == 8 else 0
    if not 0 < size <= 1 << 24:
        raise RecorderError('it was killed before it could note what it did')
    return read(address + word('notes_at') + 8, size), word('monitor'), word('started')


# ---- making the machine code ----

_FLAGS = ('-Os -ffreestanding -fno-builtin -fPIE -mcmodel=small -march=x86-64 -mcx16 -mgeneral-regs-only'
          ' -fno-stack-protector -fno-stack-clash-protection -fcf-protection=none'
          ' -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-exceptions -fno-jump-tables'
          ' -fno-tree-loop-distribute-patterns'
          ' -fno-toplevel-reorder -fno-ident -fno-strict-aliasing -fomit-frame-pointer -fvisibility=hidden'
          ' -ffunction-sections -falign-functions=1 -falign-loops=1 -falign-jumps=1 -falign-labels=1'
          ' -Wall -Wextra -Wno-unused-function -Wno-unused-parameter'
          ' -Werror=implicit-function-declaration').split()
_GENERATED = '# ---- made by --build; do not edit ----\n'


Built = collections.namedtuple('Built', 'code offsets parts fixups')


def compile_source(source, keeper, compiler='gcc', flags=()):
    """Compile recorder.c -> Built. Checks that it runs anywhere: no absolute address, nothing outside, no
    data. Raises RecorderError with the compiler's words."""
    import subprocess
    import elfreader
    directory = tempfile.mkdtemp()
    header = os.path.join(directory, 'layout.h')
    output = os.path.join(directory, 'recorder.o')
    try:
        with open(header, 'w') as stream:
            stream.write(c_header())
        command = [compiler] + _FLAGS + list(flags) + (['-DKEEPER'] if keeper else [])
        command += ['-include', header, '-c', '-o', output, source]
        done = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        text = done.communicate()[0].decode('utf-8', 'replace')
        if done.returncode:
            raise RecorderError('%s\n%s' % (' '.join(command), text))
        with open(output, 'rb') as stream:
            elf = elfreader.ElfFile(stream.read(), output)
        return _link(elf, keeper)
    finally:
        for path in (header, output):
            if os.path.exists(path):
                os.remove(path)
        os.rmdir(directory)


def source_checksum(source):
    """What the machine code depends on, in 32 bits: to see that it was made from this very source and
    layout."""
    with open(source, 'rb') as stream:
        return zlib.crc32(stream.read(), LAYOUT_CHECKSUM) & 0xffffffff


def _link(elf, keeper):
    """Put the sections of an object file one behind the other -> Built."""
    text = bytearray()
    places = {}                             # number of a section -> number of its part
    parts = []
    largest = max(section.size for section in elf.sections if section.flags & 2 and section.flags & 4)
    for number, section in enumerate(elf.sections):
        if not section.flags & 2 or not section.size:                           # SHF_ALLOC
            continue
        if not section.flags & 4 or section.flags & 1:                          # SHF_EXECINSTR, SHF_WRITE
            raise RecorderError('%s is not empty: the code has data' % section.name)
        if section.size == largest:
            text += b'\xcc' * ((_PHASE - len(text)) % _LINE)
        text += b'\xcc' * (-len(text) & 15)           # nobody falls through, and a disassembler stays in step
        places[number] = len(parts)
        parts.append((len(text), len(text) + section.size))
        text += elf.section_data(section)
    names = elf.section_data('.strtab')
    symbols = list(struct.iter_unpack('<IBBHQQ', bytes(elf.section_data('.symtab'))))
    offsets = {}
    for name, _, _, section, value, _ in symbols:
        symbol = bytes(names[name:name + 64]).split(b'\0')[0].decode('ascii')
        if section in places and symbol.startswith(('keeper_', 'recorder_')):
            offsets[symbol] = parts[places[section]][0] + value
    if not keeper and offsets.pop('recorder_gate', None) != 0:
        raise RecorderError('the word for the gate is not the first')
    fixups = []
    sections = {section.name: number for number, section in enumerate(elf.sections)}
    for section in elf.sections:
        if section.type == 9 and section.size:                                  # SHT_REL
            raise RecorderError('relocations of a kind not known here')
        if section.type != 4 or not section.size:                               # SHT_RELA
            continue
        part = places.get(sections[section.name[len('.rela'):]])
        if part is None:
            continue
        for offset, info, addend in struct.iter_unpack('<QQq', bytes(elf.section_data(section))):
            symbol = symbols[info >> 32]
            target = places.get(symbol[3])
            if info & 0xffffffff not in (2, 4) or target is None:               # R_X86_64_PC32, PLT32
                raise RecorderError('%s: the code does not run at any address' % section.name)
            place = parts[part][0] + offset
            value = parts[target][0] + symbol[4] + addend - place
            text[place:place + 4] = struct.pack('<i', value)
            if part != target:
                fixups.append((place, part, target))
    return Built(bytes(text), offsets, tuple(parts), tuple(fixups))


def _literal(name, data):
    text = base64.b64encode(zlib.compress(data, 9)).decode('ascii')
    lines = ["    '%s'" % text[start:start + 100] for start in range(0, len(text), 100)]
    return '%s = zlib.decompress(base64.b64decode(\n%s))\n' % (name, '\n'.join(lines))


def _main(arguments):
    if len(arguments) != 2 or arguments[0] not in ('--build', '--check'):
        print('usage: python3 recorder.py --build|--check recorder.c')
        return 2
    built = compile_source(arguments[1], False)
    keeper = compile_source(arguments[1], True)
    offsets = dict(built.offsets)
    offsets.update(keeper.offsets)
    text = 'OFFSETS = {\n%s}\n' % ''.join(["    '%s': %d,\n" % item for item in sorted(offsets.items())])
    text += 'PARTS = (\n%s)\n' % ''.join(['    %r,\n' % (item,) for item in built.parts])
    text += 'FIXUPS = (\n%s)\n' % ''.join(['    %r,\n' % (item,) for item in built.fixups])
    text += _literal('CODE', built.code) + _literal('KEEPER', keeper.code)
    text += 'SOURCE_CHECKSUM = 0x%08x\n' % source_checksum(arguments[1])
    largest = max([end - start for start, end in built.parts])
    print('recorder: %d bytes in %d parts, the largest %d; keeper: %d bytes' % (
        len(built.code), len(built.parts), largest, len(keeper.code)))
    if arguments[0] == '--check':
        same = ((built.code, keeper.code, offsets, built.parts, built.fixups)
                == (CODE, KEEPER, OFFSETS, PARTS, FIXUPS))
        print('the same as in recorder.py' if same else 'not the same as in recorder.py')
        return 0 if same else 1
    path = os.path.abspath(__file__)
    with open(path) as stream:
        source = stream.read()
    before, _, rest = source.partition('\n' + _GENERATED)
    rest = rest.partition(_GENERATED.replace('made', 'end of what is made'))[2]
    with open(path, 'w') as stream:
        stream.write(before + '\n' + _GENERATED + text)
        stream.write(_GENERATED.replace('made', 'end of what is made') + rest)
    return 0


# ---- made by --build; do not edit ----
OFFSETS = {
    'keeper_count': 4688,
    'keeper_finish': 5968,
    'keeper_forget': 6448,
    'keeper_know': 9296,
    'keeper_scan': 3856,
    'keeper_settle': 5392,
    'keeper_stack': 4928,
    'keeper_sum': 4224,
    'keeper_teach': 6240,
    'keeper_traps': 6576,
    'recorder_after': 47,
    'recorder_before': 8,
}
PARTS = (
    (0, 77),
    (80, 113),
    (128, 149),
    (160, 566),
    (576, 631),
    (640, 732),
    (736, 924),
    (928, 1187),
    (1200, 1288),
    (1296, 1910),
    (1920, 2229),
    (2240, 2330),
    (2336, 3482),
    (3488, 3569),
    (3584, 3936),
    (3936, 4320),
    (4320, 4499),
    (4512, 4810),
    (4816, 4920),
    (4928, 5322),
    (5328, 5771),
    (5808, 7271),
)
FIXUPS = (
    (29, 0, 15),
    (71, 0, 21),
    (325, 3, 1),
    (400, 3, 2),
    (441, 3, 2),
    (760, 6, 4),
    (791, 6, 5),
    (899, 6, 5),
    (1016, 7, 6),
    (1093, 7, 4),
    (1274, 8, 3),
    (1444, 9, 6),
    (1495, 9, 8),
    (1545, 9, 4),
    (1583, 9, 5),
    (1636, 9, 5),
    (2624, 12, 11),
    (3180, 12, 10),
    (3756, 14, 12),
    (3890, 14, 13),
    (3941, 15, 0),
    (4016, 15, 7),
    (4309, 15, 3),
    (4431, 16, 11),
    (5140, 19, 12),
    (5403, 20, 12),
    (5443, 20, 17),
    (5471, 20, 16),
    (5503, 20, 13),
    (5533, 20, 14),
    (5701, 20, 19),
    (5821, 21, 0),
    (6005, 21, 9),
    (6280, 21, 10),
    (6557, 21, 20),
    (6979, 21, 3),
    (7192, 21, 9),
    (7252, 21, 18),
)
CODE = zlib.decompress(base64.b64decode(
    'eNp9WXt0FFWa70p3kg5EqkeDBMWdDjS7icOuaccDqSNKF3TLvXKbCUIwig9mVIYZ3VkkXYBjHAmVHrjerVFXXXf3nBXPzrrHc9w5'
    'rMeVCT67EkMTQE3CK8oejeFhNw2hBUnCs/b7buXlOLv5g66699Z9fN/v+32/7+LxuH9n1b+4ULvkruV367X6Ev0ufSnhX2fmqR6P'
    'vkK/V79Hr3/wgXvvqW/7c8MI7888cq3Hk9u/d+/eFgUmyxPV3hyZ6PEQc8i7rtg87iXWHT6LKFsmtO397p+Yop1pmMQ78+qbc7TW'
    'hI+35vrHj9HrKD9P+T59WR0/AKudJfyTpiOOo3qaLjinHWddmbXJE4CVLF+aeDdXw/JEVNKWyY13Pr3jiTmvxMUSwnhPuIOp23YS'
    'O1NBq1r1pj7HcZ5mvJXYJ4J0xvN52DPhncTu9VNvUwbemLKLiBqiXTFmUdG0Eme1yp4jym6m7I6q2wtizalEIXV25aYz/mmmGKaj'
    'PJWbTBybmKkIMc/7jA91s9dLzZSPCrohyg/G+IHBg1TdtosonxH7q0Lq5X4FV+oQermWbygh1hPlmZNXHEfakFk/9cOGgrSiLZ7s'
    'Ttwn9GlRrbOhFEZNi4LF22AgBfOun82UJYF48nDiJ8Q+UkS9/zwEX7+DU1DLNxVdURsg5oWC9UHdaSVma2mUlz2XuyY/8tn0XBp/'
    'JuZSeWo2RQo8HkXOO4Eqs0LEVJTchDw+5vF5xf36ffr94xxERi1NeBfpOsEHiJ0tNvvmETwp3wUmv4GE8aeMhDvJjObBV2FnYxMQ'
    'foaIOUwsDBCxMEjET6oZT8vRWqf6YorYp8vU7Sm7t4BohyLqi9DVXxZRtzuKUzJEtIPQBF7NYtNASZ5oXeqLrer2brvPW9IpF9GX'
    '6TxPeTflF+uifCfhHy+905qWzkTBZYwfpNym/CNqf1XEvGIj2kw5jx59BLrD3bzOk0wZPyfCxE3HlaPEgR31FhGvuVGCpJcpPauE'
    'ZxWM8oVTOUp3vHD5nlUtVzIH0zGP9CI/GFe37aZ2NshmCJxl3Fpx5TNc6zx4MplKfKi+lyL/BNP7AHxoZ7l/OK9XbR6A0frdlB/S'
    'l2NAnINoIPzyUmKeDIiFq6PWSkc3LzlGcTiVfQ+GxpJHjVIikhtLALcwdYZZiRD4/Tjj3zB+gvDTmaOwKAF7JFNqcxPCX9zOxB1+'
    'wofQ+EzLGJ3hDnjDIOF7AEXpScYHZmOo1EP5vDhf6E/MhplgSpxs8LLjRHkf4TYRzQfwlKOGaj6AJ4XoJKvyZrTQ4+DewFOm3JwT'
    'TsVhBy+lcn7d2ZudA1Yn5kcBF2X6A/qDbeHUdxmD8rze1Ivxz/jwEpsR8EQZYrcuXLO2GKaOBJW2gchNihGEyRPXrzI3zFLWFZkb'
    'KgvXTYLuzRt9gPHsv110HHxL4VvbGJ5HPKjfHQs7w/am9qkyfRkEb7trd6AhOxME81cTXhYinIUChEdDfiYeWU2saGgWvpXDkWL8'
    'uG5ecdTmZ2CPUT4ULckbFeM883TuGmn5xeMsn7iBCBYqj/KBYV/VXB7xVeL2XCcRpSHpmN2uV7rjyY5EOX4Ce7gCzfjJAXBv9jYF'
    'qdhMpkrwvDfBm+58kn0MoZ2KJR2mxnrHfPjjS46z2LrvmCc8EBe/l6HAWzE87L6iuNJHlROMH8rEL2Fc6HynmVf5stAsq9ZJtiZW'
    'EQGHpzNkmIQH0C0YG9bDheClrzPl8NF8q/RtzDPknUBFxc0VN9+8gHw4+rTvhFWalL37Tpt9xYSfN78q1nY3TEqDKTGM4rwP1owl'
    'B4wy2LiafAPj4UPsyXI4KbQlRjGlAEpneRIhKt7C7SyyfCXUjVdiLVcIHIconS4YlZj63gDaE2D40AC1j/viykEqlvvzFC1bLIk4'
    't8CdcAYdoYGOuBu/wyCnir0qP9+MXoXgBldjNIwCPFsnzQ2orh6H6vF4/oYgDe2GMe+MUGkdIK0LUNZFMSllg2TGszJF2V/5iffZ'
    'jPRNASQklVjPeGTGKwBwGBPyTH1zAsJkGtN2JaYA2UeIttvoRZhHJiAINslQv7eSiPkBon3RMJNoO9cGCe+BFBvuiIsVlVRrM/4q'
    '3J3sACal/OqsBV/sQDvwXcya1krFgkoqHoWP+xtKHNs87zWO54pxltZcHmb1Ey2fuI7wtX6S3uzBZIIrpjenJgw/Jg8b0xjkhSpg'
    '64Ur1wbgmaYLZJfZO5SrcLPybegn2HbzlI3F8CHheXIVxDyafMX49LOXiGc7kWfFsymJrtFspG47yMTmXRJUJ3YE3HTYBTRBhES2'
    'fSJAtTOGT/1jqg1NNoE4rayi1ekwDrU4zmiK0u/G1BK3asuRCoB3wS37IPAJWpCJn0HI31vOxM3IAeWSA8YYBPaQj1cdAe2jYA9k'
    '25ThjYW7xYIaNhH4gWGE90GPL26VbhIL5sIjpMCF9fAbUmPQDgwUC5+KhVPhDhwm8YiigPAFjIFN7MxNRgnEnk/X2o3S9ALiw5B4'
    'RqaZ3kAcY6IxVO5JlDKRQEbJxLlvJ8qJHzB+DF5J1QFin/LqfNYmDOEAnqJad9rJjhE7MojyCLFTUxh01TBAKTRUwslseaRMI+YR'
    'gU1AQNWgG5jAcdASMUrDA7yBhAeynYADc2iiUQI7LMKQykVhP6GYds4I3IbGTmCPDLYunadQOL1eYEzm7XamwD5VZPaq9jFvDJy0'
    'Iveobg4VGBp0zJR4cGVfj4Q1kDGk+jx5qB+yZg0yNLUz1SUNDHwMcxYnpuWmy+UIb6iHpAPCAuQZX0Cy9agGlGPZt5EjzaFCtfkD'
    'idUOoxBC2oh+4GBmAp69mogwqeoiPAGO5p9gdkZzBuHQQV37tGEKmsGv8zA1bT8OtLNgXXpJd9KyhygfhztgBZ+apBi4vJ9UHWTa'
    'F6q5Wb5mgfjU5JOoC0XMw7R21fwVvOAaIbRZMKYNNlyHy+ICOn8c8sBOmAJb4A3XYbw9e0pKj15S1cm0HtX8EUxxp+W7jlX1ktu2'
    'QZ/623JoouDyDVT8Z0jSNkT/f4dex0BfVCuBHBloLzYK40C6KninULLOyexfo+7UThKe0dUXUu4KDYWoh38a3RIF1wM+qhEslQ8T'
    'cctMyerWIkDsiUwAMq5uXlaiz+A4MEcl5W3qyylES3UUFXVc+5+1flqVg9G5q2FRr7sovGbfBlalLbJW2YiHGwBJX7ITd3T2EqZH'
    'NCTVzq6dDJtrCFDYHnp8SksBosoPjVPB2V509qMwE7OMIcBTBQSTF0QRqbJRq8rDrMU4wq+y82FgXMwGCyQKYcHcPwD60fL8JExD'
    'RGMoIBZAcfFQJa3aH+WP1lD7mJ/aJ72EXyDhId4QxfIiyp+cC8o3yh+KkHdGmIGFMxBCoKyQ625AYcwXVEOOIN/LEUy8XC7RsDWA'
    '2NwRkZ7tIhXfxC3fHqoMUQHvSP+J6YB9Gk4B5suMopkokdqgHmEVXTqQWhdGbsGfqinkN8oHIQONsdtFYLfV4pc1oHo3SkyC3LAa'
    'Q/4d5VgmvkZuNYPQvNYPxJQtlcnHrMQfLbP2JOX7iXghha9VGVDwaz/H+uMN2WDVOURrbdilfyBLRKbab+H8cX6O3foWTtnwB7T0'
    '68RaBnFileaA9hi/QrxCpjj+ZWbNBYAAYoVoy0I1iauB3cxIsaxXPnayUpEjJ0p97mrCHr4awjSgw0c1vLYSf0l0y4a/WcVrZ+lA'
    'jcyjvhS5KXzKnVUKqwxp6oPtOazkDOz9zR+gZSHjJaAfFe6XmV8i4wGTFxNzbshjfDS2C94OLlzNeGacF8GiovDlPOrak1DilEP+'
    'U5tlPSkWRKT6Xipf1kOEXCbJAbV5wUins0tNzoaXgYVL/Al9ePWTZ7FYUJMY4RBgPjfAxqc9gFTmNrQCpk/vRkzB2dOywD1DwNVi'
    '0WrkyLGyzT4xAb4CnXHaB9Dxml/Pk6VwxoUlznY7jCnDwoSED0GLpTvgnjai7VGbVyEviqZXZQrmUhRVDFGly5WAUOr2MAEpstaP'
    'Snx2nO+hdq4srvUYN8Kz7hby7NYVaxquQ4qbHAsfZoA3xuv9yCPwT3muiJhZf+55TDJ+YJTQQAzMMYFwYw3hdRtyU8AKpa4VoHIA'
    'E624P5s+PVJHtBHxsmcisFuKJLvV3+E+61qelNY4t1T1pki6Fand8PPWpj6ZUMSz9Yocr3UlHmfi/urw4XHyBbfPZmzFXEXtI5OY'
    'd2sEH5WLZ58jwqjP/O2g48gUY8wk1lKFCi9puvDDxR7PeqnLCkE85Paj21/E7JMrdDP64L48UbbiPmHH341QqD6GKGr6QQjNg0Tc'
    'Wa6/G3FFHFjjrvr35QQtf+L/2aB1UtS7sUZGDuiUxdVQgpbFZ2zBnWONYPdNot7nIvIConVYP96AgL8Rn64BNmTiAchgPcT8TdCT'
    'UHM3Usemzh7jXakIiVhcCXUhqzpMtLaGSaSpA43Hqj4jlq5AZzk86u/+1zxo0z6j6sI9RLOJunBX09eONP6vYfNFxPo1ZJr5ULtg'
    '4TkfpM8d4MD5ICXuqIdfYKA7QFLNr5bXCFkv6kN4jRCxzn+WvAbiNO4lawBHjPeMisKxmx9gTnkbxM/H3NsfQHflIqvM7zqaWnO7'
    'ifIpEcXywHj0OfhU0uLBaFU621DJnsFTm+cDxk6IpqaNiIIWvHZqG8+fh8BBoOP15ZIi9bo4bx+h0qaTW7BJRGp0UTsXKmzQilsl'
    'nwGlVkbFulLG+8++Ftc6jRJgPzVZIft8tcwKJX/oGWVXTCtM620A1h3IXpbtkmYxowPNZkHOfY9p91PlMOBgVrg73EH5srYhyBg5'
    'ZFT+JXJsJUZYEDM1CNH7RgpY7gtl/OeQZ2NAs9FQPRO+kCzvmIBBmLXLMV8H1eTjeOsljBqiJUIr1eTP4BU6Vuquj3UegLeHdV7r'
    'g9/V8OuH38difEMpPJfpYgnIl9pAuHuRVXqWirmdRJvbZaAKp9p+oz9XiD8T0S3yULlinf+ilPL+OF9STpo+2uKy/ffypX63vpzy'
    'K1i1HwAnhE/hJQkg6cFaJn4ewdoc4HSLLNnhsKBg2YhwDyK5SKkNRTHjgxnlW5ArIkbMjM8cUtb5qXlJSei5Glmd4+Dhcfdcwtu/'
    'NEZ18i9hq+Zl7/p94Fbse+qivNv5yGnPvaqbTxFl/S/AZNVIZkHsv2Fo5FtjqlTQKDKvG54886DbS01gqDLzss9owSsJOc30LEo1'
    '93lqHMvOf0WLaJCo1WaM0FwUxv4fGSLcPZIj8ExQ6OWp8mJRpBCRCueFw/7BHCoyaO4/YIFaT2IpokaUheKQHflnxD5eRL3bh6QH'
    'BpkykBm8JFNi4kfEPnILTFvGSi6SkrbhkqI8dw1s0JhEnb1GSZ6av/VgGAE/g1Yc+rNF8f/zh/4dViqicF4W1m062SLjoZIkT6nN'
    'O+VzzE2tO+SL63rKL6PSSUdDtdIg4qkIlL1gB6AeCEUoOQbSgUQgljyqJvFKiIo6wP50qBRF44F6HBMcSPsSk8yUAtV5Y7vbBFPM'
    '9PghR6eDiYdREgapdqlh+VhOAqvcCB5fA6k9MRXm3IB3LS+fQlS412DycgbLNGDZUvytVNTmhbABADkebJyB4uKReph5rjszLA9Q'
    'Pi9hd5cXa4SjiQ+pVbeG8a9A+0MhgeUhKbFRwanJAh+6C3sYP86EUQuUOgFGeMESq4nZ6qfvj93kgj4HpeuDg35sHp837hqX264e'
    'yA7rgW+s9aC9T5MZf39OXvt5m89tdG8qiojUTIoNMXcVcBILbVDL/Tg1EPh8KFsaQ6vxrR4LypWZb/tBlAPDrKSjIhlcNa1InjQa'
    'WsPE+70IuKqeuLptX9xaNMR+vAw+hgNAwwFJXur2NuKGNOqXMNBdmioZKvzuAW5h4bwsGtXk7yQCXnKF5ad4HN4BtAWdRDlB+FxQ'
    'vKW7xRMB8bgf2c2vbnoBdJR4HOrox2B+rV9NbsKGMLHmXsiB21KKllfNidi2rKmcWmVdRFxNbi1LJ44QpZXarVPGcjSD8APBRXm3'
    '+VhomqImmRRRKLPxRPwLMCgDe9VmbrqIlQ3wrwuLZGOBrAuh9rgvFJR5CMr8CgIl3ibswngLYl8NZImxEp6IutW0JEWQyO0jZaAi'
    'MDTl9RTln1PUdkkoDnp0eZeeuR6Le3nxl72Bhm03SCajfDB750GDNR/k37J2WO0deR3GP2biX+R9YcVl0L6u8ushSoaA4eErqu1W'
    'm1+RopYERhsstyE42tAoGyLVeAlKtVa1+VFsMNMKsb8uguL179xJ1T/ibbuajCPR9kPgnPDr2oC66VfSho0IrmIZErOkb1sZt/Ga'
    'VFWT1yuuhWolNbxyCe//VwbcljTeVHlIOjmi87K/uSSTm4zb6Ri3cXmnLuNUTc5BwpN0DdF8zzEYar0kb/SRPRqhM3sj/COWlIGo'
    'DYygAQRo8vRlbPYRK/FmudLNuwE//0i0K2rzVKgqzNvlVcpqQ81dS8ydAL1BtdkDHeJamGMfzCEW+6hVCmJqd+KL7O/xWngUVYgx'
    'Gv4chE5n9t+hJxY+mp3nXnEnPYVYBLyBaBpG0tbhHvdq+PmLw8eRt/2Iv8y3GbfO2H1l3MAx8z2IX6QjeK3mybbI/0uQsMUwzGwY'
    'wFjGqzBMq9lHYDf/C1kJDEA='))
KEEPER = zlib.decompress(base64.b64decode(
    'eNqNWg90VNWZn5eZkEmIvFGDRhu7ExnbRFnNKK2ZDeq8kJF78U0bCygqtbRSNsqebkxmILquEl+mcL2dlR6wtt3u1nP2bNvduouu'
    '2gawMpNA/oDFEAQRWo2gMJMRGGAN4e/b33dfAmFr96yek7nv3fe+e+/3fff3+3330am5XK4809Mrw5NdLmaNupcVWQfdLHm3J8m0'
    'VSXdb1/6n7w6dLx1ihjI66/eHuqKeURX7sjEZ4z5XOzk4pQxbz4TnzGxfW77J7atu5i8v7ZB7DPaz9hHbXvZVCNpuXwYMOnpYu6V'
    'NZgFk+Vs/dSn5jyz/onb/zkq72Wm2MP0ddtZOlPJq7u4bM9gqkb7ftu2n+Gij2kDPJ3xR6e153HfFL0sfcjLtNGgbUq/GToY/zJ3'
    '/3ARDM9JelYyrUv/TUlHf6yQ2f25SlO8kymAHSbSuTJm9zIrFWaW7Ylvtj5yMyvt4dJoi0oDU94dEbui7nYvDJ3cjfmkmZZh6aFC'
    'rqUMGS4P5VuLebKtPHPgvG13kjOjyUVePODnld3RxGBsEZ6qaAgNtJbisYoGcSSzHk8y65R7eSiqNfqiiX2xb2C4Wpb+ZBJ3t4/C'
    'xAayg3EoLo0+Zp0uWO437C5mdZU2iLLVuSvz429en9tMP5Nzv8tzqz1c4HJpynQJ1yoC3HJpuZI8NfPUfuibxkLjm5dGlHWOu5yJ'
    'HWzHsBhh6WyRtf8uLLWPwcvpzHUsSD9lLDjApnWcfAlzu2iDieNM3m7K2T4mZ/uZ/HqNigSeDg3oa1MsfbRM/00qPVTAQu+F9bXo'
    'OlIW1n9ja3bxKAvtxq0eDEi3RorzLLRDX4tADab3u4sH1CDGPEPkuRjk4sz8BtHDxO/nzklW9GYaED1TyhUUevfXa02xm4vNcPsk'
    'rqUpuovRHxwU812JVLyZSUmz5nJWbVT7mLkteo0l79VYev8k5JGpDS2RriV41BNM5aJ8/ZpzDyzpPJ/Z3RtxaWMvYoSovm7r2Ms8'
    'nfWb0xyr6Y/GBz2KyCZSsY36myn2Y0zGY2p95PQJLsf63XoHBdm4n4v3jPtow3ymdsu5ucz61CdnNzUkF9mGddaOFwVT2bfwaCTx'
    'cbyUycSKYkwbA2TMZCyAVDhoimOmGGbiaOZdSir4J5HSOyxanbzTlHd7mRilYJihTHwg2I8rU3QxsQ2J1Tsl/pb1VKDUxcVdUTHb'
    'G8MKh2GSjB06Z9sNYj92B5ORWubu2KUcJtfuogUzZKLjtyV5y8Nsmh1iZ6np2cFUFHN4IZXzGvbb2a/QJrM2+5zUMx42vtUdTE3M'
    'QC7ySByMsVL5pH2IwCIq0uRVeM+sm93cUgTjYb/WPRK+RYv7YT72hSVW23Rt2SSrrapw2RR0r1zhQepnnz5j23SVoqtuJ7/HY2nc'
    'HwnaY/7m6cNlxjyur9vi+F2cgJf8cH8NE2UBJsyAj4mGgNeU321iyYbAdLoqx4Ii4qBhnbf1jucw2wYx2lCcj1dOiMwzuSuV5782'
    'wfOx65g0A+UNYmQsVlXnxmMVuzM3wGRpQAVmqxOVwWiiP1ZOr2AO53GbXtmF8Ga5RlBtJVLFtNY6XBn29uzfUKanIgnb1CNDKifU'
    'INPO2vbXkgs/cWENtcERLteovBVdnJy7Hyk7yMS8QHlU22+K9zIzztJ+MUSPlddxezqT6EsyO5GOLWYSruDTLJXt2rvBEWefbTbF'
    'ocxZeLw+WfqGixJjg6+y8tbKW2+dxTZdaO0cTpYmVO/Oo9b+IiZOWR8Vhba2TumFWxVeiv0YNpIYiZdhEXri15QHm6gn+/dYNe7F'
    'LmSXhoyd7ooFuHxNZSKyk4/v5vu0C1lZj7TUIvqbI+RbJOQjIzx90BPVdnN5nzfPyctFCqtzsxyD0+Ce/21wQpbXO2mOsOfOqQRz'
    'Uj07X7ke+V0zIb8v5UtO6IUQ7iYCvMhvzP0isdl8pGDfXAdm/WzaSmIyOBc01hVMcVFgJp9zKWosQLLES/Km/iq1YhVmKBW7GnwQ'
    'NkNb40OU8uESSopVahEPVjFZ72OhD1q/zEI9LdczsQesHAn2R+VDVTzUHb8xOBhJ9ANrubgimySHr9dUQveZyQpQ7awqLpfCwJHW'
    'yYadNsAo8QO5IrL1u9wR2PayUD52LRMtXta70kWsQ+P2rkyVjDUT++IVpkixamD67EUtPrR5b4HqsoZGc9cB8+9g2OKYeYe+ooho'
    'q307dj7ieDd4agK/bLjgMvn8AKG9fL6PzOjrdoN1ak33ypRKruH1PkrPpAcbysWIg45iASfjHv23qW7yWQkialZutfvjeztte5zD'
    'CIUHiX24UOAAJCYYZkw+5iW3AwrKTTkH7DannG0YxxKMfpwnG8up28+qsyz5sMbEwgA4ORUvwD6SLbWGfHCmAhEucuZkwIeIBTxm'
    'csZ/cbl8AZ6tEif0yMKAB7enR4KHI9jDwY9x37NRuSl9wM/Fg2Zwn7OWW+Je+VTAEzoTv8zorWce2h6HC4h9hny8GDn4VKDcFZvM'
    '8FC52GMKTy+D+NBN8QFUVPURoh0x41nayT6adNgUtt09IR9lLOAlPIAMSV1t4okaE5lNcgdL8GXi54lucZdwoRYqkfApHC9FTkXE'
    'HJb9DqZijU52JjeJJteIOzA6PXQiXnYH+Tum+tS+noE+0Wsdcv+qIF4metKZgvSRSdaQnj7oxm5fnGu17IL4HVG5cg+eRu8NlBkI'
    'bYq7EXEJsZeCyuCP5CEAa9XWSR+tiRTXm4i1dagIqqhKDQkagviwUh5D1DMHxUT9guwbmISpfZD9Jn4tu1DvSBMMgcUKI4nD8bsN'
    'pIdt4zpWFpX1i6LaUFR6o2KIV2cwnpv8+hcNcnGgKhL6pHVqREyKij5u9XjH+iPi7rOGvcXUtiOe0JR64jOKpzjJqo+y0Du6dbNG'
    'OPzfhvVxkZ6oxAWNwrV8FAsL9ejWFNrxGGQa3FdlhD5rvdYEWaSPumkQxNIQT49SPA2xTA0kerJrlAJGoDMs1KdbbysUaAj4zeo9'
    '7I51uNK/36l0TP2ioM2TMXebKafw5OtuBenJDvev1BtfxdYxxJON4ZGeovhU2jS+C/NuLeShEy0qhoWKSE7kmjkZdblW0PJ6sVqz'
    'uJeJp8jLJ7IRRXLOy6dapuLlVh/A0LCGimJTOwsIfL24eQ3C46bw5K7HcNcD/Nxmcskorwa7DDnraSmlQemNoJ27gdYASp40Stsc'
    'rxSpPZb7QTClXCROOLEGexqynhniQSTIAYTvwSpenWOA4mAfT+cQpcdmsvSwH8ttgLCNiAfDE7Z3kCoPCCVQwDDk7wDSpgYwz/4U'
    '5gFH5ZRODhT50NwUVsHoZ5XHosmyPi4LTHEFzbSSi+M82MXTw2XxSTeQzulmdtqs7Lffie/C9EUBpBHh0UnQhYNFXLwLOBJngEht'
    '8rFaJufWMgG5kHwq4Ft/LcY58a9MPruCEqbO8uOnxQsoyV6lOMOqop9QpuVTJp9LUdtx5x+prPh3dSM532ahrtZtDALXeEuVgqae'
    'foUMRsVnZt1rZLP15WhiJPZLeoYl5wV8QCpTnIcQVtQkPmTJ0kzm9dO2zYENNSw0LxCOXQFgt8KE69z6vZ1NKJccUybc1qjCt4/A'
    'ragwfKLJaxCoiMYq+mUNq9puXiIapxuANBNbOHxLJLjPMQ02pyxv34952mbxcSzk1cvJtaCrGPpJsn6YeZSkMHC4iFkzA6745otT'
    'EVsQxDZTZP4sXYMP2Hi9cYEO5HJ4/mHUow2BPKF8hsmf9Sq5kFwK2B82qwdRubR6eHJ6CXe/3q2KEjGgQP1j0kpM6+GhYd06onZb'
    'Q8DDQg2BWv3ZD5SNu8OUwsjnp72oQeGwP2L60Bq/QG+nwwVDfpbo1RNrx/Z1BmTF5EJUdemjlWb16A1UErPQnpZlppxE+vh7UdFj'
    'tB9UWrqutbn1YUXvRMjitCm64Xw/Kz7l6M16gFYZaMQdFVq7TdX5co+wc+WQRFSWJ1eO1+ncjejJWi6e8HJ7M7fS/qh4PB8VT4zS'
    'nEaZ1QPC7dETt2E23O7KFpP2Rw+4xm8iynDJn/rdmGcu3VsCVQhsgDLfERyZS/XAphJF9Y0MEAH9LPLBQXbyJGmt0wVUVp6EoPHk'
    'md2T+wBytO7xttZlZmh7y2RaYt3jzS2PQK0s7Wk0NZDqPiafaGPyh1TCM/e9tdBcZ5h2kqUPFTLtNJN/xbQ26O0nobraUME+6cNv'
    'lXyynIXaalo9TLTVyG9UsFBjLV001nK7m1tnvPF/o9E7+JuEgOTd4GGMVPdAk259qsLU8b6jKB9Hyr/+vqNR26BRD02iwUPndetN'
    '1X8fqowvoojXO/5FKadBveOnqhQ6QOGDeg1tQ2ot7abFGGIns13tp9UZyjUNyZ9SbHj6gNt0/4SCZbofqI3KL5jaAq+Z2B+bzuxw'
    'GO/8f15ggLrKqNjJq3eaYq8pF/jGTlqsM3YM2L9Trd7H7C0U6GwdBdfuzpaoU5TMhSqXyqtjKGe4GDDmRYKDzvYJ7jPlXzcFkQ7/'
    'SdjCQ3+IfZfJH+x5SUX5Z3vG63GunSDRbWp7acA7uLzHy1AN3RyVN0UTh2NfYnZv+6mxFO3PlbWnndws3c7cq5wzpGKubeVWty/3'
    'FmaX+xGTq/0KBXcxffYwcgH/97NQNoairbENmbCTaVuBwhgVyXCcuVc7WXJtbu94nN+JisvVgso/7/zEuB/isUehRVRsN+ZHxRYF'
    '2xfJZL5DJZ8FB4Hk2yZILjtF9T4L7Y1dTqKL3+Z5l4oOaK4cKri960mFmIDX9EdeTM/LKrc2iCwLgsG6lOYJDlwiSLsInL1UV6aP'
    'gLN6Mt8+5eCgl8Sh1xUv4w5H6M+ep3RNZU+S7AEkc7lKRaVOKrj/hEvpUMf7Le9z2elQx/tE4yhkPkT9lFb3zORsm4f6Wt9AmGqd'
    'io3YY71ij7qNytZPohB0a+kB7paKL5Klp4BUscuj0rOZWWkv3GAKYzQ3HIWPnecUP4gTwCRkQhrkw0QQoCOMqiUN4tHp4VWP3qy/'
    'YNzC2g84PHCG6N4bTBEdXEN08EW4LfOdUbV8PVGoziCUC3ZnR0nIojS/9EziT/D/mHEfUHcKZfMu4gCj0UT9ZspfhtWm+Xoz6vKo'
    '9q5KVveLo6ow3oySmjsCm3SDO34Vym7R4g/a6jyPi5mBbJpc8LvxqHExCvS6mBH6umFYLGNip1m8jYmKAFrKWMYDgyXW0F0sfdhv'
    'Fufw5A46Z03nruNB+injwW5e19zEZbi29Rku38wrZefuyNPWigRHzMoPHejpNZPPhJksQj2KKs4TQM1g9frMkB0fprMLD8bcQcSg'
    'xw9lZ8Jzhr099qULBmHe0Qnjplnl0TG7uV8AELPLCfwlA8lu5/Ib/o1e9ewKtavSBwuRzNhneSZriPyx4ext8eMK836pzDe3cQmI'
    'dbYhxJypr9sX1bYBsQq5tpNbda7Y33ZS8cNC3Uyf1U1HVPq67YZsLTe1rGN9hzTUsSxLPlGeMbNYgmytkEbF2L2KTG2W5jjLl2ea'
    '4UPDSw0vl278asF+LiZzcQ9E7D0QrPeUA0cYcEBPPIylZavVOdvAg39OQSBvIHLnU/KMpQ42eTOT3wIL/JySh2ndTMLRs8KKyxJS'
    'kcBcENA9VagK6GQPhWcrNvI5qsfQnutXVej6V+6i6nn/KDQcwCxNvaTFgGcoqZk2QCrCz5KzGln1gCmO02VTpuKYbSP3G7XlN1CN'
    'V6s00lFTPuTNGJ/RUqg2jn9RHUIl+uOe4L7cV/Ey6kY6RPre2CPJWdhBo+eWf8Tq/knt6z0AKNM5LNx6Ft4UEUxtczMTe8Yd0z1+'
    '/jEwd6xy7/SpM6LxbHc21M8vFPPuF1Uhb71jo5jnyYpBJic36L/tJwIIs3QWSHks9gAH/qOyI1DD1PSG06qq38vsvvg2uhW7F2nm'
    'Q6142izuYaLGOeaZCfmAzvgB6oR8LYYe60N1yMRtrHIAEJS7dswwhDvuBwe5dapIf6Grsiv39kOXfN+Yp7jgGEnEjYTQ9jO2PR+q'
    'ZcJhBJVYFXmKsthBEzcr3zf0Fzabof6wvmaL0fEpAAp68Rr9t1uZM2rsMta+lRr0LUJciY3EQq+QZ1rfeAjjTThCNu6/IEtRFrR/'
    'qjaWdIogSP5VTimwmmJ0PZNru39MN8A0QnUZ4j0qepA5i7MHlbf/rtYVvw0/NRpD5i3uvIPuXjMYIYchEu1deCusF5qPjALJ9edf'
    'pfL9RyplrRVjpq1R7/JiDEDXudeBNcoSvU64B/X3GvUYyjQuaG74UTO1NtLVXcuuHGu59MTttMuW4g+mADWnFyI/nx4CwC82pVyt'
    'YOQjf5TO7ovTplhDd+aIH2yjdebWdboJRSx7RO+4v1hxXCMdzCZfDhBWKYqCKmfiiD23nEyyRztUj2vrT+tMsXGB4v6OwCo101+3'
    'qfqmIVDOhKQPSWbdRuJFPXFYuW4jKQ7s4A/V2ZdFV84xmFVL60az/dQzqJVjJSoJs1u8NPrHTCpqJA+LI6ZYHGjqvJy++Thl4+JA'
    'M/1p0wuDg6RU+p6+hT7/3Mj0t2KXuZJPD4RX2MXLy8R75tKGs00lqOVrsPFjZ5tyBdAOdjr3NpFhE+nuNuu0tizCbrIaVaD64iG6'
    'W75BHcZW96EQo9MY9CtY0lnXhnC9DmAdALrAlFWu0Mqimrb9qcBiWoqeCKrvLvcsiFaeUkf07nsao3UhPXGNug+86vwu7QCE7vym'
    'UgooxU9fdfq8UwsQtIF9VijqoJMl55y7cwIFpoGEjAQOfeOTKHR5ZYqrD255LgECp2NTFGGEJ6n0y+1Rh1o8ZHjjt6nBNxXUj83A'
    'TK5V4R2bxBS80f6miq66mzhXSJxj+AkCL2OWpIBr2UOFyl1cGP7YMLrBAH2xSbgszzXwXqOcYGzcshqQ1lqCMTd4x8dqmwL9rx7A'
    'vHyxcdsFWUm25axmw2rzauQAOEOdq1Mb1ZW1eqxdhfaPx9o1ynPxOJPNzSyB3B5Amk/wmVyTckC0R+nCyi5Wt+YV3GkpYdOsTmWk'
    'C+bUGU9y5mp5NbnvpklOLRkGRtXN6EOBR+fALr3jDx7qMDGb5EwtBxReoeahKIkIRqrvIs2N0GXxyViHD++8rt75Ox9lgN9JZ5dH'
    '+cIavUv/hxfQNmRjKTI55l9enBiMl5ny5lzAOg2RhBZY/nve3FRT4q+Ov75cMbXptk+NwMSW2K0RLD0xR400iSYIrps/Sokc6tKf'
    'vVXdn4uZzSiIko8q1Zjhst6GwEI6kOQXPgRhFQvGcjHspzUxRIQuyumi0Tk409elqNHIgyn8LMDPRYc7nbMWmUrnBaVnNX11e8Wt'
    'ZtBkJgNdygav8wTiVztW6iiAk8mSgWZ57OqL1jhpfyuvZakcpBOQAKqV1q8oE8rr1cPKtcl5hdiOR5R3HVR0M22Lgcfwwhb92Ro3'
    'vU7jJumcVvSy5Ix0MBUabb1TwslzwZg9HlLcpnwASrvsCjPZqJmoPq6lGTCtywx28Ylr7MoFUbLn3uLQD1Wu2G3kc8brsF9jX3Ze'
    '6TODqUteSdlmYCEQkb5WvVSgDlX1jhcLyDFOjkpJiTlh8ROSNrT1zyVsETT9NSRfwmbdjB69I6IsQs1Iz/dzB5h8jeRFYiRWzEKS'
    'joxbxjecJ3ttgZPmtZD0Ct/MpGeVQV8IrIGx0xQwFPJfzoJmnd5HAaggckOnKFulEBNIfdMsvyn/kZCDnzxOZ+BVwG8uPNvogSrp'
    'Ep7n6G5Ngyh7buycvUrUyCJDuMTtwFKalan9esjlxKhCnQq5LSV+bPQ0EXln1Hpfv8hVDnFnxuaJuiIGoBMGaiZ1hmaTanwK9ARX'
    '+NijL1+gMuZ+WaEcCnNWDWnonNSFLBILrdAKqnGBzfouspmmJzaocWWt6voPVSheZCxFUkpY0p9m+tM2lpBBG24KDTxdY9kFy28C'
    'XZVe1ZA0BowVo8XLpxpi9GtLzc3EV2bxwByBJviqF9otpzwIcw4ZEW2hTYwVTFm2ptygv5hiGnmCpkiLnsDa43SN3rAzR4cDisZZ'
    'CFulbmmVbuVPIif3jhANxYCuWk/dVfF5jlsvcbmwmjTFCoA7q3lsQPp++7mjAn0c76oT7ex+Fap5AQjbhdiDGur+AXmFuJrCVCPL'
    'npd3GqJsI10hf/bJr4oZL9IFMrDiHWwRyshNlKTCR/lICkE6WUoJSkIEeYjgUDaxkyfxhjOJ1yiv2E2erQ63g8qZ87lXlj2XLN2l'
    'bso1Ks7Jsq2MPmfZqB/wo7WUM63ez0L16qirvobV1Ve1FDO7X088pk7w66uy36aGbdHHyex8ardvpgT63BKIT/jezjeNb/MxzcrE'
    'LjrdayLpmvTkTemXrJyyGs0m+gckXqD1WULrqL5uM4qeURBNuegD+kaDedzrnQC7sLCaEjAj6d94TFXnoohTXngduXXcNY7HpV3R'
    'usq4L1r3uDdeQkeVRp3x+RD8ktqf9yoEvlGBL5AXABxNlk1XeQ4Anoi9BkFvSwcaQF1+Ceje/n+D7pUTQFdf9x7KpNyNhLZbuPUE'
    'wPYvo3WPjsGsqWU+D2bP6gn65yZZj/pW1a93nDlPH6MnBOV/APCcPv4='))
SOURCE_CHECKSUM = 0x5d068469
# ---- end of what is made by --build; do not edit ----

if __name__ == '__main__':
    sys.exit(_main(sys.argv[1:]))
