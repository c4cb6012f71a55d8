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
              word first: one word alone is no block. There are no tombstones. The first bucket is one of 64
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
    ('SIZE_FIRST', 0), ('SIZE_SECOND', 1), ('SIZE_THIRD', 2), ('SIZE_PRODUCT', 3), ('SIZE_PRODUCT_23', 4),
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


def place(areas, built=None):
    """Where the recorder's parts can lie -> list of addresses, in the order of the parts, or None: no room.

    areas: list of (start, end) of unused executable memory, at most 2 GB apart, best also from the stubs. One
    piece if an area holds it, else the largest parts first, each where the least is left over.
    """
    built = built or Built(CODE, OFFSETS, PARTS, FIXUPS)
    free = [[start + 15 & -16, end] for start, end in areas]
    for start, end in free:
        if end - start >= len(built.code):
            return [start + offset for offset, _ in built.parts]
    addresses = [0] * len(built.parts)
    sizes = [end - start for start, end in built.parts]
    for number in sorted(range(len(sizes)), key=lambda number: -sizes[number]):
        size = sizes[number]
        fitting = [area for area in free if area[1] - area[0] >= size]
        if not fitting:
            return None
        area = min(fitting, key=lambda area: area[1] - area[0])
        addresses[number] = area[0]
        area[0] += size
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


