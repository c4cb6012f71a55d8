"""The tracing process: hook table, event loop, block table, call stack table, expiry.

start() forks it. It holds the target by ptrace (through the platform module), counts, and sends what happened to the
reporter as lines of JSON through a pipe that never blocks it: what does not fit is counted as lost. It has no terminal,
prints nothing, opens no debug file. When the reporter is gone, or asks, the target is given back first.

Data flows one way: stop -> event -> (stack, block) -> message. The three layers: Ledger (blocks, stacks, expiry: knows
no ptrace), TrapEngine (hooks, stops: knows no reports), Channel (messages).
"""
import bisect
import collections
import ctypes
import errno
import gc
import json
import mmap
import operator
import os
import re
import resource
import signal
import struct
import sys
import time
from array import array
from collections import namedtuple

import elfreader
import recorder
import trampoline
import unwinder

if sys.platform.startswith('freebsd'):
    import platform_freebsd as platform
else:
    import platform_linux as platform

PAGE = 4096                     # amd64's page; a segment's tail ends there
_LOOP = dict(recorder.LOOP_CONSTANTS)           # what Python and the loop of machine code have in common: see TrapLoop
FIGURES = _LOOP['FIGURES']      # words of a stack in Ledger.figures; the names of the first 7: see CallStack
ROOM = 64                       # blocks that room is made for at once, for the keeper to put in
CPU_SAMPLE_MOST = 256           # as CPU_SAMPLE, of a thread that stays where it is
LOOP_TURN = 0.01                # seconds after which the keeper comes back in any case
TICK = 0.05                     # seconds between looks at the clock, the pipe and what has expired
BRAKE_WINDOW = 2.0              # seconds over which the share of standstill is measured
STOP_OVERHEAD = 8e-6            # seconds that a stop costs the thread besides our work on it, until that is measured
MASK_SAMPLE = _LOOP['MASK_EVERY']       # a thread's signal mask is looked at in its first traps, then once in so many
SAMPLE_MOST = _LOOP['SAMPLE_MOST'] / 1e9        # seconds: what a stop cost more than that was not our doing
CPU_SAMPLE = 32                 # stops between looks at where the trapping thread runs
SHORT_STACK_BYTES = 1024        # of a stack, read at once at an allocation: 1.7 us; 4096 bytes: 2.7 us
STACK_BYTES = 4096              # the same, after a stack that was longer
DEEP_STACKS = 64                # allocations for which the longer read is made then
SCAN_BYTES = 1 << 18            # of a stack, looked through for return addresses at attach and detach
STOP_ATTEMPTS = 20              # at the end, each with more patience than the one before
LINGER_UNKNOWN = 30.0           # seconds more, while a thread has not been given the processor
SETTLE = 0.2                    # seconds given to threads to get from a ptrace-stop to where they go
LOOK_AT_MOST = 0.01             # seconds of standstill in which threads are looked at one by one
ANOTHER_TRACER = 2.0            # seconds in which another one may let go of the target
LINGER = 1.0                    # seconds given to threads to leave the stubs before these are given up
REACH = 0x38000000              # bytes between two things one of which is to call the other: well under 2 GB, twice
TEACH_AT_MOST = 2.0             # the same on the wall's clock
TEACH_AT_ATTACH = 0.4           # seconds of our time for which call sites are taught before the hooks go in
# the recorder's tables, the first that fits into the target's address space (recorder.SIZES)
TABLE_SIZES = ({}, {'reserve': 0}, {'blocks': 1 << 14, 'reserve': 0, 'stacks': 1 << 12, 'frames': 1 << 16,
                                    'rules': 1 << 15, 'pending': 1 << 6, 'threads': 1 << 10})
MAX_LESSONS = 60000             # call sites taught ahead
LEARN_QUIET = 0.02              # seconds without anything unknown after which the recorder begins to count
DEAD_END = 5                    # walks that ended at a pc after which nobody is asked about it any more
LEARN_MOST = 0.3                # and seconds after which it does so in any case
WAITS = 800000                  # rounds of a pause each that all waits for the monitor may take together: 50 ms
SCAN_SHARE = 0.03               # of a core at most, unless messages would come too late for it
SCAN_PARTS = 8                  # in which the table of blocks is looked through for what has expired
LIVELY = 0.5                    # seconds after the last of them in which it looks four times as often
RECORDER_PAUSE = 0.001          # seconds between looks at whether the recorder calls
GATHER_EVERY = _LOOP['GATHER_EVERY']    # events after which all stopped threads are taken, for fairness
EXPIRE_AT_ONCE = 500            # blocks that the recorder engine reports before it looks at anything else
EXPIRE_BATCH = 64               # blocks that one tick reports; more are left to the next, right behind the next event
DONT_SHOW_AFTER = 3             # expired-frees after which a stack is no longer shown
RESERVED_DESCRIPTORS = 4        # kept for giving the target back
MAX_CHAINS = 20000              # stacks kept for each function by where they were found
MAX_STACKS = 200000             # distinct call stacks kept
MAX_BUFFER = 1 << 20            # bytes of messages kept for a reporter that does not read
MAX_FUNCTION = 1 << 16          # bytes of a function looked at for branches back into its first bytes

# what the arguments of each allocating or freeing function are (malloc(3), posix_memalign(3), reallocarray(3),
# jemalloc(3): libc of FreeBSD defines that one's own family as well)
AFTER, BEFORE, BOTH = trampoline.AFTER, trampoline.BEFORE, trampoline.BOTH
FIRST, SECOND, THIRD, PRODUCT, PRODUCT_23 = range(5)
Function = namedtuple('Function', 'kind size through_argument resizes')
Function.__new__.__defaults__ = (False,)
FUNCTIONS = {
    'malloc': Function(AFTER, FIRST, False),
    'calloc': Function(AFTER, PRODUCT, False),
    'realloc': Function(BOTH, SECOND, False),
    'reallocarray': Function(BOTH, PRODUCT_23, False),
    'free': Function(BEFORE, None, False),
    'cfree': Function(BEFORE, None, False),
    'memalign': Function(AFTER, SECOND, False),
    'aligned_alloc': Function(AFTER, SECOND, False),
    'posix_memalign': Function(AFTER, THIRD, True),
    'valloc': Function(AFTER, FIRST, False),
    'pvalloc': Function(AFTER, FIRST, False),
    'mallocx': Function(AFTER, FIRST, False),
    'rallocx': Function(BOTH, SECOND, False),
    # resizes a block where it lies and returns the room that it has now: less than was asked for, and nothing happened
    'xallocx': Function(BOTH, SECOND, False, True),
    'dallocx': Function(BEFORE, None, False),
    'sdallocx': Function(BEFORE, None, False),
}
# allocating C++ functions: where an allocator defines these itself, they do not pass through its malloc
OPERATORS_NEW = ('_Znwm', '_Znam', '_ZnwmRKSt9nothrow_t', '_ZnamRKSt9nothrow_t', '_ZnwmSt11align_val_t',
                 '_ZnamSt11align_val_t')
ALLOCATOR_OPERATORS = re.compile(r'jemalloc|tcmalloc|mimalloc|snmalloc|hoard|rpmalloc')


class Settings(object):
    """What the user asked for. Times in seconds; gate: a descriptor to write one byte to once a command is seized."""

    def __init__(self, pid, expire=100.0, backtrace_limit=50, memory_block_max=1000, call_stack_max=1000,
                 max_stopped=25.0, force=False, verbose=False, dry_run=False, gate=None, engine='auto', heal=False):
        self.pid = pid
        self.expire = expire
        self.backtrace_limit = backtrace_limit
        self.memory_block_max = memory_block_max
        self.call_stack_max = call_stack_max
        self.max_stopped = max_stopped
        self.force = force
        self.verbose = verbose
        self.dry_run = dry_run
        self.gate = gate
        self.engine = engine
        self.heal = heal


class MonitorError(Exception):
    """The run cannot go on. advice: what the user can do, or ''."""

    def __init__(self, text, advice=''):
        Exception.__init__(self, text)
        self.advice = advice


class Stopped(Exception):
    """Unwinds the event loop: the run ends for `reason`; details go into the stop message."""

    def __init__(self, reason, **details):
        Exception.__init__(self, reason)
        self.reason = reason
        self.details = details


# -- messages -------------------------------------------------------------------------------------------------------


class Channel(object):
    """The way to the reporter: one JSON object a line. send() never blocks; finish() does, once the target is free."""

    def __init__(self, messages, control):
        self.messages = messages
        self.control = control
        self.buffer = bytearray()
        self.lost = 0
        self.broken = False
        os.set_blocking(messages, False)
        os.set_blocking(control, False)

    def send(self, kind, **fields):
        """Queue a message -> whether that was possible; when the reporter does not read and the buffer is full, it is
        counted in `lost`."""
        if len(self.buffer) > MAX_BUFFER:
            self.flush()
            if len(self.buffer) > MAX_BUFFER:
                self.lost += 1
                return False
        fields['type'] = kind
        self.buffer += json.dumps(fields).encode('utf-8') + b'\n'
        self.flush()
        return True

    def flush(self):
        """Write what the pipe takes."""
        while self.buffer and not self.broken:
            try:
                written = os.write(self.messages, self.buffer[:65536])
            except BlockingIOError:
                return
            except OSError:
                self.broken = True
                return
            del self.buffer[:written]

    def finish(self):
        """Write all of it, however long the reporter takes."""
        os.set_blocking(self.messages, True)
        self.flush()

    def asked(self):
        """b'' when nothing was said, b'q' when the reporter asks to stop, None when it is gone."""
        try:
            return os.read(self.control, 64) or None
        except BlockingIOError:
            return None if self.broken else b''
        except OSError:
            return None


# -- tables ---------------------------------------------------------------------------------------------------------


class CallStack(object):
    """One place of allocation: its frames and all its figures (counts, bytes, milliseconds)."""

    __slots__ = ('index', 'id', 'frames', 'exact', 'ending', 'nested', 'figures', 'row', 'expired', 'expired_bytes',
                 'free_expired', 'free_expired_bytes', 'cut')

    def __init__(self, index, figures, frames, exact, ending, nested):
        self.index = index
        self.figures = figures      # of all stacks, one array: the keeper counts there, too
        self.row = index * FIGURES
        self.id = 0
        self.frames = frames
        self.exact = exact
        self.ending = ending
        self.nested = nested
        self.cut = ending not in (unwinder.END_OF_STACK, unwinder.LIMIT)
        self.expired = self.expired_bytes = self.free_expired = self.free_expired_bytes = 0

    alloc, alloc_bytes, free, free_bytes, free_total, free_min, free_max = [
        property(lambda self, place=place: self.figures[self.row + place]) for place in range(7)]


class BlockTable(object):
    """The blocks alive: address -> (size, stack, birth), kept in order of birth.

    Columns of `array` rather than an object a block: 40 bytes a row and 4 to 8 of buckets. The hash table grows by one
    bucket at a time (linear hashing): a rehash of a million rows would stop the target for half a second. Row 0 is
    nobody: the head of the list by age, and the end of each chain. A row that has expired is out of the list and
    marked by older == itself.
    """

    START = 1024
    GOLDEN = 0x9E3779B97F4A7C15     # 2^64 / golden ratio: spreads addresses that differ in few bits

    def __init__(self):
        self.addresses = array('Q', [0])
        self.sizes = array('Q', [0])
        self.stacks = array('I', [0])
        self.births = array('Q', [0])
        self.older = array('I', [0])
        self.newer = array('I', [0])
        self.chain = array('I', [0])
        self.heads = array('I', bytes(4 * self.START))
        self.low = self.START - 1       # mask of the round's start
        self.high = self.START * 2 - 1
        self.split = 0                  # the next bucket to be split
        self.spare = 0                  # chain of free rows
        self.count = 0
        self.bytes = 0
        self.moved = True               # columns may lie elsewhere than they did: see TrapLoop

    def memory(self):
        """Bytes that the columns take, what is allocated ahead included."""
        return sum(sys.getsizeof(column) for column in (
            self.addresses, self.sizes, self.stacks, self.births, self.older, self.newer, self.chain, self.heads))

    def find(self, address):
        """The row of a block, 0 if there is none."""
        mixed = address * self.GOLDEN >> 32
        bucket = mixed & self.high
        if bucket >= len(self.heads):
            bucket = mixed & self.low
        row = self.heads[bucket]
        addresses = self.addresses
        while row and addresses[row] != address:
            row = self.chain[row]
        return row

    def put(self, address, size, stack, birth):
        """Add a block as the youngest. Returns its row; 0, and nothing is done, if it is there already."""
        heads = self.heads
        mixed = address * self.GOLDEN >> 32
        bucket = mixed & self.high
        if bucket >= len(heads):
            bucket = mixed & self.low
        row = heads[bucket]
        addresses = self.addresses
        while row:
            if addresses[row] == address:
                return 0
            row = self.chain[row]
        row = self.spare
        youngest = self.older[0]
        if row:
            self.spare = self.chain[row]
            self.addresses[row] = address
            self.sizes[row] = size
            self.stacks[row] = stack
            self.births[row] = birth
            self.older[row] = youngest
            self.newer[row] = 0
            self.chain[row] = heads[bucket]
        else:
            row = len(self.addresses)
            self.moved = True
            self.addresses.append(address)
            self.sizes.append(size)
            self.stacks.append(stack)
            self.births.append(birth)
            self.older.append(youngest)
            self.newer.append(0)
            self.chain.append(heads[bucket])
        heads[bucket] = row
        self.newer[youngest] = row
        self.older[0] = row
        self.count += 1
        self.bytes += size
        if self.count > len(heads):
            self._grow()
        return row

    def reserve(self, number):
        """Make room for so many blocks more, rows and buckets, so that the keeper can put them in."""
        self.moved = True
        start = len(self.addresses)
        for column in (self.addresses, self.sizes, self.births, self.stacks, self.older, self.newer):
            column.frombytes(bytes(column.itemsize * number))
        self.chain.extend(range(start + 1, start + number))
        self.chain.append(self.spare)
        self.spare = start
        for _ in range(number):
            self._grow()

    def _grow(self):
        self.moved = True
        heads, chain, addresses = self.heads, self.chain, self.addresses
        row = heads[self.split]
        stay = move = 0
        bit = self.low + 1
        while row:
            following = chain[row]
            if addresses[row] * self.GOLDEN >> 32 & bit:
                chain[row] = move
                move = row
            else:
                chain[row] = stay
                stay = row
            row = following
        heads[self.split] = stay
        heads.append(move)
        self.split += 1
        if self.split > self.low:
            self.split = 0
            self.low = self.high
            self.high = self.high * 2 + 1

    def take(self, address):
        """Remove a block. Returns (size, stack, birth, expired), or None if it is not there."""
        heads, chain, addresses = self.heads, self.chain, self.addresses
        mixed = address * self.GOLDEN >> 32
        bucket = mixed & self.high
        if bucket >= len(heads):
            bucket = mixed & self.low
        row = heads[bucket]
        before = 0
        while row:
            if addresses[row] == address:
                break
            before = row
            row = chain[row]
        else:
            return None
        if before:
            chain[before] = chain[row]
        else:
            heads[bucket] = chain[row]
        older = self.older[row]
        expired = older == row
        if not expired:
            newer = self.newer[row]
            self.newer[older] = newer
            self.older[newer] = older
        size = self.sizes[row]
        addresses[row] = 0
        chain[row] = self.spare
        self.spare = row
        self.count -= 1
        self.bytes -= size
        return size, self.stacks[row], self.births[row], expired

    def oldest(self):
        """The row of the oldest block that has not expired, 0 if there is none."""
        return self.newer[0]

    def expire(self, row):
        """Take a row out of the list by age and mark it."""
        older, newer = self.older[row], self.newer[row]
        self.newer[older] = newer
        self.older[newer] = older
        self.older[row] = row

    def rows(self):
        """All rows in use."""
        addresses = self.addresses
        return (row for row in range(1, len(addresses)) if addresses[row])


class Ledger(object):
    """What was allocated where, and what of it outlived the threshold. Times are milliseconds since its start."""

    def __init__(self, settings, channel, send_modules):
        self.settings = settings
        self.channel = channel
        self.send_modules = send_modules        # called before a stack is sent for the first time
        self.blocks = BlockTable()
        self.stacks = []
        self.figures = array('Q')               # FIGURES words a stack
        self.moved = True                       # they may lie elsewhere
        self.threshold = int(settings.expire * 1000)
        self.started = time.monotonic()
        self.next_id = 1
        self.expired_stacks = 0
        self.calls = 0
        self.failed = 0
        self.missed_frees = 0
        self.unknown_frees = 0
        self.untracked = 0

    def add_stack(self, frames, exact, ending, nested):
        """A stack seen for the first time -> CallStack, or None when there are too many."""
        if len(self.stacks) >= MAX_STACKS:
            return None
        stack = CallStack(len(self.stacks), self.figures, frames, exact, ending, nested)
        self.figures.frombytes(bytes(8 * FIGURES))
        self.moved = True
        self.stacks.append(stack)
        return stack

    def allocated(self, address, size, stack, now):
        """A block was handed out."""
        blocks = self.blocks
        if not blocks.put(address, size, stack.index, now):
            # somebody gave it back without our seeing it
            self.missed_frees += 1
            self.freed(blocks.take(address), now)
            blocks.put(address, size, stack.index, now)
        figures, row = self.figures, stack.row
        figures[row] += 1
        figures[row + 1] += size

    def replaced(self, address):
        """The inner record of a call inside a call is forgotten: the outer one takes its place."""
        record = self.blocks.take(address)
        if record is not None:
            stack = self.stacks[record[1]]
            self.figures[stack.row] -= 1
            self.figures[stack.row + 1] -= record[0]
            self.calls -= 1
            if record[3]:           # it expired between the two returns
                stack.expired -= 1
                stack.expired_bytes -= record[0]

    def freed(self, record, now):
        """A block that was taken out of the table has been freed."""
        size, index, birth, expired = record
        age = now - birth
        if age < 0:
            age = 0
        figures, row = self.figures, index * FIGURES
        frees = figures[row + 2] = figures[row + 2] + 1
        figures[row + 3] += size
        figures[row + 4] += age
        if age > figures[row + 6]:
            figures[row + 6] = age
        if age < figures[row + 5] or frees == 1:
            figures[row + 5] = age
        if expired:
            self._late_free(self.stacks[index], size, age)

    def _late_free(self, stack, size, age):
        stack.free_expired += 1
        stack.free_expired_bytes += size
        if stack.free_expired <= DONT_SHOW_AFTER:
            self.channel.send('freed', stack=stack.id, after=age / 1000.0)
        if stack.free_expired == DONT_SHOW_AFTER:
            self.channel.send('too-many', stack=stack.id)

    def put_back(self, address, record, now):
        """A block that realloc could not move is as it was."""
        size, index, birth, expired = record
        row = self.blocks.put(address, size, index, birth)
        if not row:
            return
        if expired:
            self.blocks.expire(row)
        else:
            self._sort_in(row, birth)

    def _sort_in(self, row, birth):
        """Move the youngest row back to its place by age (a few steps: it was out for the time of one call)."""
        blocks = self.blocks
        older, newer, births = blocks.older, blocks.newer, blocks.births
        place = older[row]
        steps = 0
        while place and births[place] > birth and steps < 10000:
            place = older[place]
            steps += 1
        if place == older[row]:
            return
        before = older[row]
        newer[before] = 0
        older[0] = before
        after = newer[place]
        newer[place] = row
        older[row] = place
        newer[row] = after
        older[after] = row

    def expire(self, now, most=1 << 62):
        """Report what outlived the threshold, at most so many blocks: the target may be waiting. True if more are due.

        Raises Stopped when a limit is reached.
        """
        blocks = self.blocks
        settings = self.settings
        limit = now - self.threshold
        while True:
            row = blocks.oldest()
            if not row or blocks.births[row] > limit:
                return False
            if not most:
                return True
            most -= 1
            blocks.expire(row)
            stack = self.stacks[blocks.stacks[row]]
            size = blocks.sizes[row]
            stack.expired += 1
            stack.expired_bytes += size
            if not stack.id:
                stack.id = self.next_id
                self.next_id += 1
                self.send_modules()
                self.channel.send('expired', stack=stack.id, size=size, count=1, frames=stack.frames,
                                  exact=stack.exact, ending=stack.ending)
            elif stack.free_expired < DONT_SHOW_AFTER:
                self.channel.send('expired', stack=stack.id, size=size, count=stack.expired)
            if stack.expired >= settings.memory_block_max:
                raise Stopped('memory-block-max', limit=settings.memory_block_max, stack=stack.id)
            if stack.expired == 1 and stack.id >= settings.call_stack_max:
                raise Stopped('call-stack-max', limit=settings.call_stack_max)

    def expire_to(self, now):
        """At the end: report what had outlived the threshold by then and was not looked at any more."""
        try:
            self.expire(now)
        except Stopped:
            pass                            # a limit, at which the run would have ended

    def report(self, now):
        """Send the statistics of all stacks with expired blocks that were not freed, ascending by their number."""
        oldest = {}
        blocks = self.blocks
        for row in blocks.rows():
            index, birth = blocks.stacks[row], blocks.births[row]
            if birth < oldest.get(index, 1 << 62):
                oldest[index] = birth
        found = [stack for stack in self.stacks if stack.expired != stack.free_expired]
        found.sort(key=lambda stack: (stack.expired - stack.free_expired,
                                      stack.expired_bytes - stack.free_expired_bytes))
        self.send_modules()
        entries = []
        for stack in found:
            entries.append(dict(
                stack=stack.id, expired=stack.expired, expired_bytes=stack.expired_bytes,
                free_expired=stack.free_expired, free_expired_bytes=stack.free_expired_bytes,
                alloc=stack.alloc, alloc_bytes=stack.alloc_bytes, free=stack.free, free_bytes=stack.free_bytes,
                free_min=stack.free_min / 1000.0, free_max=stack.free_max / 1000.0,
                free_average=stack.free_total / 1000.0 / stack.free if stack.free else 0,
                unfreed_max=(now - oldest[stack.index]) / 1000.0 if stack.index in oldest else 0,
                frames=stack.frames, exact=stack.exact, ending=stack.ending))
            if len(entries) == 50:
                self.channel.send('statistics', elapsed=now / 1000.0, stacks=entries, more=True)
                entries = []
                self.channel.finish()
        self.channel.send('statistics', elapsed=now / 1000.0, stacks=entries, more=False, expired=self.next_id - 1)


