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
    call on the stack above the hook's word. All registers are kept but flags; 700 bytes of stack are used.

The tables, each with its size in the header:
    blocks    buckets of 4 records of 16 bytes; an address can be in two buckets of each level. First word:
              address / 8 (44 bits), stack (20 bits); second: tick of birth (31), reported as expired (1),
              size or its code (32). Records come and go by one cmpxchg16b: there is no half record and no
              tombstone. Behind a level's buckets, 16 bits for each: how many records whose first bucket it
              is are in their second one (never less than there are): where that is 0, only the first is
              looked at. Level 0 takes what finds both its buckets full, level 1 is the table, further
              levels can be added while the recorder runs.
    large     sizes of 4 GB and more; a size code from LARGE_CODE on is an index into it
    stacks    a record each (STACK), number 0 is for blocks whose stack found no room. Only added to.
    index     hash of a stack (44 bits) and its number (20), open addressing, one compare-and-swap publishes a
              stack
    frames    words handed out one after the other: the frames of the stacks, and layouts
    layouts   where the return addresses of a stack lay, counted from sp: to find a stack again the words are
              compared where they lay the last time. The cache says which stack to try, first by sp and return
              address, then by the word that differed
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
    ('HOOK_MASK', 0xFF), ('HOOK_SIZE_SHIFT', 8), ('HOOK_BOTH', 1 << 11), ('HOOK_THROUGH', 1 << 12),
    ('HOOK_RESIZES', 1 << 13),
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
        ('free_expired', 'u64', 1), ('spare2', 'u64', 1), ('dropped', 'u64', 1),
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
        area[0] = area[0] + size + 3 & -4
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
    word = number | (size or 0) << _constant['HOOK_SIZE_SHIFT']
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
    'keeper_count': 4704,
    'keeper_finish': 6000,
    'keeper_forget': 6480,
    'keeper_know': 9328,
    'keeper_scan': 3872,
    'keeper_settle': 5392,
    'keeper_stack': 4928,
    'keeper_sum': 4240,
    'keeper_teach': 6272,
    'keeper_traps': 6608,
    'recorder_after': 47,
    'recorder_before': 8,
}
PARTS = (
    (0, 77),
    (80, 113),
    (128, 551),
    (560, 652),
    (656, 892),
    (896, 1190),
    (1200, 1288),
    (1296, 1959),
    (1968, 2301),
    (2304, 3508),
    (3520, 3601),
    (3616, 3968),
    (3968, 4344),
    (4352, 4653),
    (4656, 4954),
    (4960, 5064),
    (5072, 5316),
    (5328, 5768),
    (5776, 7257),
)
FIXUPS = (
    (29, 0, 12),
    (71, 0, 18),
    (289, 2, 1),
    (753, 4, 3),
    (867, 4, 3),
    (988, 5, 4),
    (1274, 6, 2),
    (1457, 7, 4),
    (1530, 7, 6),
    (1621, 7, 3),
    (1691, 7, 3),
    (3208, 9, 8),
    (3788, 11, 9),
    (3922, 11, 10),
    (3975, 12, 0),
    (4230, 12, 5),
    (4331, 12, 2),
    (5219, 16, 9),
    (5403, 17, 9),
    (5443, 17, 14),
    (5471, 17, 13),
    (5503, 17, 10),
    (5533, 17, 11),
    (5698, 17, 16),
    (5789, 18, 0),
    (5979, 18, 7),
    (6156, 18, 8),
    (6443, 18, 17),
    (6928, 18, 2),
    (7174, 18, 7),
    (7243, 18, 15),
)
CODE = zlib.decompress(base64.b64decode(
    'eNqVWH10FFWW70p3kg5kqBYbiYprAs1uguySdllNL6gp0g3vYTVGAUURYUdlmBndw5AuQJddiZUWnnVq1BGWcc/ZGXf3OMc9qwdY'
    'dxDUcbo7kA8+k+BCkB2EoNBN89HCGBK+an/3dSDg0T8mf6Sr3nt133v343d/97pc+b9z6p9dqH/4kUcf0+q1h7VHtJlMHE/PV10u'
    'ba72hPa4Nmf+U088Pqf5u5YxcToducXlyn62c+fOzQqE5ZiaXFU71OViZp97abF5zM3sqR6bKauHNO+88Y+Lc9osJnZromO21njU'
    'cVQXZO5tvOCccZylfvtllw9ibE8rc6+qhmzdcvGPRqyY/tKWF+79FbMeYkx06+r6fSyZrmBVycYjjuO8pIsuLtqD7Sx5opyNWZfD'
    'kZjoYMnDXkhJ05vSx6xKFjptVDFr1QKFtvC/zpTtTLkQVjcNjzR1xQq5sz17Z/ouCOQilR3BnCQzE7XM7PcYKc3scXMz5WHWY8vD'
    'YndY7Dq/j6vru3Tlc5bsKWTudV4Sqlywppfp9g/LQl83lIq2nKZunBgIJY07pJpwoHJW0czEgWi8PfZTa8koZj8xKusTyewekcup'
    'G+8K5WJFoiV0ekmO2VO83LzgXlajK9N9DOtn66L70wExRbhXX/5epPvFPmZeKVhWrtlcYWZLqSjdkL05d/XDsdltLH4wNjT7aY6Z'
    'q2oLXC7lmvQSXYHRCpRsCZbDjnicO097ctBqTJxl1r26Nc3HrGnlMEC1LlqhfD8LdahrEix5xq9uSiQPF7DQ/lp1DaZO+2vVTY7i'
    'lPSx0D4MtbBkhoZ6S3Is1KmuSambupI97pKO5rz8Dm2W6OXi4mxILWb2+PNc7CSX0C37bbrioPXV9SkmDsE4PHniDh7ESzfrTOPF'
    'bx5+AO/Rik6ePFKku+2V+JAr/brYk54Eewa7NOEPxBPGc8xaK4XaUxRe0UWajCpdzB2nD3SlQ1e6F1quhVjpCSay0/mWNy8/vnDz'
    'lfQ+rdUTkLoXh+B9O3gyU66Pkee7bseocoB2bL/iOPFE7FP1kwT7Jbbw6ErbNaVqj2mParO5+EabNXsmM0+W8eQpt1EcTGT6IcGa'
    'toiJy1xAB/vC9gJHMy85saOR+JdGKbPiK0twAEjuYnY44GfCE2BWaYCJM7o4ERbH0huwMYN14gm16T/oQpbKrGVeXbSRwfRQ2tgT'
    'bKc32FTsgOO0qsbvzBUBvysqhnGx1BubwzZf1bYunLA4wpNnPLDxEGat2UW31czjD8AOfUz0QeYdLNgnReOnooM5KabAI3qKmNLB'
    '3E27SCcLc2a40OXQFWB/U97BCSZYvFddm8h6NWdnZiQsxMytZaQjbZ72lDa/+Xq8yGmNhwkmdJG40fP1SdMWLymG0Npypbm3doJi'
    'lEehndsXmsvHK0uLzOWVhUuHkcuv9MDlMy9fdBx6S9DbtR20x5jIRYKO9igucvuAZWAT/2wYAm54DjaqZvCeb/uhHvBysZUnT8IT'
    't0IGPh+Bt7wrbtUtY5Hm7I7g9Gafozb9CkcOi75wScLwDVpSbXpNOmM4MJ6JcAAzesAXFi2wJ6waxlBZ+uAlxwlbeMJ6JlpiDzHr'
    'ft2a4c1bQFq1Le8GfbrYTkYdZnxI+FJG0rDsCoYhLf3f8I4MUwitzXiihFTyt3jTnLbMHIqRRCTu6GokN8N+8hs4RE+wl1uW9HDr'
    'TRlPFdvp1nBYGFjMCvi40sWVE7rYn95/kWKM9ivTRIuZUzE9nllYYy924i2xZwcDKdgbVdfvovjhFe0UO1zp5EqG4uYNSJlil/6W'
    '0pNIsc2+ioq7K+6+uw63ZntP26VraYLtTZvHis3DxaGWhmGtUBxFZVRs18S+SLzX8OMSavx98tTf00ymAbfGWOya8ylw+PGu2J/j'
    'VleRQK/okZ4FJFA6uNsc9FtFUz/phbeSfp/uZThV8pgnx9XW0ruNYonp2al/ijw6itr0xWXpiflYyMyUykcAVH9XAHDxNRP7uNiO'
    'Jdc8cDZSTyecs5NTlssg570mc17yCBLea5TwuChAhlOZ/aqL8pJVAO8xhuR0deMQQpBReqgtNpKZqVpAsnFY5oUh5BH/QmKsJyqZ'
    'NcXHQi1LxrLQoYZyAC0Xe4PtUWtuJQ81G38R7Iq3A8m5GJ55B19sIU2INt0eleJWXSW3foqPTzeUOEmz320cyxaTqFQ2B6lehhx3'
    'NxNLvEjErgIZBsZQ1iqfJcJaqxJDBofpWQ7HDxqjCLuqkEWmLVjiwzNvLZBT5uG+bIVOxjlxH8EPrtM0cmUx5TnE5Q+AHS7mJObO'
    'a5bxTqkoai8vIxyWICz2yhjHjXXrh17dGifdnAISZ5xSxj666rsI/LN61WFmP6rIAADaGG5ghzWzxmqYrA9FkEZFGjOeqD1xHajC'
    'HBELlOO9Uuz7iE6qRmIBwGlPeSTYHgkexKwnCK+aqeuiJyxKAxGC5wwsOsEoQTB5tNAOo7S1jnnIk7flk40vWpJh8LkyV6xUR4iV'
    'hUEnROn2KJz8pijJOcCrupAU3RHhf00iCsIk4KOQcJqv51LrEzJHrG+TrpMcqcPAcCl1/XaEaBspAYD0WgdtuxcB2q7b+i7KqlGr'
    'BAGHHXzRUIcxXFM/bF+okaFvC/aKBpa9k9DnPtAnvSLj6IGA0ZKdYPYPNVTcpAjSIkh2KVg7jNNXRkJ7jVsa+x3H5YoNwwIZU3/Y'
    'Qu+aaNfMI+7eZIExQuxKZgqSp4rMI2ryK3cEG8zLPo9NC4xJmAALJBvbpXvg/t3yVoouklGR5E+DH6RrKEiAOdXhkjodx4XY4tio'
    '7OhgIr+zLurmIB2ZCY+oY5knEZC68lXmPUJHs79QbUpKB+w1iszJAZcxTdvsUMqK98aG69YtrArhmdNhZi+2cpMdRtPVysMhf6Bh'
    'JLNiAW9EFHGzxYul4EduTSy95FDyxgxTvgn2YhePGp+sUNymeVUHDyVU80UKXHEaaKfG/14y4ahLD+1Szb/DC+0yxnouUB4aH2i4'
    'jfYl+RExtS+KuIAEjOCNttHFrswR0ok4wqo6WSipmndKAlxaoFcdYY3968kzXxlKu+NEy7n1XoCQjML9vcC7FNkP1jP4qre2d1ux'
    'URiNn5KmLJQwczLzl0BYHjrJREZT30zkt2gojDQlYrPCq8OBCWHxZCDwDLMmjpX4jdRmP1ieDlyktIaZ8KtYo5kXFXVdKtyUAg0P'
    'bQU4VKWxMjsc+7jz++A1kwJw8i2yfllJqJ9GNilpo0Nsu0SsnXSnhxJLRuA8DT6OE5GhR24uIKfyYvBW2NhNNl4OSbo9uw+OVAHY'
    'dOtiH6vazQC28vxLKOroq8xDWBi1xuHSsUJsmP1FMCG1LU5CjEVGXBEAFj1dyas+Q/p3h8XcGlE32apDoXKB6pGwqAuDJoXF07Us'
    'mAqDslJZEuy4AVZSMrWcuIPGRV319yUD/OnWujLpDL/2kXtuqZWW7WQVX0dtzw6u9HEL7wT3sdFwSy6P6zeKxhKFapZB2ak57UYn'
    '8okoCCa+XZ9pj4F9IuMMouNFoOMi6yc1zDJXSpdELrRXBLxbyqiMfIdNMssxvMQbCZ7KlMpkY1bSTyi95CQXnzHrzQS9wqChjiWf'
    'U7nyX3LAnu2wUKqhTZNFDVJT8gOSHxXf6JM+IJEN70cRYu8yG5EFb80CN3RxhbktmdLEF+nqCzA6Iq2ahWYFamLDgftmLcE+N3c5'
    'GUnpiZcRZzTznLFbLAIj8mn4qEbUV9IvC69e/lcLRf14DaCqu9S1tROCp/JSJatKs8YeHM/RS87i7BtvIs1WUqCAFfbQKX5CrBuZ'
    'oJhJdNg6eAqxDYZcpIv0dbaUOrUKjRxx3pMAWPC6g2rTLKm4ulpJCqfJl2XlXFwintx079VJp02Nj5OXP0uuCkNdo+vwniFAOQ+c'
    'qcM88gA4u1uWwOm8T8G70vdjjZ/qERbspBGrbpHThoKrmYX+EFsIVvq2RE5ZC7GKNq5QBV2kg9Ir3SjDdYt5GWDnnqgswMA89xvj'
    '8Kw19kh6Pmnm4obbCPpHRIJduiDgqUftAQ6qC18WdfQpb3at1NmZdO9ZKpGMuwALnjws3Miuk+n7aG9K5IUriRhk7yE6iXw8MaD1'
    'hgMPe2OlHJC0mAN2l2dvhZzSvBxzqw9GIYVn3jgj6wrfDQUtMpprKMCtC5Wx+vMyqcw+BMpH/0Ao6O5irUkCd8MrOgeyirVhjiI/'
    'CO1Wm45TGpUm3CxZirW6VuJmPbxlAyUvaIh4y8qrvIV/fJ2F/EGHVZwFARgmWw+pc69rWygxR636ORDVIenPuwn588s26b/UZTgH'
    '+kv2tmO74MMtzLqHiz8CbJB/e4wfqB/2Nl6hLGbck/VRUhpKnYuKAxTlO5m9TGHWENZ45c4ZLteyIdQPKITjZJvyGliTyhZKasLO'
    '788xZTPpZq7oII0JWaCjIIJ6wPzPAwr2MWt6mfZxbZ4kwhqPzPmd/Hjzt6x3D7c9Ce5eWSP1C141oxrp1x8ds5p0RAUJdMDdr5Py'
    'dCU1wE/voAAbR083M7BJ6ymkgW5m/lO5K6Zmx3EnyZ0dxscZW24/oxI1rF51kIWaG4axxnaylV51gNkaLjyjDI/axxsewFjoAFen'
    '7QCoM3VaW+NxRyahF3H4Ima/iMQGhmdNBSpMKccvnGcKyO/UOfgF4k0FDZyCQEcBnXETz8RrLbOWes+xd0B+o262OIpTiO48uSS+'
    'PlhAW+uq5fX7idap61sAxJUP2n4v4gVn5fZklAd7mFUsL0xXv5eeSja7CBuUjmZiymfp1ma/z2hBLDSuJKfaTJ2y5hvwmov+fFdh'
    'lzZLF6eBurK3sCBiLSu1tBrr4clMHB/Aa2CqGn9XViqeemaPit8pS7xGidnJrJuFutWXV8uxN/LA3U3A/QKqnuRbeeCeKYH7R9we'
    'fwDxrItjqN64+z9def6SfuuPBMsRoHI4UG3U4rGGHmuMv9HwqDV+SSYQERfeJouIBz+1IuLFTzgsni0VEb9mTfOKiE8T8xHkhxDC'
    'C4Dj35MPqZ/CxRW6/P8iMIOn6OKw3Px63fpRLZXWMN/EAMvjUJhy9QC5LycwQU4hzo0q9nz6yDnHwSmYmfaYfcpSLzcvKTEtWyPr'
    'Wlo8sC4juYZss8TH4M7mZfeyvVA7zf3rRdn72epsy76tmf/IlGU/5pZRTeBVTvP39V391riV5FZTQN42IDz9Un6WmwAgv3nZY2ym'
    'zoQUM1oWWvnnW6NURVKppoeQiNWmV4nfhLH2e/AUsT6AqHQnBH2OK2uKasHg5H1x2ffNviJjavY32KDeFaunPGv5cSbw/vOoeYu4'
    'e1OfbJH1pl+9LPNd7C6WPDoRMv16yUVW0swsamCIsuzNOJ0xjDs7jZIcN19xkc/ChjW66PsOG+b7YQNZcX4GohtPSu+0Kln8lNrU'
    'Kp8j+cT4kXyZtojMy6lP1stQ2xAcuaS1UXEx66EFA70UfISHyt5WX6w0Ev9Sjf/GQ+tGU9swmfaah5Gx+wpiw5Ytp9aKGt6eL3lE'
    '91iX1+XqbS2PGZLd8dClhkWDGYYO8oyH4sNYTHDr59bs5ZTUNp4i26tNezyUh1YEKhWjlH59LjX+AI01bqWbXacEaper8SDNoerK'
    'rJCt58+w1eQBrryCvLdfetp4N7H+L9WmtJvAY/Zi8HldHAbBxWUmsJIkETM1ft6dL/clQTFTwLUzzNYDYCGxwBzder6edMKofK1P'
    'vw0g0cHB6/kgF/39Nb/BugW69dvDpNyqbpSEe/W/Bl2iYrJIVoxpN1Btf9R+sE/WyuqmZvot0yXtCIKOtnAlzS2vhM/0RD2YHkvA'
    'p8Z/Ls24Nk/j9lB7WLQDmDHJlBNMTAa/LN1uveCzfuZlIdQd6std4ADWz1Dvou7VQ1fUeJIGgsyefCELHSeUUE41p9PYrMYybvs7'
    'mTWcTfK3xo4iy/JkauR1fU0EAzgSF13mc4GAosZ1quWI6oFnQjGHqJ8KjdWm/+0itVNB8aUt1fj/FZD7zGMMKvNJFObJoxUSL09Q'
    'I8OS6HI0gpLeii66LgKBqnoJfO6oP2y/4GjUgJW9BU9guq1fdsngkc0gLj4HeSFyJZt93Zrsnqdvz2fVMyOo+Xq1UEjl6Z2fBVt1'
    'S8g+nbisW2/JRnTFLrDOPHvrZkqaWdXUl+ehs2pTTpLJxb5rA1/kB8qvDeyWA7XVJJ2HUmoT5XhuJhVq1z1oe36cF6p+SI1yNf5r'
    'WSanEeMZbyTUor78PClU7Js+5pPLsiOWPA3mebyIWmfT3f9zWdJL5QpTTlMKJgnz5IayWZmSDUw1Pl3JKzQf9ykgri4W+PIjrdQq'
    'wmx8oE+kxv8d86w1fpVzZX5BCD0QnqPzIUhBGiuRAVRPqyX2Imif+wpL7bVSaxIjMJm5H/+sh/3xrpjvqjPFu9T4hss07AEP21im'
    'dIkuuN8/M3hj0+eYMO93COXnGGr2Fka1fui82pSkL26BjL2QYc3wcLsUTGR77FDmGULRa05JLsqDnyOeOjLPYiYS/DIzm9xvwPWS'
    '+d513FVITboPaEbCrbo+KcEuM/W6xWsGFud7vK9cvHpbSaClf6eLMhKq4m9duW7poL4foW9aa4maujKrrl+TGSODQgq56Tw90u4K'
    'jvz//ivp4A=='))