def hook_word(number, kind, size, through_argument=False, resizes=False):
    """What a stub pushes -> int. number: of the hook, 0 to 255; size: which argument is the size, FIRST to
    PRODUCT_23 (product of the first two, of the second and third); through_argument: the block is *argument
    where rax = 0; resizes: the block is the first argument where rax is no less than the size, else none."""
    if not 0 <= number <= _constant['HOOK_MASK']:
        raise ValueError(number)
    word = number | {PRODUCT: FIRST, PRODUCT_23: SECOND}.get(size, size or 0) << _constant['HOOK_SIZE_SHIFT']
    if size in (PRODUCT, PRODUCT_23):           # that one by the next
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
        generation = self['generation'] + 1
        if generation > 0xfff:
            generation = 1
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
    for number, section in enumerate(elf.sections):
        if not section.flags & 2 or not section.size:                           # SHF_ALLOC
            continue
        if not section.flags & 4 or section.flags & 1:                          # SHF_EXECINSTR, SHF_WRITE
            raise RecorderError('%s is not empty: the code has data' % section.name)
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
    'keeper_count': 4736,
    'keeper_finish': 6016,
    'keeper_forget': 6496,
    'keeper_know': 9344,
    'keeper_scan': 3904,
    'keeper_settle': 5440,
    'keeper_stack': 4976,
    'keeper_sum': 4272,
    'keeper_teach': 6288,
    'keeper_traps': 6624,
    'recorder_after': 47,
    'recorder_before': 8,
}
PARTS = (
    (0, 77),
    (80, 113),
    (128, 149),
    (160, 566),
    (576, 668),
    (672, 908),
    (912, 1206),
    (1216, 1304),
    (1312, 1978),
    (1984, 2293),
    (2304, 2394),
    (2400, 3546),
    (3552, 3633),
    (3648, 4000),
    (4000, 4384),
    (4384, 4563),
    (4576, 4874),
    (4880, 4984),
    (4992, 5386),
    (5392, 5835),
    (5840, 7266),
)
FIXUPS = (
    (29, 0, 14),
    (71, 0, 20),
    (325, 3, 1),
    (400, 3, 2),
    (441, 3, 2),
    (769, 5, 4),
    (883, 5, 4),
    (1004, 6, 5),
    (1290, 7, 3),
    (1473, 8, 5),
    (1546, 8, 7),
    (1637, 8, 4),
    (1707, 8, 4),
    (2688, 11, 10),
    (3244, 11, 9),
    (3820, 13, 11),
    (3954, 13, 12),
    (4005, 14, 0),
    (4080, 14, 6),
    (4373, 14, 3),
    (4495, 15, 10),
    (5204, 18, 11),
    (5467, 19, 11),
    (5507, 19, 16),
    (5535, 19, 15),
    (5567, 19, 12),
    (5597, 19, 13),
    (5765, 19, 18),
    (5853, 20, 0),
    (6041, 20, 8),
    (6200, 20, 9),
    (6487, 20, 19),
    (6956, 20, 3),
    (7183, 20, 8),
    (7252, 20, 17),
)
CODE = zlib.decompress(base64.b64decode(
    'eNqVWH90VNWdn5eZJBNMeVMdSlTcTnBsk5bdZlyP8iraeTAj98IbGxQ0ilZaWxZr3YNkHmDFlfAyxdt7XrUVtts9u7Xn7Okez3Z7'
    'rNtKg1qdSSA/EGoSEKL02Aj+mGEgpLKG8CO8/XzvIxB194/NH5n37r3ve+/9/vh8P99vIOD/ndD/6nTzktvuuNNsNpeYt5m3M/FB'
    '8XE9EDCXm3ebd5kt933j7rtauv63ZUyMFHOfCwTK+3bv3t2hQdgo0wubk5cEAswZD66tdt4PMveWkMu0J6Z17f74n5xpfNg6XfSP'
    '6s/fYHRmQ6KzPDJ1jbmMi1Nc7DWXLhNvYLcTTPyx7bDn6YG2095xz1sbdTcFItjJDfWw4OYmbM9kA++YsWHR49sfueHnGbmEWWIo'
    '0Wfpz3WzQrGeN3aabYc8z3vcEp2scCTGr/7xKM7MRD8rDId5sK2IN0vrZXIuM87Zc7hsW0FS3ehTTNtlabtS+raKdHs+W8m93vJs'
    'S7xerIY4LvLlGcwrMCefZM6pkP2q6QwHuZMPccnXp8T+tHjj5H6uP9fLtDdZ4Z1KHhRhjXbqk2adMdpaw9xH6opHz3me0qHlfjOM'
    'A8V4fVcmN5i9R5qzUkZ/ay1WzUpB411YyKHedddb2pJIJncw+3VWOFzFgz8bx9cvkgjuhi4nUzRHmHO6Yl3M9DqZ01mbEtGnypeN'
    'Tn42u9xDP5eU86PcaUtWBAKakjuNa3PizNG08rRRehyl5+X3mveY904xEBMfMnmDJRdGmFwYY/LrTZbogZ6jzOjXt+RZ4XhU35Yv'
    'DFcw40BS34KpkWhS3+ZpXs04M/ZjCFYp0dBYzSgzBvQtnfq2wcKhYE1/ly+/31wqxrg4swxSq5k75yQXu+EIey3p/oLs9uKkqZn+'
    'XCcTb3PRyQtHruIJvAyxgSJeos7w1/CeqR/ghXeqrKC7kbSjnSLb3QjbJQZNEY3n8vb3mNyqhLrzNV4/CP1XZbRBFsxtVD7Rb2lD'
    'K2VgJVaGEvnyIr796Ym7VnacK+43e0JxTXnR23C013ihFLOuVuebsmNGe5N27IPlcvnsK/rLefZP2CIEZyO9qvuad5p3kM9/BIe/'
    'nTlH63jhWNCuTuRLpyBBLlzFxAQX0MH+lLvCM52zXvZwOveuXctkbmMNDgDJg8xNxaNMhOJM1saZOG6JIynxfvE32JjBOrm83v5v'
    'dCGpM7kubIleMphlFO3XESd4g03Fa/CcHt3+g7MhHg1kxHQu1oazLexCYFnCS4l3eOF4CDaexuSWPXRb0/nga7DDOBPjkHkVS4wr'
    '0fip72dwPw0ecaiKaf0s2L6HdLJy1ElVBjy6AuzvqDt4iTzLjelb8+Ww6e0uzYSFmLOjzvc98xvmfVP8j4tRs22Y8MASebIXQIAC'
    'gGnj1o0LV6+phtBkTOsaS35Fs2MZaOfKlc76OdraKmd9Q+Xa6ZjevDEEny/95Izn0Vue3i7sYN7JxGg64Zl34CJXnrcMbBJdBkMo'
    'PHKONjF4zyf90IqHudjBC0fhiTsgA5/PwJvvijssaa8yvT+mcXpn3NPbf44jp8R4qiZvRy5aUm9/UjljKj6HiVQcM1Y8khLdsCes'
    'msJQXfHgWc9LSTxhPRPdQAF5syVvDfsWUFbt9d1g3BK7yKjT7d9ncn3ZOpKGZecwDGnF/4J3lBZrhN5OLl9DKrkJb6bXW2qhGMmn'
    'c56lp0dvde/5CA5xKDHGpVQeLp9W8VS/i24Nh4WBxdJ4hGuDXDtiiQPFA2coxmi/OlN0O6M6pucwiTXuai/Xnf3OxUBKjGX05/ZQ'
    '/PD6Poodrg1wrURx82NIme/WvkDpCtDdEamvv7b+2msX4NZs74hbu5Um2N6i8361M1xtdLdO74HiKCozYpcJAM6N2VFcQs/9hjz1'
    'VZopteLWGMtecD4NDj8nkP0CbjWJBFb9IeVZQAKtnwedi36rmfrLY6RdeOz9Y6zwPmJ5P5N3hH09VyskL9/y/xFJp9Hb/zShnNEP'
    'h1Kz0j9ioOlTMcDFX5jYz8UuzF/wwGVIMwNwzgFOSa0UY1c/qVJc4Z0wCz5J+Y2LCiQ0nbk/DKiMWQHvsaeNWvrz0whBZllGb3Ym'
    'kkWSGbvsYQqL5DTyiE0kRt7dwOT8CDPebr2GGd1rYgBapOhEX0Yub+BGl/3FxGCuD0jOxaUlF19sJzWIXsud1cnlggYuH8THI601'
    'XsE5FbTfL1eTlM7yKKSGmTGavYKJNWHWszlAyYh27Nmcn3b+MXfQnkUY1YhssXDFmgieeU+FmnKGx8v1fla/iWAGx26fubEaH1L8'
    'fQYYEWBefvnU9LWbySf7FRQ+mf9kMtlvyc29yqWObI/46XQAsMJkwE8xEW58aIf03+e7SGXTAG9WfafXZx/o8LxAoGsSPyi1Zdzm'
    'OsJ1BepiLzCDkQYt+a2wJe+us+S1KnQoyMOsYzIWcIbRTONhcCdNhT/Qyw6mE4NywVzrEkS8JcYscQgzoYxbu0kumIdHpOCFLfiN'
    '62mMA7jSiWPpRD7RR8uUOxKpYGKBZSlM+opdA/AImcZOu7ZnAQtRTPxQpa3hSIaCYkO8LpCttWQ2XpcSxYwIdRMd+awl3sMra3yD'
    'IT+ZYs4mJgmgcIsm09vJtl9ME0vjSVbIz7QwNdeCl2KgATcrqCsVN1BOkjQEdGgC77AkrcNI0q5NjIlWlhgr9cMPnPFL7BqcsIoi'
    'qpzCeeJp4yM7chMpO0szKtYGTJEn4vVshT1D7CwUKwrHqpxhvfBeMA0jLS8/CLytsA1MXKP8waeNQ8qtgeOjyCfs/hGwlLlQTowX'
    'ik01rRZsDJnV2Vnl2Wo7JlpbkJ5AbEDvxAKmANLS3iu9QIDpjFfq7a8oX+2zKxHOduoVj3IYQPdSJhOscYCJLEHvH7FPkNQZw6Vj'
    'pvF660wFyqZIcKcQpoWFErTLz5pejw/X2p5EH3YI6TlOgStGWON+y3hbdzar15LzTrWee5R4pUwHLGOn7vw9XmiPOOksljZOtl5B'
    '29IGpngYSaEbImgEb7SPJXaWjlFIiGHW2G8ZQ7rzZYhY5IausBqH2U3PYU7/QZ1GwJ+Kr+fyP+OEahT9v4s/S4G+uFk5cnJsZ7Vd'
    'mQHq6rBOpUKdo6W/Jt5qHGWiaOpP5/0dWiuJT38z9UQKpod/NJGzNHybyeuuUZjuLobHHilGkABMZ0JL/ZDWQR0NXHTpP82TtzSl'
    'iJFnjD+tCfPGMlaXL8WmQX9TvJZeAKLyDlXrbKTLjYHq1HTTiU6cJVpEiuTGiTUzcLjWCMfxyOIzOyrIq8IYvBzGDpKxH4Qky7XH'
    '4U/1CKagBQhuhDv3+pdZQ3FEX5XmY2FGXg8NZCuxYfkn8H7SvDgKMUxuiEfkAhQn9zfwxn0p8eBcXngvDIoQZOI0iJNoTVF5khKP'
    'zmOJ/pS4P8lenEQGK1H0WQZhHVhWPwK6CfmBfSo/WPKndcobnomQb25PKssOsPq/ZNzQa1wb5xLvBP/Z2fB9nsjD56N21TVEqbpQ'
    'z1j1AyZAbYAityKR/2T9Zt4JNooMdBHdzgDdVsnvzmXS2ah8EtzD3RAPb6+jMvOX7EYnhuE1YQBTqVYlH6eBfozimqNc7GPy6Ty9'
    'NhZRQax5i+qXX6kBd5nHjM7WXvMVVWJaeuG3JD8jPrJu/C2JbP01afpZ5i5FnLi1ZcCeJc6xoFQpTvy5uPo0XIB8hRlL43OzlwLd'
    'nGS1qnf2eCVF8QkTiUM6PoccEqsQphETH80VzQ30y1JPrP+blaJ5jglotAL61uRXEsd8qYplFVnbIRzPs2o+xNmf/yxpFhkvi3lx'
    'iE7xXUI8IHk1c+bFA/aOi6cQO2HCVZYoTrEiNCor7xwlBnwU/A8s76DerupRuSCpKOLt6mUdImSCWHP7gslJr1fPXY+XsYVLwlnz'
    '/O7/coKKDz1HEY4AC/kB9nHuWijeRFqg9BncSCm4dFyVNqgKTjK5eBVh5IU6AA44DV+BZxwPwXWCVAAQ6yj6bknSbsaaKBU6LHEA'
    'I67pwTxdzHhNb19JuCjbfqFSsCATsPpxUD7an2pwbciSSJHNYWLu12cEKqtyNGMM2V/Cs+k3Aqwbl69uvYIgbkY6cdCCv1miJUw4'
    'gn915SrmlMLlH1OSCQNR4mNpqGMaE/ZqJpatL8+EFmp9LTg7kMD+vPze0ubjquKIgCow+dPAJUA3VCSD+o/onMs6HlXa+Oh2PZhn'
    'PZ0E7XZYdLYdUglFPtmiqfXGQPZhS97blDg4hb7Q8a2rn6FcxQuHp1vBZ5L0qJ058RSTdkvxoZOep1KMfQ1zb9e4DLK205+/NRBY'
    'p3hZJchDeR+ZfQtln3Kln9FP7h1l2jN0Tpz44xGKgmWcE8E/idAENV1UZ76U9EkctHFbyx+UgI5P2P96cJ08D26cqyIHPOXWJlDy'
    'aObqJ+jkVDAUDk3nwaeSqoHReZ4/XkUO/yV6ugxoaMlvIIMNMecfYoGsXv4S9wrce81+STFCJm9tQI1pNR5kRlfrdNbWR8qzGt9k'
    'rqlhsg6P5ku/+RrGjDe5vvA1ZhSYvrC37QNPKf/7OHwVc7+PTDMfhcwtiNL5oD63wIDzQSVuacEvEOgWUKr5TQTNyKPED/GaZHJt'
    '+AT7JchpJshWw48sMXSBFF7sHAE5VTdJnEr73SN4d8NiNxr2Dc3deeDurzNZrS5MV7+Bnmo6AhStWn8XMdkP6dbOqYjdjWhq20he'
    '0EFtq66p+HkABgKPN+9QEGkuy4idk1DadvQJGpLJuaZsnmfhQkByhWeA1IaUXFtriZETv8wY/XYN0E/P1au5ULPlxnOfD1xAV0or'
    'ljHcCtQdK02ocQWzlNEBs6iv3vsU0u7j2kH4wZzEYKKPi6Vd48gYZUJU8WfC2AaKsBhlahDRe4j7pSjgQvFi+CPC2TRgNhVvsSS1'
    'IWhKYhFl7TrK1zE99zB1zaQ9lxnZ+Ao99y28YmKF6dvYFBG8fdsUzSH8rsJvGL/fS4v1tXiOmnIJ6EtzJDG42K09weW8fmbMG7CJ'
    'hXNjnz1SrqSfS8gs6lLlalM8UMvFSEYsqWNtO57w0f5T+ZL6L1yco0L/DRghcYyaMPCk+5ot+XdJKsXhTtfFVX1vEYO1Jol7jMBF'
    'UW2U55Y4WdT+G3RFpplTDDnj2towd85qWbM8V9XBtPj8urvOUvdQtWVyX8BRnYngur0wK809dkb1inZ4O8u/MJ3HmLbuAaisicAs'
    'RvNXjU9+a1+uGDSRzCvOCy/e589yBwgVdSZCdgd1MpSY2aVnVbuGni/PUMn5r6QRA4lab6cILaew9v/IEKjlz+cIuhMKvVGubalK'
    'VpKn4r647K+d8Sqbl/8dGzQHsreT18hoPIPsKN5EmVzFg9vGlQVOWtpY8eRZlRKzX2aFw9dBbNSqOcNqus6XFHXly3BAezr3dts1'
    'o9z5QYDCCPgMrjj+SQP6/TMVPrLy8yXIbTv6rPL3BpY7prfvVM9pP3V2qBfftJz6amOsJxVPqgvLx5LUPywUAS0INZQUYz2RbCSd'
    'e1fPiRCR32Xw7dmoBOWGN1poTWysJ5Sd7uQ1VN8bdvpDEHFNIIwc3BPL3k+UL8aNs63LLuYcOsZ8JQ75CPQlCrnrqR3jHFOJuv2f'
    'Q5SZcALNrqXfWEDPXUVjbTvoXlPun5HfaYHgeb5g7A5PPaW8alaQSoB39fahIAHXstWWeAf0HrUCVYCspkAkTc/tC/qtAEVWnE5c'
    '/DhzrTgYSZbi+CFF6xkVcM3FdoAYRXQzv0BK2asXfATrVljyhWEyceNQRn9ur/W3oE5Q7qwqVYIWg0DUAxl38biCDX1bF/ODiZhD'
    'AkDTzbUil2EF3cXrwHdVuabnfqRss9WndK9T61j0ATAwybQjTMwD16zdJR+JyIfDhCthfVMnGIx8GBUs+LZlnNNzz9NAgrnzTpeh'
    '0bxmjOrOV2lsaVsdd6MDTF7Kboz2ZA8zDWV+58wpPU84PqgOF4PO9+KzND1nKfpCBHcpKeZt6rVCY8niC2eopgDyKcvpue0VRHDu'
    'Beu/Jx5TGQDpv56huNrUU0E3SlE8H2YyswoIPSXaCuWgVQM3PBxNuY94JjVnqUcAUF3kWhMBFSWqS8TFWwBmanarRuCQqTrrxSv9'
    'jH58huJl58uFTp+hRVmiB6xL9fDEhCV/pprU9XvAQH3+NcS0IpXFhZEoNz7U2/coark6cmHgZX8gdmHgV2og2UTSudEJ96Xk4xQ0'
    'auUtdkMP+EL131MTXc9tUPVyUSOKlja69U0PkULF/kVXvzyhWmWFEZDHD6qos7Yo+LsJRRC1c0wbofRPEr6qNlSNzE7VdNNzX9R8'
    'hfoxvg/YYokVEX+kh1pKAdaTmyRkpd+dVVlIBd9sCr6M6qafj7Q1hEwKVxGSq9/DUner0hLBwDZMllbgn1wSBfuMTDoPmGIuP0HD'
    'IeZmn6/TBsUg3O0fGbyv/QgmnJtVz6PF1sufY043PPWk3j5AX3wOMvZChrw1xN1asJ5d2bdLWcxcdEJySZ54C/HTX7Ixk068W1pL'
    '7nbe1Q77fexcoJKY+xtTZvrOz/jN3ZfOTF5NMWPlvMXPlPzy4OVzU5ZeVOZm+qYnSd2wQOk/pq4ptSiPV0I6xugRHl2K43z/A8Q0'
    '8bA='))
