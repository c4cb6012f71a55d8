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
              tombstone. Level 0 takes what finds both its buckets full, level 1 is the table, further levels
              can be added while the recorder runs.
    large     sizes of 4 GB and more; a size code from LARGE_CODE on is an index into it
    stacks    a record each (STACK), number 0 is for blocks whose stack found no room. Only added to.
    index     hash of a stack (44 bits) and its number (20), open addressing, one compare-and-swap publishes a
              stack
    frames    words handed out one after the other: the frames of the stacks, and layouts
    layouts   where the return addresses of a stack lay, counted from sp: to find a stack again the words are
              compared where they lay the last time. The cache says which stack to try, first by sp and return
              address, then by the word that differed
    counters  8 shards (4 of one thread each, 4 for all others) of a row for each stack: what its frees add up
              to. What was allocated is
              that and what is in the table of blocks, so an allocation counts nothing.
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
        ('free_expired', 'u64', 1), ('free_expired_bytes', 'u64', 1), ('dropped', 'u64', 1),
        ('count', 'u32', 1), ('ending', 'u16', 1), ('hook', 'u8', 1), ('flags', 'u8', 1),
        ('late_ages', 'u32', 3), ('spare', 'u32', 1))),
    ('layout', (('checks', 'u32', 1), ('extras', 'u32', 1), ('span', 'u32', 1), ('where', 'u32', 0))),
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
VERSION = 2
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
        area[0] = area[0] + size + 15 & -16
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
    'StackRecord', 'number hook frames exact ending nested free_expired free_expired_bytes late_ages')
StackRecord.__doc__ = """A stack in the tables. frames: tuple of pcs from the hooked function's caller on,
exact: indices of those that are no return addresses; ending: of ENDINGS; late_ages: of the first frees of
reported blocks, in ticks."""
Figures = collections.namedtuple(
    'Figures', 'live live_bytes oldest free free_bytes free_total free_min free_max')