# -- modules --------------------------------------------------------------------------------------------------------


class Module(object):
    """A file mapped into the target, with code. start, end: its addresses; load_bias = address - file_address."""

    def __init__(self, pid, maps):
        first = maps[0]
        self.pid = pid
        self.maps = maps
        self.start = first.start
        self.end = maps[-1].end
        self.path = first.path
        self.device = first.device
        self.inode = first.inode
        self.load_bias = 0
        self.build_id = b''
        self.problem = ''
        self.changed = False            # hooks were put into it
        self.mains = None               # (start, end) of functions called main, once asked for
        self._elf = None
        self._opened = False

    @property
    def name(self):
        return os.path.basename(self.path) or self.path

    @property
    def key(self):
        return self.start, self.end, self.path, self.inode

    def open(self, read):
        """Open the file and check that it is what is in memory. read: of the target's memory. Sets problem if not."""
        self._opened = True
        try:
            if self.path.startswith('['):
                self._elf = elfreader.ElfFile(read(self.start, self.end - self.start), self.path)
            else:
                code = next((item for item in self.maps if 'x' in item.permissions), self.maps[0])
                fd = platform.open_module(self.pid, code.start, code.end, self.path, self.device, self.inode)
                try:
                    self._elf = elfreader.ElfFile.from_fd(fd, self.path)
                finally:
                    os.close(fd)
        except (OSError, elfreader.ElfError, ValueError) as error:
            self.problem = getattr(error, 'strerror', None) or str(error)
            return
        elf = self._elf
        if elf.machine != 62 or elf.elf_class != 64:         # EM_X86_64
            self._reject('not an x86-64 file')
            return
        bias = self._find_bias(elf)
        if bias is None:
            self._reject('its segments do not fit its mappings')
            return
        self.load_bias = bias
        self.build_id = elf.build_id or b''
        loaded = self._build_id_in_memory(elf, read)
        if self.build_id and loaded is not None and loaded != self.build_id:
            self._reject('the file was replaced: its build-id is not that of the code in memory')

    def _reject(self, problem):
        self.problem = problem
        self._elf.close()
        self._elf = None

    def _find_bias(self, elf):
        if self.path.startswith('['):
            return self.start - min([segment.file_address for segment in elf.segments if segment.type == 1] or [0])
        for item in self.maps:
            if 'x' not in item.permissions:
                continue
            for segment in elf.segments:
                if segment.type == 1 and segment.flags & 1 \
                        and segment.offset & -PAGE <= item.offset < segment.offset + max(segment.file_size, 1):
                    return item.start - (item.offset - segment.offset + segment.file_address)
        return None

    def _build_id_in_memory(self, elf, read):
        for segment in elf.segments:
            if segment.type == 4 and 0 < segment.memory_size <= 1 << 16:       # PT_NOTE
                notes = read(self.load_bias + segment.file_address, segment.memory_size)
                found = elfreader.build_id_in_notes(notes, segment.align)
                if found:
                    return found
        return None

    @property
    def elf(self):
        return self._elf

    def close(self):
        """Close the file until it is needed again."""
        if self._elf is not None and not self.path.startswith('['):
            self._elf.close()
            self._elf = None
            self._opened = False

    def describe(self):
        """The module as it is sent to the reporter."""
        code = next((item for item in self.maps if 'x' in item.permissions), self.maps[0])
        return [self.start, self.end, self.load_bias, self.path, self.device, self.inode, self.build_id.hex(),
                code.start, code.end]


class ModuleMap(object):
    """The target's modules by address; read again when a pc turns up that no known module holds."""

    def __init__(self, pid, read):
        self.pid = pid
        self.read = read
        self.modules = []
        self.unnamed = []               # (start, end) of executable memory without a file: JIT code
        self.maps = []
        self.sent = None
        self.unreadable = 0
        self._credit = 20.0             # reads of the maps for unknown pcs: at most 20 at once, 20 a second
        self._last = time.monotonic()
        self.deferred = []              # pcs for which there was no credit
        self.rejected = {}
        self.on_unload = lambda start, end: None
        self.before_unload = lambda: None

    def refresh(self):
        """Read the mappings; keep the modules that are still there. True if anything changed."""
        maps = platform.mappings(self.pid)
        if not maps:
            return False
        self.maps = maps
        known = {module.key: module for module in self.modules}
        modules = []
        unnamed = []
        group = []

        def finish():
            if group and any('x' in item.permissions for item in group):
                module = Module(self.pid, list(group))
                modules.append(known.pop(module.key, module))
            del group[:]

        for item in maps:
            named = (item.path.startswith('/') and not item.path.startswith(platform.CODE_PATH)) or item.path == '[vdso]'
            if group and not (named and item.path == group[0].path and item.inode == group[0].inode
                              and item.offset > group[-1].offset):
                finish()
            if named:
                group.append(item)
            elif 'x' in item.permissions and item.path != '[vsyscall]':
                unnamed.append((item.start, item.end))
        finish()
        changed = bool(known) or len(modules) != len(self.modules)
        if known and self.sent is None:
            self.before_unload()        # stacks that go through them may be shown later
        for module in known.values():
            self.on_unload(module.start, module.end)
            module.close()
        if self.modules:
            old = set(id(module) for module in self.modules)
            for module in modules:
                if id(module) not in old:
                    self.on_unload(module.start, module.end)    # what was thought of these addresses before
        self.modules = modules
        self.unnamed = unnamed
        if changed:
            self.sent = None
        return changed

    def code_signature(self):
        """A text that changes when executable mappings do: cheaper than refresh()."""
        return platform.code_signature(self.pid)

    def open(self, module):
        """Open a module's file if it is not open; the module, or None if it cannot be used."""
        if module.elf is None:
            if module._opened:
                return None
            module.open(self.read)
            if module.elf is None:
                self.unreadable += 1
                return None
        return module

    def at(self, address):
        """The module that holds an address, opened or not; None if there is none."""
        for module in self.modules:
            if module.start <= address < module.end:
                return module
        return None

    def find(self, address):
        """For the unwinder: the opened module that holds a pc, or None."""
        module = self.at(address)
        if module is not None:
            return self.open(module)
        for start, end in self.unnamed:
            if start <= address < end:
                return None
        if address < 4096 or address >= 1 << 47:
            return None
        now = time.monotonic()
        self._credit = min(20.0, self._credit + (now - self._last) * 20)
        self._last = now
        if self._credit < 1:
            if len(self.deferred) < 1000:
                self.deferred.append(address)
            return None
        self._credit -= 1
        self.refresh()
        module = self.at(address)
        return self.open(module) if module is not None else None

    def send(self, channel):
        """Send the list if the reporter does not have it yet."""
        if self.sent is None:
            for module in self.modules:
                self.open(module)
            self.sent = channel.send('modules', modules=[module.describe() for module in self.modules]) or None


# -- hooks ----------------------------------------------------------------------------------------------------------


class Hook(object):
    """One hooked function. entry, and all else, are addresses; old: the bytes that entry_patch replaces."""

    def __init__(self, name, module, entry, size, code):
        self.name = name
        self.aliases = [name]
        self.module = module
        self.entry = entry
        self.size = size
        self.code = code                # the function's bytes, as in the file
        self.function = FUNCTIONS[name]
        self.size_from = self.function.size
        self.both = self.function.kind == BOTH
        self.through_argument = self.function.through_argument
        self.resizes = self.function.resizes
        self.prologue = None
        self.by_trap = False
        self.why = ''
        self.stub = None
        self.area = None
        self.patch = None               # (address, new bytes)
        self.old = b''
        self.in_place = False
        self.stacks = {}                # addresses -> CallStack
        self.chains = {}                # (sp, return address) -> what _chain() gave, CallStack

    def describe(self):
        """A line for --verbose and --dry-run."""
        names = ', '.join(self.aliases)
        way = 'a trap at the entry, stub' if self.by_trap else 'jump'
        text = '%s in %s at %#x: %s to %#x' % (names, self.module.name, self.entry, way, self.stub.address)
        if self.area is not None:
            text += ' (%s)' % self.area.where
        if self.why:
            text += '; ' + self.why
        return text


class Area(object):
    """Room for stubs: the unused tail of an executable segment, or a page mapped for us."""

    def __init__(self, start, end, where, file_bytes, mapped=False):
        self.start = start
        self.end = end
        self.where = where
        self.file_bytes = file_bytes    # what the file holds there, for a tail
        self.mapped = mapped
        self.next = start               # the first free address
        self.pieces = []                # (address, header and stubs as bytes, [Hook])
        self.saved = []                 # (address, the bytes that were there)
        self.restored = False
        self.left = False               # a thread was still inside: it stays
        self.owner = None               # the module

    def room(self):
        return self.end - self.next


class TrapStubs(object):
    """Stubs that tell of a call by a trap."""

    @staticmethod
    def size(hook):
        return trampoline.stub_size(hook.function.kind, hook.prologue, hook.by_trap)

    @staticmethod
    def build(hook, address):
        build = trampoline.build_entry_trap_stub if hook.by_trap else trampoline.build_stub
        return build(hook.function.kind, address, hook.entry, hook.code, hook.prologue)


class RecorderStubs(object):
    """Stubs that call the recorder. numbers: {entry: number of the hook}; codes: (recorder_before, recorder_after) of
    each copy of the recorder's code, one within reach of each module."""

    def __init__(self, numbers, codes):
        self.numbers = numbers
        self.codes = codes

    @staticmethod
    def size(hook):
        return recorder.stub_size(hook.function.kind, hook.prologue)

    def build(self, hook, address):
        before, after = min(self.codes, key=lambda code: abs(code[0] - address))
        function = hook.function
        word = recorder.hook_word(self.numbers[hook.entry], function.kind, function.size, function.through_argument,
                                  function.resizes)
        return recorder.build_stub(
            function.kind, address, hook.entry, hook.code, hook.prologue, word, before, after)


NEVER_UNLOADED = re.compile(r'libc\.so|libc-\d|libc\.musl|ld-\d|ld\.so|ld-linux|ld-musl|libpthread|libthr|ld-elf')


class HookPlan(object):
    """Finds the functions, decides how each is hooked and lays out the stubs. Changes nothing."""

    def __init__(self, modules, read, stubs=None):
        self.modules = modules
        self.read = read
        self.stubs = stubs or TrapStubs()
        self.hooks = []
        self.areas = []
        self.refused = []               # (names, module name, why)
        self.problems = []              # lines for the user
        self.unhooked_operators = []
        self.leftovers = []             # (address, size, Area) of stubs that an earlier run had to leave
        self.hooks_without_room = []
        self.code_modules = []          # in whose tails the recorder's code may lie

    def find_functions(self):
        """Look for allocating and freeing functions in every module."""
        by_entry = {}
        names = tuple(FUNCTIONS) + OPERATORS_NEW
        for module in self.modules.modules:
            if module.path.startswith('['):
                continue
            fresh = not module._opened
            if self.modules.open(module) is None:
                if not module.path.startswith('/dev/'):
                    self.problems.append('%s cannot be looked into: %s' % (module.path, module.problem))
                continue
            found = 0
            symbols = module.elf.find_functions(names)
            if not {'malloc', 'free'} <= {symbol.name for symbol in symbols}:
                # a function of its own that happens to have such a name, and other arguments
                symbols = [symbol for symbol in symbols if symbol.bind != elfreader.STB_LOCAL]
            for symbol in symbols:
                if symbol.name in FUNCTIONS and symbol.type == 10:
                    self.refused.append((symbol.name, module.name, 'it is an indirect function (IFUNC)'))
                    continue
                if symbol.name not in FUNCTIONS:
                    if ALLOCATOR_OPERATORS.search(module.name):
                        self.unhooked_operators.append((symbol.name, module.name))
                    continue
                found += 1
                entry = symbol.file_address + module.load_bias
                hook = by_entry.get(entry)
                if hook is not None:
                    if symbol.name not in hook.aliases:
                        hook.aliases.append(symbol.name)
                    continue
                size = symbol.size or self._guess_size(module.elf, symbol.file_address)
                code = module.elf.read(symbol.file_address, min(max(size, 16), MAX_FUNCTION))
                hook = by_entry[entry] = Hook(symbol.name, module, entry, size, code)
                self.hooks.append(hook)
            if not found and fresh:
                module.close()
        self.hooks.sort(key=lambda hook: hook.entry)
        for hook in self.hooks:
            hook.aliases.sort(key=lambda name: list(FUNCTIONS).index(name))
            hook.name = hook.aliases[0]

    @staticmethod
    def _guess_size(elf, file_address):
        following = elf.functions_between(file_address + 1, file_address + 4096)
        return following[0].file_address - file_address if following else 64

    def plan(self, skip=()):
        """Decide how each function is hooked and where its stub goes. skip: entries that are to be left alone."""
        planned = []
        for hook in self.hooks:
            if hook.entry in skip:
                continue
            problem = self._check_entry(hook)
            if problem is None:
                problem = self._plan_prologue(hook)
            if problem is not None:
                self.refused.append((', '.join(hook.aliases), hook.module.name, problem))
                continue
            planned.append(hook)
        self._forbid_jump_targets(planned)
        self.place(planned)

    def place(self, hooks, stubs=None):
        """Lay out the stubs of hooks that are planned, anew if need be. stubs: of another kind than before."""
        self.stubs = stubs or self.stubs
        self.areas = []
        self.leftovers = []
        self.hooks_without_room = []
        for hook in hooks:
            hook.stub = hook.area = hook.patch = None
        for module in self.modules.modules:
            group = [hook for hook in hooks if hook.module is module]
            if group:
                self._place(module, group)
        self.hooks = [hook for hook in hooks if hook.stub is not None]
        self.areas = [area for area in self.areas if area.pieces]

    def names(self):
        """The names of all functions to be hooked."""
        return set(name for hook in self.hooks + self.hooks_without_room for name in hook.aliases)

    def _check_entry(self, hook):
        """Why the function must be left alone: its bytes in memory are not those of the file."""
        loaded = self.read(hook.entry, min(len(hook.code), 32))
        expected = hook.code[:len(loaded)]
        if not loaded:
            return 'its code cannot be read'
        if loaded == expected:
            return None
        start = 4 if loaded[:4] == b'\xf3\x0f\x1e\xfa' else 0
        if loaded[start:start + 1] == b'\xcc':
            return ('there is a breakpoint (int3) at its entry: %s, a debugger or another copy of this program; '
                    'take that out first' % platform.OTHER_BREAKPOINTS)
        if loaded[start:start + 1] == b'\xe9' or loaded[start:start + 2] == b'\xff\x25':
            return ('another tool has put a jump at its entry (or a memleax that was killed left one); '
                    'restart the program to get rid of it')
        return 'its code in memory is not that of the file %s' % hook.module.path

    @staticmethod
    def _plan_prologue(hook):
        try:
            hook.prologue = trampoline.plan_prologue(hook.code, hook.size)
            hook.by_trap = False
            return None
        except trampoline.CannotMove as error:
            hook.why = 'no jump: %s' % error
        return HookPlan._plan_trap(hook)

    @staticmethod
    def _plan_trap(hook):
        try:
            hook.prologue = trampoline.plan_prologue(hook.code, hook.size, trampoline.TRAP_SIZE)
            hook.by_trap = True
            return None
        except trampoline.CannotMove as error:
            return 'its first instruction cannot be moved: %s' % error

    def _forbid_jump_targets(self, hooks):
        """Code elsewhere in a module may branch behind a function's entry (hand-written assembly, split functions)."""
        for module in self.modules.modules:
            ranges = {}
            for hook in hooks:
                if hook.module is module and not hook.by_trap:
                    start = hook.entry + hook.prologue.skip
                    ranges[(start, start + hook.prologue.length)] = hook
            if not ranges:
                continue
            for segment in module.elf.segments:
                if segment.type != 1 or not segment.flags & 1:
                    continue
                code = module.elf.read(segment.file_address, segment.file_size)
                for address, target in trampoline.branches_into(code, segment.file_address + module.load_bias,
                                                                list(ranges)):
                    for (start, end), hook in ranges.items():
                        if start < target < end and not hook.by_trap:
                            hook.why = 'no jump: the code at %#x branches behind its entry' % address
                            problem = self._plan_trap(hook)
                            if problem is not None and hook in hooks:
                                self.refused.append((', '.join(hook.aliases), module.name, problem))
                                hooks.remove(hook)

    def tail_of(self, module):
        """The unused tail of a module's last executable page -> Area or None."""
        elf = module.elf or (self.modules.open(module) and module.elf)
        if not elf:
            return None
        for segment in reversed(elf.segments):
            if segment.type != 1 or not segment.flags & 1:
                continue
            start = module.load_bias + segment.file_address + segment.memory_size
            end = start + PAGE - 1 & -PAGE
            start = start + 15 & -16
            if end - start < 48:
                continue
            item = next((item for item in module.maps if item.start <= start and end <= item.end), None)
            if item is None or 'x' not in item.permissions or 's' in item.permissions:
                continue
            offset = item.offset + start - item.start
            return Area(start, end, 'tail of %s' % module.name, self._file_bytes(elf, offset, end - start))
        return None

    @staticmethod
    def _file_bytes(elf, offset, size):
        """What the file has at an offset; zeros behind its end, as the kernel maps it."""
        data = elf.file_bytes(offset, size)
        return data + bytes(size - len(data))

    def _area_candidates(self, module):
        """Own tail first, then tails of modules that are never unloaded, the nearest first."""
        keepers = [other for other in self.modules.modules if other is not module and NEVER_UNLOADED.match(other.name)]
        keepers.sort(key=lambda other: abs(other.start - module.start))
        for candidate in [module] + keepers:
            area = self._area_of(candidate)
            if area is not None:
                yield area

    def _area_of(self, module):
        """The Area in a module's tail, with what is free of it; None if there is nothing."""
        area = next((area for area in self.areas if area.owner is module), None)
        if area is None:
            area = self.tail_of(module)
            if area is None:
                return None
            area.owner = module
            if not self._free_of_leftovers(area):
                return None
            self.areas.append(area)
        return area

    def place_code(self, program, near):
        """Room for the recorder's code in tails, behind the stubs -> list of addresses of its parts, or None.

        program: path of the target's program. Only what is never unloaded counts, within a call's reach of `near`.
        """
        header = trampoline.area_header_size(0)
        self.code_modules = [
            module for module in self.modules.modules
            if (module.path == program or NEVER_UNLOADED.match(module.name)) and abs(module.start - near) < REACH]
        areas = [self._area_of(module) for module in self.code_modules]
        return recorder.place([(area.next + header, area.end) for area in areas
                               if area is not None and area.room() > header + 64])

    def add_code(self, pieces):
        """The recorder's code goes into the tails that place_code() found. pieces: list of (address, bytes)."""
        left = len(pieces)
        for area in [self._area_of(module) for module in self.code_modules]:
            inside = sorted(piece for piece in pieces if area is not None and area.next <= piece[0] < area.end)
            if not inside:
                continue
            left -= len(inside)
            end = max(address + len(data) for address, data in inside)
            text = bytearray(trampoline.area_header(area.next, end - area.next, []))
            for address, data in inside:
                text += b'\xcc' * (address - area.next - len(text)) + data
            area.pieces.append((area.next, bytes(text), []))
            area.next = end + 15 & -16
        if left:
            raise MonitorError('no room for its code')
        self.areas = [area for area in self.areas if area.pieces]

    def _free_of_leftovers(self, area):
        """Keep away from stubs that an earlier run had to leave; False when there is no room behind them."""
        data = self.read(area.start, area.end - area.start)
        while True:
            found = trampoline.parse_area_header(data[area.next - area.start:], area.next)
            if found is None:
                return True
            size = max(found.size, 16)
            size = min(size, area.end - area.next)
            self.leftovers.append((area.next, size, area))
            area.next = area.next + size + 15 & -16
            if area.room() < 48:
                return False

    def _place(self, module, group):
        """Lay the stubs of one module's hooks out: together where an area holds all, else one by one."""
        def need(hooks):
            return trampoline.area_header_size(len(hooks)) + sum(self.stubs.size(hook) for hook in hooks)

        candidates = list(self._area_candidates(module))
        for area in candidates:
            if area.room() >= need(group) and self._build(area, group):
                return
        for hook in group:
            if not any(area.room() >= need([hook]) and self._build(area, [hook]) for area in candidates):
                self.hooks_without_room.append(hook)

    def add_mapped_area(self, address):
        """Place what found no room in a page mapped at `address` for us."""
        area = Area(address, address + PAGE, 'a page mapped for it', b'', mapped=True)
        area.owner = None
        self.areas.append(area)
        return area

    def _build(self, area, hooks):
        """Build the stubs of hooks at the area's free place; False where something is out of a jump's reach."""
        address = area.next + trampoline.area_header_size(len(hooks))
        stubs = []
        try:
            for hook in hooks:
                stub = self.stubs.build(hook, address)
                stubs.append(stub)
                address += len(stub.code)
        except trampoline.CannotMove as error:
            for hook in hooks:
                hook.why = str(error)
            return False
        header = trampoline.area_header(area.next, address - area.next, stubs)
        area.pieces.append((area.next, header + b''.join(stub.code for stub in stubs), hooks))
        area.next = address + 15 & -16
        for hook, stub in zip(hooks, stubs):
            hook.stub = stub
            hook.area = area
            hook.patch = trampoline.entry_patch(stub)
            hook.old = hook.code[stub.prologue.skip:stub.prologue.skip + len(hook.patch[1])]
        return True


