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
    counters  8 shards (by thread) of a row for each stack: what its frees add up to. What was allocated is
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
    ('SHARD_BITS', 3),
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
    ('PENDING_FREE', 0), ('PENDING_BUSY', 1), ('PENDING_FULL', 2),
    ('LATE_AGES', 3),
    ('NESTED', 1),              # flag of a stack: the allocating function was called by another
    ('NEST_DEPTH', 6),          # frames within which that other one would be found
    # how a walk ended; from FIRST_CUT on it was cut short, from FIRST_PENDING on the monitor may know more
    ('END', 0), ('LIMIT', 1), ('MEMORY', 2), ('LOOP', 3), ('NO_RULES', 4), ('COMPLEX', 5),
    ('FIRST_CUT', 2), ('FIRST_PENDING', 4),
    # low bits of a rule; the two last only in the palette
    ('KIND_SP', 0), ('KIND_FP', 1), ('KIND_LONG', 2), ('KIND_SPECIAL', 3),
    ('KIND_DEREF', 4), ('KIND_SIGNAL', 5),
    ('RULE_END', 3), ('RULE_COMPLEX', 7), ('RULE_UNKNOWN', 0xFFFF),
    # a hook's word
    ('HOOK_MASK', 0xFF), ('HOOK_SIZE_SHIFT', 8), ('HOOK_BOTH', 1 << 11), ('HOOK_THROUGH', 1 << 12),
    ('SIZE_FIRST', 0), ('SIZE_SECOND', 1), ('SIZE_THIRD', 2), ('SIZE_PRODUCT', 3), ('SIZE_PRODUCT_23', 4),
)
_constant = dict(CONSTANTS)

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
    ('pending_at', 'u64', 1), ('pending_mask', 'u64', 1), ('notes_at', 'u64', 1), ('spare2', 'u64', 5),
    # written by the recorder
    ('stacks_next', 'u64', 8), ('frames_next', 'u64', 8), ('asked', 'u64', 8), ('late_frees', 'u64', 8),
    ('unknown_frees', 'u64', 64), ('missed_frees', 'u64', 8), ('replaced', 'u64', 8), ('failed', 'u64', 8),
    ('cut', 'u64', 64), ('wasted', 'u64', 8), ('unknown_stacks', 'u64', 64), ('overflowed', 'u64', 8),
    ('lost_blocks', 'u64', 8), ('lost_stacks', 'u64', 8), ('lost_threads', 'u64', 8),
    ('lost_sizes', 'u64', 8),
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
_TYPES = {'u8': (1, 'B'), 'u16': (2, 'H'), 'u32': (4, 'I'), 'u64': (8, 'Q')}
MAGIC = int.from_bytes(b'memleaxR', 'little')
VERSION = 1
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
for _name, _fields in STRUCTURES:
    _at[_name], _size[_name] = _offsets(_fields)
_header = _at['header']
_WORD = {name: offset >> 3 for name, offset in _header.items()}      # index of a header's word
_STACK = struct.Struct('<' + ''.join(['%d%s' % (count, _TYPES[kind][1])
                                      for _, kind, count in dict(STRUCTURES)['stack_record']]))
_PENDING = struct.Struct('<10Q')
LAYOUT_CHECKSUM = zlib.crc32(repr((CONSTANTS, STRUCTURES)).encode('ascii')) & 0xffffffff


def c_header():
    """The declarations above for recorder.c -> str; the compiler checks every offset."""
    lines = ['typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32;',
             'typedef unsigned long u64;']
    for name, value in CONSTANTS:
        lines.append('#define %s 0x%xu%s' % (name, value, 'l' if value >> 32 else ''))
    for name, fields in STRUCTURES:
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