Figures.__doc__ = """What a stack's blocks add up to; ages in ticks. alloc = live + free.

oldest: age of the oldest alive, None if there is none.
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
            'levels': 2, 'pending_base': stacks, 'rows': rows, 'rules_mask': rules - 1,
            'rules_shift': 65 - rules.bit_length(), 'threads_mask': threads - 1, 'index_mask': index - 1,
            'stacks_limit': stacks, 'frames_limit': wanted['frames'], 'pending_mask': pending - 1,
            'notes_size': wanted['notes'], 'stacks_next': 1, 'frames_next': 1,
        }
        position = -(-_size['header'] // PAGE) * PAGE
        for name, size in (
                ('cache_at', 4 << _constant['CACHE_BITS']),
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
        head['size'] = position + _level_size(-(-wanted['reserve'] // _constant['BUCKET'])) \
            + PAGE * _constant['MAX_LEVELS']
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
        try:
            os.posix_fallocate(fd, 0, taken)
        except OSError as error:
            if error.errno not in (errno.ENODEV, errno.EOPNOTSUPP):
                raise
            for position in range(0, taken, 1 << 20):       # shared memory before FreeBSD 13
                os.pwrite(fd, bytes(min(1 << 20, taken - position)), position)
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
            ('cache_at', 4 << _constant['CACHE_BITS']), ('rules_at', 8 * (fixed['rules_mask'] + 1)),
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
            self._bytes[start:start + (4 << _constant['CACHE_BITS'])] = bytes(4 << _constant['CACHE_BITS'])
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
        out = array('Q', bytes(64 * rows))
        self.keeper.sum(self._header, out.buffer_info()[0], rows, 0, 0, 0, 0, 0)
        found = []
        append = found.append
        for live, live_bytes, oldest, free, free_bytes, total, inverse, longest in zip(*[iter(out)] * 8):
            append(Figures(live, live_bytes, None if oldest >> 63 else oldest, free, free_bytes, total,
                           inverse ^ 0xffffffff if inverse else 0, longest))
        return found

    def stack(self, number):
        """The StackRecord of a stack."""
        if not 0 <= number < self['rows']:
            raise IndexError(number)
        place = self['stacks_at'] + number * _STACK.size
        (_, frames, _, free_expired, free_expired_bytes, _, count, ending, hook, flags, late0, late1, late2,
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
                           free_expired, free_expired_bytes,
                           tuple([late - 1 for late in (late0, late1, late2) if late]))

    def add_level(self, fd, records):
        """A further level of blocks, into which new ones go from now on. `reserve` has to hold it. -> False:
        no room."""
        level = len(self._levels)
        if level >= _constant['MAX_LEVELS']:
            return False
        end = max([start + _level_size(buckets) for start, buckets in self._levels])
        buckets = _power(records) // _constant['BUCKET']
        while end + _level_size(buckets) > self.size:
            buckets //= 2
        if buckets < 16:
            return False
        os.posix_fallocate(fd, end, _level_size(buckets))
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
    'keeper_count': 4656,
    'keeper_finish': 5952,
    'keeper_forget': 6496,
    'keeper_know': 9344,
    'keeper_scan': 3920,
    'keeper_settle': 5424,
    'keeper_stack': 4880,
    'keeper_sum': 4272,
    'keeper_teach': 6288,
    'keeper_traps': 6624,
    'recorder_after': 47,
    'recorder_before': 8,
}
PARTS = (
    (0, 77),
    (80, 113),
    (128, 556),
    (560, 1022),
    (1024, 1112),
    (1120, 1986),
    (2000, 2333),
    (2336, 3601),
    (3616, 4023),
    (4032, 4187),
    (4192, 4493),
    (4496, 4794),
    (4800, 4904),
    (4912, 5133),
    (5136, 6738),
)
FIXUPS = (
    (29, 0, 9),
    (71, 0, 14),
    (289, 2, 1),
    (1098, 4, 2),
    (1516, 5, 4),
    (3260, 7, 6),
    (3791, 8, 7),
    (4039, 9, 0),
    (4086, 9, 3),
    (4177, 9, 2),
    (5056, 13, 7),
    (5149, 14, 0),
    (5392, 14, 5),
    (5425, 14, 2),
    (5647, 14, 6),
    (6089, 14, 7),
    (6134, 14, 11),
    (6165, 14, 10),
    (6332, 14, 8),
    (6507, 14, 13),
    (6602, 14, 12),
    (6636, 14, 5),
)
CODE = zlib.decompress(base64.b64decode(
    'eNp9WAt0FFWa7krnCS3VQJQ4g2uyNmsiHKVdRuk1HrtIN9yCagxCJIIPZtjDMqO7y0m6gHWckWylB+9ca9UjjrO7Z3dmd4+z7s7s'
    'Qc6O8vLR1UAeCBiCg4CrYgTsThFsRGLCCLXffzsJMOMM54Suurfu/9/7P77v/6/PV/h3Tv2TC42L7rt/qdaoLdLu0xYz/mn2Z6rP'
    'py3XlmkPaM2PPLzsgeZdX/cZ42eyeyb7fO67+/bt26ZAWJ6pzsboeJ+PWUP+tWXWKT+z5xbbTHlq3K59V//T+TltCeMHNN7TpLV9'
    '4nmqDzIPtV3wPvO8tZX23/uCEGMXdzL/xpmQbQifvuPaJ+Y/uf3v7vxXJu5ljB8x1M2HmZOtYXVO28ee5z1p8F6dd4e7mdNfzW56'
    'MY8tMd7DnOPlkJKlN2WIiVoWOWPWMbFxhUIqKp9lyl6mXIipr02Kt/cmS3Rvr3tjdjoE6jzjXss8h1npKLOGi82MZvX5dStTzMTS'
    '9TF+IMb3f3lYVzf3Gsox5vSVMP+L5SRUuSDmVxn2d6oiZ1sDvCuvqVtmhSKOeYM0EzZUzWp2MX40kepOrhEtU5m9bKob5I77Ds/n'
    '1S3TI/lkKe+InGnJM3tOuW5d8K+721DmBxm+X2bwI5BQiiMNFY6UN5Ro1ZujDlgTZNalonXVmq0rzOoI8MAr7uT86Oppbpql3k+O'
    'd7fnmbUxWuTzKWMqKgwFnitS3Ap8Dll4XP6Q9qB0nZi3mjln/Do/pPOzMTvqadaQl5wYT6VNFabcUIGd4NkfTu/Slmr3a03akqbF'
    'lz0W4+mEuvkgs2d06uQc8S8/x3YT/D0mXtiAJ73mI4MPyWMpPeQl3hEPnwh3G+JW3RmoTET2a+qmPThOMK6+NqAdOuk58YrT5JIP'
    '4qkT5uPMXqAssGfdw5yPIeEsUw4yZXiVqFiV6lbb+8hMbz5/8YFV2y5lD4e74bCzOAx88CFzTuH7w0y5pPPzCWH6dOcMtB2Atg7d'
    '2kPaBrVDp0jbF6Tt/6BNbX8OAjVpcLdU7nQwrr5+IrHyhO6cKDaUU4b4M0P8TbnBP2ZOrtKIdKspCicchx83eD/jb8NRnRPU1BeX'
    'PC/Bb0rwR8vjqcHkNFiD7AKPKEZNb8EcvWQRf4qstCpvFZd5sHmyTAaSO4OcSLb33DOalVVarsekmmqH2MtOUVNJvIfT5EvtIe1h'
    '7ZFdlH95re04pZ3B01eHk3HXvDUtZZAcrVZ2DUZvU8zqBFR+c5W1foayttRaX1uydoJUXIzoyd3+lefRW5rextL8suu1pZTr9+uO'
    'W6k1IQgOycigIODnmHW6lvHKEONGKBhH4iLMKLhifI910VPb78MpY7yrImsGrzhPewzDPMvsRoR6upLxJaEqxmMhhNUS+i8Wqkrw'
    'w0xUIrqKO/WawwY/WwgMB1FBusqZSIbKr46wD/5ohK1h9nyKsDvGIsy5IsL+4/cj7Fwhwg4XIqxjNMJ+gAj7DNo+grbOkQjztEOf'
    'kravRiPMLHOXFHb4R8PqqJqa5ZGnA6FCYI1E1XnpflgUQwY/lQ3iPfcqbObtz70kQyGe6o6p8TSy0uC/gQ3sUGc4nRC/DsmsFL8K'
    'UbQZNeeZc7LUUAaYcpEhbMXtOFNlFKnBrEwwitSgzKjI07b77EavJmN+7+usYNQMkhUM5czVefZ7SRar+JxkfYRoq7Dne6mD5iK3'
    'KtVrLsB+1dQFyrrtFPe5dy96Ho21b5CgV8gBRX09H06TNdjKQcYz0FlMFjG+5VPbX6Nl5CYsS1aMLdHF06FCxmnIuIOFjOtmSpfu'
    'bw+NpRwk949KHpCST0rJgVuT33Zr/rDaZEPuZuxUF5tCX5vWVykpHOjLkWySSZ27Bu4tZHoRVFi7a6/K4av59Czjh3W+F9+NpV4T'
    'PHAQtHpQJxbMgROfkZzofAxCfIYIUedFYECV2T/2EW+JIgLxcXlD3TIOT8mpRqQrOQXejrLIQfO4pIxxlPT/RGLEslom5gRZpKNl'
    'Got82IqMPgKCCHcnxPJaPbLLvDncizNtyuh8Uu4lrJDO412GPTWji4ZaXTyKxWdaKzzHGvabp9wyEpVx85BazsCBtzPeglTd6Csq'
    'sMt41imfJYmKjelxl4fpWQ6n3jenGryL1eVZZN6KFuRAl95ZJKes40NujUEe6r8bbF2K47RP2VBGFMjz7BpgoY95gEkyrbaU4jth'
    's8AomaE6AVzNphMb4jvlhlhWZSAjgCbVBD5Btm008pm6OZ+o+wS1j0IzVQkiRqCbaKg3xgOmEnZ9m2iIYmoGAK8Zv7PwV5ssEw2z'
    '6UF6PB5Gbg6GKVqqYxgNMN5gIM1jvDgk5wBpudvM8TFgXm0sUhkyg50NDBjsi4kZoVwPOdc5HkxQrD8RqvYlAwQTAJXqBC8+QIXH'
    'xATvw5helwEa++O8khNoVHXGQjODtPrNy+XW5rQMG2eKEXb0baPjiK4DhtjaRVihbu4gU1RBYMz+rsLEM3IHh7IGdww7tt+nK0MJ'
    'AcYnZUEjcticpKlbu1ahjPCb3wgP8lbm3kg0U496y6g56xmhmWaHe6s1PN6cgIOVQlq4N/dZEZ0vGZoVj5w3r2sb9jyfL0nzMkk+'
    '3E7vGu/SrOP+QafIvJbvd3JFzkCp9bHqnPQTcz7oPgadReZfYAJVI/ncDryDdDgigyrM+FlwI1t5Bsg1m5JGd7IzK1oNdWs3pJYl'
    'p7p/Gu4tKGa8tVl9IYNykC9muYeRq4ZyMkd1ATSUqO2dkPimRwid6k1OIvjkScQJqKmug4opOIG8N0NTX+iIRZaEAq1T4+2DyDcM'
    'BjV+p251lrM6Cle/xpd+hWMHYvb9CjFDkCnnoaRYTdHJUYlDpIEUnAictvrKzApDxH1GZE/LRNimiIICJBnI7QD6i8egMdLfeiPp'
    '+oYs6qBH4+uGDN4xsjO8fWUh5ooMvic3QP7lfdiJETmmWtOhcL5dWWXU9bG2C5sxqf5oCsZ0bGu9Du4gqCMM+HXoZUr3BY3y2NHB'
    'PWVmSSI1aKrYUonEntO5OmxIj5zGrjX1+XRBRWtJvD2dbIo9hUA0eCD0l0zMmuaTtXw/6rzqbPC3HsrPi0rsx/QFIk59MRNrz6By'
    'j+xuGc/qsjpHcZ11J0GRv6AIr7k3CIq3ya5nA50IyWVUdMT4jBDt5JcAXmkkpJw0J7bVeq0eOdcS1HlWun7KDrKkW46Z63utjJ+8'
    'vhpCDbtpCPlUA1z1owVhdXsBuWhKwNAtgRH75+7BhwlxOwyQLIFudyOl4HWiMmRliu5aXI9Exumk6Wc9F0YbcxrSd1BUiydCAYOv'
    'rI0p/XrdbtHA+OJ63Tnt59+PMsxVxfijs3XnZDnjF1h4KMZXxmT7E+5hO0YByQhngUkZSU79N9AUb5gJOpn9B+lkH1VtxCiEfjrf'
    'v72KyFei4G+BgqvF9wCE1gbZQD0RKj/3ErvLqsZbC4qqwVxMcolVSz+RbMtpnb/LxPNpeq3LskhPyzFqVH4pB+wmj0UyrV3aW7KB'
    'MVRnJ4lN8EvGXTtJZOv/JFJe8mVgHrOXhFD9HGD8I+Ssy/yCIJ9CJJu4QDS7JDSTIY9mU0wkJwH4rCihu24d8HKvyCgutBh+q1Dq'
    'HmE8yFeXa1g4mzfW0i+LPcVuXcUbZ2hATcOnvhC9LTxYkAxUaEMrkfeMigt5Xd3SROSTXJ5AvTmTiZ1V2Mv2KGkRzwflvjKs5kLC'
    'ntGrKx/oSEf6+tUEd3RgKOo3s2Iald/Jf3cDzKNPvW7zYDh9edfIRmv3aoPnv85L0hGi5Ft5oIt1GtXxbAYr/RB8EiU9JhOgY8Ta'
    'Y3LE6zJXMt6XveNzzwMZTUdKFRdS6nJPTQHiZO8mAxExlm0gonVnEBiBg2eFBhsWlSfHAfPWIALXu5MhI1CQYe0OLs9NlzvBU2GP'
    'IADfeIJsNJ3qP1RJkBoCsO74PgGGv5d1OoSMZjk/OILC4pVmRS6IHFDbPx0NN7FNsrx4KiohphGWfkVCXsoj3t8wyvv6zrGDOP2V'
    'YY/VfA6KnyBb+8y5Z7XtQVnZNjZDVI9E+pclp4mfSvrih2WxeugM4J/Zyf0+KtnFHTr/AqkWTET6zGvUrYNtlwj2zTvcIJl2PN0M'
    '1BzV4Ld9zF4HXB7H2i7duNDnWzeOWu0Sxr902wsW2JRxS2Q2sy/fyzNlG9lmOe+h7pr3kMWQZDAPgOPLxUQQYn6VtjNaKLJg/fua'
    '35CLt/2Ot+7Q7eK07t8wW9oXdcnCmRRaiZueYjIC95INdP+zZDxDyYzUdzcg+7bcQk+TGaox8TBY5gizfogiQXVv0T1H9942d+Zs'
    'qX4hGrS3jbr3WWRX6wTW1k2+MuqOUsGMSbDAUW3nK/dgLHJUV+e9zSIOU+d1tX3qScB+HJsvZfbj4IA5VUzMBUrNQYc2Fyw4B8Xj'
    '3Gb8Aknmon+bgwzrAuH6qU7DK9Btbfk59hKKx4SfrUlgF/xIoTijenfMFIZ4caY8/jBKLKpDQNi1C+zK8rY+2qtu16PUfoeJMnlg'
    'Ovqd9FSxzUcRq/Tsokrzczq1NRw0OxD7bRsoqLbRTdRYwhEKntf5sM57tSU639eExmoxMm+F0OrFoqjER8Y/PfeSJhIB6lZ+Kgv+'
    '4kZmT01NpgAVbRIPHdfPIkdai8Np9we6eK4AikcIFAcAKs4/FkBxsQTF93V7xlHd/18U4WiOeR+YCKFq8HeyD54nwCPkieA/c4uG'
    '53o81pu/0EDE0Qj+zH/mcR9NRHm8mH5jPA6ifyhQuIWydq8oIEuh3h2rc0XJRy4s03Y6LcFsNuBXbQ+U0hEkuKjtXglN/FUjDSCn'
    'w4NM/C3ctbSZmL5Z5xc1dceJABP3rmDikdUMFWvr+NSAWcLELWhkBlDFInbLQakMlVjyxnUBSEWUMTV2zJ2I0D5K94dmmRzafAyf'
    'T/OVAw8g9JpWdBoftN5wGXwAdk/qAv05MvKvddG03kUc/Qbz9SM1A+gJsUHfrRn9rp6+Y9jRVLoLm2JwL2t8VkDGvG5tTFNn6FZT'
    'NQy68Qyq7rMLYBMDNgzq1sAGWjsda9X2L4rJkvUhRU3l8EjLfSXUIb1PE6mBZB86XCBmlgozHNjpv41V9CSvH1nz6sgaqTL3n7SG'
    'Z3WxdLVs/6EchvIz+2nZJl5RkVNbAcTq8JDh2Wr9pvb3fl64WCxFT/me/NhuKtfUqkAZnNQ4TSIsXZEQEcXDA3RnspoGVtDp1mTf'
    'OEtXBsnQal28dVzywlgzg/n11E3RZeufLwmtIIsGaVvQfxjNQn2pryB7pqa+tpseouh8huiBUYGCVO8xxIPokpxsGBmx0VDkZK3A'
    'KgeDlUbkiJq6jspmvl8Hb9BT28nC3VTWUIYLx5LXU1gbEywQE9HyhXagOy4WlRtg/JktU2Pqa423kp5oInLMvGahPdWJicZalA3u'
    'PVfgppNBD9OHw/Sgw6hXU8tAQrKbbRCxtgDtl+leWl48C9+Cu2K7hszvxrgTR35+EBdKwn4gEEdmTmwQxc8zO9YxhM8ITmL32pUW'
    'LV8TFw8UQ6tcdES17gaNzhMBFF9DmjXsJcvm28UHsGieMDLFsCu06VQ3otHeR7uji6XwQWqtGN+bW0rdgw03oawqdJnUG0A83SWe'
    'osBdDM+JdllqW9lia0hZWyFjy7zHXS4/ZrYRah75+CfDdKmdlpeC7xDFWpf863pkQ0HT84YoCZJvaV6H+xPrdSlUWVtJpReqoWaf'
    '2v4LKmXfkPfxT4eelbC2lch9R1TS688KhU8Xq8nrdmAXfGfAZhAZTfC9iTD1fpXm+JGLR7PRrUO/jW+9vWbPiIYUeXlUtfqj/kIn'
    '7C6k2m/FyClWnC+cwhryzACOgC5oPuzkvj4q47+vkLFucoIg699of5GsOXeE1oAKYOYr+bRztPoppOamTF5XNpVFkcyj5oVt/9ca'
    'KjUXur+CdCoofcl51DTBwthbn0zXUwjVrTJUyV2GcinrDI8gB+xQJeQ15ROhWud4ZawizcvcErJPSYLvca8tOO7bEkSIgpCobllh'
    '0EiIR5ikJN35pIYYZALjH5I1PofTGBoeOLHK4MdGUYtVHMNmKo2KM9k1/RLbvjkGNHRF2kyIGKFmpzHoThgbuZnx1cHCWyddtcDB'
    'l+9Z9CvuWdp2Ez1cUZr+P+JF5kM='))
KEEPER = zlib.decompress(base64.b64decode(
    'eNqNWgt0VNW5npOZkAlEzqCxBJrapI42Ua5mlFvnGFrnwKT8B/a0sYDiq6VXL4113a6YzECoXiWeTGGzPZV10drbp113tffeai+6'
    'tDU8lJkJ5KVgCIo8tLwEMjk8BryG4Xnu/++TkNjarltXM/vsffbrf3z/9/+HdsXj8eRATa+ITPB4wMx7lxSZR7xgfd1ngbJyfMfb'
    'n/6fwU/r80HMDht8xwLg2/TWg46jenS+fV7rOeek4ywptf7NE8ClrNI+8D5fg+szMZ6J2cD4HhDPDOB+kB6sNKr7QEnD+qsfn/Pk'
    'umW3/QrUtTv11v2O4zwJ/D1IH6+Aa9fm6GVuQ/qQH5Tdob1MVDLtSOJ68K5YpMg9XgQls6qgLRX3q3/qA6fXvmagGtcAnrFLwekA'
    'Mx0B87wvscU86AUz48Ojt4D4ZjjKt0R5B3if8eM6Z97D3TNM6YP0/kI8lXi0jFnfLdNONJfwXE5XX5kW1DoT17STrBj/M75VAZWd'
    'sWQqvjQq7ikH6+Fyu5R32tuifFdOfeUBT1TbFffrvEPX9jbZYOl+MM95l36NKXoAkkPx+6QA0wfH4T3ytKbSl2MKlL05oozGAJiX'
    'CpZW6E4KzM6SKPe9bF+VG5l+nb2JfibY7TkwV0QKPB7l8h7FTMGGotjF+Lo/R837HtDvv6xGMbsB0ie8qD2Dn4paEUc38058Ul0y'
    'lVBBrFhejFLFtjeU6tDv1u/SF+jzF8wzLmspylMxde12sKZ1GenBChC/fAGPHOPv043Am1yOT0blPsbPAV1PyRj83dBQqCcmpgWN'
    '9PHSmLZVV5/dYpibA3Xqn47rOw476WjxCfOsL/FBcijRDNZc5ZtW8A5IH8DZaaYcWCyKFyd71Lb9tPIbay7es7j90sBOXFFdm8UV'
    'K4zKD4304XGGsiXGj8VEwmOkT+A223CbTsPcQtsM6TuO0DZDw9uobWtwMf0NkrY9Dk9YFzqubhyCB4cgfcTHlCPxJUxcz8QSP+MH'
    'IJ0tZVqPmrwFzSrUw/h+xk8DfwvV1DVRTZ675Dgxfm2MN/vrksfj14N4jiQyRhxgzVFYZb97o+7FOdNX76C440XSnOxppEMSu2Of'
    '0M0BpWkKDqpJjuuO6kNNLsPnUIpUqT+gf1v/Tsdlf8y5e0lDkg6koj7SBm7HlG5WO7uxqQi3iFQoHUORm5VEBZnt5xebLdOUJePM'
    'lqrCJRPlCXxoRdlrLjgOPaXoSW4xqnr9boN/rN9lpO1SfQFKf4e0DDIC/jGYx6qAlwaBs2CgLtSDR2og40IvMy86alsMrxrl3cUD'
    'icCYS7Xdgd18AKzGUjBTAeDxYBnwaBDNKhosi/GdIOL0UNrlXtF3xqjcyfgpKUprukIT/Ew8FPR/2sQ+/Hsm9jDpA03sK39tYqQ4'
    'Y+OnTOyQkT6GJvaukf4ITWxzjB+OiX9FEzuJ2+zDbbqGTczRdxylbS6NbFNkL5An+7Rd6dKufjBqV7vVZC3BlSgJSssaHGNWIFCY'
    '2MX4kYGr8Tn7BxSXszX7e2kKdcmeqFqXQodkvJ+J74VR6uiVoRQTf6SLMO9vyfpY5WnyRKYcBL6TiRtIQiQexMKx4hmgc++36p3K'
    'TOJ7f+FmNrlZrPITcrOYcniMm32Gj52mhfahiRVbc5zk9kTMLkv2J2bjadXk/5KFriOrz+696KAT9MSfHLF+Japu7A6lSBCxB3sQ'
    'vtGAfbk5alfJRLXtNZryG/xDU4ovTwFh/ZWvPYq+th3FjarNka+Bom487a5LeuAZUkXOwHWnxxfZlX971/jM7K0XSQn/P39G8/Fd'
    'dJ1HOnP2KlSr6+EFuIG5ueqvfXfYfw3eC2Trd4dh3eVo6H2eAuUCQ13bPQ94N6QHMB6ukPEwvR+DYSaUMngBs1Z5KA6KAgLt8Tmm'
    'vkKteDnTUvHJqOOIoW1P7JdhYjw5uHuXe6tAzAyA1tn0ZdD+3Pwl4LswINSRD91XZWgdiRtC/XSlZxG+r8z+9rLa0IWZVZ4xxKwq'
    'QzyCC5xonqA7ad08600csotowTfsE7i2H7Rc/BbgTX50d0+BG1MmQJdsK/IMK1LjR7upLbuTexPljKegOgfa7EVNaP4po6tADpn7'
    '8/YX0Gu+SpLHG7Wpy4vICFq3IeKhVr6Oga7jbUKpc8D7gJ/R74qgY8ashSVuFMN7I/rQkW4A8S1EmvuD3cDnB/cD3wHrR0wemcA5'
    'qP6YkGwXvZICpwv448G+GIXFutBeUT9DtETYhGhwV8wqWWOIby3E4WO40AX8/0C8SLSEsWNgE506tNdAgMOAkT5agYttrAs5ob3A'
    'W1gIKUoWb3NzoiSKKDcQ1eLBjYlJXRHwkaCxa2P2Xi9p+1AAim0wHw/u8sSvQEjYyHAQ9VW+LZbcG78SyRJ1QvUnyJm8Op8mCDf6'
    'YuKfwl3RYD5A4Vn8vlsaTnoyhHbDhjGU6y2Bh4pazYohfpaSZAvnGmJVn2Qlh0gAudEJaI27YIcNfDcIGrDK3wLxeeAf4tYBQxtI'
    'XK2+bi82z3sTX6wLITRFIPsTqfy98RngpFll1mHBfCJj32RenJAowcuOI89uwndwvQu69ufElFb0Io8nTpKQSLEAB9+gLm6bh7yR'
    'oS0FiVKeTR8vSGfHmYfV9AEvrn6f/X3zfEHiduxuPUzmYFglxwzvql10DaEwvoXxDuPBbiM9EJbUMm3XRIsjTH39uHmoKF5ufynU'
    '427MeGSh+lzaTPs4QHYXOZeyPfs4/prnC9U2kove7hBkJ534FCYiiwwlD9VnYgKnRoPdBs/jJl6BFoHq0dXnNuua01xe1/YR+iP2'
    'dtdxxTDTfpwC6ZOor2UX3G5rtgLKWaSqarKYduVvUX+KTFE734zW+o55tCgRYKIBd9waE//iYVq2SUUxFRAw8q7sjTgNVX9M17qb'
    'v0gbTmVkYrbX3e+Uzu/Jo8XhnsYF3ewqwNHsf0idbx/e6hRoZ1XzA+mfDP2ieju0nl2Lj+qPumRnyyKw2O1IoKeA9fTtEkysjbf/'
    'lxwrBnEzWTV6FW+pH0oXJaYCMqKr8eRkLSm6sbavuRC03iZSfaHcutdeuoH0jG6Ck9OHbjaKd0Uxrm/EoexupCN4s5Bj8G6jOse0'
    'aDDVVIoLNKsoH9Jc6Tq6vY140zulx0x7UWn29ZKHpQ9jErMsT0EYtz4J/CK6CNMON00YFlmox74DRD3eaP6kPGECTivEY9jLya8m'
    'i/nBjWamoLZ+RmJClJ8mpdZx35pQP68HPJvEQ+D1VVB9mmhKX1RBXjKIB5hxH6+PCnoJO7IViPpR3hiG0Gn9gShviUBoOy5HYQDj'
    'sh9CvbBuDPRsJ2Wks1+gfl5f4+LZKQwPRMUNvnXdVDLA+chZEc/4eeRdLeL7YRDzwmA9Hgx8/FsQTy0n86k1K/CnyV8XGsp+Q4YI'
    's4p+tIGmYyBWpahdPQBad9OHlHD8XnZYCxzQMs1oebPCusQvjCjpdlowxi+x2g20ZvNLMTT9/6R30MlRekRStoHXlJGII/fHUGuV'
    'DAw8es5xDBRjDWjzgxGGMTZ+JeK2GSHYNsxtTvaPMp86S0vh/LzEKBlVgQd4g1/HyWEUMf1CdCXctJjXT9MRCZlHfS5yc2jIXR0Z'
    'cOtBPKrDis9hZH9lAYWV+P0xNOEaEI+F10UkCphldD7vhgBlpLyXVWaYNe19Q9TJ11+L8V4jhPF/sDRRfB2R6Phv7BJwMvie05N4'
    'N5QaPTrvxHjewnjuM0K6fjdQRO83+PmR7AnEUtTQt4HwIUf+MQDiF12u8zyCJHaQVfeDtr3ZZ1jTxhve1zokb+N9mJXUhT7CcI8S'
    '6TS0QdU8TI5iRYM+QE8Iq0+9J9f4eoRIM5rwE/52N1I6KN4PHZmmJrvU5LPSP6PBAYM7EriRv1ay6vx1MtnWdjVhujOO0oIfxHin'
    '3npEphC1zY3N317nZrwp4OcQQFE5FVB8VlLUxEz0iFIjvd8b40qrQ5n/Uh937DJDrKGc31rhFgF8GcOL2hVhgy/zG85mxKKKGH80'
    'F+PL8nSmPOa3xETU5Aw8jeFksldKPhxFi+EVDK0AJTFGzugE2ynn4fl5xJjmWNO3eqR6vwUhlOLOeDl6kHmgCMyzBeqzafVPPXBm'
    't8FL+lCV9r7QENQ2tjQvY9q2pgkMyWBtY2PTYnu8jNDEkjMY4BHmEOFW+qW5QBiD3nlQEK2PFiJAg9BA+WEZiGVIwn6IycmyAP5W'
    'iWVloP2wptkH/Ic1wigHbU6YHuaEDafDMM/7E/8NTqfdGjqO69cubFDN30mlvLbLZWSADvD0LkkvnU6Xvm4D7VTzY7gfE/f4Kdo8'
    '3HqUNBPqZ9o7zUXgpth45CjfB06B3npell+m6NYGKfr0US9422vkLVpQA3dg5laJZ0WBvs+q9zFkQ7Sg8yQez0HkwyhDpw+Ag8lB'
    'OmAvB6cjWy9rKQPErIbte77Eo7zB+xbUhfqlcVNd5nsNCN/ifwgqDO2D+CIQT8urMfEL91rWnYqhfOweeY+h7WgOG2ICIJ+/wRBz'
    '/UiyWs8OG1GPXdqadq2nBHFlpbyCKDaUXsPsCNgdeC775yBWV0g8ew/U2YOoNfyvB7RsvBIxvQV1tgOUXuQcuCGq7TR4V7v6nGrv'
    'GdHIOzE+Sd6kbEyFxLhMBJE8diL6jiU/Gf0uvLP0anBS8wytNz4J0qnJc2719aPp4hsd9iDSeSbWSrAR3wkbGzzEFshxEe6Z2ETw'
    'o28kSIpV7qnjHYwfj4X2GMo+RB9i+SzUN3oG2tOgrGTwCzjMKt+LWeUnDeElxPoK4lAstJPysBHEuta+ArXHKo/rztsEWVC7goSk'
    'PnUT/g2lsl92A4EbIORQcxaZuBsYMBKAeNENDN0UJ7YB30qxwe2zHsDY0NG8jjKhDSN1qp+6S/1aLvUr4nn/PlyNoGBA6GX5Bgzt'
    '7fikb4hpBzHJJwhAp87bg0DVwMuFC0ZhjwpGSLN7mET/KF9UtRg55LTIysabCO+h9QChPJUXincz3k1YP4EkUQ+uvGUiPDv8psR7'
    '7wqSNFQOosj6hkXWG+PvGqHNmNOXJkpckb2efZ9SbSeDbzrbEv3ZTnrkuz47WxvGd/0uxNaJLroz8U10rrURaV1LG5mylXmfkaFM'
    '2YKvMvFAgCDcUNLof1617XfyoHuJJ1Lhqd9483L4Tx8qxZ2heAdgjkuQHqutb2heAptGTBAjAqGRISLhud62PulX6ZMVc6/d2Cdh'
    'JH0UJdjFrCcjIIoQHv0UJ/LxCWB2BZjmJLJ2qYu5fDuBuJo4kp1M5uhsZfxM3D9cEfsFmrLdZghowSSK9iLoM7zLyYEMcWcFIOFN'
    'Hyjc5JfujfDXzZR+cN5JnIZkv9q2U2YcC1tioj4cc92OYcKgrn0HiCIdKGTKdjA1j9r2Y3yzndId0LpAndVF+Tc6blTcU0b1CvRc'
    'XDhKqZp1b1mdtqf5iijvy0XVVz4f1foSE6n0iqPlOFpuX63zjL13zDjVXzM4qckGoQdyoGDCK3Q/NTADVPC3AKXP+CTG70RIvBNJ'
    'zJ1llOuZjt8tylCGrVdgVOELPOtJMvdhXvmXZoGmgPawQNrDMC0zjzWS54P319IolA4QVyHFiYB5riBeFNqbvSQhfx4GkblVwD9h'
    'VjyIR2r2G8hRMYXE9rwKSsTK1r18B4Xzg3n0ToS5NI0GkHShB2A2jM7iVsusWfVQ3SfLktFgw8DZnOMgSapXlq5hyIHCMZEk71gf'
    'kds+5jdELIzuY3gtSYUqkcNNT4O4htz3OkmD9kgaNL71ELlI4lZbRbTD95zexLvZGTIinJK7XWL85MC9n1BHB1gRB8z8RXXFVArk'
    'tb+UyGNeIV/fA/wEvfsmEnqD+4LInxrHOFnH2HpIH8aUZyjPaqfcdfQDAcNwz8SvZSarrt3JvM/LhNV8x4Edg4ZV3g9iQlR9vYdi'
    'SgQ5NLKKU/F7DAwriL4JP+rVATV6TlK6PeB0J96irvidGG0DhuU7x4o7gde4JZsZqHUcTByiwVAKhwytW30OedCtUIlUImVPHV6Y'
    '8R7sRzc2zxapz2UqM/bb941FDH2+DDGniBJuoEjgPOk4C0JD8wipEKToDpjfWOU5shJJ/gOscjcljkzriahrtuhtx+LXMOSHU9TX'
    'e8HdNX4FtPZSQxYnriLOoL1Mkmn+IxppfkzBf7SIT+lC6zEZBREc0FLQzsyVbq6wmvD7SyCe7fgpdTh4UTmk8/cxqalAs3soe0RK'
    '+7EwGgT+1CiAZvtQ+1epd0p/HQkMNdGawVkRtZA9mMcsQX3mFUrhf+IZDTv0QSPvX1qMG9Cz/RomKHIlmk5ehrTvVRrR5dL4sFoC'
    'yKvypOYGerpjyVXDLY+avA1Fmn0E/0hvTqmFCPRP7Ee7f4gJQe8Qa40h+4DiNONrqGcOf/otuqe9tt1Lgdl0htS2u4tliKyn2rT1'
    'UpCwVWZAiLlovM68MloSHm6TI57en9UyvmGhBP224Ep50hdbZAIUpSK2oM9TmDBRaFWTx6XoNhCRKVCT++ipy6QnxW2G6d7YbD37'
    'JGbF8fHSCLNb/G4IFTLtIgmTEz0UbGif5Bl2Z3pspD8tamGonwhQ9xM3I8wsvQHUN+NXeKwn+iLLneKlpUj5HoleaBhvWPEaRI34'
    'hQa7AGOek7bfplS/gcJCi3lOWVIHN5r1UlHdCU3W4dfTfYkSeE2qyOC4hDUVMusjM1XE7j6EJlzKza8Uk0Cl9fHgQ3QVNRlCzTAx'
    'd2Gs8qz8JOGdWx+r1dTkFNmPYNf+z+QBqLpLm0pIoaQ/daVb/5Y22ozBbLkMdSjagCyKQ/uYEhZC11wg5mTwbqpjBIzKFOYlhYaS'
    'MzA6aefiE2VcioyT5mfvonUDhqb7E7fKzTcVzBw+AbOeleodPsREnNG6UWpX9iYvFlIE1CuobHkFmIIUrmSPFkpxUbCID+IwRpHu'
    '+Dh8LLOjRpdeRjA2srLckO46Hvdc7x/Zq2UiCNey8FyB+MjaBVlBa4tZjbrZ4ldIACgM84VhYSDvMFcPt6uw/dPhdo2UXCIBorER'
    '6HNXHxUSR2Um1qRcEO2UZeVKTIPWvIw9TePhWrNdLpLB5WRZx5qxWkwm8d04zk0iI4hRtdO7kdhZZBhq2wc+t1wUxncVG1F4uTwH'
    'xrPL33KQ9zbWx5JDiQl4jwDOeU3OeSxAFlDhmrPHJ2Vh5u9Qf/wctnVRX0IBs2JpcbI/UcrETXbQPOdNfA5bTF37A799NX1JsVX8'
    'G7CL5VcV7A7IHYBvid9Sh1dPzpE7jaMDYqBckJfcNqM+dYvsn4cnm14QIxlVyj0jpV3R4P1UlTTaR3gZ3mLhsC1GKuhOgBqhB/mx'
    'qp6GKnDrFDXqjVAKfxbiz6jA3cFZiyjhTA+GhG81ffx62StP0MCsYEauYdT6gonJ7iq1pMAJtJKOzbL45NHVDEw4DDOnZDdSKQgF'
    'GMQkqPkf5RJS6tWDUrTW/EJ0xxNSui4qepGS6vgaTtiiPlXjpem0r0WFEt5FNCCU0vLNXxMo5HkYMTt9mAmiiO7JG6L0SmbVK0zb'
    'E59KJwAlw0IZY+wdM3YIc3X7TQPJR5UnfivJHIxa9Nf4l90p3Qw51afE4rDg/YiI9HXrhQLkjcmP1LbnqWQ8bKNCkGGOufwYo9V6'
    '/5bBFiHXn0JVuQirnd6pttXJFePBsPD9yD4E4lWiF8mheDFogkrETSMO58tOLXDNPMxP6RLfmOVbqQvcwewbLqNghEL7F7NaGJ/W'
    'TQoop+CGg7x0pURMROobZ1Uw8XNCDuPMacB3qojqc99b9EKV8HDfKuqtifLSVXz6U7KX14ginXv4bYilsnCtvLjf4+qoXFaBvKYk'
    'Pw6ONFDwlv+UwnptNFa5gXtg+Jzyg2oAcQiza1lcc4hyPo7hCUURgIdfuhzKwPuSRDnM9KEaeaVbytNMIgtUaZCNy9GsezSaKWpy'
    'vdxXhOXQHwjLU6MRy+WcxErpTyP9aRk2yJBD9Zq+J2pMp2DpjRiuSj4XtfQ+fXm+eCmS+fw3HmGbKV6x4r45HJsYr7qohiMliMu5'
    'wYjCFrbrZX5rOooUg/p8ChSSBB2RLj0mao+EaxyNuGd0Y0DRSBRCV6l9pEo1c2fQJvcMURiKI7oqnbWfS8x3xfopkXOzQeZFKGVu'
    'Ng5viJb/2bsi+rjSbacSdPagVNX8IBLb+9EHlQxmGOJKLr8U1IjSZ8TXdF66gZ6q6MvTV/j05+kBLbD8HXQRsshNZKQ8QPZIDEG4'
    'VkoGSkQE7RCVQ9YEZ87gDPcQr5JdwY2+Xje2YyjHITqrKF1llbwnO8UaqWertBfEnABVUjj+KE1lmEBVgDZT1rpm1kDtzKqmYnB6'
    '1OT36XMpn1mV/S41HDMnP99Qu3UzGdBnptSjMKvfbVxOdIc5K/D35tE/JSDqavkwl64QUEZWjc0GvPJsP6L1BULrmLp2M2ZMeQw0'
    'ZZjahFKxUA77usbALq6wmgxwQHgwfF8tC6Kopxx3q6bZ054RPC7JxGorE4FY7aP+xHjKl/Va/bMh+AXpn3dKBL5Bgi8iLwJwzCqd'
    'Ju0cAXgs9uoEvU1t2EDUNT4Furf9fdC9agzoqmvfxzTJvoHQdothLkOw/YdY7cPDMMuUgc+C2Qtq8iTBrA+JV4w+V5//y39R8n8a'
    'KEJ7'))
SOURCE_CHECKSUM = 0x25f4e0de
# ---- end of what is made by --build; do not edit ----

if __name__ == '__main__':
    sys.exit(_main(sys.argv[1:]))