# call rel32; call through a register or memory (opcode FF /2, SDM volume 2): the end of the match is the return address
_CALLS = re.compile(
    br'\xe8(....)|\xff(?:[\xd0-\xd7\x10-\x13\x16\x17]|\x14.|[\x50-\x53\x55-\x57].|\x54..|\x15....'
    br'|[\x90-\x93\x95-\x97]....|\x94.....)', re.DOTALL)
_unpack_registers = struct.Struct('<%dQ' % len(platform.Registers())).unpack_from
_unpack_frame = struct.Struct('<4Q').unpack_from
_dwarf_order = operator.itemgetter(*platform.DWARF_ORDER)
_FIRST_ARGUMENT = platform.RDI
_STACK_POINTER = platform.RSP
_RESULT = platform.RAX
_MOST = (1 << 64) - 1


# -- the trap engine ------------------------------------------------------------------------------------------------


class TrapEngine(object):
    """Holds the target by ptrace; an int3 in each hook's stub tells of a call."""

    def __init__(self, settings, channel):
        self.settings = settings
        self.channel = channel
        self.pid = settings.pid
        self.tracer = platform.Tracer(settings.pid)
        self.modules = ModuleMap(settings.pid, self.tracer.read)
        self.modules.on_unload = self._module_gone
        self.modules.before_unload = self._send_modules
        self.unwinder = unwinder.Unwinder(self.modules.find)
        self.ledger = Ledger(settings, channel, self._send_modules)
        self.plan = None
        self.hooks = []
        self.traps = {}                 # pc behind an int3 -> (method, Hook)
        self.pending = {}               # tid -> [(slot of the return address, old block, its record)] in realloc
        self.inner = {}                 # tid -> block that a call inside another call was given
        self.hooked = False
        self.busy = 0.0                 # seconds in which the target stood still for us, all stops added up
        self.longest = 0.0
        self.stops = 0
        self.overhead = STOP_OVERHEAD   # seconds a stop between the thread's halt and our work, our work and its going on
        self.waited = 0.0               # overhead of the first `waited_stops` stops
        self.waited_stops = 0
        self.samples = 1                # that `overhead` is the mean of, the latest count most
        self.sample_due = False         # the overhead of the next stop is to be measured
        self.sample = None              # (tid, when it was let go on, its run_time() then)
        self.cut_short = 0              # allocations whose stack is not whole
        self.window_start = 0.0
        self.window_busy = 0.0
        self.window_calls = 0
        self.last_status = 0.0
        self.last_busy = 0.0
        self.last_calls = 0
        self.share = 0.0
        self.tick_due = False
        self.next_look = 0.0
        self.signature = None
        self.map_starts = None          # of modules.maps, for bisection
        self.behind = False             # more blocks are due than one tick may take
        self.looked_at = 0              # stops when the mappings were looked at
        self.loop = None                # the TrapLoop, while run() uses one
        self.bulk_left = 0              # allocations for which the longer piece of stack is read
        self._buffer = self.tracer.registers_buffer
        self.unwind = self.unwinder.unwind
        self.limit = settings.backtrace_limit - 1
        if not self.limit:
            self.unwind = lambda *arguments: unwinder.Stack((), (), unwinder.LIMIT)
        self.cpu = None
        self.was_stopped = False
        self.actions = (0, 0)
        self.trap_action = None
        self.differences = {}           # module -> text that differed from the file before we came
        self.children = 0
        self.stray = set()
        self.target = None
        self.exec_seen = False
        self.target_gone = False
        self.exit_status = None
        self.attached = False
        self.children_failed = []
        self.told = set()               # paths of modules that came later and have an allocator
        self.looked_into = set()        # keys of the modules that were there when allocators were last looked for
        self.reserve = []
        self.pid_children = []
        self.keep_leftovers = False     # what an earlier run left is still in use
        self.inside = []                # threads that were found in stubs

    def kind(self):
        """How calls are seen, for the user."""
        return 'trap' if getattr(self, 'tables', None) is None else 'recorder'

    # -- messages

    def note(self, level, text):
        """A line for the user; level: info, warning or verbose."""
        if level != 'verbose' or self.settings.verbose:
            self.channel.send('note', level=level, text=text)

    def _send_modules(self):
        self.modules.send(self.channel)

    def _module_gone(self, start, end):
        self.unwinder.forget(start, end)
        for hook in self.hooks:
            hook.chains.clear()
        if self.loop is not None:
            self.loop.forget()

    # -- before the first change

    def prepare(self):
        """Everything up to the first change: the plan of hooks. Raises MonitorError, PlatformError."""
        self._reserve_descriptors()
        self.target = platform.check_target(self.pid)
        for text in self.target.notes:
            self.note('verbose', text)
        self._take_over()
        self.tracer.open()
        self.modules.refresh()
        self._make_plan()

    def _take_over(self):
        """Take out what a recorder left whose monitor was killed, or found a thread inside."""
        healer = Healer(self.settings, self.channel)
        if not healer.find():
            return
        if self.settings.dry_run:
            self.note('warning', 'the hooks of an earlier run, whose monitor was killed, are in the target; they would '
                                 'be taken out first')
            healer.forget()
            return
        problems, lines = healer.heal()
        for text in problems:
            self.note('warning', text)
        for text in lines:
            self.note('info', text)
        self.keep_leftovers = healer.left()

    def _reserve_descriptors(self):
        """Keep a few for the end: giving the target back reads /proc, and must not fail for want of one."""
        try:
            for _ in range(RESERVED_DESCRIPTORS):
                self.reserve.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        except OSError as error:
            raise MonitorError('too few file descriptors: %s' % error, 'Raise the limit: ulimit -n 256')

    def _make_plan(self, skip=(), stubs=None):
        plan = HookPlan(self.modules, self.tracer.read, stubs)
        plan.find_functions()
        plan.plan(skip)
        self.plan = plan
        self.looked_into = {module.key for module in self.modules.modules}

    def _check_plan(self):
        plan = self.plan
        for text in plan.problems:
            self.note('warning', text)
        for names, module, why in plan.refused:
            self.note('warning', '%s in %s is not hooked: %s' % (names, module, why))
        if plan.unhooked_operators:
            modules = sorted(set(module for _, module in plan.unhooked_operators))
            self.note('warning', '%d functions of operator new in %s are not hooked: what C++ code allocates by them is '
                                 'not seen' % (len(plan.unhooked_operators), ', '.join(modules)))
        hooked = plan.names()
        if not hooked & {'malloc', 'calloc', 'realloc', 'memalign', 'aligned_alloc', 'posix_memalign'}:
            refused = [names for names, _, _ in plan.refused]
            if refused:
                raise MonitorError('none of the allocating functions found can be hooked',
                                   'The reasons are above; nothing was changed.')
            raise MonitorError(
                'no allocator found in process %d: none of its %d modules defines malloc'
                % (self.pid, len(self.modules.modules)),
                'A program that is static and stripped, or that has an allocator of its own under another name (Go, '
                'some JITs), cannot be watched.')
        if 'free' not in hooked:
            raise MonitorError('free() cannot be hooked: every block would look like a leak', 'Nothing was changed.')
        for hook in plan.hooks:
            self.note('verbose', 'hook: ' + hook.describe())

    def engine_lines(self):
        """For dry_run(): how calls would be seen."""
        return ['engine: trap: each call of a hooked function stops the caller']

    def dry_run(self):
        """What would be done, as lines; changes nothing."""
        self.prepare()
        lines = ['process %d (%s): %d threads, %d modules with code' % (
            self.pid, self.target.name, self.target.threads, len(self.modules.modules))]
        plan = self.plan
        for module in self.modules.modules:
            build_id = module.build_id.hex() if module._opened else ''
            lines.append('module %#x-%#x %s%s%s' % (
                module.start, module.end, module.path, ' build-id ' + build_id if build_id else '',
                ' (%s)' % module.problem if module.problem else ''))
        for hook in plan.hooks:
            address, data = hook.patch
            lines.append('hook ' + hook.describe())
            lines.append('     %#x: %s becomes %s' % (address, hook.old.hex(), data.hex()))
        for area in plan.areas:
            for address, data, _ in area.pieces:
                lines.append('stubs at %#x, %d bytes, in the %s' % (address, len(data), area.where))
        for names, module, why in plan.refused:
            lines.append('not hooked: %s in %s: %s' % (names, module, why))
        for hook in plan.hooks_without_room:
            lines.append('hook %s in %s at %#x: its stub goes into a page that is mapped in the target'
                         % (', '.join(hook.aliases), hook.module.name, hook.entry))
        for tid in platform.threads(self.pid):
            place = platform.blocked_at(self.pid, tid)
            if place is None:
                lines.append('thread %d runs' % tid)
                continue
            lines.append('thread %d sleeps in the kernel, called from %s' % (tid, self._name(place[0])))
        lines += platform.what_could_forbid(self.pid)
        lines += self.engine_lines()
        hooked = plan.names()
        lines.append('functions to hook: %d (%s)' % (
            len(plan.hooks) + len(plan.hooks_without_room), ', '.join(sorted(hooked)) or 'none'))
        lines.append('nothing was changed')
        return lines

    def _name(self, address):
        module = self.modules.at(address)
        if module is None:
            return '%#x' % address
        self.modules.open(module)
        symbol = module.elf.symbol_at(address - module.load_bias) if module.elf else None
        if symbol is None:
            return '%s+%#x' % (module.name, address - module.load_bias)
        return '%s+%d [%s]' % (symbol.name, address - module.load_bias - symbol.file_address, module.name)

    # -- attaching

    def attach(self):
        """Seize the threads and put the hooks in."""
        self.was_stopped = platform.is_stopped(self.pid)    # afterwards it may be on its way from one stop to another
        self.tracer.seize()
        self.attached = True
        if platform.start_time(self.pid) != self.target.start_time:
            raise MonitorError('process %d ended, and another one has its id now' % self.pid,
                               'Look the id up again.')
        self.was_stopped = self.was_stopped or platform.is_stopped(self.pid)
        self.actions = platform.signal_actions(self.pid)
        if not self.tracer.reads_untraced and not self._plan_holds():
            self._make_plan()
            self._check_plan()
        for module in {hook.module for hook in self.plan.hooks}:
            self.differences[module], _ = self._differences(module)
        self._put_hooks_in()
        self._check_hooks()

    def _plan_holds(self):
        """Whether memory holds what the plan was made with: the files' bytes, where memory could not be read before."""
        read = self.tracer.read
        return all(read(hook.entry, 32) == hook.code[:32].ljust(32, read(hook.entry + len(hook.code), 32)[:1] or b'\0')
                   if len(hook.code) >= 32 else read(hook.entry, len(hook.code)) == hook.code
                   for hook in self.plan.hooks) and all(
            area.mapped or read(area.start, area.end - area.start) == area.file_bytes for area in self.plan.areas)

    def start_command(self):
        """Seize a command at its gate, let it come to main, and put the hooks in. Returns where monitoring begins."""
        tracer = self.tracer
        self._reserve_descriptors()
        self.target = platform.check_target(self.pid)
        tracer.seize()
        self.attached = True
        # so that no wait lasts: somebody may want to end this before main is reached
        signal.signal(signal.SIGALRM, self._alarm)
        signal.setitimer(signal.ITIMER_REAL, TICK, TICK)
        os.write(self.settings.gate, b'x')
        os.close(self.settings.gate)
        while True:
            event = tracer.wait()
            self._tick_before_main()
            if event is None:
                continue
            tid, kind, value = event
            if kind == platform.EXEC:
                break
            if kind == platform.GONE:
                raise Stopped('exit', status=value, text='the command could not be started')
            tracer.resume(tid, value if kind == platform.SIGNAL else 0)
        self.target = platform.check_target(self.pid)       # what it runs now may be of 32 bits
        tracer.reopen()
        self.modules.refresh()
        where = 'the program\'s entry point'
        entry = platform.entry_point(self.pid)
        if not entry or not tracer.run_until(tid, entry, self._tick_before_main):
            raise Stopped('exit', text='it ended before it came to its entry point')
        self.modules.refresh()
        main = self._find_main(tid)
        if main:
            if not tracer.run_until(tid, main, self._tick_before_main):
                raise Stopped('exit', text='it ended before it came to main')
            where = 'main'
        self.modules.refresh()
        self._make_plan()
        self._check_plan()
        self.actions = platform.signal_actions(self.pid)
        for module in {hook.module for hook in self.plan.hooks}:
            self.differences[module], _ = self._differences(module)
        self._put_hooks_in()
        self._check_hooks()
        return where

    def _tick_before_main(self):
        if self.channel.asked() != b'':
            raise Stopped('user')

    def _find_main(self, tid):
        """The address of main: a symbol, or what _start gives to __libc_start_main (in rdi: psABI 3.2.3)."""
        program = next((module for module in self.modules.modules
                        if module.start <= platform.entry_point(self.pid) < module.end), None)
        if program is None or self.modules.open(program) is None:
            return 0
        for symbol in program.elf.find_functions(('main',)):
            return symbol.file_address + program.load_bias
        for module in self.modules.modules:
            if module.path.startswith('[') or self.modules.open(module) is None:
                continue
            for symbol in module.elf.find_functions(('__libc_start_main',)):
                address = symbol.file_address + module.load_bias
                if not self.tracer.run_until(tid, address, self._tick_before_main):
                    return 0
                registers = self.tracer.registers(tid)
                return registers[unwinder.RDI] if registers else 0
        return 0

    def _put_hooks_in(self):
        """Stop all threads, move those that stand in the way, write stubs and entries, let all go on."""
        tracer = self.tracer
        plan = self.plan
        taught = list(plan.hooks)
        self._teach(taught)             # while nobody stands still yet
        begin = time.monotonic()
        for attempt in range(10):
            # a busy machine may not give a thread the processor that it needs to stop
            late = tracer.stop_all(platform.ATTACH_PATIENCE * (1 + attempt))
            begin = tracer.first_stop or begin
            if all(tracer.blocked_at(task) is not None for task in late):
                break
            # one is on its way out, or busy in the kernel: nobody else has to stand still for it
            tracer.resume_all()
            self._stood_still(time.monotonic() - begin)
            time.sleep(0.01)
            begin = time.monotonic()
        try:
            if self.target_vanished():
                raise MonitorError(*self._vanished())
            for tid, kind, value in tracer.unread:
                if kind == platform.EXEC and tracer.tasks[tid].pid == self.pid:
                    raise MonitorError('process %d called exec while it was being attached to' % self.pid,
                                       'It runs another program now: try again.')
            self._remember_trap_action()
            self._map_pages(plan)
            self._teach([hook for hook in plan.hooks if hook not in taught])
            self._move_threads_away(late)
            self._reclaim_leftovers(late)
            for hook in list(plan.hooks):
                now = tracer.read(hook.entry, min(len(hook.code), 32))
                if now != hook.code[:len(now)] or not now:
                    plan.hooks.remove(hook)
                    hook.stub = None
                    plan.refused.append((', '.join(hook.aliases), hook.module.name, 'its code changed meanwhile'))
            self.hooked = True
            self.hooks = list(plan.hooks)   # from here on it is all taken out again, whatever happens
            for area in plan.areas:
                for address, data, hooks in area.pieces:
                    old = tracer.read(address, len(data))
                    area.saved.append((address, old))
                    tracer.write(address, data)
            for hook in plan.hooks:
                for trap, when in hook.stub.traps.items():
                    self.traps[trap + 1] = self._handlers(hook)[when], hook
            for hook in plan.hooks:
                address, data = hook.patch
                hook.module.changed = True
                hook.in_place = True
                tracer.write(address, data)
            self._hooks_are_in()
        except platform.PlatformError:
            if not (plan.hooks and tracer.read(plan.hooks[0].entry, 1)):
                raise MonitorError('process %d ended or called exec while it was being attached to' % self.pid,
                                   'If it runs another program now, try again.')
            raise
        finally:
            tracer.resume_all()
            self._stood_still(time.monotonic() - begin)

    def _remember_trap_action(self):
        """Where the target handles or ignores SIGTRAP: the kernel may reset that, so it is asked for what it is."""
        if platform.same_trap_action(self.actions, (0, 0)):
            return
        tid = self._thread_for_injection()
        where = self._syscall_instruction()
        try:
            if tid is None or where is None:
                raise platform.PlatformError('', self.pid, 0, 'no thread can make a system call for us')
            self.trap_action = self.tracer.trap_action(tid, where, False)
        except platform.PlatformError as error:
            self.note('warning', 'the target handles or ignores SIGTRAP, and its action could not be saved: %s' % error)

    def _hooks_are_in(self):
        """All threads are still stopped."""

    def _teach(self, hooks):
        """Tell the unwinder what the stack looks like in the stubs."""
        for hook in hooks:
            stub = hook.stub
            for start, end, offset in stub.cfi:
                self.unwinder.add_rule(start, end, unwinder.RSP, offset)
            end = stub.moved[1] if stub.jump_back is None else stub.jump_back + trampoline.JUMP_SIZE
            self.unwinder.add_alias(stub.moved[0], end, lambda pc, stub=stub: trampoline.original(stub, pc))

    def _map_pages(self, plan):
        """Ask the target for a page where a stub found no room; by an injected mmap, never under seccomp."""
        homeless = [hook for hook in plan.hooks_without_room]
        if not homeless:
            return
        tid = self._thread_for_injection()
        where = self._syscall_instruction()
        if tid is None or where is None:
            self._give_up(homeless, 'no thread can make a system call for us')
            return
        by_module = {}
        for hook in homeless:
            by_module.setdefault(hook.module, []).append(hook)
        for module, hooks in by_module.items():
            try:
                address = self.tracer.map_page(tid, module.start, module.end, where, False)
            except platform.PlatformError as error:
                self._give_up(hooks, 'no room for a stub within 2 GB, and no page could be mapped (%s)' % error)
                continue
            area = plan.add_mapped_area(address)
            self.modules.unnamed.append((address, address + PAGE))
            if plan._build(area, hooks):
                plan.hooks.extend(hooks)
                for hook in hooks:
                    self.note('verbose', 'hook: ' + hook.describe())
            else:
                self._give_up(hooks, hooks[0].why)

    def _give_up(self, hooks, why):
        for hook in hooks:
            self.plan.refused.append((', '.join(hook.aliases), hook.module.name, why))
            self.note('warning', '%s in %s is not hooked: %s' % (', '.join(hook.aliases), hook.module.name, why))

    def _thread_for_injection(self):
        """A stopped thread to make a system call for us, the best there is, or None."""
        tracer = self.tracer
        waiting = {event[0] for event in tracer.unread}
        best = best_rank = None
        for tid, task in tracer.tasks.items():
            if task.pid != self.pid or tid in waiting:
                continue
            rank = tracer.injection_rank(task)
            if rank is not None and (best is None or rank < best_rank):
                best, best_rank = tid, rank
                if not any(rank):
                    break
        if best is None:
            for tid, task in list(tracer.tasks.items()):
                if task.pid == self.pid and tid not in waiting and tracer.leave_sequence(task):
                    return tid
        return best

    def _syscall_instruction(self):
        """Where code that makes a system call lies in what is never unloaded; best the form that the platform prefers."""
        for pattern in (platform.SYSCALL_CODE, b'\x0f\x05'):
            for module in sorted(self.modules.modules, key=lambda module: not NEVER_UNLOADED.match(module.name)):
                for item in module.maps:
                    if 'x' in item.permissions and not item.path.startswith('['):
                        data = self.tracer.read(item.start, min(item.end - item.start, 1 << 21))
                        position = data.find(pattern)
                        if position >= 0:
                            return item.start + position
        return None

    def _move_threads_away(self, late):
        """No thread may stand behind the first of the bytes that a jump replaces, nor return there from a signal."""
        tracer = self.tracer
        hooks = [hook for hook in self.plan.hooks if not hook.by_trap]
        if not hooks:
            return
        first = min(hook.entry for hook in hooks)
        last = max(hook.entry + hook.prologue.skip + hook.prologue.length for hook in hooks)
        close = last - first < 1 << 20

        def refuse(hook, why):
            if hook in self.plan.hooks:
                self.plan.hooks.remove(hook)
                self.plan.refused.append((', '.join(hook.aliases), hook.module.name, why))
                self.note('warning', '%s in %s is not hooked: %s' % (hook.name, hook.module.name, why))

        for task in list(tracer.tasks.values()):
            if task in late:
                place = tracer.blocked_at(task)
                if place is None:
                    # it runs in the kernel or waits for a processor; all we know is that it is not in user code we see
                    raise MonitorError('thread %d could not be stopped' % task.tid,
                                       'It is busy in the kernel, or gets no processor on a busy machine; try again.')
                pc, sp = place
            else:
                registers = tracer.registers(task.tid)
                if registers is None:
                    continue
                pc, sp = registers[unwinder.RA], registers[unwinder.RSP]
            for hook in hooks:
                start = hook.entry + hook.prologue.skip
                if start < pc < start + hook.prologue.length:
                    target = trampoline.away(hook.stub, pc)
                    if target is None or task in late:
                        refuse(hook, 'thread %d stands in its first bytes' % task.tid)
                    else:
                        tracer.set_pc(task.tid, target)
            ranges = [(first, last)] if close else [(hook.entry, hook.entry + 32) for hook in hooks]
            for low, high, stack, sp in [item + piece for piece in self._stacks_of(sp) for item in ranges]:
                for address, pc in tracer.saved_pcs(stack, sp, low, high):
                    for hook in hooks:
                        start = hook.entry + hook.prologue.skip
                        if start < pc < start + hook.prologue.length:
                            target = trampoline.away(hook.stub, pc)
                            if target is None:
                                refuse(hook, 'a signal handler of thread %d returns into its first bytes' % task.tid)
                            else:
                                tracer.write(address, struct.pack('<Q', target))

    def _reclaim_leftovers(self, late):
        """Stubs that an earlier run had to leave go, if nobody is inside any more. All threads are stopped."""
        tracer = self.tracer
        for address, size, area in self.plan.leftovers:
            used = self.keep_leftovers
            for task in tracer.tasks.values():
                registers = tracer.registers(task.tid) if task not in late else None
                if registers is None:
                    used = True             # asleep in the kernel: its registers cannot be seen
                    break
                sp = registers[unwinder.RSP]
                walk = self.unwinder.unwind(registers, sp, self._stack_above(sp), tracer.read, 10000)
                if walk.ending != unwinder.END_OF_STACK or any(
                        address <= frame < address + size for frame in walk.addresses):
                    used = True
                    break
            if not used:
                offset = address - area.start
                tracer.write(address, area.file_bytes[offset:offset + size])
                self.note('verbose', '%d bytes of stubs that an earlier run had to leave were taken out' % size)

    def _check_hooks(self):
        names = set(name for hook in self.hooks for name in hook.aliases)
        for name in ('malloc', 'free'):
            if name not in names:
                raise MonitorError('%s could not be hooked' % name, 'The reasons are above; the target is given back.')

    def _vanished(self):
        """Text and advice when nothing is held any more at attach: exec by a thread that was not held yet, or the end."""
        if self._alive():
            return ('process %d called exec while it was being attached to' % self.pid,
                    'It runs another program now: try again.')
        return 'process %d ended while it was being attached to' % self.pid,

    def target_vanished(self):
        """Whether the process that we hold has ended."""
        return not self.tracer.tasks

    def _stood_still(self, seconds):
        self.busy += seconds
        if seconds > self.longest:
            self.longest = seconds

    # -- the event loop

    def run(self):
        """Take events until the run ends: raises Stopped."""
        signal.signal(signal.SIGALRM, self._alarm)
        signal.setitimer(signal.ITIMER_REAL, TICK, TICK)
        self.window_start = self.last_status = time.monotonic()
        tracer = self.tracer
        take = tracer.take
        unread = tracer.unread
        wait = tracer.wait
        clock = time.monotonic
        trap_kind = platform.TRAP
        traps = self.traps
        tasks = tracer.tasks
        resume = tracer.resume
        longest = self.longest
        turn = 0
        loop = self.loop = TrapLoop.make(self)
        if loop is not None:
            take = loop.take
        try:
            while True:
                try:
                    turn += 1
                    if turn > GATHER_EVERY:
                        turn = 0
                        if len(tasks) > 1 and loop is None:
                            tracer.gather()
                    event = wait() if unread else take(not self.behind)
                except ChildProcessError:
                    self.target_gone = True
                    raise Stopped('exit', status=self.exit_status)
                if event is not None:
                    begin = clock()
                    tid, kind, pc = event
                    if kind is trap_kind:
                        known = traps.get(pc)
                        if known is not None:
                            task = tasks.get(tid)
                            if task is None:
                                continue            # it ended meanwhile
                            if task.last == pc and tracer.is_stray_trap(tid):
                                resume(tid, platform.SIGTRAP)
                                continue
                            task.last = pc
                            if self.sample is not None and self.sample[0] == tid:
                                self._end_sample(task, begin)
                            known[0](tid, task, known[1], begin)
                            if loop is not None:
                                loop.admit(task)
                            if self.sample_due:
                                self._begin_sample(task)        # unless the loop does that for this thread
                            # before the thread goes on: it may take our place on the core at once
                            spent = clock() - begin
                            resume(tid)
                            self.busy += spent
                            self.stops += 1
                            if spent > longest:
                                self.longest = longest = max(spent, self.longest)
                        else:
                            self._foreign_trap(tid, pc)
                    else:
                        if loop is not None:
                            loop.flush()
                        self.sample = None
                        self._on_event(tid, kind, pc)
                        self._stood_still(clock() - begin)
                if self.tick_due or self.behind:
                    self.tick_due = False
                    begin = clock()
                    self._tick()
                    spent = clock() - begin
                    if spent > longest:         # a thread may have been waiting all the time
                        self.longest = longest = max(spent, self.longest)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self.loop = None
            if loop is not None:
                loop.flush()
                loop.close()
                self.note('verbose', 'machine code served %d of %d stops' % (loop.served, self.stops))

    def _alarm(self, number, frame):
        self.tick_due = True

    # What a trap means. Each takes (tid, task, hook, now in seconds); the task stays stopped.

    def _handlers(self, hook):
        """{kind of trap: method} of a hook."""
        if hook.function.kind == BOTH:
            before = self._on_realloc
        else:
            before = self._on_free
        if hook.by_trap:
            def redirected(tid, task, hook, now, handler=before if hook.function.kind != AFTER else None):
                if handler is not None:
                    handler(tid, task, hook, now)
                self.tracer.set_pc(tid, hook.stub.address)
            return {BEFORE: redirected, trampoline.ENTRY: redirected, AFTER: self._on_return}
        return {BEFORE: before, AFTER: self._on_return}

    def _on_free(self, tid, task, hook, now):
        """free() is about to run: the block is taken out first, as another thread may be given its address at once."""
        ledger = self.ledger
        ledger.calls += 1
        address = self._buffer[_FIRST_ARGUMENT]
        if address:
            record = ledger.blocks.take(address)
            if record is None:
                ledger.unknown_frees += 1
            else:
                ledger.freed(record, int((now - ledger.started) * 1000))
        self._count_trap(task)

    def _count_trap(self, task):
        """What the kernel did to the signal mask is looked at now and then."""
        traps = task.traps = task.traps + 1
        if traps >= task.next_mask or traps < MASK_SAMPLE or task.masked:
            task.next_mask = traps + MASK_SAMPLE
            self.tracer.note_trap_mask(task)

    def _on_realloc(self, tid, task, hook, now):
        """realloc() is about to run: the old block is taken out; _on_return() puts the new one in."""
        ledger = self.ledger
        ledger.calls += 1
        address = self._buffer[_FIRST_ARGUMENT]
        record = ledger.blocks.take(address) if address else None
        calls = self.pending.setdefault(tid, [])
        if address and record is None and not (calls and calls[-1][1] == address):
            ledger.unknown_frees += 1
        calls.append((self._buffer[_STACK_POINTER], address, record))
        self._count_trap(task)

    def _on_return(self, tid, task, hook, now):
        """An allocating function has returned: at sp lie rdi, rsi, rdx of the call and the return address."""
        ledger = self.ledger
        buffer = self._buffer
        sp = buffer[_STACK_POINTER]
        self.bulk_left -= 1
        stack = self.tracer.read(sp, STACK_BYTES if self.bulk_left > 0 else SHORT_STACK_BYTES)
        if len(stack) < 32:
            ledger.untracked += 1
            return
        first, second, third, return_address = _unpack_frame(stack)
        now = int((now - ledger.started) * 1000)
        which = hook.size_from
        address = buffer[_RESULT]
        if which == FIRST:
            size = first
        elif which == SECOND:
            size = second
        elif which == PRODUCT:
            size = first * second & _MOST
        elif which == THIRD:
            size = third
        else:
            size = second * third & _MOST
        if hook.both:
            if hook.resizes:
                address = first if address >= size else 0
            address = self._realloc_returns(tid, sp + 24, address, first, size, now)
            if not address:
                return
        else:
            ledger.calls += 1
            if hook.through_argument:
                address = self._pointed_to(first, sp, stack) if not address & 0xffffffff else 0
            if not address:
                ledger.failed += 1
                return
        # the same sp and return address: most likely the same stack, which is looked at where its return addresses lay
        known = hook.chains.get((sp, return_address))
        if known is not None and len(stack) >= known[0] and known[1](stack) == known[2]:
            found = known[3]
        else:
            found = self._walk(task, hook, sp, stack, return_address)
            if found is None:
                ledger.untracked += 1
                return
        if found.cut:
            self.cut_short += 1
        if self.inner:
            if self.inner.pop(tid, None) == address:
                # the block of a call inside this one: handed on to our caller
                ledger.replaced(address)
        if found.nested:
            self.inner[tid] = address
        ledger.allocated(address, size, found, now)
        self._count_trap(task)
        if task.traps >= task.next_cpu:         # where the thread runs
            self.sample_due = task.next_cpu > 0
            task.next_cpu = task.traps + CPU_SAMPLE
            self._follow(task)

    def _walk(self, task, hook, sp, stack, return_address):
        """Unwind from a hook's caller -> CallStack, None when there are too many."""
        registers = list(_dwarf_order(_unpack_registers(self._buffer)))
        registers[unwinder.RSP] = sp + 32
        registers[unwinder.RA] = return_address
        walk = self.unwind(registers, sp, stack, self._read_more, self.limit, True)
        # with -l 1 no frame is looked at, but whether this is a call inside another has to be known
        nested = not walk.addresses and self._hook_of_frame(return_address) is not None
        found = hook.stacks.get((walk.addresses, nested))
        if found is None:
            found = self._new_stack(hook, walk, nested)
        if found is not None and not walk.exact:
            if (self.loop is not None and hook in self.loop.numbers and not task.masked and not found.nested
                    and not found.cut):
                self.loop.know(hook, found, walk, sp, stack, registers[unwinder.RBP], return_address)
                return found
            chain = self._chain(walk)
            if chain is not None:
                if len(hook.chains) > MAX_CHAINS:
                    hook.chains.clear()
                hook.chains[sp, return_address] = chain + (found,)
        return found

    def _chain(self, walk):
        """Where on the stack a walk found its return addresses, if nothing but constants decided that.

        -> (bytes of stack needed, function that unpacks the words from the bytes at sp, the words expected), or None.
        Every frame's CFA is sp + a constant then, so whoever finds the same words at the same places has the same stack.
        """
        addresses = walk.addresses
        if not addresses:
            return None
        at = 32
        layout = '<24xQ'
        expected = [addresses[0]]
        for index, address in enumerate(addresses):
            if index == self.limit - 1:
                break
            rule = self.unwinder.simple_rule(address)
            if rule == unwinder.END_OF_STACK:
                break
            if rule is None or rule[0] != unwinder.RSP or rule[1] < 8:
                return None
            layout += '%dxQ' % (rule[1] - 8)
            at += rule[1]
            expected.append(addresses[index + 1] if index + 1 < len(addresses) else 0)
        if at > STACK_BYTES or walk.ending not in (unwinder.END_OF_STACK, unwinder.LIMIT):
            return None
        return at, struct.Struct(layout).unpack_from, tuple(expected)

    def _read_more(self, address, size):
        """For the unwinder: a stack that goes on past what was read at once. The next ones will be read longer."""
        self.bulk_left = DEEP_STACKS
        return self.tracer.read(address, size)

    def _pointed_to(self, pointer, sp, stack):
        """The word at `pointer` (posix_memalign's result); usually on the stack that was read already."""
        offset = pointer - sp
        if 0 <= offset <= len(stack) - 8:
            return struct.unpack_from('<Q', stack, offset)[0]
        data = self.tracer.read(pointer, 8)
        return struct.unpack('<Q', data)[0] if len(data) == 8 else 0

    def _new_stack(self, hook, walk, nested):
        """Intern a stack: frame 0 is the function's entry; a return address in one of our stubs becomes the entry of
        the function that the stub belongs to (a call inside a call)."""
        key = walk.addresses, nested
        frames = [hook.entry]
        exact = [0]
        ending = walk.ending
        if ending not in (unwinder.END_OF_STACK, unwinder.LIMIT) and any(map(self._is_main, walk.addresses)):
            ending = unwinder.END_OF_STACK      # what calls main may have no rules (musl's start code)
        for index, address in enumerate(walk.addresses):
            other = self._hook_of_frame(address)
            if other is not None:
                nested = True
                address = other.entry
                exact.append(index + 1)
            elif index in walk.exact:
                exact.append(index + 1)
            frames.append(address)
        stack = self.ledger.add_stack(tuple(frames), tuple(exact), ending, nested)
        if stack is not None:
            hook.stacks[key] = stack
        return stack

    def _is_main(self, address):
        """Whether a return address lies in a function called main."""
        module = self.modules.at(address)
        if module is None or module.elf is None:
            return False
        if module.mains is None:
            module.mains = [(symbol.file_address, symbol.file_address + symbol.size)
                            for symbol in module.elf.find_functions(('main',))]
        return any(start < address - module.load_bias <= end for start, end in module.mains)

    def _hook_of_frame(self, address):
        for hook in self.hooks:
            frame = hook.stub.frame
            if frame is not None and frame[0] == address:
                return hook
        return None

    def _realloc_returns(self, tid, slot, result, first, size, now):
        """Settle the old block of a realloc -> address of the new block, 0 if there is none."""
        ledger = self.ledger
        calls = self.pending.get(tid)
        old, record = first, None
        known = False
        while calls:
            call = calls.pop()
            if call[0] == slot:
                old, record = call[1], call[2]
                known = True
                break
            if call[0] > slot:
                calls.append(call)          # an outer call; this one began before we came
                break
            # the function was left by longjmp; what became of its block cannot be known
            if call[2] is not None:
                ledger.freed(call[2], now)
        if result:
            if record is None and not known and old and old != result:
                record = ledger.blocks.take(old)        # begun before we came
            if record is not None:
                ledger.freed(record, now)
            return result
        if not size:            # realloc(p, 0) and reallocarray(p, 0, n) free
            if record is not None:
                ledger.freed(record, now)
        else:
            ledger.failed += 1
            if record is not None:
                ledger.put_back(old, record, now)
        return 0

    def _follow(self, task):
        """Stay on the core of the thread that traps: a wake-up across cores costs four times as much."""
        cpu = platform.last_cpu(task.pid, task.tid)
        if cpu is not None and cpu != self.cpu:
            self.cpu = cpu if platform.run_on_cpu(cpu) else None

    def _begin_sample(self, task):
        """A thread is about to go on: how much of the time until its next trap will it have had?"""
        self.sample_due = False
        self.sample = None
        run_time = platform.run_time(task.pid, task.tid)
        if run_time is not None:
            self.sample = task.tid, time.monotonic(), run_time

    def _end_sample(self, task, now):
        """It has trapped again: what it did not run, although it did not sleep, it stood still for us."""
        tid, begin, before = self.sample
        self.sample = None
        after = platform.run_time(task.pid, tid)
        if after is not None and after[1] - before[1] == 1:
            missing = now - begin - (after[0] - before[0]) / 1e9
            self.note_overhead(min(max(missing, 0.0), SAMPLE_MOST), 1)

    def note_overhead(self, seconds, samples):
        """So much in all was measured in so many samples."""
        self._standstill()              # the stops so far at what was measured then
        self.samples = min(self.samples + samples, 16)
        self.overhead += (seconds / samples - self.overhead) * min(samples / self.samples, 1.0)

    def _foreign_trap(self, tid, pc):
        """A SIGTRAP that is none of ours: the target's own. One of a trap that was taken out meanwhile is ours."""
        tracer = self.tracer
        if pc - 1 in self.stray and not tracer.is_stray_trap(tid):
            tracer.set_pc(tid, pc - 1)
            tracer.resume(tid)
            return
        tracer.resume(tid, platform.SIGTRAP)

    def _on_event(self, tid, kind, value):
        """Everything but a trap: signals, births, deaths, exec."""
        tracer = self.tracer
        if kind == platform.SIGNAL:
            tracer.resume(tid, value)
        elif kind == platform.NEW:
            if value == self.pid or self._shares(tid):
                tracer.resume(tid)
            else:
                self._release_child(tid, value)
        elif kind == platform.EXEC:
            task = tracer.tasks.get(tid)
            if task is not None and task.pid != self.pid:
                # a vfork child that runs another program now: its memory is new and clean
                tracer.release(tid)
                return
            self.exec_seen = True
            tracer.release(tid)         # its memory is new and clean; sharers of the old one have our hooks still
            raise Stopped('exec')
        elif kind == platform.GONE:
            self.pending.pop(tid, None)
            self.inner.pop(tid, None)
            if tid == self.pid:
                self.exit_status = value
                if not any(task.pid == self.pid for task in tracer.tasks.values()):
                    # others that share its memory keep it alive, with our hooks in it
                    self.target_gone = not tracer.tasks
                    raise Stopped('exit', status=value)
        else:
            tracer.resume(tid)

    def _shares(self, tid):
        """Whether a new task, stopped, shares the target's memory rather than having a copy of it."""
        shared = self.tracer.shares(tid)
        if shared is None:
            # a kernel without kcmp: is a byte of our own, in the header of the stubs, the same byte there?
            address, data, _ = self.plan.areas[0].pieces[0]
            self.tracer.write_other(tid, address, b'M')
            shared = self.tracer.read(address, 1) == b'M'
            self.tracer.write_other(tid, address, data[:1])
        return shared

    def _release_child(self, tid, pid):
        """A forked child has a copy of our hooks: take them out there and let it go."""
        tracer = self.tracer
        self.children += bool(self.hooks)
        try:
            registers = tracer.registers(tid)
            inside = True
            if registers is not None:
                inside = bool(self._stubs_in_use(registers, lambda address, size:
                                                 tracer.read_other(tid, address, size)))
            def read(address, size):
                return tracer.read_other(tid, address, size)

            def write(address, data):
                tracer.write_other(tid, address, data)

            problems = []
            self._restore_entries(read, write, problems)
            for area in self.plan.areas:
                if not inside:
                    self._restore_area(area, read, write, problems)
            if inside:
                for hook in self.hooks:
                    if hook.stub and read(hook.area.start, len(trampoline.AREA_MAGIC)) == trampoline.AREA_MAGIC:
                        for address, data in trampoline.neutralise(hook.stub):
                            write(address, data)
            if problems:
                raise platform.PlatformError('', pid, 0, problems[0])
        except platform.PlatformError as error:
            self.children_failed.append(pid)
            self.note('warning', 'the hooks could not be taken out of the child process %d: %s' % (pid, error))
        tracer.release(tid)

    # -- now and then

    def _tick(self):
        now = time.monotonic()
        channel = self.channel
        channel.flush()
        asked = channel.asked()
        if asked != b'' or _Flag.terminated:
            raise Stopped('user' if asked or _Flag.terminated else 'reporter-gone')
        ledger = self.ledger
        self.behind = ledger.expire(int((now - ledger.started) * 1000), EXPIRE_BATCH)
        if now >= self.next_look:
            self.next_look = now + 0.25
            self._look_at_modules()
        if now - self.last_status >= 1.0:
            self._send_status(now)
        if now - self.window_start >= BRAKE_WINDOW:
            self._brake(now)

    def _look_at_modules(self):
        if self.modules.deferred:
            for address in self.modules.deferred:
                self.unwinder.forget(address - 1, address + 1)
            self.modules.deferred = []
        if self.stops == self.looked_at:
            return
        self.looked_at = self.stops
        signature = self.modules.code_signature()
        if signature != self.signature:
            self.signature = signature
            self._modules_changed()

    def _modules_changed(self):
        """Code was loaded or unloaded: allocators that came later are not hooked, which is said once."""
        before = self.looked_into           # the unwinder may have come across one that is new
        self.modules.refresh()
        self.looked_into = {module.key for module in self.modules.modules}
        for module in self.modules.modules:
            if module.key in before or module.path.startswith('[') or module.path in self.told:
                continue
            fresh = not module._opened
            if self.modules.open(module) is None:
                continue
            names = sorted({symbol.name for symbol in module.elf.find_functions(FUNCTIONS)
                            if symbol.name in ('malloc', 'free', 'realloc')})
            if names:
                self.told.add(module.path)
                self.note('warning', '%s, which was loaded meanwhile, has its own %s: not hooked; attach again to see it'
                          % (module.name, ', '.join(names)))
            elif fresh:
                module.close()

    def _standstill(self):
        """Seconds for which threads stood still, all added up."""
        self.waited += (self.stops - self.waited_stops) * self.overhead
        self.waited_stops = self.stops
        return self.busy + self.waited

    def _send_status(self, now):
        elapsed = now - self.last_status
        self.last_status = now
        ledger = self.ledger
        still = self._standstill()
        self.share = min(100.0, 100.0 * (still - self.last_busy) / elapsed)
        self.last_busy = still
        calls = ledger.calls - self.last_calls
        self.last_calls = ledger.calls
        self.channel.send('status', elapsed=time.monotonic() - ledger.started, calls_per_second=calls / elapsed,
                          blocks=ledger.blocks.count, bytes=ledger.blocks.bytes, stacks=ledger.next_id - 1,
                          stopped=self.share, lost=self.channel.lost)

    def _brake(self, now):
        elapsed = now - self.window_start
        still = self._standstill()
        share = 100.0 * (still - self.window_busy) / elapsed
        calls = (self.ledger.calls - self.window_calls) / elapsed
        self.window_start = now
        self.window_busy = still
        self.window_calls = self.ledger.calls
        if share > self.settings.max_stopped and not self.settings.force:
            raise Stopped('brake', text=(
                'the target stood still for %.0f %% of the last %.0f s (limit: --max-stopped %g): it makes %.0f calls/s, '
                'and each costs it about %.0f us' % (min(share, 100.0), elapsed, self.settings.max_stopped, calls,
                                                    1e6 * share / 100.0 / max(calls, 1))))

    # -- giving the target back

    def give_back(self):
        """Take the hooks out and detach; never raises. Afterwards the target is as it was, or `problems` says what is
        not."""
        problems = []
        self.pid_children = []
        begin = time.monotonic()
        while self.reserve:
            os.close(self.reserve.pop())
        if self.hooked and not self.target_gone and not (self.exec_seen and not self._others()):
            try:
                self._take_hooks_out(problems)
            except ChildProcessError:
                self.target_gone = True
            except Stopped:                     # it ended or called exec meanwhile: _on_event() has noted that
                pass
            except Exception as error:          # whatever happens, the threads have to be let go
                problems.append('taking the hooks out failed: %s' % error)
                try:
                    self._take_out_by_force(problems)
                except Exception as second:
                    problems.append('and so did the second try: %s' % second)
        try:
            if not self.target_gone:
                late = []
                if not self.exec_seen or self._others():
                    late = self._stop_for_good() if self.hooked else self.tracer.stop_all()
                for event in self.tracer.unread:
                    self._last_event(event, problems)
                del self.tracer.unread[:]
                self.tracer.keep([(item.start, item.end) for module in self._to_be_proved()
                                  for item in module.maps if 'x' in item.permissions])
                self.tracer.detach_all()
                if late:
                    self.note('verbose', '%d threads sleep in the kernel; they are let go when the monitor ends'
                              % len(late))
        except Exception as error:
            problems.append('detaching failed: %s' % error)
        if not self.hooked:
            self._stood_still(time.monotonic() - begin)
        return problems

    def _others(self):
        """Whether processes that share the target's memory are held."""
        return any(task.pid != self.pid for task in self.tracer.tasks.values())

    def _last_event(self, event, problems):
        tid, kind, value = event
        task = self.tracer.tasks.get(tid)
        if kind == platform.TRAP:
            if task is not None:
                task.signal = 0
                if value not in self.traps and not (value - 1 in self.stray):
                    task.signal = platform.SIGTRAP
                elif value - 1 in self.stray:
                    self.tracer.set_pc(tid, value - 1)
        elif kind == platform.NEW and value != self.pid and not self._shares(tid):
            self._release_child(tid, value)

    def _take_hooks_out(self, problems):
        """Entries first, while the stubs still work; then the stubs, as soon as no thread is inside."""
        tracer = self.tracer
        self.modules.refresh()              # stacks may have come since
        self.map_starts = None
        deadline = time.monotonic() + LINGER
        restored = False
        while True:
            late = self._stop_for_good()
            begin = time.monotonic()
            if self.target_vanished():
                self.target_gone = True
                return
            if not restored:
                self._restore_entries(tracer.read, tracer.write, problems)
                for hook in self.hooks:
                    hook.in_place = False
                    if hook.by_trap:
                        self.stray.add(hook.patch[0])
                for task in tracer.tasks.values():
                    # at an entry's int3 that was reported but not handled (a defect): nothing was executed yet
                    if task.stopped and tracer.fetch(task.tid) \
                            and tracer.registers_buffer[platform.RIP] - 1 in self.stray:
                        tracer.set_pc(task.tid, tracer.registers_buffer[platform.RIP] - 1)
                restored = True
            self._lead_out(late)
            used = self._bound_together(self._used_areas(late))
            # a thread that neither stops nor sleeps has not been given the processor yet: it will be
            unknown = any(tracer.blocked_at(task) is None for task in late)
            last = time.monotonic() > deadline + (LINGER_UNKNOWN if unknown else 0)
            for area in self.plan.areas:
                if area.restored or (area in used and not last):
                    continue
                if area in used:
                    self._leave(area)
                else:
                    self._restore_area(area, tracer.read, tracer.write, problems)
                    if area.mapped:
                        self._unmap(area, problems)
                area.restored = True
            done = all(area.restored for area in self.plan.areas)
            if done:
                self._restore_signal_action(problems)
                for task in tracer.tasks.values():
                    if task.masked and task.stopped and task.traps:
                        tracer.note_trap_mask(task)
                self._stood_still(time.monotonic() - begin)
                return
            tracer.let_out(self.inside)
            tracer.resume_all()
            self._stood_still(time.monotonic() - begin)
            # let them run for a moment; what they report is taken
            pause = time.monotonic() + 0.005
            while time.monotonic() < pause:
                event = tracer.wait(False)
                if event is None:
                    time.sleep(0.0005)
                    continue
                self._handle(event)

    def _restore_entries(self, read, write, problems):
        """Give the functions their first bytes back, wherever our jump stands there: a module that was unloaded has taken
        it along, and something else may lie there now. Goes on whatever happens."""
        for hook in self.hooks:
            address, patch = hook.patch
            now = read(address, len(patch))
            if now == hook.old:
                continue
            if now != patch:
                if now and self._still_there(hook.module, address):
                    problems.append('the code of %s at %#x was changed by somebody else meanwhile: it is left as it is'
                                    % (hook.name, address))
                continue
            try:
                write(address, hook.old)
            except platform.PlatformError as error:
                problems.append('%s keeps its jump: %s' % (hook.name, error))

    def _still_there(self, module, address):
        """Whether a module's code is mapped at an address now, which the last look at the mappings may not tell."""
        if self.modules.at(address) is not module:
            return False
        return any(item.start <= address < item.end and item.path == module.path and 'x' in item.permissions
                   for item in platform.mappings(self.pid))

    @staticmethod
    def _restore_area(area, read, write, problems):
        """Take stubs out of a segment's tail, if they are there."""
        for address, old in area.saved:
            if read(address, len(trampoline.AREA_MAGIC)) != trampoline.AREA_MAGIC:
                continue                    # the module was unloaded, and with it the stubs
            try:
                write(address, old)
            except platform.PlatformError as error:
                problems.append('the stubs at %#x stay: %s' % (address, error))
                area.left = True

    def _take_out_by_force(self, problems):
        """When taking out the hooks has failed by a fault of ours: entries back, no trap left, the stubs stay."""
        tracer = self.tracer
        tracer.stop_all(1.0)
        self._restore_entries(tracer.read, tracer.write, problems)
        for area in self.plan.areas:
            if not area.restored:
                area.restored = True
                try:
                    if any(tracer.read(address, len(trampoline.AREA_MAGIC)) == trampoline.AREA_MAGIC
                           for address, _ in area.saved):
                        self._leave(area)
                except platform.PlatformError as error:
                    problems.append('the stubs at %#x keep their traps: %s' % (area.start, error))

    def _serve_events(self):
        """Take what the threads report, without waiting: nobody shall stand still while something else is done."""
        wait = self.tracer.wait
        for _ in range(1000):
            event = wait(False)
            if event is None:
                break
            self._handle(event)

    def _handle(self, event):
        """One event outside the loop."""
        tid, kind, value = event
        if kind == platform.TRAP:
            known = self.traps.get(value)
            if known is None:
                self._foreign_trap(tid, value)
                return
            self._on_known_trap(tid, known)
            self.tracer.resume(tid)
        else:
            self._on_event(tid, kind, value)

    def _on_known_trap(self, tid, known):
        """An event that was read earlier: its registers are fetched anew."""
        task = self.tracer.tasks.get(tid)
        if task is not None and self.tracer.fetch(tid):
            known[0](tid, task, known[1], time.monotonic())

    def _drain_traps(self):
        """Take the traps of stopped threads that were executed but not reported yet, as ordinary events.

        Who has such a trap is let go until it reports it; a busy machine may leave it running.
        """
        tracer = self.tracer
        for _ in range(1000):
            events = tracer.unread[:]
            del tracer.unread[:]
            for event in events:
                tid, kind, value = event
                if kind == platform.TRAP and value in self.traps:
                    self._on_known_trap(tid, self.traps[value])
                elif kind == platform.NEW and value != self.pid and not self._shares(tid):
                    self._release_child(tid, value)
                elif kind == platform.TRAP and tid in tracer.tasks:
                    tracer.tasks[tid].signal = platform.SIGTRAP
                elif kind in (platform.EXEC, platform.GONE):
                    self._on_event(tid, kind, value)
            again = False
            for tid, task in list(tracer.tasks.items()):
                if not task.stopped or not tracer.fetch(tid):
                    continue
                pc = tracer.registers_buffer[platform.RIP]
                if pc in self.traps and tracer.pending_trap(task):
                    # a job-control stop came before it: PTRACE_LISTEN would leave the SIGTRAP pending, and it would
                    # kill the target after SIGCONT. PTRACE_CONT reports it; a detach restores the job-control stop.
                    task.group = 0
                    tracer.resume(tid, task.signal)
                    again = True
            if not again:
                break
            tracer.stop_all(platform.ATTACH_PATIENCE * 5)

    def _stop_for_good(self):
        """Stop all threads and take every trap that one of them executed, as an ordinary event.

        Returns the tasks that are not stopped. Where the machine is busy a thread may not get the processor that it
        needs to stop; the others go on meanwhile.
        """
        tracer = self.tracer
        for attempt in range(STOP_ATTEMPTS):
            tracer.stop_all(platform.ATTACH_PATIENCE * (1 + attempt))
            begin = tracer.first_stop or time.monotonic()
            self._drain_traps()
            late = tracer.still_running()
            if all(tracer.blocked_at(task) is not None for task in late):
                break
            if attempt + 1 < STOP_ATTEMPTS:
                tracer.resume_all()
                self._stood_still(time.monotonic() - begin)
                time.sleep(0.002)
        self._stood_still(time.monotonic() - begin)
        return late

    def _used_areas(self, late):
        """The areas in which a thread stands, or to which one returns."""
        tracer = self.tracer
        used = set()
        self.inside = []
        for task in tracer.tasks.values():
            if task in late:
                place = tracer.blocked_at(task)
                if place is None:
                    return set(self.plan.areas)
                used |= self._scan(place[0], place[1], tracer.read)
                continue
            registers = tracer.registers(task.tid)
            if registers is not None:
                found = self._stubs_in_use(registers, tracer.read)
                if found:
                    self.inside.append(task.tid)
                    used |= found
        return used

    def _bound_together(self, used):
        """The areas that have to stay because of those that are used."""
        return used

    def _stubs_in_use(self, registers, read):
        """The areas that one thread stands in or returns to."""
        used = set()
        sp = registers[unwinder.RSP]
        if read == self.tracer.read:
            stack = self._stack_above(sp)
            if len(stack) < SCAN_BYTES and not self._scan(registers[unwinder.RA], sp, read, stack) \
                    and not self.tracer.may_hold_signal_frame(stack, sp):
                # no word on its stack is an address in a stub, and there is no signal frame that leads to another stack
                return used
        else:
            stack = read(sp, STACK_BYTES)
        walk = self.unwinder.unwind(registers, sp, stack, read, 10000)
        for address in walk.addresses:
            for area in self.plan.areas:
                if area.start <= address < area.end:
                    used.add(area)
        if walk.ending != unwinder.END_OF_STACK:
            # not sure: any word on the stack that looks like an address in a stub counts
            used |= self._scan(registers[unwinder.RA], sp, read)
        return used

    def _lead_out(self, late):
        """Threads that stand in a stub, and signal handlers that return into one, go on in the function or its caller.

        The entries have their old bytes again, all threads are stopped. Who is inside a call made by a stub stays.
        """
        tracer = self.tracer
        for task in tracer.tasks.values():
            if task in late:
                continue
            registers = tracer.registers(task.tid)
            if registers is None:
                continue
            sp = registers[unwinder.RSP]
            way = self._way_out(registers[unwinder.RA], sp)
            if way is not None:
                tracer.set_pc(task.tid, *way)
            for stack, sp in self._stacks_of(sp):
                for area in self.plan.areas:
                    for place, pc in tracer.saved_pcs(stack, sp, area.start, area.end):
                        way = self._way_out(pc, tracer.saved_sp(place))
                        if way is not None:
                            tracer.set_saved(place, *way)

    def _stacks_of(self, sp):
        """(bytes, address) of the stack at sp and of those that signal handlers on it interrupted."""
        found = []
        waiting = [sp]
        while waiting and len(found) < 8:
            sp = waiting.pop(0)
            stack = self._stack_above(sp)
            found.append((stack, sp))
            for _, other in self.tracer.interrupted(stack, sp)[:16]:
                if not any(start <= other < start + len(piece) for piece, start in found):
                    waiting.append(other)
        return found

    def _way_out(self, pc, sp):
        """-> (pc, sp) at which a thread that stands in a stub can go on, or None."""
        for hook in self.hooks:
            stub = hook.stub
            if stub is not None and stub.address <= pc < stub.address + len(stub.code):
                way = trampoline.way_out(stub, pc)
                if way is None:
                    return None
                sp += way.sp_change
                if way.pc is not None:
                    return way.pc, sp
                word = self.tracer.read(sp - 8, 8)
                return (struct.unpack('<Q', word)[0], sp) if len(word) == 8 else None
        return None

    def _stack_above(self, sp):
        """What lies on a stack from sp to its mapping's end, at most SCAN_BYTES."""
        for attempt in range(2):
            starts = [item.start for item in self.modules.maps] if attempt or not self.map_starts else self.map_starts
            self.map_starts = starts
            index = bisect.bisect_right(starts, sp) - 1
            if index >= 0 and sp < self.modules.maps[index].end:
                end = self.modules.maps[index].end
                for item in self.modules.maps[index + 1:]:
                    if item.start != end or 'w' not in item.permissions or end - sp > SCAN_BYTES:
                        break
                    end = item.end          # mlock and madvise split a stack's mapping
                return self.tracer.read(sp, min(end - sp, SCAN_BYTES))
            if not attempt:
                self.modules.refresh()
        return self.tracer.read(sp, SCAN_BYTES)

    def _scan(self, pc, sp, read, stack=None, depth=0):
        """The areas that words on a stack, or the pc, point into; also on the stacks that signal handlers interrupted."""
        if stack is None:
            stack = read(sp, SCAN_BYTES)
        used = set()
        for area in self.plan.areas:
            if area.start <= pc < area.end:
                used.add(area)
                continue
            for match in re.finditer(re.escape(struct.pack('<Q', area.start)[2:]), stack):
                offset = match.start() - 2
                if offset >= 0 and (sp + offset) & 7 == 0 \
                        and area.start <= struct.unpack_from('<Q', stack, offset)[0] < area.end:
                    used.add(area)
                    break
        if depth < 4:
            for other_pc, other_sp in self.tracer.interrupted(stack, sp)[:16]:
                if not sp <= other_sp < sp + len(stack):
                    used |= self._scan(other_pc, other_sp, read, None, depth + 1)
        return used

    def _leave(self, area):
        """A thread is still inside: the stubs stay, with nops for traps, until the program ends."""
        area.left = True
        for _, _, hooks in area.pieces:
            for hook in hooks:
                if hook.stub is None:
                    continue
                for address, data in trampoline.neutralise(hook.stub):
                    self.tracer.write(address, data)
                    self.stray.add(address)

    def _unmap(self, area, problems):
        tid = self._thread_for_injection()
        where = self._syscall_instruction()
        try:
            if tid is None or where is None:
                raise platform.PlatformError('', self.pid, 0, 'no thread can make a system call for us')
            self.tracer.unmap_page(tid, area.start, where, False, area.end - area.start)
        except platform.PlatformError as error:
            problems.append('%d bytes of code stay mapped at %#x: %s' % (area.end - area.start, area.start, error))

    def _restore_signal_action(self, problems):
        """An int3 in a thread that blocks or ignores SIGTRAP makes the kernel reset the process's action."""
        if platform.same_trap_action(self.actions, platform.signal_actions(self.pid)):
            return
        if platform.same_trap_action(self.actions, (0, 0)):
            return                          # it was the default: the program itself has changed it since
        tid = self._thread_for_injection()
        where = self._syscall_instruction()
        try:
            if tid is None or where is None:
                raise platform.PlatformError('', self.pid, 0, 'no thread can make a system call for us')
            self.tracer.set_trap_action(tid, self.trap_action, where, False)
        except platform.PlatformError as error:
            problems.append('the action for SIGTRAP was reset by the kernel and could not be put back: %s' % error)

    def _unmap_shared(self, pages, problems):
        """Unmap the recorder's memory in the target: all threads are stopped, none is inside. pages: (address, size)."""
        tid = self._thread_for_injection()
        where = self._syscall_instruction()
        try:
            if tid is None or where is None:
                raise platform.PlatformError('', self.pid, 0, 'no thread can make a system call for us')
            for address, size in pages:
                self.tracer.unmap_page(tid, address, where, False, size)
        except platform.PlatformError as error:
            problems.append('the shared memory stays mapped in the target: %s' % error)

    # -- the proof

    def _to_be_proved(self):
        """The modules whose code is compared with their files at the end."""
        return {hook.module for hook in self.hooks}

    def _differences(self, module):
        """Where a module's executable memory differs from its file -> (list of addresses, at most 1000; how many bytes
        were compared)."""
        found = []
        compared = 0
        elf = module.elf
        if elf is None:
            return found, compared
        for item in module.maps:
            if 'x' not in item.permissions:
                continue
            for position in range(0, item.end - item.start, 1 << 18):
                size = min(1 << 18, item.end - item.start - position)
                loaded = self.tracer.read(item.start + position, size)
                compared += len(loaded)
                data = elf.file_bytes(item.offset + position, size)
                data += bytes(len(loaded) - len(data)) if len(data) < len(loaded) else b''
                if loaded != data[:len(loaded)]:
                    found += [item.start + position + index for index in range(len(loaded))
                              if loaded[index] != data[index]][:1000 - len(found)]
                if len(loaded) < size or len(found) >= 1000:
                    break
        return found, compared

    def _compare(self, modules):
        """Compare modules' code with their files -> (bytes, addresses that differ and did not before)."""
        left = [area for area in self.plan.areas if area.left]
        size = 0
        differing = []
        for module in sorted(modules, key=lambda module: module.start):
            before = set(self.differences.get(module, ()))
            found, compared = self._differences(module)
            size += compared
            for address in found:
                if address not in before and not any(area.start <= address < area.end for area in left):
                    differing.append(address)
        return size, differing

    def proof(self, problems):
        """The lines that end a run, and whether all is well."""
        lines = []
        problems = list(problems)
        hooks = len(self.hooks)
        ledger = self.ledger
        if self.exec_seen:
            lines.append('The program was replaced by exec: nothing of ours was left in it.')
        elif self.target_gone:
            lines.append('The target has ended: there is nothing to give back.')
        elif self.hooked:
            left = [area for area in self.plan.areas if area.left]
            size, differing = self._compare(self._to_be_proved())
            if differing and not self._alive():
                differing = []
            if differing:
                problems.append('%d bytes of code differ from the file, the first at %#x' % (len(differing),
                                                                                             differing[0]))
            names = sorted({hook.module.name for hook in self.hooks})
            kept = [hook.name for hook in self.hooks
                    if self.modules.at(hook.entry) is hook.module
                    and self.tracer.read(hook.patch[0], len(hook.patch[1])) == hook.patch[1]]
            if kept and self._alive():
                problems.append('the jumps of %s are still in place' % ', '.join(kept))
            if size:
                lines.append('%d hooks taken out; code of %s %s the file (%d bytes compared)' % (
                    hooks - len(kept), ', '.join(names), 'differs from' if differing else 'equals', size))
            else:
                lines.append('%d hooks taken out; code of %s could not be read to compare it with the file' % (
                    hooks - len(kept), ', '.join(names)))
            if left:
                lines.append('%d stub areas stay, disarmed: a thread is still inside an allocating function' % len(left))
        if not self.target_gone and self._alive():
            states = self._settled_states()
            tracer = platform.tracer_of(self.pid)
            stopped = [tid for tid, state in states.items() if state in 'tT']
            if stopped and not self.was_stopped and not platform.is_stopped(self.pid):
                problems.append('%d threads stand still' % len(stopped))
            if tracer == os.getpid():
                lines.append('%s; asleep in the kernel, and released as the monitor ends: those it still holds'
                             % running(len(states)))
            elif tracer:
                problems.append('it is traced by process %d' % tracer)
            else:
                lines.append('%s, no tracer' % running(len(states), self.was_stopped and stopped))
        if self.children:
            lines.append('%d forked children got their code back' % (self.children - len(self.children_failed)))
        if self.children_failed:
            problems.append('children not restored: %s' % ' '.join(map(str, self.children_failed)))
        calls = ledger.calls
        lines.append('%d calls seen; the target stood still %.3f s in all, %.1f ms at most at once' % (
            calls, self._standstill(), self.longest * 1000))
        counts = '%d stacks cut short, %d frees missed' % (self._cut_short(), ledger.missed_frees)
        if ledger.untracked:
            counts += ', %d blocks not tracked' % ledger.untracked
        if self.channel.lost:
            counts += ', %d messages lost' % self.channel.lost
        if self.plan is not None and self.plan.refused:
            counts += ', %d functions not hooked' % len(self.plan.refused)
        lines.append(counts)
        if not calls and self.hooked:
            lines.append('no call of an allocating function was seen: is it idle, or does it allocate in another way?')
        return not problems, ['!!! ' + text for text in problems] + lines

    def _settled_states(self):
        """{tid: state}; right after a detach a thread may still be on its way from one stop to another."""
        deadline = time.monotonic() + SETTLE
        while True:
            states = platform.thread_states(self.pid)
            stopped = [state in 'tT' for state in states.values()]
            if all(stopped) or not any(stopped) or time.monotonic() > deadline:
                return states
            time.sleep(0.002)

    def _cut_short(self):
        return self.cut_short

    def _alive(self):
        """Whether the process is still there, and no zombie."""
        return platform.start_time(self.pid) == self.target.start_time and any(
            state not in 'ZX' for state in platform.thread_states(self.pid).values())