KEEPER = zlib.decompress(base64.b64decode(
    'eNqVWn14VNWdnpuZkAlE7qiDBkWfREebKKsZdWvGuHUuTORcPGNjAUVFa6vLxrJPF5IZiC2PEm+mcDidhV1gbd1u6x/bdre1i65W'
    '+VCZmYR8oRBCRT5aDaA4wwgMqCF83n1/5yYGtuw+u/o8mXPvufd8/D7e9/2dyzrN5XIVmJ5eGh7ncjFryL2wxDroZsl7PUmmLRvb'
    '/u6F/5niuDGTyWm1ptgxi4mtRut+29Zdhtg+o/WUfdS2F/qT/+jyYaikv4+5X6jB+FyO5XIa42IPkyuymI+lD1Wa1X1MS7MNExZP'
    'f279M3f+nOlrdxqtA7ZtP8fE+yx9uIJdv7ZAD4s8Sx/wMm13cC+XlTx0MH4jcy99QlNz/JZpmeVFbamYV3+jj9m9+Wuz1RiDiUze'
    'z+x2ZqXDzDrtiW+29ruZlfFg6S1MfrM2IjZHRDtzr/BinBPvY/YM1/pYeqAYq5ILynnyO+WhI81lolAw9FcnB0Kd8WvXka24+BBP'
    'VbDKzmgiFWuKyIcnseTTk/J+0ZnfGhG7Cvqrj7kioV0xryHajdDepjxLGl5mnXIvCnHN8LHEYOxBZcD0/jHYxxDGfEcNrPWRH+b7'
    'mHWuaFGFYaeY1VkWEZ5X8pcXRt68Id9BP+PybxeYtTRc5HJpXw1fyjU0NC1fise9BWo++pgx50IPMnGcyTvhDh/WUAFL1HDRxdJZ'
    'Pwv16atTLH3Ur7+RSg8UsdAHYX01uo74w/obtmaXDrHQTtzqZOkc3RosLbDQdn11Rn+jP73fXdrX7ozfZ8wUg6Y4PQujlrDk5BOm'
    'eHcGEzs4rH6BuzNMrnmJNu5OLlF+/tAUGTN96BozmGFiF9uexYXfGrgH17yyn8Fepradi23ZO+HhYL8h/IFEKh5nMknDmHJqLXMn'
    '1FDJBzSzspfeiGr9TOsztcxcQxbNxeOeYCp/v7l+1dmH5647l91pdHkC2sjb4kOur90yPIiZzlXw652h0/swdZqmfuucbcPvG/S3'
    'UuwnCAQP17rPt7LxkPGgMcsUXxozZ81g1mflZvqwO14STOVOYyA5rZGJs6b4whQ7I8kW27BsO3agPmHHy5hMLCnF0jF4P0tGAn4m'
    'PAEmywIRcY6LQ0wczb50jgK7E4/obb8kw8nxTD7r5aKbHMhD2fi2YA9diVNMbEEwdY2Pv20tDvhdUTHeFM96Y4+MOiAihrjYZ6Y/'
    'Q0q8vvkllZW5sYb18T1wTS+Ts2DM1Zsda96rYadjkGlMTXUNC6oZzWCHWfnF3MIUy/NdmzaBiLDULuxgiiVsfU0q7zXsbbkJlJFW'
    'RzkZynjMeNz4dvsonhQoGYYTQQGAjuWmyeQwLa+bNr+pBMOGK7T2wfCtWryC0u7quVbLZG3hGKulqnjheEqFJR6kQu7x07ZNVym6'
    'anf8wUShPmgbD2LFVw97Bj7xA7zOIiw/h49qGCLpv4Wm4AGvKTpgH4RjB8bA6xNw5cRjB5fxRsPeWi8KhjVk620/x+Jh0UhpKu4b'
    '9aTetkLZLxKYzEQkgB4e8EVEp+PPCG6VZ7ecse2IRAvPw7mxbzL5DS7v9zIxNOLVbgoDRv7qdZz6ZjTREyun0fAYoqOXouM/ER25'
    'ezVCcyuRKiVz1OLKsLtzsylfUvAQ1+sL9yfnfAkL7ycXBwdNKVWEu1c5OTgz4KPMwfbLTZVw/Vx8kO08TQlHE5YbotMq6HhuMpN4'
    'ODnfTnTGvjuaUMHBqL72PUoes7LHSRyVsxaGmJIs+z1mcYkMW+errLyt8rbbplJA7ziSLFtDHWxH1jpYYg2UhDqbx3fBbJSaUdFr'
    'iJ31icG4H1vQE7+jQNlEPbk49ox7sa8CT0O4T3bFbjTlKhXSsr7WdFtOFE/XeOV+hhUxrXtuwfI0aIb+1iAilaz75CAog6UPegqm'
    '3lV2W7xEgX3+3v/PeLQUvW3fWRWDTh7kZijTI/hrLhL8Tvyb5L+dTD5Uy9Z/FYPuF4goZ5n62u4ZTtaBD5cqPkwPgAwzwZQpinhy'
    'uYt4UBYheuJjC1x/lVqxSTyUil0Jvguboe3xAcUVYykinE08UsXkFB8LdTZ9jYU+bL4OaAs6rw/2ROWjVWaoPX5TsL8+0QNsN8Vl'
    'OYIaY72mIrybJydlgJVVppyHAY40jzPstGGddMcP5EtowLfzRzC2l4UKsduYaPIyudRVpJIhPo51qbam1rA0NXb0NrXV7cTe+CQu'
    'Uqwa3DLtiSYf2mZXkeqyBoby1wCj/opMjh216UtKiP5atwIxFEg9+lg78t0k9Otj4oTxIBFXNDm73Jil0FjScm7i8gdIxG+VU4x3'
    'm+IPFPN9bMNI/CL7T5nVXzC7i4nFgRTQJu6uD+6VDbWy5W4+LkLvZPHKrmiybJUpvzUbT/0R12fEBxtonXr94sAuME9FffBwfXAQ'
    'vbuCe4PA7QZO3Cty2MKt8VKk0i4jtDVe1hVmHgrlGje59oCPleYZgq7bFbuEyb8NdEfEMSbmvOeKJvbGLoUyouvqL6GP3IaYLCkl'
    'U0iUIR85yQY3p69kwd1s43lgtsWUj4Db5gQGTPeLKZXlcwJZU77YrdoYwJTL+4bvF0ZfReztYjvyTOxmEi+w5KQtTF7NxJ8wuc8E'
    'Lk3Q38zPtU6745X1wVREhFlunnL13tg3mJ1m1/NAweaBoXgqf4t1dpza6hjaaj2ewohnjNCH8YmtSBeXK3YpOlVKV6Hzbbol8tYB'
    'd3hwc1HcL3Lpw0Xp3BjrEz29z43xn8j/nXW6KH4PLWwAfa2fODFQljfdy3cpatS42MxFu/lkt5nO1io9mc7XRErDXH/zsHWgJDYp'
    'f12wx5mdi/BsfU3aSnsEY7lfUUZp23MP4Nc6Xay3vaMi044X1ycOx+uNdTbRGVDHz2X4CVMbYtUnohKCeAgzuclP10rEhBE62zyB'
    'C7teaKaV9uIhiCs47Zkzhr2ZayeDNnSpnsgT+opus7oQDQ3o1nU0udhmfVqiJ65QqT37CaYpw4d265Ybt2iG6+F3zPBe81VwD03r'
    'THGsXhigjRymMWkadOaWK89uRycP7dOttMo+jpCv3s5aT66lkP3Ry+pmyxMsye9q4TLEkj++S0FF8q27/k31lTJ5a9AWLQ2D6ZL4'
    'BJY4HPNhmdgUD33aXMxCvU3k3mI1V29+7kalqUQWgZ8+cKtZugt3czaobmSrHU1QnL3NOoQKOcO/vojgFrjRO7HHSrvhh3wlJrmO'
    'pT9BMfIMbHwUhI3I56FP1FT0PMIufx2TDVj3zEuHkNu0rmJMm18Z7CeriAbGCF0bqlg1dG8sAIF7yP3oYxExv1Y0hCV1H4O9Kow5'
    'EdF4NwseN9AXjrDg9ggKHWA1MtnLgr1s/Xn4sJ3Mmc5dQ/dFQ80FApvLFeWq5JlWy91LfWhuCquqoYdVHosm/d2mLOLiMgLpStRS'
    'kLYkcuNjbiDd04604ZU99rb4++AMURRMtROenQA9kKqEcBF/AI6J0xAtLfJ7tUzOQGKDvZKLA771V2Gez3/J5PNLKG7qrAr8NHkB'
    'QzknkKwq+gllmz5jcnmK2tVZFupu+hOVHb9RN5KzbBbKNCPcptYaqioBpaRfoQGj4kte9xqN2fxyFCXIr+kZ2D3ggxe4OMfclqIi'
    '8RHSMJuNnYKvIRBqWGhmIBy7DIBthQmvTes9O5dQJjmmhnBbQ4rVFI8y4RONXgMvwj9V9Msiy1pumSsaJhtARe7S14RvBRw7Q4O4'
    'OQqF1v1Yp81Lj2Mjr15KpgU9xdAPkSM+yj5NshkwXsKsuwOueMfoUsRmEHMLF9mLc/NX+tEU/ShoHBcQjyyC5R9HPRsBXBKWMvmz'
    'Lidd5mlMHOLV/aiMmj1mcvJY0/16+xK12z5FCB87SrrTDB3SrSOUJFCHHhaKBGr15z901HaYxOIQSXtm2TDYnwht9LZfoVepElV/'
    'Jrr0xGqVmhGAubAJCgtm+mglrx66QVXRoV1NC7kcQ3r5+1HRabQeVNq6rnl+8+PrnVIWQXYKIAnjV7DSk464nGKStE8PuKNCa7Wp'
    'pF/kEXa+HBKIivnkUqe692RMN7xHuPeM17Q7AEAVUbGgEBVIVknrtzpJYuiJ27Ea087kSgk20RPmooLDyzDJn9vdmMnn7RnLxEkI'
    'I4j17cHBGVQfbBqrQL2BmaHPY9fAJVCjJ06QsDpVRGXrCQgYT4HZnfkPg4OsbkFL80Ie2to0jrZYt2B+05NQJ/M6G7iWQvAw+UwL'
    'k/9AlT9zP1ALnjvNNKDzp6j9TzF5F9NaIK5/AJXVggoZakFrqZI/KGehlppmDxMtNfJbk1iooZYuGmpNu920Tnvj/06zt5lvkY4l'
    '6wYPY6a6hxt164ByU9tuR3wtQMi/vtuRkC0orD4dQ5OHzunWa2qP1zL5oJcl+vW2F1VFdIC8FkxFQ1sQUfPaaQ+G2MFs1/B5y8RI'
    '8kVyiZk+4Obun6oDF/fDtVF5Nddme3lif2wys8NhvPN/eYHR2UxU7DCrd3Cxh8vZPjrgsZ/DFm1Aa2iH2rSPgVvg31yEfGq35y5X'
    'Zy7ZPz9vIMyCgBkyRd+seqjK4F6VP1z+TSO4Qf6HgpbQH2OPTZc/3kUGmi5/tmukhmfa51TDM20Pw8R/yeR9MExP7EaIs9aTw5HZ'
    'k/e3pp2QLNvK3MtqFNaVmlovs9p9+U64J/9zJldWKPB7n+nTDmER+L+HhXKxSrBHCwJgB8Pz0Czp/YiB48y90gmOq/J7Rty7LSou'
    'Vfsov2CTxkMQmZ0KHaJiqzErKjYrmB4VlLOcevLLYD+Qe8t5Ep8OeD5DiuyBrkunrjRv9/yB2Rk8nc6jPNyznmQGB5ym93kVC1X2'
    'RqAewTnBjCoHgheq1gyBsZfKqfQRUFNndsFJB/e8pCe9rrjfdDhBf/4chWcqd4KKK0CwKZeRG8w6qeD9E9SEDlXsbtptynUOVexm'
    'oZNN4LuPUCCl1T2enGaboe7m35vyvlqnICO2WK9cWrdRjfXTKHTSanrAdEvFD8myk0Cm2KVR6elgJFpssIcxlD8UhXGd5xQfiM+B'
    'QWO4lgbZMBEEyAijam5EPD05vOzpW/Q1xq2s9YCD+6dVJRxMEfxPJPi/FmbLNg2p7euJYnX6oEywMzd0jowKcOrwXRT0Fd7TYcHA'
    'eDoseJ8An06uuPx1WIXEovmQ8VHtXQpM7l5BazW1DhS5pqQKn8A0745fAf0hHqgI9mxwhFBZIJel19/+ymFUbWY9EI1wHR1w+pF4'
    'Y62BeyDZkCccVUDpMRLnQ0q6rj9Pz29HrWam89eYQfrxm8H2aF1DoynDtbrVitnuk2/1USbd527rW6JU0iCv/MgBmi6efC7MZAmq'
    'TS+RzlBsHLO6fDxkx3N5v4PbYjsRgR4/mKNzNsPeGrtxZEiaxNEFI4OzyqPDI+f/lUB+AYG9ZC2ov0z3EpVFwFVTPlDBIJTT+4o3'
    'eRXKAVS7udbPoHWOK7DrUcE4uyWKSivq5B9H5aGv3ca0Y/Qi17YzK+TS25LEg1QzsVAX06eiTstQBkfkw+VcO0QpjIEjVOElHymv'
    'D+1pviQi+goR/dWrI6G++Hg6sY0QgicfmZSfYIhMfu95/XRsm8FLTXkmDV+BaaiTpeGlBopHDb9FJM1A8wZyzYDDjXKqFS3bqyfu'
    'xuZzRYiwR1GBXlxSILQQX7MovoajCyAwn8lvgxV+oSJMa2fyciijsOK2hFSkMQOEdF+VKb7gyRiSXDZ7SQ0LSng5o0Id16x/5R6q'
    'kvcPQdMB5dLqLAfaDECH0plpfaQqKlhyagOr7uNUikYCjdl3C7aN3GjQFt1A+rhWaaajXD7qzQa/JExvJwi5Vp2RJHrinuDe/Nfx'
    'Mp2Ci6PZx4cfSU5Fhg2dXbSP1f2Lynvo/T1cHKRnfqNUfz2W1oHU2TWSde0j5x99IIQVVH6uoxp29BiOy4eQdb9QRaq+did3v6Bq'
    'V2ubzXYcMpOT+pkcF9Hf7CFGCEOOA0mPxR42QQyo6Aj0sDQ9cgqQyiv3MLs7voVuxR5g6YM+M+k5xUs7mahxjnnuhpxAZ/wAdULO'
    'lkKfdetr4OjbWWUfICp/1fDAEPK4j+y2TpboazKVmfy7j7ZfwHeKJI6RZNxICG4/Z9uzoGKGKwLaQ9DG8gvkZVVH+HjlbkNf08FD'
    'PWF91Waj7TMAGPTjRP3NXubMGruEtfZSQx1LXA6lwUKvkGWaf49QG/qz82cVVygTWj9TGYh8h7MRKtYypzRYST5C5bS6/Sd0A0wk'
    'VJchPgAMVSBynsodVNb+Ya0rfjt+ajSGyHtq3V/R3Yng8X7lidYM3grrxfzJISC9vuJVKuH/SYWstWR4aGvIu6gUE9B1/nWgkRqJ'
    'XidwhBp8jXoMNTQuVqrMf02t1NpIV/csvHy45dIThEm5efhDKClSejHi89kBEMBTXMqVCm/2VURJPJSmuVhFd6aLH2+hfebXrnMT'
    'iFn2oN72UKniwAY6qU2+HCAsUxQGlc7EEXtGOQ3Jnm5TPa7eF+u42DhbMUBbYJla6W9bVL1DR7dC0ucoXreReFNPHFam20hSBBn8'
    'EV11WXSlOU06l6WqsPXkc6iYY2NVEOY2e2n2j5lU1EkWFke4eCrQuO5SdG9wysinAvPpT4teHOwnCdP97K2AiUU3Mf2d2CWu5LN9'
    '4SV26SK/+IDPi5xpHGsmYzVI/NiZxnwRtIWdzr9LZNlISN9indIW1rObrQblqO54iO6Wb1AHsdXdKMzoRAb9CpZ0ltkQnqIDdPuA'
    'LhjKKldoZVGN27o48BRtRU8ESbTI+2ZHK0+qI3z3fQ3RupCemKjuA6/W/TVlAFx3blMZOZT8py87dc6pDQjawE9LnMPokSNztu48'
    '+ksDCRkJIFN0M7mYzqtTkArFplYwQSuhU7HxilDCY1T45XfRuD4zZHjjt6vJNxVNGV4BT65W7h1exHi80fqW8q66mzhbTJRnVBAE'
    'XsIsSQ7Xcp8WK3OZwqiIHUI38L87NgaX5fmI2WWUE4yNjKwmpL2OxZwbvCNztYxHPaAewLp8sZGxi3KSxpZT5xtWi1cjA8AY1kvD'
    'xkC1Za0cbleh/ZPhdo2yHH0Imz+fJRDbfXSWOGozuSrlgGin0o2VGVa36hXcaRrLrrfWqUEyGE4d9CTvXimvJPPdPMapLcPAqLo7'
    'ulHwEe+Cfv/ocQ6QUPzfreWBwkvUOhQlEcHQWric3wDdFh+HffjwzuvqnR/6KAIqnHB2eZQtrKF79L9fg7YhG8oQybGKRaWJ/rif'
    'y1vyAesUlBRaXF/7fW9+Apf4q+OvL19KbbrtUzMwsTl2Wz22npiuZhpDCwTXzRqiQA5l9OdvU/dnYGV3FEXJRpVqzrC/KxKYQ6eS'
    '5roRaYZdzB6OxXAF7YnBI3RRThcN1FWBqVPUaDCDKfzMxs+owZ3OqU9w0niHgtKzkj4FveJWK2jkyUBGjWHWeQLxK51R6siB42gk'
    'A83y2JWjo5lUG1gFLUeVJZ2IBFDGUDGkjA2rVx9Spk3OLEY6HlHWdVDRzbTNBh7DC5v15+mA2VDzJjmdjXSx5B3pYCo01PwNCSPP'
    'AGN2ekiRc/kwlLj/Mp5s0Diqk6toBUzL8GDGPH+PmXwQJXz+HRP6ocoVu51szsw65Gvsa84r3TyYuuCVlM0Dc4CI9KnqpSI6yvxY'
    'b3uBDo2HY1RKCszzNn9e0IZ6/6eALYHmn0jyJczr7ujU2+rViFAz0vOj/AEmXyN5kRiMlbKQpNPhppGE8+SuKnLCvFYcMxS+8aRn'
    'mSExg9U3fLoChkL8y6ktXEzuJgdMInKjz1j+ZQoxgdQ3T63g8p8JOcwTx+nDWFU9VQCeLfRAlXQJz3K6WxMR/uXijufVXVEjSwzh'
    'EncCS9WZtfbbAZfjo0nqlMhtKfFjo6eRyFv904nk66Nc5RB3dnid0KIxAB0JU1udqdmkGheDnmAKH3v65a+ojLlfViiHip1VQxo6'
    'J3chi8RCM7SCanzFZt2jbKbpiQ1qXlmrun6nCslRxlIkpYQl/ZlPf1qGAzJIHxBDfc/WWHbRoptBV2VXRJJGn7FkqHQRVPjQ/fN4'
    'B/EVL+2bLtAEX3VBu+WVBTGcQ0ZEW2gTYwVTlq0pM+gvpJhGlqAl0qbPY+0RukZv2FmjwwElIyyEVKmbV6VbhROIyT2DREMxoKvW'
    'WXdFfKZj1gtMLqxGTbEC4M6aPzwhfRi96KxAH8e66+i8OrdfuWpmAMJ2DnKQPqj3ycvEleSmGulfIb9hCP9Guqqib05fF3e8QBeI'
    'wEnbkCIUkZsoSIWP4pEUgnSilAKUhAjiEM6haGInTuANZxGvUVyxmz29DreDytFFa5X+5cmy99VNuUr5OenvZXK6j85CBH60pnJU'
    'PhUsNEUdfU2pYXVTqppKmd2jJ753lsT/lKrcd6hhW/RxMjeL2q0dFEAXra9HYdZ4yNw0kubDmpWJ9+m0r5Gka9JT4LJCsnKKajQb'
    '6R+seIHWZwito/raDiqOQTTlohvoGw0WcK/rPNjFCCspALPSBfqeoM5J4aeC8Dpy67hrBI/LMtG6yrgvWrfAGx9LJbBRZ1wcgl9S'
    '+fmAQuCbFPgCeQHA0aR/sopzAPD52GsQ9Da1oQHUNS8A3Tv/d9C9/DzQ1dd+gDIpfxOh7WbTegZg+xfRuqeHYZZr2YvB7Bk9cZRg'
    '1gPhFU306G2nz9GX6POc8l91507s'))
SOURCE_CHECKSUM = 0xcf50ca57
# ---- end of what is made by --build; do not edit ----

if __name__ == '__main__':
    sys.exit(_main(sys.argv[1:]))