KEEPER = zlib.decompress(base64.b64decode(
    'eNqVWg10VNWdn5eZkElA3qhBo43diY5toqxmlK2ZDdZ5IdF78Y3GAopIrVXKRjnHjckMxC5HiS9TuN7OSg9Y22639Zw9/ditu2jF'
    'GsCPmSTkCwshVERoMYLiDCMwQgkBhLe//30TiFu6Z1fOydz37nv34//x+/3+99mpuVyuHNNTK8OTXS5mjbmXFlkH3CxxuyfBtFUl'
    '3e988T95eeho61QxlNNfuSXUFfWIruzhic8Y87jYwcVJY+48Jo4zsXVO+8e2rbuYvK+mXuwx2k/bR2x76TQjYbl8mDDh6WLuldVY'
    'BZNlbMO05bOf3vDkLT+LyHuYKXYxfd1WlkpX8KouLtvTWKrRvs+27ae56GfaEE+l/ZFr2nO4b4o+lvrEy7SxoG1Kvxk6EPsqd//g'
    'IQw8O+FZybQu/XclHQPRQmYPZCtMsS1dgHGYSGVLmd3HrGSYWbYn1mN96GZWysOl0RaRBpa8s0G8G3G3ezHQiZ1YT4ppaZYaKeRa'
    '0pDhslCutZgn2srS+8/adicZM5J4yIsH/LyiOxIfjj6Ep8rrQ0OtU/BYeb04nN6AJ5l10r0sFNEafZH4nug3MF0NS308ibvbxzDE'
    'RhoH85BfGn3MOlWwzG/YXczqmlIvSldnL82Nv3l1tod+JmffzHGrPVzgcmlq6BKulQe45dKyJTlq5qj9wDeNhcY3v+hRJo4yeYsp'
    '7/AxeYefyburlSXTpSw0pK9NstSRUv13ydRIAQu9F9bXoutwaVj/na3ZxWMstBO3elkqQ7dGi3MstF1fC0MPp/a5i4e6nfGHjLli'
    'lIvT8zBqEUtMP8HFO3OY2GHKu2vYxnGHw7JdTD7/IrnSnVhB+xd7uejiqYNX8WAXQyxsT+Oi1Bq5DddmxTBL7ZvEte3kylvgyuCw'
    'IUoD8WQsxmSChuFyVg1zx9VQiXs0XjFIb0S0YQocrWuxIQsW43FPMJm9i29Yc+b+xZ1n0zuNPk9AG39b7DX1dVvyg/BUxm9e4wyd'
    '+hBTp2jqN+DMeDK6UX8jyX4Et3tMrZ/sPG5l4z7jXsqJ40iIOcz6tIynDrljRcFk5jQGknc0MXGGiz9zsbM+0WYblm1H9zfE7dgU'
    'JuMrirF0DD7MEvWBUiY8ASanBOrFWVMcZOJI+kUKJNGLR/SOX5Dh5FQmn/KayA040AylY9uCA3QlTjGxBcHUNzX2prU8UOqKiKlc'
    'POWNLjjvgHoxZooPeepTD5PrN9Mu4dcSw/roNrhmkMl5MObazY41b9ew00nIKaamuooF1Yw82MMr/rw4V2d5HrZpE4gIS+3CDiZZ'
    '3NafT2a9hr0tM41Sz+opcwLSeND41rmg5CKHQMRcK8dUto8QeEREikwO05q1dzS3FGHYsF/rHg3fqMX8EVjoS4uttuna0klWW2Xh'
    '0qnoXrnCg1TIPH7atukqSVfdjj+YyDUEbeNerPhLec/AJ6WAqzMIy2PwUTVDJP2P0BRmwMtFD+yDcOzBGHh9Gq6ceOwxZazJsLc2'
    'iJxhjdl6x8+weFi0vjgZ8533pN7xnLJffWA6E/UB9JgBX73odfxZj1tl6S2f23a9RAvPw7nRu5n8uinv8jIxNu7VfgoDRv4adJz6'
    'eiQ+EC2j0fAYomOQouO3iI4M1wjdrXiymMxRiyvD7s/Mp3xJwkOm3pC7K7HwOCy8j1wcHOVSqgh3r3FycG7AR5mD7SNyKeGGTfFe'
    'uvc0JRxNWGaIXiun47npTOLhRLMd740+fD6hgqMRfd3vKXl4xYCTOCpnLQxRl5jyGmZxiS7W6auouKnipptmUUDvOJyY8jx1sB1p'
    '60CRNVIU6m2d2gezKYAVgwZgOT4aK8UW9PjLFChvU08mhj3jXvRc4GkI9+mu6Fe4XKNCWjbUcLflRPFszazYx7AipvUvzlmeRs3Q'
    '3xgl2yJaHxllqQNI5p1M3ut1rFyk4D17+/9nSFqN3rH3jApDJxUyjcr6iP/qC8c/J//tJMI8z4fM/QKx3zyur+uf42Sdn12zMqfS'
    'dAS01xVMclFgJp51KSotQPTESnKm/gq1ouVmKBm9HPwRNkODsRFKiXAJRcQqtYMFlUzW+Vhob+tXWai35WqgLVi8ITgQkQ9U8lB3'
    '7LrgcEN8ANjOxSWZBNl7g6YivN9MlIOaZ1VyuQQDHG6dbNgpAwwU258torHezB7G2F4WykWvZKLFy/pWuoilaN6+lcmSfDO+J1Zu'
    'iiSrAofc8VCLD23eV6C6rJGx7FXAolvJrlh5h76iiGiufSuQQYHRAxM4bULayueGFCg+10/D6Ot2guVqTPfKpAqsgxt8FOcJzxCT'
    'iHMQ2xFs4ETMo7+e7CablTAbNDNoD8R2d9q2y9Wdx3MuhontuLAJ2fOwzph8zEtmp0Qx5Wyk9uwytnE8CTD7UZ5oLKNuP6vKsMSD'
    'GhMLA+DwZKwA1CVbagy5YCahAmAma04GAIhowGMmZvyWy2Xz8WylOKY3LAx4cHt6Q/BQAxI4+BHuezYpM6X2+7lYYAb3OHu5MeaV'
    'ywOe0OnYRUZfHfNQdhwqIOoa8fFiRN/yQJkrOpnhoTKxyxSePgaxoptiL5i26jBo3i1mPMMkoRQWHTaFbXdPiEcZJayZG4BsSV5u'
    '4olqEzFN8oiALU2JaAIeqgkUaqAqCSvCsSmIqQYxm2UexlKsscnO4ibR4hpxB4NODx2Lld5K9o6qPpXWM9An+qxP3L8uiJWK3lS6'
    'IHV4kjWipw64keyLsq2WXRC7NSJX7sLT6L2WIgOuTXI3PC4hDpNQNfyRHARjjUqd1JHqhuI6E762PimCiqpUU4KgIHaspMcQdYz2'
    'Dl/Uzc+8hkWY2t7MN/Fr2YV6R4pQKP5RrLAhfih2u4HwsG1cR0sjsu6hiDYSkd6IGOFVECxpN9n1b+rlokBlQ+jj1mkNYlJE9HOr'
    '15vvbxC3f27Ym01tK/wJDarHjyvkPcGqjrDQNt26AdNCIoCKi/R4BS5oFq7lIthYqFe3plLGY5JrYL5KI3S89UoTGJo64qZJ4EtD'
    'PDVG/jTEUjWR6M2sUYoZjk6zUL9uvaNQoD7gN6t2sVvX4Ur/XqcSQXUPBW2eiLrboC14Yr1bcUOiw/1r9cbXkDqG+G5jeLS3KDaN'
    'ksZ3bt2thTx0rEX5sJBeEseyzZwGdblW0Pb6sFuzuI+J5WTlY5mGMyRmnJdPtkzDy60+TnQ6UhSd1llAyOvFzSvgHje5J3s1prsa'
    '4Oc2E4vHeFWPKUac/bRMoUnpjaCdvZb2AMadNEZpjleKVI5lvx9MKhOJY46vQcSGrGOGWIAA2Q/3LajkVVkGKA7281QWXnpsJksd'
    '9GO79Sw41CAWhCekd3CXIxK68AjU0BDCphoAz/4S4AFHZRRODhT50Hw7rJwxwCo+iyRK+7ksMMUltNIKLo5C6pLojU26lnRQN7NT'
    'ZsWAvS32LpYvCoLJbsKjE6ALB4u4+APgSJwGIrXJx2qYnAMRC62QWB7wbbgS8xz7BZPPrKCAqbX8+GnxAkoylynOsCrpJ5Ru+ZTJ'
    'Z5PUdsz5JypD/kPdSMyzWairdQuDOjbeUqWjqadepgEj4rhZ+yqN2fpSJD4a/RU9wxKQBEAqU5xlbktRk/iAJaak0+tP2TYHNlSz'
    '0NxAOHoJgN0KE65z6/d2Jq5M8pkawm2NKXxTpMqETzR5DQIV0VhJv6x+VdsNi0XjdAOQZiKFwzc2BPc4Q4PKKcrb92Gdtll8FBt5'
    '5WIyLegqin6IHvFB+lGS0cDhImbNDLhiPeeXIjbDiW2mSF+AqM/pe0aMPYwC5xwdyGWw/IOoX+sDOUL5NJM/7VNaIbEEsH/QrBpG'
    'pdTq4YnpJdy9vnuF2u2QAvWPHGXdy0MHdeuwyrb6gIeF6gM1+jN7HfUdphAeI6mPmhUG+5NN4rrjl+jtdLhgxM/ifXp8bT6v0yAr'
    'JheiCkwdqTCrxq6lEpqFdrUsNeUk0s+PR0Sv0X5Aae3a1ubWBxW9EyGLU6bohvH9rPikI4PqOEl95F1EaO02VfPLPMLOlkEPURmf'
    'WDle13M3vCdruHjSy+0ebqX8EfFELiKeHKM1jTGrF4Tbq8dvxmq43ZUppqoAPeAavwkvwyR/aXdjrrlkdwkTJ4ENEO/bg6NzqF54'
    'u0RRfSMDRESvgkugTk+cIJV1qoDK2BMQNJ4cs3uze4OjrPaJttalZmhry2TaYu0TzS2PQK0s6W00NZDqHiafbGPyB1TyM/c9NdBc'
    'p5l2gqU+KWTaKSb/nmltENvfhepqQ8X8XR9+K+V3y1iorbrVw0RbtfxGOQs11tBFYw23u7l12hv7d5q9g79BCEjWDR7CTLX3N+nW'
    'p8pNHe87cvIJhPz69x092YZC65NJNHnorG69ofrv9Zryyyj69Y5/U8ppWO/4iSqV9pP7gslIaAtCa0k3bcYQO5jtaj+lzlyuqE/8'
    'hHzDU/vdpvvH5CzTfX9NRH7J1OZ7zfi+6HRmh8N45//yAgPUVUTEDl61wxS7TTnflz+ZgbCPAvt3qN37mL2ZHJ2pJefa3ZkSdeqS'
    'PlciUwX2GWoZTucEDcFhJ32Ce0z5D01BhMN/Ebbw0B+j32Hy+7vU8YD86a5zRb12jIp6U9tNE97K5Z1ehlLohoi8PhI/FP0Ks/va'
    'T+ZDdCBb2p5yYnPKVuZe5Zw5FXNtkFvdvuxbWF32h0yu9isUfJfpdxxELODfAAtlohVMNrYhEnYwbRAojFkRDEeZe7UTJVdmd4/7'
    'eVtEXKw2VHah8xbjPojHXoUWEbHVmBcRmxVsnyeTeQ6VHA8OA8m3TJBcNqL5U6TM7ujFJLr4zZ4/QKKS5sqifNy9gVSICXhNfejF'
    '8rysYrBeZFgQDNalNE9w6AuCtIvA2UvlVuowOKs3/e2TDg56SRx6XbFS7nCE/sxZCtdk5gTJHkAyl6uUV2qlgvuPUTM61PF+y/tc'
    'djrU8T7ROAqZD3JcT6l7ZuIOm4f6W1+Dm2qcgo3YY4Nij9pNaqwfRyDo1tID3C0VXySmnARSRS+OSE8Ps1JemMEUxlj2YAQ2dp5T'
    '/CCOAZMQCSmQDxNBgI4wKhfXi0enh1c9eoP+vHEja9/v8MBpVSkHk0QHVxAdfBlmSz88pravxwvV6YQywc7MGAlZlN5Wj++CJJDH'
    '/8/oPGFkKkXzu8QBRqOJ+s2UvwqrpLm7GUV5RPuDClb3C7RgrvWgmOaOwCbd4I5dhvJbtPiDtjr/42JmIJMiE7w57jUuxoBeGyYc'
    'TBzEiKV0mFa8hYnyAFpqsLQHA5ZYI7ex1CG/WZzFk9vpXDaVvYoH6aeUB7t5bXMTl+Ga1qe5fCPnVP0dOUqthuCoWfGBAz19ZuLp'
    'MJNFqEdRxXkCqBmsPp8ZsmMHs5cy6cGc24kY9NgnmZmwnGFvpdo4PyCGd3TC+NCs4kh+3OwvAYiZZQT+koFkt3L5Df8mr3p2hcqq'
    '1IFCBDPyLMdkNZE/Es7eEjuqMO9XavjmNi4BsU4aQsyZ+ro9EW0LEKuQazu4VeuK/mMnFT8s1M30Wd1MpOhM2ZCtZaaWcUbfLg11'
    'jMsST5alyzPYgmwtl0Z5/l552puhNc7y5Zhm+NDwUsPLpRu/WnCAi8lc3AkReycE651lwBEGHNDjD2JrmSp1Rje04K8pCMQNRO48'
    'Cp586CDJm5n8Fljg5xQ8TOtmEoaeFVZcFpeKBOaAgO6sRFVgJqgQk61I5DNUj6E9x6+q0A0v30bV874xaDiAWUqd5UCLAc9QUjNt'
    'iFSEnyVmNbKqIVMcpcumdPlnto3Yb9SWXUs1Xo3SSEdM+YA3bRynrVBtHPuyOoGKD8Q8wT3Zr+Fl1I105vR4/pHELGTQ2JllH7La'
    'f1V5vQsAZYoD9Mzg57CmaMDSepqZ2DVumO7x84+hOfnKvZMK9PP1vJNQPz9XzLtfUIW8tc1GMc8T5cNMTq7XXx8gAgizVAZI+Vn0'
    'fg78R2VHoIal6fWnVFW/m9n9sS10K3oPwsyHWvGUWdzLRLVzxjMT8gGdsf3UCflaDD3Wj+qQiZtZxRAgKHtlfmAId9wPDnPrZJH+'
    'fFdFV/adB77wPWSu4oLPSCJuIoS2n7bteVAtEw4jqMQqz5GXxXZauFnxvqE/32OGBsL6ms1Gx6cAKOjFK/TXB5kza/Qi1j5IDfp2'
    'IS5FIrHQy2SZ1tcewHx/cf6s4gplQfunKrGkUwRB8q9ySoHV5KOrmVzb/SO6AaYRqssQ71HRg8hZlDmgrP1PNa7Yzfip1hgib1Hn'
    'rXT3iuEGMhg80d6Ft8J6ofnIGJBcf+4VKt9/qELWWpEf2hrzLivGBHSdXQ+sUSPR64R7UH+vUo+hhsYFrQ0/aqXWJrq6beml+ZZL'
    'j9PZf2YJ/mAJUHN6IeLzqREA/CJTytUKRj70R6AVWHHKFGvozmzx/S20z+y6TjehiGWP6h33FSuOa6ST2sRLAcIqRVFQ5UwctueU'
    '0ZDs0Q7V4xr8Sa0pNs1X3N8RWKVW+ps2Vd/Q0a2Q9OHJrN1EvKjHDynTbSLFgQz+QJ19WXTlHINZNbRvNNtPPo1aOVqigjCz2Uuz'
    'f8SkokaysDhsikWBps6L6RuRUzYuCjTTnza9MDhMSqX/qRvpc9F1TH8repEr8dRQeIVdvKxUvGcuqf+8qQS1fDUSP/p5U7YA2sFO'
    'Zd8hMmwi3d1mndKWNrDrrUblqP5YiO6WbVQHsVX9KMToNAb9CpZ01rUxXKcDWIeALhjKKlNoZVFN2748sIi2oseDJErknfMjFSfV'
    'Eb77zsZIbUiPX6HuA686v0MZANedfXsKOZT8p686ddapBQjawD4rnMPo8SNz1jmBAlNAQkYCh74JyuV0Xp3k6gNdjkuAwKnoVEUY'
    '4Ukq/LK71KEWDxne2M1q8rcL6vIrMBNrlXvzi5iKN9rfUN5Vd+NnColzDD9B4EXMkuRwLfNJoTIXF4Y/ehDdYID+6CRclmXreZ9R'
    'RjA2PrKakPZagjk3esfnapsK/a8ewLp80fGxCzKSxpazmg2rzauRAWAM68W8MVBdWavz7Uq0f5RvVyvL0Yew5mYWR2wPIcwn2Eyu'
    'STog2qt0YUUXq11Dh+gtJewaq1MN0oXh1BlPYuZqeTmZ7/pJTi0ZBkbVzuhHgUfnwC69448e6jCxmsRMLQsUXqHWoSiJCIbWYsrm'
    'Ruiy2GTsw4d31qt3/slHEeB3wtnlUbawxm7T//l5tA3ZOAWRHPUvK44Px0pNeUM2YJ2CSEILLP+4NzvNlPir468vW0xtuu1TMzCx'
    'OXpTA7Yen61mmkQLBNfNG6NADnXpz9yk7s/BymYURMhGFWrOcGlffWAhHUjyznHVhV3Mz8di2E97YvAIXZTRRaNzcKavS1KjkQeT'
    '+JmPn/MGdzpnPWQqnReUntX0Kehlt1pBk5kIdKkxeK0nELvcGaWWHDiZRjLQLItefn40TtrfymkZKgfpBCSAaqX179QQyupVB5Vp'
    'E3MLkY6HlXUdVHQzbbOBx/DCZv2Zaje9TvMm6JxW9LHEjFQwGRpr/bqEkeeAMXs9pLhNeT+UduklZqJRM1F9XEkrYFqXGeziE/fY'
    'lQ2iZM++xaEfKl3Rm8nmjNciX6NfdV7pN4PJL7yStM3AQiAifap6sUAdquodLxSQYZwYlZICc8LmJwRtaPCvBWwRNP0VJF/CZu2M'
    'Xr2jQY0INSM938vuZ/JVkhfx0WgxC0k6Mm4ZTzhP5soCJ8xrIOkVvpkJzyqDvhBYQ/nTFDAU4l/Ogmad3k8OKCdyo89YpasUYgKp'
    'r5/lN+W/EHLwE0fpDLwS+M2FZws9UCldwvMs3a2uF6XP5s/ZK0W1LDKES9wCLKVVmdpvRlyOj8rVqZDbUuLHRk8TkXda7Xf9ea5y'
    'iDudXyfqiiiAThiomdQZmk2qcTnoCabwsUdfOkdlzP2SQjkU5qwK0tA5qQtZJBZaoRVU4xyb9Z9nM02Pb1TzyhrV9Z+qUDzPWIqk'
    'lLCkP830py0fkEH6gBgaeqrasguWXQ+6mnJZfcIYMlaMFS+bZoixu5aYPcRXZvHQbIEm+KoP2i2rLIjhHDIi2kKbGCuYtGxNmUF/'
    'Ick0sgQtkTY9gbXH6Rq9YWeNDgcUjbMQUqV2SaVu5U4gJnePEg1Fga5ab+1lsbmOWb9gcmE1aYoVAHdWc35C+jB6wVmBPo511Yl2'
    'Zp9y1dwAhO1C5CB9UB+Sl4jLyU3VsvQ5+XVDlG6iK8TPHvk1MeMFukAElm9DilBEvk1BKnwUj6QQpBOlFKAkRBCHcA5FEztxAm84'
    'i3iV4opd7xl0uB1Uji5aqyx9NjHlXXVTrlF+TpQOMvqcZaN+wI/WUsa0Oj8L1amjrrpqVltX2VLM7AE9/pg6wa+rzHybGrZFHycz'
    '86jd3kMBdMES6DzMGvfxt8fTPK9ZmXiXTveaSLomPDlT+iUro6hGs4n+hxUv0PpzQuuIvq4HRc8YiKZM9AN9I8Ec7vVNgF2MsJoC'
    'MC1doO9p6lwUfsoJryO3jrrG8XhKV6S2IuaL1D7hjZXQUaVRa1wYgl9U+XmPQuDrFPgCeQHAkUTpdBXnAOCJ2GsQ9LZ0oAHU5V8A'
    '3Vv+d9C9dALo6uveQ5mUvY7QdjO3ngTY/m2k9tE8zJpa+kIw+7keP0Iw61Hfqgb0jtNn6TP0BKf8N1hnQaI='))
SOURCE_CHECKSUM = 0x7de84851
# ---- end of what is made by --build; do not edit ----

if __name__ == '__main__':
    sys.exit(_main(sys.argv[1:]))