class TrapLoop(object):
    """The trap engine's loop as machine code of our own (keeper_traps in recorder.c): it waits for traps, and serves the
    simple ones without Python.

    It works on the columns of the ledger. Whatever is not simple comes back as an event before anything was changed. It
    serves the tasks that admit() lets in only, and knows the stacks that know() tells it.
    """

    TASKS = 4096
    POOL = 1 << 19              # words for stacks

    @classmethod
    def make(cls, engine):
        """The loop for an engine; None where there is none: on another system, or where this process may not run machine
        code of its own making."""
        clock = platform.keeper_clock()
        if clock is None or os.environ.get('MEMLEAX_NO_KEEPER'):
            return None
        try:
            return cls(engine, clock, recorder.Keeper())
        except (recorder.RecorderError, OSError, ValueError, MemoryError) as error:
            engine.note('verbose', 'the loop over traps is Python alone: %s' % error)
            return None

    def __init__(self, engine, clock, keeper):
        self.engine = engine
        self.tracer = engine.tracer
        self.ledger = engine.ledger
        self.keeper = keeper
        self.due = 0
        self.served = 0                 # stops
        self.measured = -1              # the file of the thread whose standstill is measured
        hooks = [(pc, hook) for pc, (_, hook) in engine.traps.items()
                 if not hook.by_trap and hook.function.kind != BOTH]
        slots = 64
        while slots < 4 * len(hooks):
            slots *= 2
        sizes = [('loop', _LOOP_SIZE), ('hooks', slots * 32), ('tasks', self.TASKS * 64),
                 ('cache', 4 << _LOOP['STACK_CACHE_BITS']), ('copy', _LOOP['COPY_BYTES']), ('pool', self.POOL * 8)]
        self.memory = mmap.mmap(-1, sum(size for _, size in sizes), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.bytes = memoryview(self.memory)
        self.words = words = self.bytes.cast('Q')
        base = self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        places, at = {}, 0
        for name, size in sizes:
            places[name] = at
            at += size
        self.places = places
        self.task_words = places['tasks'] >> 3
        self.pool_next = 1
        self.numbers = {}               # hook -> its number
        for pc, hook in hooks:
            number = self.numbers.setdefault(hook, len(self.numbers))
            position = (pc * BlockTable.GOLDEN & _MOST) >> 32
            while words[(places['hooks'] >> 3) + (position & slots - 1) * 4]:
                position += 1
            struct.pack_into('<QIIII', self.bytes, places['hooks'] + (position & slots - 1) * 32, pc,
                             _LOOP['TRAP_FREE' if hook.function.kind == BEFORE else 'TRAP_ALLOCATION'],
                             hook.size_from or 0, int(hook.through_argument), number)
        registers = ctypes.addressof(ctypes.c_char.from_buffer(engine.tracer.registers_buffer))
        for name, value in (
                ('registers', registers), ('copy', base + places['copy']), ('memory', engine.tracer.memory),
                ('clock', clock), ('started', int(self.ledger.started * 1e9)), ('hooks_at', base + places['hooks']),
                ('hooks_mask', slots - 1), ('tasks_at', base + places['tasks']), ('tasks_mask', self.TASKS - 1),
                ('cache_at', base + places['cache']), ('pool_at', base + places['pool'])):
            words[_LOOP_WORD[name]] = value
        self.none = array('Q', bytes(8 * (_OVERHEADS + 1 - _COUNTED)))

    def take(self, block):
        """The next event that takes Python, as Tracer.wait() returns it. Serves others meanwhile."""
        words, ledger, engine = self.words, self.ledger, self.engine
        blocks = ledger.blocks
        tasks = self.tracer.tasks
        if blocks.moved or ledger.moved:
            self._find_columns()
        words[_SPARE] = blocks.spare
        words[_BLOCKS] = blocks.count
        words[_BYTES] = blocks.bytes
        words[_UNTIL] = int((time.monotonic() + LOOP_TURN) * 1e9)
        words[_LOOK_ONLY] = not block
        words[_SEVERAL] = len(tasks) > 1
        found = self.keeper.traps(self.address)
        (blocks.spare, blocks.count, blocks.bytes, calls, unknown, stops, busy, longest, overhead, overheads) = (
            words[_SPARE:_OVERHEADS + 1].tolist())
        tid, status, pc, last, due = words[_TID:_TURN].tolist()
        if stops:
            ledger.calls += calls
            ledger.unknown_frees += unknown
            engine.stops += stops
            self.served += stops
            if overheads:
                engine.note_overhead(overhead / 1e9, overheads)
            if longest > engine.longest * 1e9:
                engine.longest = longest / 1e9
        engine.busy += busy / 1e9
        words[_COUNTED:_OVERHEADS + 1] = self.none
        if found == _FOUND_TRAP:
            task = tasks.get(tid)
            if task is not None:
                task.stopped = True
                task.interrupted = False
                task.signal = task.group = 0
                task.last = last
                self.due = due
                return tid, platform.TRAP, pc
        if found == _FOUND_NOTHING:
            return None
        if found == _FOUND_EVENT:
            if status != platform.TRAP_STATUS:
                self.drop(tid)
            return self.tracer.decode(tid, status)
        if found == _FOUND_NOBODY:
            raise ChildProcessError
        return None

    def _find_columns(self):
        ledger, words = self.ledger, self.words
        blocks = ledger.blocks
        for name, column in (('addresses', blocks.addresses), ('sizes', blocks.sizes), ('stacks', blocks.stacks),
                             ('births', blocks.births), ('older', blocks.older), ('newer', blocks.newer),
                             ('chain', blocks.chain), ('heads', blocks.heads), ('figures', ledger.figures)):
            words[_LOOP_WORD[name]] = column.buffer_info()[0]
        words[_LOOP_WORD['buckets']] = len(blocks.heads)
        words[_LOOP_WORD['low']] = blocks.low
        words[_LOOP_WORD['high']] = blocks.high
        blocks.moved = ledger.moved = False

    def admit(self, task):
        """After Python served a trap of a task, which is still stopped: may the loop serve the next one?"""
        engine, words, tid = self.engine, self.words, task.tid
        due, self.due = self.due, 0
        place = self.task_words + (tid & self.TASKS - 1) * 8
        if due:
            if due & _DUE_MASK:
                self.tracer.note_trap_mask(task)
            if due & _DUE_CPU:
                cpu = engine.cpu
                engine._follow(task)
                self._measure(task)
                words[place + 5] = min(2 * words[place + 5], CPU_SAMPLE_MOST) if engine.cpu == cpu else CPU_SAMPLE
                words[place + 4] = words[place + 5]
            if due & _DUE_ROOM:
                self.ledger.blocks.reserve(ROOM)
        if (task.masked or task.traps < MASK_SAMPLE or task.mask is None or tid in engine.inner
                or engine.pending.get(tid)):
            if words[place] == tid:
                words[place] = 0
            return
        engine.sample_due = False
        if words[place] != tid:
            other = self.tracer.tasks.get(words[place])
            if other is not None:
                other.last = words[place + 1]
            words[place] = tid
            words[place + 3] = MASK_SAMPLE
            words[place + 4] = words[place + 5] = CPU_SAMPLE
        words[place + 1] = task.last
        words[place + 2] = task.mask

    def _measure(self, task):
        """Let the loop measure from now on how long this thread stands still."""
        words = self.words
        if words[_STAT_TID] == task.tid and words[_STAT_STATE]:
            return
        self.close()
        try:
            self.measured = os.open(platform.RUN_TIME % (task.pid, task.tid), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return
        words[_STAT_FD], words[_STAT_TID], words[_STAT_STATE], words[_STAT_LEFT] = self.measured, task.tid, 1, 8

    def close(self):
        """Measure nobody."""
        self.words[_STAT_TID] = self.words[_STAT_STATE] = 0
        if self.measured >= 0:
            os.close(self.measured)
            self.measured = -1

    def drop(self, tid):
        """Something else happened to a task: Python serves its next trap."""
        place = self.task_words + (tid & self.TASKS - 1) * 8
        if self.words[place] == tid:
            task = self.tracer.tasks.get(tid)
            if task is not None:
                task.last = self.words[place + 1]
            self.words[place] = 0

    def flush(self):
        """What the loop has waited for and not served becomes `unread`."""
        words = self.words
        queue = words[_QUEUE + words[_QUEUE_NEXT]:_QUEUE + words[_QUEUE_END]].tolist()
        words[_QUEUE_NEXT] = words[_QUEUE_END] = 0
        for entry in queue:
            event = self.tracer.decode(entry & 0xffffffff, entry >> 32)
            if event is not None:
                self.drop(event[0])
                self.tracer.unread.append(event)

    def forget(self):
        """Forget all stacks: code has gone."""
        start = self.places['cache']
        self.bytes[start:start + (4 << _LOOP['STACK_CACHE_BITS'])] = bytes(4 << _LOOP['STACK_CACHE_BITS'])
        self.pool_next = 1

    def know(self, hook, found, walk, sp, stack, fp, return_address):
        """Tell the loop of a stack: it is found again by comparing the words that decided where the walk went."""
        layout = self._layout(walk, sp, stack, fp, return_address)
        if layout is None:
            return
        stack, offsets, values, uses_fp = layout
        count = len(offsets)
        size = _KNOWN_WORDS + count + (count + 1 >> 1)
        if self.pool_next + size > self.POOL:
            self.forget()
        place = self.places['pool'] + 8 * self.pool_next
        struct.pack_into('<QQQIIIIQ%dQ%dI' % (count, count), self.bytes, place, sp, return_address, fp,
                         self.numbers[hook], found.index, count, max(offsets) + 8, uses_fp, *(values + offsets))
        start = self.places['copy']
        stack = stack[:_LOOP['COPY_BYTES']]
        self.bytes[start:start + len(stack)] = stack
        if self.keeper.know(self.address, self.pool_next, len(stack), 0, 0, 0, 0, 0):
            self.pool_next += size

    def _layout(self, walk, sp, stack, fp, return_address):
        """Which words of a stack decided its walk -> (the stack, their offsets, their values, whether fp did as well), or
        None: the rules were not of the simple kind."""
        engine = self.engine
        addresses = walk.addresses
        if walk.ending not in (unwinder.END_OF_STACK, unwinder.LIMIT):
            return None
        offsets, values = [24], [return_address]
        if not addresses:
            return (stack, offsets, values, 0) if not engine.limit else None
        simple_rule = engine.unwinder.simple_rule
        at, place, uses_fp = 32, None, 0
        for index, address in enumerate(addresses):
            if index == engine.limit - 1:
                break
            rule = simple_rule(address)
            if rule == unwinder.END_OF_STACK:
                break
            if rule is None or len(rule) > 3:
                return None
            register, offset, slot = rule
            if register == unwinder.RSP:
                cfa = at + offset
            elif register == unwinder.RBP:
                if place is not None:
                    fp_now = struct.unpack_from('<Q', stack, place)[0]
                    offsets.append(place)
                    values.append(fp_now)
                else:
                    fp_now, uses_fp = fp, 1
                cfa = fp_now - sp + offset
            else:
                return None
            if not at + 8 <= cfa <= _LOOP['COPY_BYTES'] or cfa & 7:
                return None
            if cfa > len(stack):
                stack = self.tracer.read(sp, min(max(2 * cfa, STACK_BYTES), _LOOP['COPY_BYTES']))
                if cfa > len(stack):
                    return None
            if slot is not None:
                place = cfa + slot
                if not 0 <= place <= cfa - 16:
                    return None
            following = addresses[index + 1] if index + 1 < len(addresses) else 0
            if struct.unpack_from('<Q', stack, cfa - 8)[0] != following:
                return None
            offsets.append(cfa - 8)
            values.append(following)
            at = cfa
        return stack, offsets, values, uses_fp


_LOOP_OFFSETS, _LOOP_BYTES = recorder.offsets_of('loop')
_LOOP_SIZE = -(-_LOOP_BYTES // 64) * 64
_LOOP_WORD = {name: offset >> 3 for name, offset in _LOOP_OFFSETS.items()}
_KNOWN_WORDS = recorder.offsets_of('known_stack')[1] >> 3
(_SPARE, _BLOCKS, _BYTES, _COUNTED, _OVERHEADS, _TID, _TURN, _UNTIL, _LOOK_ONLY, _SEVERAL, _QUEUE, _QUEUE_NEXT,
 _QUEUE_END, _STAT_FD, _STAT_TID, _STAT_STATE, _STAT_LEFT) = [
    _LOOP_WORD[name] for name in ('spare', 'blocks', 'bytes', 'calls', 'overheads', 'tid', 'turn', 'until', 'look_only',
                                  'several', 'queue', 'queue_next', 'queue_end', 'stat_fd', 'stat_tid', 'stat_state',
                                  'stat_left')]
_FOUND_NOTHING, _FOUND_EVENT, _FOUND_TRAP, _FOUND_NOBODY, _DUE_CPU, _DUE_MASK, _DUE_ROOM = [
    _LOOP[name] for name in ('FOUND_NOTHING', 'FOUND_EVENT', 'FOUND_TRAP', 'FOUND_NOBODY', 'DUE_CPU', 'DUE_MASK',
                             'DUE_ROOM')]


# -- the recorder engine --------------------------------------------------------------------------------------------


class SharedLedger(object):
    """What a Ledger is to the trap engine: figures from the recorder's tables, and the messages about them.

    Stacks of the tables that look the same to the user (within his limit) are one CallStack: a `leader` among their
    numbers stands for all.
    """

    def __init__(self, engine, tables):
        self.engine = engine
        self.tables = tables
        self.settings = engine.settings
        self.channel = engine.channel
        self.started = time.monotonic()
        self.threshold = max(1, int(engine.settings.expire * 1000))
        self.next_id = 1
        self.ids = {}                   # leader -> the CallStack's id
        self.expired = {}               # leader -> [blocks, bytes]
        self.freed_shown = {}           # leader -> late frees told of
        self.leaders = {}               # number -> leader
        self.members = {}               # leader -> its numbers
        self.shown = {}                 # (frames, exact, ending) as they are sent -> leader
        self.looks = {}                 # leader -> the same
        self.provisional = {}           # number of a pending stack -> that of the stack it turned out to be
        self.late_seen = 0
        self.due = collections.deque()  # blocks that have expired and are not told of yet

    calls = property(lambda self: self.counted()[0])
    missed_frees = property(lambda self: self.tables['missed_frees'])
    untracked = property(lambda self: self.tables['lost_blocks'] + self.tables['lost_sizes'])

    def counted(self):
        """(calls, blocks alive, their bytes). A call is an allocation that gave a block, or a free of one."""
        live, size, frees = self.tables.count()
        return live + 2 * frees, live, size

    def leader(self, number):
        """The number that stands for all stacks that look the same."""
        leader = self.leaders.get(number)
        if leader is None:
            look = self._look(number)
            leader = self.leaders[number] = self.shown.setdefault(look, number)
            self.looks[leader] = look
            self.members.setdefault(leader, []).append(number)
        return leader

    def _look(self, number):
        """(frames, exact, ending) of a stack as the reporter gets them: the hooked function's entry first."""
        record = self.tables.stack(number)
        engine = self.engine
        entries = engine.entries
        frames = [entries[record.hook] if record.hook < len(entries) else 0]
        exact = [0]
        ending = record.ending
        if ending not in (unwinder.END_OF_STACK, unwinder.LIMIT) and any(map(engine._is_main, record.frames)):
            ending = unwinder.END_OF_STACK
        for index, address in enumerate(record.frames):
            other = engine._hook_of_frame(address)
            if other is not None:
                address = other.entry
                exact.append(index + 1)
            elif index in record.exact:
                exact.append(index + 1)
            frames.append(address)
        limit = self.settings.backtrace_limit
        if len(frames) > limit:
            frames, exact, ending = frames[:limit], [index for index in exact if index < limit], unwinder.LIMIT
        return tuple(frames), tuple(exact), ending

    def expire(self, buckets):
        """Report what outlived the threshold, at most EXPIRE_AT_ONCE blocks: True if more are due. Raises Stopped at a
        limit. buckets: how many of the table's are looked at."""
        settings = self.settings
        due = self.due
        if not due:
            due.extend(self.tables.scan(self.threshold, buckets, EXPIRE_AT_ONCE))
        for _ in range(min(len(due), EXPIRE_AT_ONCE)):
            number, count, size = self._expired(due.popleft())
            identity = self.ids.get(number)
            if identity is None:
                identity = self.ids[number] = self.next_id
                self.next_id += 1
                frames, exact, ending = self.looks[number]
                self.engine._send_modules()
                self.channel.send('expired', stack=identity, size=size, count=1, frames=frames, exact=exact,
                                  ending=ending)
            elif self.freed_shown.get(number, 0) < DONT_SHOW_AFTER:
                self.channel.send('expired', stack=identity, size=size, count=count)
            if count >= settings.memory_block_max:
                raise Stopped('memory-block-max', limit=settings.memory_block_max, stack=identity)
            if count == 1 and identity >= settings.call_stack_max:
                raise Stopped('call-stack-max', limit=settings.call_stack_max)
        return bool(due)

    def _expired(self, block):
        """Count an expired block -> (leader of its stack, blocks expired there, its size)."""
        _, size, number, _ = block
        number = self.leader(self.provisional.get(number, number))
        count = self.expired.setdefault(number, [0, 0])
        count[0] += 1
        count[1] += size
        return number, count[0], size

    def cut_short(self):
        """Allocations whose stack is not whole."""
        number = 0
        for index, row in enumerate(self.tables.figures()):
            if row.live or row.free:
                if index == 0 or self.looks[self.leader(index)][2] not in (unwinder.END_OF_STACK, unwinder.LIMIT):
                    number += row.live + row.free
        return number

    def late_frees(self):
        """Tell of expired blocks that were freed since the last time."""
        seen = self.tables['late_frees']
        if seen == self.late_seen:
            return
        self.late_seen = seen
        for number, identity in self.ids.items():
            shown = self.freed_shown.get(number, 0)
            if shown >= DONT_SHOW_AFTER:
                continue
            ages = [age for member in self.members[number] for age in self.tables.stack(member).late_ages]
            for age in ages[shown:DONT_SHOW_AFTER]:
                shown += 1
                self.channel.send('freed', stack=identity, after=age / 1000.0)
                if shown == DONT_SHOW_AFTER:
                    self.channel.send('too-many', stack=identity)
            self.freed_shown[number] = shown

    def expire_to(self, now):
        """As Ledger.expire_to()."""
        self.tables.set_tick(now)
        try:
            for _ in range(SCAN_PARTS):
                while self.expire(self.tables.buckets() // SCAN_PARTS + 1):
                    pass
        except Stopped:
            pass
        self.late_frees()

    def report(self, now):
        """As Ledger.report()."""
        while self.due:
            number = self._expired(self.due.popleft())[0]       # marked already: counted, though not told of any more
            if number not in self.ids:
                self.ids[number] = self.next_id
                self.next_id += 1
        figures = self.tables.figures()
        for number in range(1, len(figures)):
            self.leader(number)             # also what has not expired belongs to its CallStack's figures
        found = []
        for number, (blocks, size) in self.expired.items():
            rows = [figures[member] for member in self.members[number] if member < len(figures)]
            left = sum(row.expired for row in rows)         # reported and still there; the rest has been freed
            left_bytes = sum(row.expired_bytes for row in rows)
            if left:
                found.append((left, left_bytes, number, blocks - left, size - left_bytes, rows))
        found.sort()
        self.engine._send_modules()
        entries = []
        for _, _, number, late, late_bytes, rows in found:
            freed = sum(row.free for row in rows)
            freed_bytes = sum(row.free_bytes for row in rows)
            frames, exact, ending = self.looks[number]
            entries.append(dict(
                stack=self.ids[number], expired=self.expired[number][0], expired_bytes=self.expired[number][1],
                free_expired=late, free_expired_bytes=late_bytes,
                alloc=sum(row.live for row in rows) + freed,
                alloc_bytes=sum(row.live_bytes for row in rows) + freed_bytes,
                free=freed, free_bytes=freed_bytes,
                free_min=min([row.free_min for row in rows if row.free] or [0]) / 1000.0,
                free_max=max([row.free_max for row in rows] or [0]) / 1000.0,
                free_average=sum(row.free_total for row in rows) / 1000.0 / freed if freed else 0,
                unfreed_max=max([row.oldest or 0 for row in rows] or [0]) / 1000.0,
                frames=frames, exact=exact, ending=ending))
            if len(entries) == 50:
                self.channel.send('statistics', elapsed=now / 1000.0, stacks=entries, more=True)
                entries = []
                self.channel.finish()
        self.channel.send('statistics', elapsed=now / 1000.0, stacks=entries, more=False, expired=self.next_id - 1)


class RecorderEngine(TrapEngine):
    """The stubs call the recorder, which notes events in shared memory; the target runs untraced in between.

    Until the recorder is in place this is a TrapEngine, and where it cannot be placed it stays one: `tables` is None.
    """

    def __init__(self, settings, channel):
        TrapEngine.__init__(self, settings, channel)
        self.tables = None
        self.entries = []               # of the hooked functions, by number
        self.codes = []                 # Areas of the recorder's code
        self.noted = {}                 # address -> the bytes that the notes say were there
        self.gate = 0
        self.tables_address = self.tables_size = 0
        self.sizes = {}
        self.shared = -1
        self.stub_frames = frozenset()
        self.lessons = iter(())         # call sites that are taught ahead
        self.dead_ends = {}             # a pc without rules -> walks that ended there
        self.lessons_left = MAX_LESSONS
        self.overflow = 64              # blocks that found their place taken, beyond which there have to be more
        self.full = False               # there is no more room for blocks to be had
        self.seen = set()               # return addresses on the stacks that threads had at attach

    # -- attaching

    def engine_lines(self):
        try:
            sizes = self._table_sizes()
            self._check_recorder()
        except MonitorError as error:
            return ['engine: trap: each call of a hooked function stops the caller; the recorder cannot be used (%s)'
                    % error]
        return ['engine: recorder: each stub calls code that notes the call in %d kB of shared memory; the target maps '
                'that and runs untraced in between (the stubs above are those of the trap engine, to which it falls back)'
                % (recorder.Tables.taken(**sizes) >> 10)]

    def _check_recorder(self):
        hooks = self.plan.hooks + self.plan.hooks_without_room
        if any(hook.by_trap for hook in hooks):
            raise MonitorError('a function takes no jump at its entry')
        if len(hooks) > 255:
            raise MonitorError('too many functions')

    def _table_sizes(self):
        """Which of TABLE_SIZES fits the target."""
        room, locked = platform.address_space_left(self.pid)
        sizes = [sizes for sizes in TABLE_SIZES if room is None or recorder.Tables.size_of(**sizes) < room // 4]
        if locked:
            # it locks all that it maps: no reserve, as that would be taken at once, and from its own account
            sizes = [choice for choice in sizes if choice.get('reserve') == 0]
        if not sizes:
            raise MonitorError('its limit of address space is nearly used up (RLIMIT_AS)')
        return sizes[0]

    def _put_hooks_in(self):
        try:
            self._place_recorder()
        except (platform.PlatformError, recorder.RecorderError, OSError, MonitorError, ValueError) as error:
            self._unplace_recorder()
            self.note('info', 'the recorder cannot be used (%s): every call stops the target' % error)
        if self.tables is not None:
            for address in self.seen:
                self.tables.teach(address, self._rule_at(address))
            self.lessons = self._lessons()
            # on a busy machine it takes longer until as much is taught
            clock = time.process_time
            deadline, latest = clock() + TEACH_AT_ATTACH, time.monotonic() + TEACH_AT_MOST
            while self.lessons_left > 0 and clock() < deadline and time.monotonic() < latest:
                self._teach_ahead(0.001)
                self._serve_events()
            self.ledger = SharedLedger(self, self.tables)
        TrapEngine._put_hooks_in(self)
        if self.tables is not None:
            self.attached = bool(self.tracer.tasks)
            self._learn()

    def _learn(self):
        """Let the target run until hardly any code turns up that is not known yet: it counts from then on."""
        tables = self.tables
        begin = last = time.monotonic()
        while tables['state'] == recorder.STATE_LEARNING:
            now = time.monotonic()
            if self._serve():
                last = now
            elif now - last > LEARN_QUIET:
                break
            elif self.lessons_left > 0:
                self._teach_ahead(0.0005)
            else:
                time.sleep(0.0002)
            if now - begin > LEARN_MOST:
                break
            asked = self.channel.asked()
            if asked != b'' or _Flag.terminated:
                raise Stopped('user' if asked or _Flag.terminated else 'reporter-gone')
        tables['state'] = recorder.STATE_ON

    def _place_recorder(self):
        """Let the target make and map the shared memory; room for the recorder's code; the stubs that call it."""
        tracer, plan = self.tracer, self.plan
        hooks = plan.hooks + plan.hooks_without_room
        self._check_recorder()
        self.sizes = self._table_sizes()
        numbers = {hook.entry: number for number, hook in enumerate(hooks)}
        self.entries = [hook.entry for hook in hooks]
        middle = hooks[0].entry
        plan.place(hooks, RecorderStubs(numbers, [(middle, middle)]))
        addresses = None
        if all(abs(hook.entry - middle) < REACH for hook in hooks):
            addresses = plan.place_code(self.target.executable, middle)
        seen = self._map_recorder([] if addresses else sorted({hook.module for hook in hooks},
                                                              key=lambda module: module.start))
        self._serve_events()
        self.tables = recorder.Tables.create(self.shared, **self.sizes)
        self._serve_events()
        # what shows a call inside another has to be looked at, too; SharedLedger cuts to what the user wants to see
        self.tables['limit'] = max(self.limit, recorder.NEST_DEPTH)
        for registers, stack in seen:
            walk = self.unwind(registers, registers[unwinder.RSP], stack, tracer.read, 200)
            self.seen.update(address for index, address in enumerate(walk.addresses) if index not in walk.exact)
        if addresses:
            pieces, entries = recorder.code_parts(self.gate, addresses)
            codes = [(entries['recorder_before'], entries['recorder_after'])]
        else:
            pieces = []
            codes = [tuple(area.start + recorder.OFFSETS[name] for name in ('recorder_before', 'recorder_after'))
                     for area in self.codes]
        plan.place(hooks, RecorderStubs(numbers, codes))
        if plan.hooks_without_room:
            raise MonitorError('no room for stubs')
        plan.add_code(pieces)
        self.note('verbose', 'the code of the recorder: ' + (
            'in %d pieces in the tails of segments' % len(pieces) if pieces else
            ', '.join('%d bytes mapped at %#x' % (area.end - area.start, area.start) for area in self.codes)))
        plan.areas += self.codes
        self._write_notes(True)

    def _map_recorder(self, modules):
        """The system calls that the target makes for us, all threads stopped: shared memory, the gate, and a mapping for
        the code within reach of each of `modules` -> list of (registers, words of stack) of its threads."""
        tracer = self.tracer
        seccomp = False
        begin = time.monotonic()
        tracer.stop_all(1.0 if len(tracer.tasks) == 1 else 0.1)
        begin = tracer.first_stop or begin
        seen = []
        try:
            self._check_thread_pointers(begin)
            tid = self._thread_for_injection()
            where = self._syscall_instruction()
            if tid is None or where is None:
                raise MonitorError('no thread can make a system call for us')
            self.shared, number = tracer.make_shared_file(tid, where, seccomp)
            try:
                self.tables_size = recorder.Tables.size_of(**self.sizes)
                os.ftruncate(self.shared, self.tables_size)
                self._write_notes()             # from here on somebody else could undo it
                self.tables_address = tracer.map_shared(tid, number, self.tables_size, where, seccomp)
                self._write_notes()
            finally:
                tracer.close_file(tid, number, where, seccomp)
            self.gate = tracer.map_gate(tid, where, seccomp)
            tracer.write(self.gate, recorder.gate(self.tables_address))
            self._write_notes()
            code = recorder.code(self.gate)
            size = len(code) + PAGE - 1 & -PAGE
            for module in modules:
                if any(abs(area.start - module.start) < REACH and abs(area.start - module.end) < REACH
                       for area in self.codes):
                    continue
                address = tracer.map_page(tid, module.start, module.end, where, seccomp, size)
                area = Area(address, address + size, 'the recorder', b'', mapped=True)
                self.codes.append(area)
                self._write_notes()
                self.modules.unnamed.append((address, address + size))
                tracer.write(address, code)
            for task in tracer.tasks.values():
                registers = tracer.registers(task.tid) if task.stopped else None
                if registers is not None and time.monotonic() - begin < LOOK_AT_MOST:
                    seen.append((registers, tracer.read(registers[unwinder.RSP], STACK_BYTES)))
        finally:
            self._resume_while_attaching()
            self._stood_still(time.monotonic() - begin)
        return seen

    def _check_thread_pointers(self, begin):
        """The recorder tells threads apart by fs:0, which has to hold its own address (psABI 3.4.6: ELF TLS, variant II);
        in a program without a C library it may be no memory at all."""
        tracer = self.tracer
        for task in tracer.tasks.values():
            if task.stopped:
                pointer = tracer.thread_pointer(task.tid)
                if tracer.read(pointer, 8) != struct.pack('<Q', pointer):
                    raise MonitorError('a thread has no thread pointer, as without a C library')
                if time.monotonic() - begin > LOOK_AT_MOST:
                    break

    def _resume_while_attaching(self):
        """The target need not stand still until the hooks go in, but a command stays where it is: at main."""
        if self.settings.gate is None:
            self.tracer.resume_all()

    def _unplace_recorder(self):
        """It cannot be used after all: what was mapped goes, and the plan is the trap engine's again."""
        self.tables = None
        plan = self.plan
        pages = [(area.start, area.end - area.start) for area in self.codes]
        pages += [(address, size) for address, size in ((self.gate, PAGE), (self.tables_address, self.tables_size))
                  if address]
        if pages and not self.target_vanished():
            begin = time.monotonic()
            self.tracer.stop_all(0.1)
            problems = []
            try:
                self._unmap_shared(pages, problems)
            finally:
                self._resume_while_attaching()
                self._stood_still(time.monotonic() - begin)
            for text in problems:
                self.note('warning', text)
        self.codes = []
        self.gate = self.tables_address = 0
        plan.place(plan.hooks + plan.hooks_without_room, TrapStubs())

    def _write_notes(self, hooks=False):
        """What it takes to take all out again, for who comes after a monitor that was killed: JSON. See Healer."""
        plan = self.plan
        noted = self.noted = {address: self._what_was_there(area, address, len(data))
                              for area in plan.areas for address, data, _ in area.pieces} if hooks else {}
        data = json.dumps({
            'pid': self.pid,
            'entries': [[hook.patch[0], hook.patch[1].hex(), hook.old.hex()] for hook in plan.hooks] if hooks else [],
            'saved': [[area.start, area.end, [[address, noted[address].hex()] for address, _, _ in area.pieces]]
                      for area in plan.areas if area.pieces] if hooks else [],
            'code': [[area.start, area.end - area.start] for area in self.codes],
            'pages': [page for page in self._shared_pages() if page[0]],
            'gate': self.gate,
        }).encode('ascii')
        recorder.write_left(self.shared, data, self.sizes, os.getpid(), platform.start_time(os.getpid()) or 0)

    def _what_was_there(self, area, address, size):
        """The bytes in whose place a piece goes, or went. A target that runs cannot be read everywhere."""
        for place, old in area.saved:
            if place == address:
                return old
        old = self.tracer.read(address, size)
        return old if len(old) == size else area.file_bytes[address - area.start:][:size]

    def _shared_pages(self):
        return [(self.gate, PAGE), (self.tables_address, self.tables_size)]

    def _hooks_are_in(self):
        """The hooks are in, all threads stopped: teach what is known of their stacks, switch on, let go."""
        if self.tables is None:
            return
        tables, tracer = self.tables, self.tracer
        if {address: old for area in self.plan.areas for address, old in area.saved} != self.noted:
            self._write_notes(True)
        self.stub_frames = frozenset(hook.stub.frame[0] for hook in self.hooks if hook.stub.frame)
        for hook in self.hooks:
            if hook.stub.frame:
                tables.teach(hook.stub.frame[0], recorder.frame_rule(hook.stub), nested=True)
        for task in tracer.tasks.values():
            if task.stopped:
                registers = tracer.registers(task.tid)
                if registers is not None:
                    self._set_stack(tracer.thread_pointer(task.tid), registers[unwinder.RSP])
        tables['waits'] = WAITS
        # a command counts from main on
        tables['state'] = recorder.STATE_ON if self.settings.gate is not None else recorder.STATE_LEARNING
        for tid, task in list(tracer.tasks.items()):
            if task.stopped and not any(event[0] == tid for event in tracer.unread):
                tracer.release(tid)

    def _lessons(self):
        """The return addresses behind the calls of each module: those in operator new first, which all of a C++ program's
        stacks pass through, then the program's, the C library's, where all threads begin, then the smallest module's.

        Found by their opcodes, so some are none: a rule too many does no harm.
        """
        modules = sorted(self.modules.modules, key=lambda module: (
            module.path != self.target.executable, not NEVER_UNLOADED.match(module.name), module.end - module.start))
        modules = [module for module in modules if not module.path.startswith('[') and self.modules.open(module)]
        for module in modules:
            for symbol in module.elf.find_functions(OPERATORS_NEW):
                if 0 < symbol.size <= 4096:
                    for lesson in self._call_sites(module, symbol.file_address, symbol.size):
                        yield lesson
        for module in modules:
            for segment in module.elf.segments if module.elf else ():
                if segment.type == 1 and segment.flags & 1:
                    for lesson in self._call_sites(module, segment.file_address, min(segment.file_size, 64 << 20)):
                        yield lesson

    @staticmethod
    def _call_sites(module, file_address, size):
        start = file_address + module.load_bias
        for match in _CALLS.finditer(module.elf.read(file_address, size)):
            if match.group(1):
                target = start + match.end() + struct.unpack('<i', match.group(1))[0]
                if not module.start <= target < module.end:
                    continue
            yield start + match.end()

    def _teach_ahead(self, seconds):
        """Teach call sites for so long: what is known is walked without the monitor's help."""
        deadline = time.monotonic() + seconds
        teach, simple_rule, left = self.tables.teach, self.unwinder.simple_rule, self.lessons_left
        for address in self.lessons:
            rule = simple_rule(address)
            if rule is not None and not teach(address, rule):
                left = 0
            left -= 1
            if left <= 0 or not left & 3 and time.monotonic() > deadline:
                break
        else:
            left = 0
        self.lessons_left = left

    def _set_stack(self, tcb, sp):
        """Tell the recorder which memory around sp is stack of the thread with this TCB."""
        for attempt in range(2):
            maps = self.modules.maps
            if self.map_starts is None or len(self.map_starts) != len(maps):
                self.map_starts = [item.start for item in maps]
            for item in maps[max(bisect.bisect_right(self.map_starts, sp) - 1, 0):][:1]:
                if item.start <= sp < item.end:
                    low, high = item.start, item.end
                    own = True
                    if low <= tcb < high:
                        high = tcb
                    elif item.path == '[stack]':
                        low = max(item.end - platform.stack_limit(self.pid), 0)
                    else:
                        own = False
                    self.tables.set_stack(tcb, low, high, own)
                    return
            self.modules.refresh()
            self.map_starts = None

    def _module_gone(self, start, end):
        TrapEngine._module_gone(self, start, end)
        if self.tables is not None:
            self.tables.forget(start, end)

    # -- while the target runs

    def run(self):
        if self.tables is None:
            TrapEngine.run(self)
        tables, ledger = self.tables, self.ledger
        self.last_status = time.monotonic()
        self.last_calls = 0
        next_scan = next_look = next_stacks = next_serve = next_ask = 0.0
        # the whole table is looked at that often, a part at a time; less often where it is large, if the user can wait
        scan_every = least = min(max(self.settings.expire / 10.0, 0.02), 0.4) / SCAN_PARTS
        most = max(self.settings.expire / 10.0 / SCAN_PARTS, least)
        behind = False
        clock = time.monotonic
        lively = clock()
        while True:
            now = clock()
            tables.set_tick(int((now - ledger.started) * 1000))
            busy = self._serve(now >= next_serve)
            if now >= next_serve:
                next_serve = now + 0.02
                self._let_late_threads_go()
            if now >= next_scan or behind:
                behind = ledger.expire(tables.buckets() // SCAN_PARTS + 1)
                ledger.late_frees()
                if not behind:
                    scan_every = min(max(least, (clock() - now) / SCAN_SHARE), most)
                next_scan = now + scan_every
            if tables['overflowed'] > self.overflow or tables.alive > tables.buckets() * 2:     # of 4 in a bucket
                self._grow()
            if now >= next_ask:
                next_ask = now + TICK
                self.channel.flush()
                asked = self.channel.asked()
                if asked != b'' or _Flag.terminated:
                    raise Stopped('user' if asked or _Flag.terminated else 'reporter-gone')
                if not self.tracer.is_mapped(self.gate):
                    self._gone()            # its memory: exec, or the end
            if now >= next_look:
                next_look = now + 0.25
                signature = self.modules.code_signature()
                if signature != self.signature:
                    if all(address != self.tables_address for address, _ in platform.shared_memory_of(self.pid)):
                        self._gone()        # others have its memory still
                    self.signature = signature
                    self._modules_changed()
            if now >= next_stacks:
                next_stacks = now + 1.0
                self._check_stacks()
            if now - self.last_status >= 1.0:
                self._send_recorder_status(now)
            if busy or behind:
                lively = now
                continue
            if self.lessons_left > 0:
                self._teach_ahead(0.0005)
            else:
                time.sleep(RECORDER_PAUSE if now - lively < LIVELY else RECORDER_PAUSE * 4)

    def _gone(self):
        """The target has ended, or runs another program."""
        if self._alive():
            self.exec_seen = True
            raise Stopped('exec')
        self.target_gone = True
        raise Stopped('exit', status=None)

    def _grow(self):
        """More room for blocks, before what there is gets full."""
        tables = self.tables
        if not self.full:
            try:
                self.full = not tables.add_level(self.shared, tables.buckets() * 4 * 4)
            except OSError:
                self.full = True            # no memory: what does not fit is counted
            tables.alive = 0                # it is counted anew in the next round
        self.overflow = 64 + tables['overflowed'] * 2           # what is there stays there until it is freed

    def _check_stacks(self):
        """Drop the stacks of the tables that are not mapped any more."""
        starts, ends = [], []
        for item in platform.mappings(self.tracer.proc):
            if 'r' not in item.permissions:
                continue
            if ends and ends[-1] == item.start:
                ends[-1] = item.end
            else:
                starts.append(item.start)
                ends.append(item.end)

        def is_mapped(low, high):
            index = bisect.bisect_right(starts, low) - 1
            return index >= 0 and high <= ends[index]

        if starts:
            self.tables.check_stacks(is_mapped, platform.stack_limit(self.pid))

    def _let_late_threads_go(self):
        """Threads that slept in the kernel at attach are let go when they show up."""
        tracer = self.tracer
        while tracer.tasks:
            try:
                event = tracer.wait(False)
            except ChildProcessError:
                tracer.tasks.clear()
                return
            if event is None:
                return
            tid, kind, value = event
            if kind == platform.NEW and value != self.pid and not self._shares(tid):
                self._release_child(tid, value)
            elif kind == platform.TRAP:
                tracer.tasks[tid].signal = platform.SIGTRAP
                tracer.release(tid)
            elif kind != platform.GONE:
                tracer.release(tid)

    def _serve(self, look=False):
        """Finish the stacks that the recorder could not walk, teach what it met. True if there was anything.

        look: also where the recorder has not called (its call can come a little before what it calls for).
        """
        tables, walker = self.tables, self.unwinder
        tables['cpu'] = platform.current_cpu()
        if not look and not tables['attention']:
            return False
        tables['attention'] = 0
        read = self.tracer.read
        provisional, base = self.ledger.provisional, tables['pending_base']
        limit = max(self.limit, recorder.NEST_DEPTH)
        worked = False
        for _ in range(200):
            # first what keeps others from being copied
            worked = self._teach_missed() or worked
            done, others = tables.finish_known()
            for slot, number in done.items():
                provisional[base + slot] = number
            worked = worked or bool(done) or others
            if not others:
                break
            for item in tables.pending(4):
                registers = [None] * 17
                registers[unwinder.RBP], registers[unwinder.RSP], registers[unwinder.RA] = item.fp, item.sp, item.pc

                def careful(address, size, item=item):
                    # what lies in the copied stack, and behind it, has changed since
                    return b'' if item.sp - PAGE <= address < item.high else read(address, size)

                walk = walker.unwind(registers, item.sp, item.stack, careful, limit, True)
                number = tables.learn(item, walk, self._rule_at, self.stub_frames)
                provisional[base + item.slot] = number
                self._teach_what_is_not_known(walk)
        if worked:
            tables.settle_rest()
        asked = tables.asked()
        for tcb, sp in asked:
            self._set_stack(tcb, sp)
        return bool(worked or asked)

    def _teach_missed(self):
        """Teach the pcs without a rule that the recorder met. True if there were any."""
        missed = self.tables.missed()
        for pc, is_return in missed:
            if pc not in self.stub_frames:
                self.tables.teach(pc, self._rule_at(pc, is_return), is_return)
        return bool(missed)

    def _rule_at(self, pc, is_return=True):
        """What to teach about a pc; code without unwind information goes by what the unwinder guessed there."""
        rule = self.unwinder.simple_rule(pc, is_return)
        return self.unwinder.guessed_rule(pc) if rule is None and is_return else rule

    def _teach_what_is_not_known(self, walk):
        """Code without unwind information where no walk goes on: after some tries, that nobody knows more."""
        if walk.ending not in ('no rules', 'bad rules') or not walk.addresses:
            return
        pc = walk.addresses[-1]
        if (pc in self.stub_frames or len(walk.addresses) - 1 in walk.exact or self._rule_at(pc) is not None
                or self.modules.at(pc - 1) is None and not self._is_generated(pc)):
            return
        tries = self.dead_ends[pc] = self.dead_ends.get(pc, 0) + 1
        if tries >= DEAD_END:
            self.tables.teach(pc, recorder.NO_RULES)

    def _is_generated(self, pc):
        """Whether a pc lies in executable memory without a file."""
        return any(start <= pc < end for start, end in self.modules.unnamed)

    def _send_recorder_status(self, now):
        elapsed = now - self.last_status
        self.last_status = now
        calls, blocks, size = self.ledger.counted()
        self.channel.send('status', elapsed=now - self.ledger.started,
                          calls_per_second=max(calls - self.last_calls, 0) / elapsed, blocks=blocks, bytes=size,
                          stacks=self.ledger.next_id - 1, stopped=0.0, lost=self.channel.lost)
        self.last_calls = calls

    # -- giving the target back

    def give_back(self):
        if self.tables is None or not self.hooked:
            return TrapEngine.give_back(self)
        if self.exec_seen or self.target_gone:
            problems = TrapEngine.give_back(self)
            self._heal_children(problems)
            return problems
        self.tables['state'] = 0
        self.note('verbose', 'recorder: ' + ', '.join(
            '%s %d' % (name, self.tables[name]) for name in recorder.COUNTERS if 0 < self.tables[name] < 1 << 63))
        problems = []
        try:
            self._serve()
            self.tables.settle_rest()
        except Exception as error:
            problems.append('settling the last stacks failed: %s' % error)
        deadline = time.monotonic() + ANOTHER_TRACER
        while True:
            try:
                self.tracer.seize()
                break
            except platform.PlatformError as error:
                if not self._alive():
                    self.target_gone = True
                    return problems
                # another memleax, say, that looks whether there is one already
                if error.errno == errno.EBUSY and time.monotonic() < deadline:
                    time.sleep(0.01)
                    continue
                problems.append('the hooks stay, switched off: %s' % error)
                return problems
        problems += TrapEngine.give_back(self)
        self._heal_children(problems)
        return problems

    def _bound_together(self, used):
        """A stub that stays may still call the recorder's code, wherever that lies."""
        return set(self.plan.areas) if used and self.tables is not None else used

    def _take_hooks_out(self, problems):
        if self.tables is not None:
            self.tracer.write(self.gate, recorder.gate(0))
        TrapEngine._take_hooks_out(self, problems)
        if self.tables is None or self.target_gone:
            return
        if any(area.left for area in self.plan.areas):
            self.tables['monitor'] = 0
            return
        self._unmap_shared(self._shared_pages(), problems)

    def _cut_short(self):
        return self.cut_short if self.tables is None else self.ledger.cut_short()

    def _heal_children(self, problems):
        """Children forked while the hooks were in have a copy of them, switched off: they are taken out there, too."""
        hidden = platform.unreadable_children(self.pid, platform.start_time(os.getpid()) or 0)
        if hidden:
            self.note('warning', 'children that do not let us look at their mappings may keep the hooks, switched off, '
                      'until they end or call exec: ' + ' '.join(map(str, hidden)))
        known = {self.pid}
        for _ in range(100):                # who has not been healed yet may fork once more
            fresh = [pid for pid in platform.processes_that_map(self.shared) if pid not in known]
            if not fresh:
                break
            for pid in fresh:
                known.add(pid)
                healer = Healer(self.settings, self.channel, pid)
                self.children += 1
                try:
                    failed, lines = healer.heal() if healer.find(True) else ([], [])
                    for text in lines:
                        self.note('verbose', 'a forked child: ' + text)
                    remains = failed and platform.shared_memory_of(pid)
                except Exception as error:      # the rest of the report is not lost by it
                    failed = [str(error)]
                    remains = pid in platform.processes_that_map(self.shared)
                if remains and platform.threads(pid):
                    self.children_failed.append(pid)
                    problems.append('the hooks stay in the child process %d, switched off: %s' % (pid, failed[0]))


class Healer(TrapEngine):
    """Takes out what a recorder left in a process: its monitor was killed, or the process is a forked child, or a thread
    was inside at the end. What there is to do stands in the shared memory (RecorderEngine._notes)."""

    def __init__(self, settings, channel, pid=None):
        TrapEngine.__init__(self, settings, channel)
        if pid is not None:
            self.pid = pid
            self.tracer = platform.Tracer(pid)
            self.modules = ModuleMap(pid, self.tracer.read)
            self.unwinder = unwinder.Unwinder(self.modules.find)
            self.modules.on_unload = self._module_gone
            self._buffer = self.tracer.registers_buffer
        self.address = self.size = 0
        self.noted_modules = set()          # where the notes say that hooks were

    def _to_be_proved(self):
        return self.noted_modules

    def find(self, children=False):
        """Whether there is anything; then the process is looked at, maybe stopped, until heal() or forget().

        Raises MonitorError where a monitor is at work there (children: that is us), PlatformError.
        """
        found = platform.shared_memory_of(self.pid)
        if not found:
            return False
        self.address, self.size = found[0]
        tracer = self.tracer
        try:
            tracer.open()
            if not tracer.reads_untraced:
                tracer.seize()
            self.notes, monitor, started = recorder.read_left(tracer.read, self.address)
            if not children and monitor and started and platform.start_time(monitor) == started and any(
                    state not in 'ZX' for state in platform.thread_states(monitor).values()):
                raise MonitorError('process %d is watched by another memleax (its monitor is process %d)'
                                   % (self.pid, monitor),
                                   'End that one first.')
        except recorder.RecorderError as error:
            self.forget()
            raise MonitorError('an earlier memleax left its hooks in process %d: %s' % (self.pid, error),
                               'Run --heal with the memleax that was used then, or restart the program.')
        except BaseException:
            self.forget()
            raise
        return True

    def forget(self):
        """Let go of the process."""
        self.tracer.close()

    def heal(self):
        """Take it out -> (what went wrong, lines of what was done)."""
        try:
            return self._heal()
        finally:
            self.forget()

    def _heal(self):
        try:
            notes = json.loads(self.notes.decode('ascii'))
            entries = [(int(address), bytes.fromhex(new), bytes.fromhex(old)) for address, new, old in notes['entries']]
            saved = [(int(start), int(end), [(int(address), bytes.fromhex(old)) for address, old in pieces])
                     for start, end, pieces in notes['saved']]
            code = [(int(address), int(size)) for address, size in notes['code']]
            pages = [(int(address), int(size)) for address, size in notes['pages']]
            gate = int(notes['gate'])
        except (ValueError, KeyError, TypeError, IndexError):
            return ['what an earlier run left cannot be taken out: its notes are damaged'], []
        self.target = platform.check_target(self.pid)
        self._reserve_descriptors()
        tracer = self.tracer
        self.modules.refresh()
        self.noted_modules = {self.modules.at(entry[0]) for entry in entries}
        if None in self.noted_modules:
            return ['what an earlier run left cannot be taken out: its notes are of another program'], []
        plan = self.plan = HookPlan(self.modules, tracer.read)
        for start, end, pieces in saved:
            area = Area(start, end, 'what an earlier run left', b'')
            area.saved = pieces
            plan.areas.append(area)
        plan.areas += [Area(address, address + size, 'the recorder', b'', mapped=True) for address, size in code]
        for address, new, old in entries:
            self.modules.open(self.modules.at(address))
            hook = LeftHook(self.modules.at(address), address, new, old)
            now = tracer.read(address, len(new))
            if now == new:
                self.hooks.append(hook)
            elif now != old:
                return ['the code at %#x is neither what was there nor our jump: nothing was changed' % address], []
        hooks = plan.hooks = self.hooks
        if not any(address == self.address for address, _ in pages):
            pages.append((self.address, self.size))     # killed right after it was mapped
        self.pages = pages
        self.gate = gate
        if tracer.reads_untraced:
            tracer.seize()
        self.attached = self.hooked = True
        self.was_stopped = platform.is_stopped(self.pid)
        self.actions = platform.signal_actions(self.pid)
        problems = self.give_back()
        lines = []
        if self.target_gone:
            problems = []
        elif not problems:
            size, differing = self._compare(self._to_be_proved())
            if differing:
                problems.append('%d bytes of code differ from the file, the first at %#x'
                                % (len(differing), differing[0]))
            lines.append('what an earlier run left was taken out of process %d: %d hooks%s' % (
                self.pid, len(hooks), '' if differing else '; its code equals the file (%d bytes compared)' % size))
            if self.left():
                lines.append('their stubs stay, switched off: a thread is still inside an allocating function')
        return problems, lines

    def left(self):
        """Whether something had to stay."""
        return self.plan is None or any(area.left for area in self.plan.areas)

    def _bound_together(self, used):
        return set(self.plan.areas) if used else used

    def _take_hooks_out(self, problems):
        if self.gate:
            self.tracer.write(self.gate, recorder.gate(0))
        TrapEngine._take_hooks_out(self, problems)
        if not self.target_gone and not any(area.left for area in self.plan.areas):
            self._unmap_shared(self.pages, problems)


class LeftHook(object):
    """As much of a Hook as it takes to take it out."""
    by_trap = False
    stub = None

    def __init__(self, module, entry, new, old):
        self.module = module
        self.entry = entry
        self.patch = entry, new
        self.old = old
        self.in_place = True


ENGINES = {'trap': TrapEngine, 'recorder': RecorderEngine, 'auto': RecorderEngine}


def running(threads, stopped=False):
    """How many threads run, as a phrase."""
    if stopped:
        return '%d thread%s stopped as before' % (threads, '' if threads == 1 else 's')
    return '1 thread runs' if threads == 1 else '%d threads run' % threads


# -- the process ----------------------------------------------------------------------------------------------------

Session = namedtuple('Session', 'pid messages control')


def start(settings):
    """Fork the monitor for `settings` -> Session(pid, messages, control): descriptors to read from and to write to."""
    message_out, message_in = os.pipe()
    control_out, control_in = os.pipe()
    pid = os.fork()
    if pid:
        os.close(message_in)
        os.close(control_out)
        return Session(pid, message_out, control_in)
    status = 1
    try:
        os.close(message_out)
        os.close(control_in)
        os.setsid()
        _default_signals()
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1) if os.environ.get('MEMLEAX_DEBUG') else (0, 1, 2):
            os.dup2(null, fd)
        platform.become_prompt()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and soft < hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536) if soft < 65536 else soft, hard))
        gc.disable()                    # nothing here makes cycles; a collection would stop the target
        status = _main(settings, Channel(message_in, control_out))
    except BaseException:                   # the child must never return into the caller's code
        if os.environ.get('MEMLEAX_DEBUG'):
            import traceback
            traceback.print_exc()
    finally:
        os._exit(status)


def _default_signals():
    signal.set_wakeup_fd(-1)
    # any signal that would end this process takes the target with it: only those of real defects keep their default
    for number in range(1, signal.NSIG):
        if number not in (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT, signal.SIGKILL,
                          signal.SIGSTOP, signal.SIGCHLD, signal.SIGTRAP, signal.SIGSYS):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass                            # 32 and 33 are the C library's own
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU,
                   signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, _terminated)


class _Flag(object):
    terminated = False


def _terminated(number, frame):
    _Flag.terminated = True


def _main(settings, channel):
    """The monitor's life. Returns the exit status."""
    engine = ENGINES[settings.engine](settings, channel)
    stop = None
    problems = []
    try:
        if settings.dry_run:
            channel.send('dry-run', text=engine.dry_run())
            channel.send('end')
            channel.finish()
            return 0
        if settings.heal:
            return _heal(engine, channel)
        where = ''
        if settings.gate is not None:
            where = engine.start_command()
        else:
            engine.prepare()
            engine._check_plan()
            engine.attach()
        channel.send('begin', pid=settings.pid, program=engine.target.name,
                     threads=len(engine.tracer.tasks) or len(platform.threads(settings.pid)),
                     engine=engine.kind(), standstill=engine.busy, where=where)
        engine.ledger.started = time.monotonic()
        engine.run()
    except Stopped as reason:
        stop = dict(reason.details, reason=reason.reason)
    except MonitorError as error:
        stop = dict(reason='error', text=str(error), advice=error.advice)
    except platform.PlatformError as error:
        stop = dict(reason='error', text=str(error), advice=error.hint)
    except (OSError, MemoryError) as error:
        text = str(error) or 'out of memory'
        error = None
        if text == 'out of memory':
            engine.ledger.blocks = BlockTable()
        stop = dict(reason='error', text='the monitor failed: ' + text, advice='')
    except Exception as error:
        stop = dict(reason='error', text='defect in the monitor: %s: %s%s' % (type(error).__name__, error, _place()),
                    advice='The target is given back. Please report this.')
    ended = int((time.monotonic() - engine.ledger.started) * 1000)
    if engine.attached or engine.hooked:
        problems = engine.give_back()
        if engine.tracer.tasks and platform.END_KILLS:
            engine.note('warning', 'the process does not stop: memleax waits until it can be let go')
            channel.flush()
            engine.tracer.close()
        if engine.tracer.tasks:
            # Tasks asleep in the kernel can be let go by our end only; were they to wake up before it, they would stand
            # still, for as long as the reporter takes. So this process ends now, and a copy of it reports.
            parent = os.getpid()
            if os.fork():
                os._exit(0)
            while os.getppid() == parent:
                time.sleep(0.0005)
            engine.tracer.tasks.clear()
    started = stop['reason'] != 'error' or engine.hooked
    if stop['reason'] == 'error':
        channel.send('error', text=stop['text'], advice=stop['advice'], status=1)
        channel.finish()
        if not engine.hooked and not problems:
            channel.send('end')
            channel.finish()
            return 1
    channel.finish()                        # the target is free: from here on nothing is lost, however long it takes
    if started and stop['reason'] in ('user', 'exit', 'exec'):
        engine.ledger.expire_to(ended)
    if started:
        channel.send('stop', **stop)
        engine.ledger.report(ended)
    ok, lines = engine.proof(problems)
    channel.send('proof', ok=ok, text=lines)
    channel.send('end')
    channel.finish()
    engine.tracer.close()
    return 0


def _heal(engine, channel):
    """--heal: take out what an earlier run left. Returns the exit status."""
    healer = Healer(engine.settings, channel)
    platform.check_target(healer.pid)
    if healer.find():
        problems, lines = healer.heal()
        if healer.tracer.tasks:
            problems.append('threads asleep in the kernel are let go as memleax ends')
    else:
        problems, lines = [], ['nothing of an earlier run is in process %d' % healer.pid]
    channel.send('proof', ok=not problems, text=['!!! ' + text for text in problems] + lines)
    channel.send('end')
    channel.finish()
    return 0


def _place():
    """Where the exception being handled was raised: file:line of the last two frames."""
    traceback = sys.exc_info()[2]
    places = []
    while traceback is not None:
        places.append('%s:%d' % (os.path.basename(traceback.tb_frame.f_code.co_filename), traceback.tb_lineno))
        traceback = traceback.tb_next
    return ' (%s)' % ' '.join(places[-3:])