def hook_word(number, kind, size, through_argument=False):
    """What a stub pushes -> int. number: of the hook, 0 to 255; size: which argument is the size, FIRST to
    PRODUCT_23 (product of the first two, of the second and third); through_argument: the block is *argument
    where rax = 0."""
    if not 0 <= number <= _constant['HOOK_MASK']:
        raise ValueError(number)
    word = number | (size or 0) << _constant['HOOK_SIZE_SHIFT']
    if kind == BOTH:
        word |= _constant['HOOK_BOTH']
    if through_argument:
        word |= _constant['HOOK_THROUGH']
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
    'blocks': 1 << 18,          # records; half of them used is a good load
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
        self._found = ctypes.c_uint64()
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
            'magic': MAGIC, 'version': VERSION | LAYOUT_CHECKSUM << 32, 'generation': 1, 'limit': 50, 'trust': 1 << 16,
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
                ('missed_at', 8 << _constant['MISSED_BITS']),
                ('large_at', 8 * _constant['LARGE_SIZES']),
                ('index_at', 8 * index),
                ('stacks_at', rows * _size['stack_record']),
                ('counters_at', rows * _size['counters'] << _constant['SHARD_BITS']),
                ('frames_at', 8 * wanted['frames']),
                ('pending_at', pending * _size['pending']),
                ('notes_at', wanted['notes']),
                ('overflow_at', 64 * overflow),
                ('blocks_at', 64 * buckets)):
            head[name] = position
            position += -(-size // PAGE) * PAGE
        head['size'] = position + 16 * wanted['reserve']
        levels = [(head.pop('overflow_at'), overflow), (head.pop('blocks_at'), buckets)]
        return head, position, levels

    @classmethod
    def size_of(cls, **sizes):
        """How many bytes are to be mapped of tables that create() makes with these sizes."""
        return cls._lay_out(sizes)[0]['size']

    @classmethod
    def create(cls, fd, keeper=None, **sizes):
        """Lay the tables out. Memory is taken at once but for the reserve, and from this process's account
        (fallocate(2))."""
        head, taken, levels = cls._lay_out(sizes)
        os.ftruncate(fd, head['size'])
        os.posix_fallocate(fd, 0, taken)
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
        places += [(start, 64 * buckets) for start, buckets in self._levels]
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

    def scan(self, threshold, buckets=1 << 30):
        """Blocks that are `threshold` ticks old or more and were not listed before, the oldest first, as a
        list of (address, size, stack number, birth in ticks). Goes round: looks at so many buckets from where
        it stopped the last time, at all of them at most once. A bucket is 64 bytes; 10 million are looked at
        in a second or less.
        """
        found = []
        levels = self._levels
        left = min(buckets, self.buckets())
        scan = self.keeper.scan
        room = len(self._out) // 4
        while left > 0:
            position = self._position
            end = scan(self._header, self._level, position, left, threshold, self._out_address, room,
                       self._found_address)
            count = self._found.value
            if count:
                values = self._out[:4 * count].tolist()
                found += zip(values[::4], values[1::4], values[2::4], values[3::4])
            left -= end - position
            self._position = end
            if end >= levels[self._level][1]:
                self._position = 0
                self._level = (self._level + 1) % len(levels)
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
        end = max([start + 64 * buckets for start, buckets in self._levels])
        buckets = _power(records) // _constant['BUCKET']
        if end + 64 * buckets > self.size:
            return False
        os.posix_fallocate(fd, end, 64 * buckets)
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

    def set_stack(self, tcb, low, high):
        """The stack memory [low, high) may be read by the thread whose fs:0 is tcb. -> False: no room."""
        bucket = tcb * 0x9E3779B97F4A7C15 >> 32 & self['threads_mask'] if tcb else 0
        words = self._words
        ranges = _constant['THREAD_RANGES']
        for entry in range(_constant['THREAD_BUCKET']):
            place = self['threads_at'] + (bucket * _constant['THREAD_BUCKET'] + entry) * _size['thread'] >> 3
            if words[place] not in (0, tcb):
                continue
            lows, highs = place + 2, place + 2 + ranges
            choice = 0
            for number in range(ranges):
                if words[lows + number] < high and low < words[highs + number]:
                    choice = number
                    break
                if words[highs + number] == 0 and words[highs + choice]:
                    choice = number
            else:
                if words[highs + choice]:
                    # all taken: the first is the thread's own
                    choice = 1 + (low >> 12) % (ranges - 1)
            words[highs + choice] = 0
            words[lows + choice] = low
            words[highs + choice] = high
            words[place] = tcb
            return True
        return False

    def check_stacks(self, is_mapped):
        """Drop stacks that are no longer there. is_mapped(low, high) -> bool. -> how many were dropped."""
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
                if high and not is_mapped(words[place + 2 + number], high):
                    words[place + 2 + ranges + number] = 0
                    dropped += 1
            if not is_mapped(tcb, tcb + 8):
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

_FLAGS = ('-O2 -ffreestanding -fno-builtin -fPIE -mcmodel=small -march=x86-64 -mcx16 -mgeneral-regs-only'
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
        text += bytes(-len(text) & 15)
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
    'keeper_count': 4512,
    'keeper_forget': 6192,
    'keeper_scan': 3632,
    'keeper_settle': 5408,
    'keeper_stack': 4784,
    'keeper_sum': 4048,
    'keeper_teach': 6032,
    'recorder_after': 47,
    'recorder_before': 8,
}
PARTS = (
    (0, 77),
    (80, 347),
    (352, 671),
    (672, 760),
    (768, 794),
    (800, 1306),
    (1312, 1545),
    (1552, 3203),
    (3216, 3623),
    (3632, 3897),
    (3904, 4152),
    (4160, 4264),
    (4272, 4493),
    (4496, 4797),
    (4800, 6258),
)
FIXUPS = (
    (29, 0, 9),
    (71, 0, 14),
    (746, 3, 1),
    (785, 4, 3),
    (790, 4, 5),
    (1042, 5, 4),
    (2626, 7, 6),
    (3391, 8, 7),
    (3639, 9, 0),
    (3792, 9, 2),
    (3893, 9, 1),
    (4416, 12, 7),
    (4508, 13, 11),
    (4540, 13, 10),
    (4603, 13, 8),
    (4663, 13, 12),
    (4521, 13, 14),
    (4581, 13, 14),
    (4589, 13, 14),
    (4622, 13, 14),
    (4681, 13, 14),
    (4703, 13, 14),
    (4708, 13, 14),
    (4719, 13, 14),
    (4738, 13, 14),
    (4752, 13, 14),
    (4793, 13, 14),
    (4813, 14, 0),
    (5151, 14, 6),
    (5517, 14, 7),
    (5691, 14, 5),
    (5774, 14, 5),
    (5923, 14, 1),
    (5531, 14, 13),
    (5615, 14, 13),
    (5666, 14, 13),
    (6088, 14, 13),
    (6254, 14, 13),
)
CODE = zlib.decompress(base64.b64decode(
    'eNqNWH90VNWdn5eZwGSdcudgrPHU2mEZeyZ7ckqm5WjmiO28OKP3whsaSwKoxbJqqeu6RyQzSF0sCW+eePfxWilS+mt73D1r156e'
    'HmR1LSi1MxNNAqKEgIq6amBdmMcAjqTGECCzn++dJMQ97TmbPzL3vXd/fH9+vp/v9Xiqf8PsmrG2W7+1dJnept+qf0tfwuWJIpvl'
    '8eh36Lfrt+nLv3Pn7bct7/lz07g8U8zM9nhKh7FP9/FKhXk6hBzQ5cElQp7tHqt8hFeb3sBHbj/EDZnj+eIc3tjLd12xfuGG3d+/'
    '/lec7einhZUNuhyWw/qnh7jcx/Mnb8SHZesMbZDnj9Vy73a/hj20MXthA3fua0jE3l7Twq2RdNBeeLXh3H41nq8qc21NULAXhkJr'
    'msqGttBf5maNdseKHtlf1tnOL8T60/8l86XDeEywnSs8sXx6D56fFfljMwzv9lFIKbSxckpb2LALp3nKguVbg9wcrXnoMrNX42Yu'
    'oMv5G7HrpniNx6OVfu5s9AQhluPr495NzVhj2H53NpRRdtWX8fwZr75U79DbO5Zw+5Z7uWwPj1o5lv0NPiec5RUhxwzngXVClvkf'
    'Ji2SkEfEnq0Xb1u1a7z4JqxwxnA293VhgcF2HOf50yGRPxVKWu+m08J+MMTnnOH54zOEN2pobxrOD+Lc/jqXo7BzvYjl0n/Lzd6g'
    'iH2aKdJkY87xvzTZwORVlyabrl83S1oq5maeiObuWKF/W1+h36l/p0fYG7vqoLOVS59w/xGqGvZaf3Qv7SJfNeTZMmd9s5i1Fl+4'
    'nQjjbYshV/tJ3rnKqqX/+PMrHsSK0v6yMNX+ldKgB1bRu4coplTgDM2AkclJXBs1brhl9ZqZ8EQ8pPWMxOdpmVAKEn1hlbmuSVs7'
    'w1wXqV07ixzV5YOj3LsuVir0lKOnnomwR0gaYT+328NBLscN+VbRhgjukDb5XV8m5F54iMuD+lLx0qRL9A4x5Su9PRn9sIPLT5bA'
    'MfVcDnPzFPTFvsJuvdeQ94RD0RH6aaZ/kYQTr5D7R7C7NcKy1+CsZLSStHI6e6JPpsO+ZHRvytpryDOCJUfg/E8QQqFFc58rPEkC'
    'w3eLvM8VVDCQA+9UDrQqmS8nrUr6slYzsTmkLZTp/ZGqJ4czH2C3TJO+W1n+qQlf81gx8z63l/qVD6C/ckHmVffkeKViQwphFjVm'
    '3g5zwIXhWCIcYj/Osedz9vpsyKqw7AAJIwukwi9VolSdpnE7/XIkmsOnqlOzW6d9rZBJeB8286joj1deIqnoTbNnYhChASxkvQ9J'
    'ornSHbQGFuLOuooR6yMrJenzQXwW9gvVSKwwK0+Ct0PUdhK1wJ4ftNNPhIAPP4I0dvpwZEok625MVYHIzZdbpgU2KUMa49T/qfpf'
    'XAIpeY7Lt5B/vYYsAJxCfO6WsnLIMT/3bimqoNxnOP/kIZSya5AdmQDO2/lVjDhL9PJYOb2Am4W4EduXeR+h2B3/K7IX8r5xlMf0'
    'lZ2dIl+8USDIywvNrNY1k752H0DsA15u0XqS0cGEHDCcQEHYeiRl3xY0Yh+smcVjfZ11KVtEBMDsHd0saLo55s0c5narn8dG05D8'
    'YYR4t6dGpWzmh7xPjVU4dNPx5tBoz1S8x9nzI0K+SpAl5EWgFpdvLEFII8xag4Z9l99+uNmwZ3MJT+FVg1wfnm80DnHpC/Nd0yCr'
    'bLc2CbtjOZK2BvHVzJ07tRQFfj8OFsBRQ8vRJiE7GcGPn++i85VTZHKBIQcQpfOYNQeSIgD9tPIKjBEgAZqIXE3Jo9ERipgGehGl'
    'KhE06gZTgJkZsixkfQ/hQdCQR2XZaNzL865Xl4Eunu+5UtiOit8p76bsbTl6ET2UcNZq+h+D9MB2HBG21a9ESgAhphesPn6oKJz6'
    'gqGd5GSNg9g+yGMHmPVj6MB+X1gFJ7Dsv+MBENOsx17PXHYjFQVm9eKdLJjHvE/XMOs9POiyL1+s0fMfzTCHmJ4/4bUGmTUMZVPa'
    'CUOeg+yp2AVm/poEiQXCbOMvlQHGzGMzmcW9MKezASUl81XDvjKFtdmbvMpAU0bUcUgilg77WfY6GsqRlLzg7kcWwDtewJtoLGCy'
    'AT81GHZ92GjsN2IDa57pS7ZACk+qcT/qjZfLIwl5NiE/5ma5hsK+FFcO5NZeZl2HzbDc787HAOLyq3Ioll6Mrho0C17Z0YJdsJxH'
    'scnHajtKnCgkLIXs9eFAQmYiPNojU02fCaMj8pHmhPzufBwOXb6I5QiPEPI2Pi1vJ4MiOggoTiIo5BGI7iOIUdL6Sj/h1mD6ckik'
    '8blwpW5+pDFrAcEA+cT9BxJayYd1CohQgCdkxBZue4W+H8B3GI5e0sfST7GkahSsoshVS8yyNrnsi1hmjsHLW2BGuFg4iVc8wmsd'
    'UZUH0NsPomPcfQ6x0wLtQoCV5rrUAvb7HLk2e/EiLa9l1gnl72Pc9sE1+3iswMzNNYT//ZR5N+7AZ/bow3gjkCrrUvaeMJWKlP1E'
    '+Gn89iXjnokYjugjfYiZuyi2KFBuo0HsgoEaYM8Ps615eB441enP7mVZgmYDi1DMvo24oCLxWCB8D2ZeW83AMUN+VHxnrFLRzXGN'
    'PR8IG1RI2faCYdMCyNKS3cey91PCx15m5t2aMmzVXt4p7ygrw3HumYtEGNaHG3ZXiDoQqD9FelgoOuH5bBscl2DP44gY4qUznMwO'
    'pr9E80OSUR1HwevzTyS6/OYFDmSqRpazTKNpEaFVqulkjvnSf5+AQoEp+HB/dgHBQNH+Av1zF5Es2AjCOjfX6HI/YUntDcmmdJPM'
    'TwYJRbA84l6n5GZG4wEuSQxJDvW6CSgBwHm89Dq3F4R57Bwzf6fsVjFPzCTpGphFmSzsK0XsLWY+jjEpKgBtjQf02FjntV3rw0FP'
    '+hqlpFKLQQFSc7qOeGUiAWqwzj10HmyscTRFxQqA/IIC9S6FBlOq8rq33KOYp+CIy0c421Zg21DbB1HezYIPWeJDvrqLLqikmPJY'
    'jfIYjDYR5jXkPpjAve4C2eqkd2KOLg+7A+dVwkytrSU/InXMcu1EctAm7oXzEzx5Ot/6mMs3q+Xntd319I6YszyPGrTcvg81x+yi'
    'OHLWh/3DT/EbzBCe1iB+RtyEqrxmhH5ixTWnhEQR3Jqjx8YiB6C9g3qc/6164XRUkEed/fofFc03WP5F2jYFFnjDi7Rl5+9S4FNP'
    'J0EeHOCaIV/n8gPuBErca3tUZgTCxddGiYOAcHCwjohhB8Lp2ainZpxqtzBfr7jPKI+PVqmrWaWugLCgvNevY2FEtkXotyXxGP/K'
    'KtnWpJvrwws8bFt8XnSkujMKdPcxiFgx6sbQjuzsUMT7jpRN0Gu/2ABZdlOCG/bWoJKrwOeMpZymQaG9J+ykmv2fKZkX0bzIu/WZ'
    'umuJTqf/tRTgFZpa2Zs5GM1dklr2Al2XG7I8DWAv+Ud1MbWvfAyPm6eC3G7g1rss+28K0G6KcyrT26utHiS/yIlRbVLPS9D5lMWe'
    'qRKaL3rNk8jLPYcUrbU3H+qqMkrBdhxW/GrOGEJlBkgVawhczl+YVhQKHGBIeDlnlJxCttX6Mctb3Hy2AnadDhGl9xOmjSRv9adj'
    'XGZWc9mxDpoFSa0eoJhPoRhOexlb3UibwAZZbxdRo+nzAmoevcFZ9NK98uOpqBWUaJ8iYDuWGPZSDuJ0iSUYdivkWNzwB616ToHb'
    'd6JwFOtTc7u5IkFDOcUli9dB0VnC8eWFd0ucvni7W5Qrg4a2D7Rvgk4+SHTyb2j0Pd749q5nvkFxnufslv7uExVlPCJ6M7jzcBuX'
    'rQ3cvhnwRDLcDNFbkTk3c/y24LcBv81UfgAjRP/wCH631j/MnxLy8pRXX73I8QVLnxeIkO6CJ07CjsWZ1anIMdrpyXgQ07Td3qzw'
    '/Rz6F6LJ0DSyyKn3dx8jBiucBYNcO8DtmST/5aTJ9TSq24XIrnBtoIf48VlRyQvzXDDTS/y4i/jxLro/mDqPUOETGF3IQb1dyP0d'
    'hjxO7LTN1pvsW5sVXnB5Yvgp3U4FiJf81KOa8zbuXG1drsC2W+FDvuTlsSOdPlD9R4S9pQoSRwgkTlPP/7MqSCxRIPGucJreFt7f'
    'UNpT03pMyKIh3zTkgeL+PxEAUCZSh5TZqWPchGFT5tc6uqhmkK7mzC9k0kMfmmXSR7/zZdKvyxWByRakrZppPQoqzlBEE5MqPkn8'
    'jOJYyFfc7/tIHiPM0S1zNanYhbIj0BVP5hxV3SA13FyYo+jQ/tmjCD/L5moJ2PrcL/nogMnlW8aqyzE3vVKtdX9USxPQ4ACCT6rM'
    'Og7UenZUCYaSzrX3iRAEi5lxavoxUpWezthQW+XpqlTlh+oTdTk50/07vHWvR6k37w83gHFd5p0uJglnbcYUc0/4MSL/7NEf1E5n'
    '5apuEteenqDxWmrnO2on6sWlu5XaeadhsO5TVTypAtOD3mnAdI96eKDNsL8XF3JcIHFRE7kiM/YDy7m9bCW3v3nvp6/QjU76c0nr'
    'Q2Z9w0dE6rsIqiKk8JtDM+kyiGW/jvds0zPVnspgyZOXkAKFAVv4ier7vERfPmTZrymWvnS1IYfQj9AueXcer+tn1mKfkvDelPxv'
    '8dKU4rsn0U5QoJoFP7pxbj/XozDS3tPzpHLJEaBK7yQQKhQsEwriA7krAtPl/y9MlhXRwySc2Xat6i1V92W3jhogEyup0caLNgrB'
    '5cWLZfIzRuS0yCWpaArwHOn87BBJ0jgAScbUJUfKaaULBi//2nra5X7iQyAeaCtfwZzxascg0+HgSzMmwqpFl8No0OkKhlZGudP0'
    'KD37ufYe1S8FkfWAhyod1EFlbJNyUQfsqZuhcaqpl2IVYWovDtDdhhPoT9jCb8QMkK2N7fAWCOTirxj2PeFQKnYUnRG9sldFyNfZ'
    '2RQfzvyBJBrLXCnInTZNxA6ybLfCtQG7vTuAlm+A+r0b6nvTsGjflVwr8OgYl2+RcnRdxqxmdSMGvUj7kOGkw21EvXwqzNQ1kEoA'
    'WAbkAlg5lZEbYO2JVPCyTbMu0DZGeDUKOxX5l6pF/hfVIt9vzBkogfrtM6J0G1GPLCcp0eDgg3lGg9TUDziBHq69bdjUemcOuuPn'
    'qW6Pepn1qKYuE0+6iYt0DImlRLaXcIW4qEhzjFiRbbyPGKV8H9EdNuomQKHeqBsvHj1VURdZo4p1TabzG/TU/TLF52duDNeuVlzg'
    'WQXBS9dRUlg/V+T+NMtuUWnzQfGHastMHZGRHF0m0cBD+V76LTSzo4YjAnrsT51X3GTX/4tw2gdHyRnULq+m2yBn/k6425cE8Gcj'
    'lapeK+HKzym7xPrhYrrPCgDhjpnnKumZcOc+7GAbvT6jcZDnj6Io7EsfdP9aQW8gTEI1urTzT7o81VS2YkSLSeor6Krw9olLzogK'
    'hmjfZy4JRt2T1BrIIrqb6ehhFc4T9r7m9pE/2I6DQr7hvojxxF0nyx6cwnPwQe7JrJiEyIfmUSOyOBUbTQs7G3584q7sZoA5QTy1'
    'tFPWcztJjf8HmmIlXc1Y49U7UtNDhRdI4J6+SPXeNQnu5coJ1O7zqA7p89OPmgqAbIU07ovTBYqn9LrSAWHuzidjbThXqfwvAKru'
    'FA=='))
KEEPER = zlib.decompress(base64.b64decode(
    'eNp1WA1wVNd13qcVsIoV3pbKsZjYM0u8dqUME2sd0uwrprOP7Jp74T4CBYFtjJ22DtW4bkql3UBqGhBv1/j6ek0a28HptIldt40n'
    'zQyhccyP43jfCrRI2FgILDCuscAOaFkDi3FkAba237krCbmdagb2vfvuO+/8fOc751wuLzI50MrUyugyJvfbnScrFdNny3LnaOUC'
    'LrcM+nw+pr7JuPyQ+bcFDJ+Pe2dnieZDfM/1GxZu3P29r/+Em9vz9F5loy0PyAP2x4eZNzSPmdsXrBfGfuYNTmFGPq7+rJFlH2xM'
    'WMfb57FMT3IGVm4U2XtutLEys8yMhUFm7jkdar+9LIz5gTJza4xVq7visq9smzu+GLf6ksdtmS/10Urc3LHaZ1v55K9p6T+ZWhfl'
    '3smpzL9zBPoK4yBk3Nlo74a6vrIwvcVB7l6uWXdd1ja469XPl7VP4ANbYjU+n1Hamn3CF4SV2fpe5t/agneEMorTYBCZvqCNeef9'
    'mZyZ/hTC7JVclrNrK1we4i8/+enda3aNDg3YK2Q50mO3iuzfrudyVGSfKmyivctb2SvjTlom5EPhciLyPpcXMsNm+ofY4JjbR7i6'
    'M8r9Ndy7EHJu/vsQ985M5UaBZzfGHHWbkENwZYOwcskodwtBYVVSQ45813Y/MZIB+zdkXmk3U/FwmbtnA+55g1v51D9FcqtW2/fa'
    'q+377Pu7uFoZIDnyAJPLwyNlbhbM1PNCPRAecWSzI/88kBlONu3SovZz9cimOlidySX3sF0TAZaF4hK4I5Lrwnf0jkrpdR/9wRtw'
    'UZT5t5Dj7c5Bgo8jPYoGgi/mLljbPg2ujoWMruHYbUYq5ED2F9e462cb353qrm+a8t3pFIlNtYhE8TufVip0l6O7Lp+GnggHmFoe'
    'DjI4Vh4dUtCj+L7hG/ujePRweYXJQ/YK/tuJiLTyCc/by+H1ViZ/v4x55xqYvMTcD6JCQi5X89uEfCAcigzTTwv91xTPxioU7SuQ'
    'ToH6Er6ViFQSmZxtPlWQyXBtItLjZHqEPI/3o9xMDC/yp/MUcED+9wBLaNHNL+afpXvv9FRmdIvsfTGm/pRlKqlbE5lK8rr5bvzx'
    'kLFQJl9rYm53kFuXUu9CYmp2FbCl55gcobgzayh1gqkVAbpH8IJlZhampw4UT49WKgqacHfIMN0VcAkgELbi4ZD5w5z5Uk5tSIcy'
    'FTPdR0rIPJnxz5QJ3N1MwTOYSu5tiuTwSEs0009Oeloht7AChJGDyR2/Ja1opcU3dtFEF/BS5vgowaK0it6Bl1h2fUVYBfJUgh6/'
    'jsdc7aliqmJmXiHFl0PV5aRq3nypXyWfCgGAW6GNSh5pmlApcz+2alQyd290Ep7JmHs0GEu/I/z1gZ2Av61DtHWCkxCKASb7kKZw'
    'ZIjdvKWs4zEYYNkGg2Uf8xmErRoAPVWPD+64HVfMjHczq5y0mZuPMas3dUJzxOfIYbIsmnPMWvCtjoeF7GXe2XnMOzUVz9M3bJqG'
    'DULm2OcBfWibM7oSkX6wFAglz5TdJNTdQcc61j6dW7mOOqZ4E7M8kJmbN2z3ij91hKn5AcrxHws5H2Df4qvRKZiSrKCvyQvF78Fm'
    'qMHcwZEun+8a/mPmS8McrLvCbiXCkW8uA74ZRAaF+gtI+xyT8XAU942ieZDJ2jDbNZ4lcFJZzZ8Nt9Sw7H2Gam9BHbgLEI8DbDGH'
    'sqBAhO/m6oWRIzktKtGEnwDbRR/X0ZGJO1A44OXbzMwtUBZIDNCbM3ENpNRXWaLHkWciwxPQifRfKx8MxBgU8h1HdsGnQVbXyzLn'
    'ktNgqly+z+dk3k7i6UkKwGXmFf22rHfho/06nl03CLAPpDYG6T5yWKidOU0bW/s0eL9jkNohIfejSh2nSuUY3ezwEM82dDM1gxE+'
    'isjAHjOjYI65M78GITHTz+EG1BOzrddT182jSmBmerEm8+4p/ws1ZuZN3Niy2xuqsb3zU91B0/ZO+zP9ZuYT2O0Ypx150Wm+LKz6'
    'sLn5x8T11kem+wMqTvJD99Q0M7PMD79kF48gzrczVYeSaKb1muyZ8GcMH4lbD4UDZvprdCnPO/Kj4gAyAzHzcxjVnAPyBEwEymrD'
    'onkEOGr/JVMPEWEeY265ppCI1hCpzNHxgzvNzNchABEOFL+GCyhW3T4zB+z6cTuz3837ZWuURY45zZ/E5dm4LHLvAz+iE2CRPuaV'
    'QmpDuD4u/6aJRbqkM/sziDom/6ElLr89hz7vDd0EIYBICEnMJiXxODAi/eDmROQcNkPPWgqZLELr2tKPWKY/2UDZxG5GAN2Hwo2G'
    'mUkQKVA0ih3kBNL7/6qoZZH04mLkjNM8iufVrfIj2kAbS9lJPjKwX+fY57HfvYLobofLEFoBCAR5tjaH+nZMwypAsZG94i8vAjdR'
    'zS3e2Ra7jt9h7sxRXNO+UZIxxcxc0sE+xXRcrjArb7q/rKHmZIQScd52PDYf+QlWOFJmvaNeDFPN4Orx8As6r3TWxsPBQiymM324'
    'G6jZpqkBUHmiRmNKUP2dE7bNJ3MIPtiroy6RRvb1URcj7w2HGApdY/zR2vAD2HeLrwrAoX1XKhXb/dSImy+BEGBlo7ktLxT2X8vL'
    'eDpvpr9P+W/tNd2UJsyqy6r+huO0vxFB+M9P/juB+k0+a9pdIc9DzwyZCdDFYUncfBqJik+SRihW9R23JtI9yVkCz1psGSA9ohNZ'
    'zmp5lgVI/RYSGcW/esc46HpGNbXcK7XJdjytnyCV4hOfjGFiFyF+D/1XnAOVOATqdSieXVyTkK8Rq0yZ68xOfnkMKmPAKd5IFoCt'
    'VB0UoSYhStoU/wTmJGT9kyVUm4Ywtw6Z7q8ncplKc5OZ+TcdvS9wa8B0nyEkk8lcDhAALa/jjzZtCDf6kiFtrZAXtVKTLE3IqrGw'
    'zoVvavBm8ZWr0Ka57MiPNXHv0ZS/qcoR41bzukPFA9g3r9quwkrz6bz5NNqAfnQCQjqoZrXIo1pkdLF53EPyDVhbTR2JXCaioLQY'
    'IwvyBiJcnE7bvbP+a4Ev2vIIpdM1YqG9xd9dncjG0SpAKNfc8pQxSdg7hXTFJ4q7r5Kmk/o3mkCofHH5+u4G3TdzeaQV48hVVLK7'
    '1INNTC2LsuyGcODSvzO1eRMhca4bwk87wDdcXKyh6TbRjzXU/gFTj+XounmIWfvb30F5936uF7KtFaRhxwGmvhG1Xx2fDXaRQAfd'
    '5dyXSWbHLxz0aD+jPQk0JVnwpJAHmd/VLYN8V8j6MCr70FDnCPU2aGQYuhnQb304OQPl2Y1RP8Ddg5ViFSKXSRTeH9HOwpCCmUgG'
    'ZVvAxstNckkT/Ubjj7KvrJFLZtvuhvAdPvPp2G2R4ap0ZHjnKahaEXVX0L3vaNXt+b0OEiLE1MPR3UQPQrmNpJ//5aDO/F4xKy+y'
    's49yldDbX3RkL4/kMbs1pOpuoSY9+VypnlXy2FfpSR2J5K6pLrvB1neBWSYR9uR49YMAodVYx7GMqcc/flZb2kXFmGAQFdm7DZ6t'
    'nyHkCUetZZRIg6J5gFkfCnP+W8Kf1gOSYx033Zmktvup33zE1L1GHhV7Q3gIzSSX7/Dd432GkH2OPIKyh/Eo58g8z7ajY/x+QGTe'
    'SDZTFy2sgdR5x3rPTO8gpGUXoDumNm6fuflfaMHda5R6uRyBXdwbwgSbu4VGVgHEQNBUctIuhhYEPh/qfI88xMCfZTb3nrUdP2WI'
    'IggZXTgmjS5R11PtxLcQQY8w8Oag7tdRlJn0d1ZodF63SFbo8SA9Rm9dgF3rA0hERPSuspCxEZI4WIwRU8r3aGtMSAwmxya53ZGH'
    '4YjSKZIxlN2ix1T6iN9t0dEGsFS09My1flAPY5iFWoE0/3g/KC8J9S2W/JLu+ImwqMY9Rd03+/g4kw1dusxa+1PQdSUm2HcSkbep'
    '/G7kVsl0b9OAKgq1tFEoTrMSelrdX6stAa3FgqgwjiPTMef3CT+6Nez0M6QNDwl/DPd2k1rSyKylLR21TC5tUbEbmWVH6caOInYG'
    'fZa5o4HUC9ztQu7si3HrcHunUN9soyKS/lcfzWA9aKsXqvRRPVqpldGF/qeOEoxENmZwDYw+gfR+kPp6tTBAEW29pRrI7uoodgL8'
    'AOQinc1vwGif0XlZh6odRDyLGWuh8mnWfJCBktTaYPVMA3pVklOYdZDUZUGOAgRGBdzy7T8itIq5K9vMzQ9g6yp0mTp0XUy+Jebe'
    'v9Z0CzT/XDPJ3PxzLBTDFSqTP6UQZndQTHl2ziXmX4dg/nHx7yqT6FFz4UWgFlnXukyo+7FlXZujntckSKPQ++SM7GwUiKuRYQxg'
    'SlXd4+qBFMoK41iVdTxEuOPLTAUptDOZWhIg13deqZ7zuNiOzDaOAgtB4s0B5nYFmFVK/YKrF0K6DfiAm3d+QNA4l+SRfsf/jD4O'
    'Umw90HCAGiOjqE97vJNT8FVhvMX8QQ14QAvVoAuOuxpIHVyFEKzm0rLv5XJG18T6cKS/9H5nvuqPhsPc/wONcTWjuIbGvUoxiR89'
    '73SPVQtdKNieSc1nvjrnU+UAojM9yVvh2teoC9s9MW54uRsQwAD76vwRvAGvDKRKQp4VoFK221epul+oXxGRUvl6lfiVzeqNS88x'
    'Rlmkl0XyuvFDK/yZb3PZxb3STTwCEqmysQS9Hi81MnlQRE4w73xDso0Rwc3KuxeM5MNOtmGAY0DD6P/fXG2ZVNg6WsYKGtFTmKtt'
    'VL8EFbS+9uuhLOqAt61a0xaipnntd0R64Nb915ijepCXfIHNVVrgu599HOkZe9B+prSXClS1HLKxckh8N1YO/wODe/I5pjoAvWoN'
    'NMoOEPBVkb3jTYKok01e7+PNexdm50QXZ+eA2gZpDlHhFuALGbUGM8lw6sKYBF0FDcx2o9WUhCzMhm8J2SiXoFNoa1oTl7HZVP94'
    '50mqerFH277C6y7TjDBUdswdcBf6W1On0PONmpuOCTJAl0G/q+vfrMESIc/ABTxtpqmxh7dzHCMf0P8i6hKLDFBEUsc6T2lPPQva'
    'LB4cnZx8ut7ZK9CJMfkhUeqp6dWCB8JTP4tp7lu3VqjtZBQ39nLjCDZyY58Dug7SAQE33gQkME9er6vcxja0bpfN9E5ywsQBlZBv'
    'g9muYQlTaol57zUImlhhXN0lXldm3rkQRIUWqd8cogxf5E8f0ik+6wLzzsCRBZHdGGNqGpgxwC246B81ARQw3FZSZ8Zf48qOjr8q'
    'Zr37/7z62NirdN54hl4honPmLm1r38TVUlSIMldO6NUACfR3Vg+FB6dweRi1mXvvTXFU0CECOMTg/dRFGlgy/TSE3krnJPIQVU/T'
    'zNyHqPBCQp8z8UJtmH71CdhnsfqZd76Nd0q9wvgwjnpUrTn5OB1uZO9pTFh95ua0br2X3ohFfbysFx/VnGgHy8yYH8RFgC4wcACI'
    'Rg0r2I3Vgy07OPYbqP7qY0ZGpdutYAanM1BtP3mkajfy/ii6wS8Q5xHFupYvebC4GhvjMldOmDv+ME4O/WuiLpkr3vO/H/zV2IMV'
    'Y6x/7dBVoMLRKTPaP3N799iBBqoGHXzsCWqsb9NHHXSYMSfP1HTiu5sYOnvvAiJXSIarGYAJ96yRepvJPtDTYNCp27+n2lBNHV8y'
    'd/ZglaEYQofkSeZenpZ8O9LPrR5swjShOQt7KUy7iCArGysVEPDVyDlqLugALjLM/FtJndIf6ILuekDSr0jX9nlMWdUDzaCYlbNJ'
    'nnUMA6uXSPcm+8FoHa+bOwtMzy/JPOt8Qw8y7j580ir9F7J+1equ/wF0pffv'))
SOURCE_CHECKSUM = 0x8da8ce3e
# ---- end of what is made by --build; do not edit ----

if __name__ == '__main__':
    sys.exit(_main(sys.argv[1:]))
