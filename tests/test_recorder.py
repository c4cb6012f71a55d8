"""
The recorder in this very process: its code is mapped here, stubs for small functions (or libc's malloc and
free) are called, and the tables are read. The same suite runs on the bytes in recorder.py and on recorder.c
compiled anew.

Judges: what a test program counted itself, backtrace(3), objdump, MADV_WIPEONFORK as the kernel has it.
"""

import ctypes
import mmap
import os
import random
import re
import shutil
import struct
import subprocess
import tempfile
import threading
import unittest

import support
import elfreader
import recorder
import trampoline
import unwinder
from recorder import END_OF_STACK, RBP, RSP, SIGNAL_FRAME
from trampoline import AFTER, BEFORE, BOTH

MADV_WIPEONFORK = 18                    # linux/mman.h
MAP_FIXED_NOREPLACE = 0x100000          # linux/mman.h; an older kernel takes it for a hint
SMALL = dict(blocks=1 << 12, stacks=1 << 10, frames=1 << 16, rules=1 << 12, threads=64, pending=16,
             notes=4096)

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                      ctypes.c_long]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]

# Functions to hook, in machine code. RESULT is an address whose word they hand out.
#   allocate: endbr64; mov rax, [RESULT]; ret           release: mov rax, rdi; nop; nop; ret
#   allocate_to: mov rax, [RESULT]; mov [rdi], rax; xor eax, eax; ret
# and to get at things: thread: mov rax, fs:0; ret
#   call_on(sp, fp, function, first, second): calls a function on another stack
CALL_ON = (b'\x55\x53\x48\x89\xe3\x48\x89\xfc\x48\x89\xf5\x48\x89\xcf\x4c\x89\xc6\xff\xd2'
           b'\x48\x89\xdc\x5b\x5d\xc3')
CALL_ON_RETURN = 19                     # offset behind its call

_compiled = {}


def compiled():
    """(Built, the keeper's code) of recorder.c compiled anew."""
    if not _compiled:
        compiler = support.find_compiler()
        if compiler is None:
            raise unittest.SkipTest('no C compiler (gcc, cc, clang) in PATH')
        source = os.path.join(support.ROOT, 'recorder.c')
        try:
            built = recorder.compile_source(source, False, compiler)
        except recorder.RecorderError as error:
            text = subprocess.check_output([compiler, '--version']).decode('utf-8', 'replace')
            if 'Free Software Foundation' in text:
                raise
            raise unittest.SkipTest('%s is not gcc: %s' % (compiler, str(error)[:200]))
        keeper = recorder.compile_source(source, True, compiler)
        built.offsets.update(keeper.offsets)
        _compiled['all'] = built, keeper.code
    return _compiled['all']


class Module(object):
    """For the unwinder."""

    def __init__(self, start, end, path, offset):
        self.start, self.end = start, end
        self.elf = elfreader.ElfFile.open(path)
        segment = next(item for item in self.elf.segments
                       if item.type == 1 and item.offset & -4096 <= offset < item.offset + item.file_size)
        self.load_bias = start - offset + segment.offset - segment.file_address


class Modules(object):
    """find_module of this process."""

    def __init__(self):
        self.known = {}

    def __call__(self, address):
        with open('/proc/self/maps') as maps:
            for line in maps:
                field = line.split(None, 5)
                start, end = [int(part, 16) for part in field[0].split('-')]
                if start <= address < end and len(field) == 6 and field[5].startswith('/'):
                    if start not in self.known:
                        try:
                            self.known[start] = Module(start, end, field[5].strip(), int(field[2], 16))
                        except (OSError, elfreader.ElfError, StopIteration):
                            self.known[start] = None        # libffi's closures: a file without a name
                    return self.known[start]
        return None


class Machine(object):
    """A recorder in this process, with its tables, and what the monitor does for it."""

    def __init__(self, built, keeper, scattered=False, **sizes):
        self.pages = []
        self.file = tempfile.TemporaryFile()
        self.tables = recorder.Tables.create(self.file.fileno(), recorder.Keeper(keeper, built.offsets),
                                             **dict(SMALL, **sizes))
        self.gate = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.gate_address = ctypes.addressof(ctypes.c_char.from_buffer(self.gate))
        if scattered:
            self.scatter(built)
        else:
            self.code, self.memory = recorder.executable(recorder.code(self.gate_address, built.code))
            self.before = self.code + built.offsets['recorder_before']
            self.after = self.code + built.offsets['recorder_after']
        self.gate[:8] = recorder.gate(self.tables._base)
        self.unwinder = unwinder.Unwinder(Modules())
        self.stubs = []
        self.reader = os.open('/proc/self/mem', os.O_RDONLY)
        # one page for functions and stubs: room for tests that make their own
        self.page = self.map_near(self.code)
        self.next = self.page
        thread = self.put(b'\x64\x48\x8b\x04\x25\0\0\0\0\xc3')
        self.call_on_return = self.next + CALL_ON_RETURN
        self._call_on = ctypes.CFUNCTYPE(ctypes.c_uint64, *[ctypes.c_uint64] * 5)(self.put(CALL_ON))
        self.tcb = ctypes.CFUNCTYPE(ctypes.c_uint64)(thread)()
        self.result = ctypes.c_uint64(0)
        self.tables['state'] = 1

    def close(self):
        self.gate[:8] = recorder.gate(0)
        os.close(self.reader)
        for page in self.pages:
            libc.munmap(page, 4096)
        self.file.close()

    def read(self, address, size):
        try:
            return os.pread(self.reader, size, address)
        except (OSError, OverflowError):
            return b''

    def map_near(self, address):
        for distance in range(1, 1000):
            page = (address & -4096) - (distance << 20)
            got = libc.mmap(page, 4096, 7, 0x22 | MAP_FIXED_NOREPLACE, -1, 0)
            if got == page:
                self.pages.append(page)
                return page
            if got != ctypes.c_void_p(-1).value:
                libc.munmap(got, 4096)
        raise unittest.SkipTest('no page to be had near %#x' % address)

    def scatter(self, built):
        """The code in pieces, in the tails of pages."""
        address = ctypes.cast(libc.mprotect, ctypes.c_void_p).value
        sizes = sorted([end - start for start, end in built.parts], reverse=True)
        rest = sum(sizes[5:]) + 16 * len(sizes)
        rooms = (sizes[0] + 16, sizes[1] + sizes[2] + 32, sizes[3] + sizes[4] + 32, rest)
        pages = [self.map_near(address - (number << 28)) for number in range(4)]
        assert all(room <= 4096 for room in rooms), rooms
        areas = [(page + 4096 - room, page + 4096) for page, room in zip(pages, rooms)]
        addresses = recorder.place(areas, built)
        assert addresses is not None and len(set(address >> 12 for address in addresses)) == 4
        pieces, entries = recorder.code_parts(self.gate_address, addresses, built)
        for start, data in pieces:
            assert any(low <= start and start + len(data) <= high for low, high in areas)
            ctypes.memmove(start, data, len(data))
        self.code = min(addresses)
        self.before, self.after = entries['recorder_before'], entries['recorder_after']

    def put(self, code):
        address = self.next
        ctypes.memmove(address, code, len(code))
        self.next = address + len(code) + 15 & -16
        return address

    def put_function(self, code):
        """The same, with RESULT replaced: the word is in this page."""
        return self.put(code)

    def hook(self, number, function, kind, size=recorder.FIRST, through=False, resizes=False):
        """A stub for the function at an address -> Stub. The function itself stays as it is: call the
        stub."""
        code = self.read(function, 64)
        prologue = trampoline.plan_prologue(code, 64)
        page = self.page
        before, after = self.before, self.after
        if abs(function - page) > 1 << 30:
            page = self.map_near(function)
            where = page
            thunks = recorder.thunk(before).ljust(16, b'\xcc') + recorder.thunk(after)
            ctypes.memmove(where, thunks, len(thunks))
            before, after = where, where + 16
            where += 32
        else:
            where = self.next
        word = recorder.hook_word(number, kind, size, through, resizes)
        stub = recorder.build_stub(kind, where, function, code, prologue, word, before, after)
        assert len(stub.code) <= recorder.stub_size(kind, prologue)
        ctypes.memmove(where, stub.code, len(stub.code))
        if page == self.page:
            self.next = where + len(stub.code) + 15 & -16
        for start, end, offset in stub.cfi:
            self.unwinder.add_rule(start, end, RSP, offset)
        if stub.frame:
            self.tables.teach(stub.frame[0], recorder.frame_rule(stub), nested=True)
        self.stubs.append(stub)
        return stub

    def call(self, stub, *arguments):
        prototype = ctypes.CFUNCTYPE(ctypes.c_uint64, *[ctypes.c_uint64] * len(arguments))
        return prototype(getattr(stub, 'address', stub))(*arguments)

    def call_on(self, sp, fp, stub, first=0, second=0):
        """Call a stub with a stack made by hand: at sp begins the frame of its caller."""
        return self._call_on(sp, fp, stub.address, first, second)

    def serve(self):
        """What the monitor does in its loop -> how many pending stacks it has seen to."""
        tables = self.tables
        frames = frozenset([stub.frame[0] for stub in self.stubs if stub.frame])
        count = 0
        for item in tables.pending():
            registers = [None] * 17
            registers[6], registers[7], registers[16] = item.fp, item.sp, item.pc

            def read(address, size, item=item):
                return b'' if item.sp - 4096 <= address < item.high else self.read(address, size)

            walk = self.unwinder.unwind(registers, item.sp, item.stack, read, tables['limit'], True)
            tables.learn(item, walk, self.unwinder.simple_rule, frames)
            count += 1
        tables.settle_rest()
        for pc, is_return in tables.missed():
            if pc not in frames:
                tables.teach(pc, self.unwinder.simple_rule(pc, is_return), is_return)
        for tcb, sp in tables.asked():
            with open('/proc/self/maps') as maps:
                for line in maps:
                    start, end = [int(part, 16) for part in line.split(None, 1)[0].split('-')]
                    if start <= sp < end:
                        tables.set_stack(tcb, start, tcb if start <= tcb < end else end)
        return count

    def functions(self):
        """Hook the small functions -> (allocate, release, reallocate)."""
        slot = self.put(bytes(8))
        self.set_result = lambda value: ctypes.memmove(slot, struct.pack('<Q', value), 8)
        here = self.next
        allocate = self.put(b'\xf3\x0f\x1e\xfa\x48\x8b\x05' + struct.pack('<i', slot - here - 11) + b'\xc3')
        release = self.put(b'\x48\x89\xf8\x90\x90\xc3')
        here = self.next
        through = self.put(b'\x48\x8b\x05' + struct.pack('<i', slot - here - 7) + b'\x48\x89\x07\x31\xc0\xc3')
        self.allocate = self.hook(1, allocate, AFTER)
        self.release = self.hook(2, release, BEFORE)
        self.reallocate = self.hook(3, allocate, BOTH, recorder.SECOND)
        self.calloc = self.hook(4, allocate, AFTER, recorder.PRODUCT)
        self.through = self.hook(5, through, AFTER, recorder.THIRD, True)
        self.failing_through = self.hook(6, allocate, AFTER, recorder.THIRD, True)
        self.resize = self.hook(7, allocate, BOTH, recorder.SECOND, resizes=True)
        return self

    def alloc(self, address, size=8):
        """A call of `allocate` that hands out this address."""
        self.set_result(address)
        return self.call(self.allocate, size)

    def end_here(self):
        """Teach that stacks end where ctypes calls from, so that all calls have one frame."""
        for _ in range(3):
            for item in self.tables.pending():
                self.tables.teach(item.pc, END_OF_STACK)
                number = self.tables.stack_number(item.hook, (item.pc,), (), 'end', False)
                self.tables.settle(item.slot, number)
        self.tables.missed()
        self.tables.settle_rest()


def address_of(library, name):
    return ctypes.cast(getattr(library, name), ctypes.c_void_p).value


def total(figures, name):
    return sum(getattr(row, name) for row in figures)


class Suite(object):
    """The conformance suite; what it runs on is up to the subclass."""

    def pieces(self):
        raise NotImplementedError

    def machine(self, **sizes):
        machine = Machine(*self.pieces(), **sizes)
        self.addCleanup(machine.close)
        return machine

    def simple(self, **sizes):
        """A machine whose calls all have a stack of one frame."""
        machine = self.machine(**sizes).functions()
        for stub in (machine.allocate, machine.reallocate, machine.calloc, machine.through):
            machine.set_result(0x7000)
            machine.call(stub, ctypes.addressof(machine.result) if stub is machine.through else 0, 1, 1)
            machine.end_here()
            machine.call(machine.release, machine.result.value if stub is machine.through else 0x7000)
        live, _, _ = machine.tables.count()
        self.assertEqual(live, 0)
        machine.base = machine.tables.figures()
        return machine

    def test_in_pieces(self):
        machine = self.machine(scattered=True).functions()
        for number in range(20):
            machine.alloc(0x10000 + 16 * number, 8)
            machine.end_here()
        self.assertEqual(machine.tables.count()[:2], (20, 160))
        machine.tables['tick'] = 9
        found = machine.tables.scan(1)
        self.assertEqual(set(machine.tables.stack(block[2]).ending for block in found), {'end'})
        for number in range(20):
            machine.call(machine.release, 0x10000 + 16 * number)
        self.assertEqual(machine.tables.count()[0], 0)
        self.assertIsNone(recorder.place([(0x10000, 0x10100)]))
        self.assertEqual(recorder.place([(0x10000, 0x10100), (0x20001, 0x30000)])[0], 0x20040)

    # -- one thread, no compiler

    def test_a_block_comes_and_goes(self):
        machine = self.simple()
        tables = machine.tables
        self.assertEqual(machine.alloc(0x10010, 77), 0x10010)
        self.assertEqual(tables.count()[:2], (1, 77))
        self.assertEqual(machine.call(machine.release, 0x10010), 0x10010)
        self.assertEqual(tables.count()[:2], (0, 0))
        figures = tables.figures()
        self.assertEqual(total(figures, 'free') - total(machine.base, 'free'), 1)
        self.assertEqual(total(figures, 'free_bytes') - total(machine.base, 'free_bytes'), 77)

    def test_sizes_by_argument(self):
        machine = self.simple()
        machine.set_result(0x20000)
        machine.call(machine.calloc, 6, 7)
        self.assertEqual(machine.tables.count()[:2], (1, 42))
        machine.call(machine.release, 0x20000)
        machine.set_result(0x30000)
        self.assertEqual(machine.call(machine.through, ctypes.addressof(machine.result), 16, 55), 0)
        self.assertEqual(machine.result.value, 0x30000)
        self.assertEqual(machine.tables.count()[:2], (1, 55))
        # a result that is not 0 is a failure, and what the pointer points to is left alone
        machine.set_result(12)
        self.assertEqual(machine.call(machine.failing_through, 8, 16, 55), 12)
        self.assertEqual(machine.tables['failed'], 1)
        self.assertEqual(machine.tables.count()[0], 1)

    def test_sizes_of_4_gb_and_more_are_exact(self):
        machine = self.simple()
        sizes = [(1 << 32) - 4097, (1 << 32) - 4096, (1 << 32) - 1, 1 << 32, (1 << 40) + 123, (1 << 46) + 5]
        for number, size in enumerate(sizes):
            machine.alloc(0x100000 + 16 * number, size)
        self.assertEqual(machine.tables.count()[:2], (len(sizes), sum(sizes)))
        machine.tables['tick'] = 5
        found = machine.tables.scan(1)
        self.assertEqual(sorted(block[1] for block in found), sizes)
        for number in range(len(sizes)):
            machine.call(machine.release, 0x100000 + 16 * number)
        figures = machine.tables.figures()
        self.assertEqual(total(figures, 'free_bytes') - total(machine.base, 'free_bytes'), sum(sizes))
        self.assertEqual(machine.tables['lost_sizes'], 0)

    def test_failures_and_unknown_frees(self):
        machine = self.simple()
        machine.alloc(0)
        machine.call(machine.release, 0)
        machine.call(machine.release, 0x4440)
        tables = machine.tables
        self.assertEqual((tables['failed'], tables['unknown_frees'], tables.count()[0]), (1, 1, 0))

    def test_realloc(self):
        machine = self.simple()
        tables = machine.tables
        machine.alloc(0x40000, 10)
        machine.set_result(0x50000)
        self.assertEqual(machine.call(machine.reallocate, 0x40000, 20), 0x50000)
        self.assertEqual(tables.count()[:2], (1, 20))
        # in place
        self.assertEqual(machine.call(machine.reallocate, 0x50000, 30), 0x50000)
        self.assertEqual(tables.count()[:2], (1, 30))
        # it fails: the block is as it was, its age and mark too
        tables['tick'] = 101
        self.assertEqual([block[:2] for block in tables.scan(100)], [(0x50000, 30)])
        machine.set_result(0)
        self.assertEqual(machine.call(machine.reallocate, 0x50000, 1 << 60), 0)
        self.assertEqual(tables.count()[:2], (1, 30))
        self.assertEqual(tables.scan(100), [])
        self.assertEqual(tables['failed'], 1)
        # size 0 frees
        self.assertEqual(machine.call(machine.reallocate, 0x50000, 0), 0)
        self.assertEqual(tables.count()[:2], (0, 0))
        self.assertEqual(tables['failed'], 1)
        figures = tables.figures()
        self.assertEqual(total(figures, 'free') - total(machine.base, 'free'), 3)
        self.assertEqual(total(figures, 'free_bytes') - total(machine.base, 'free_bytes'), 60)
        # of nothing: an allocation
        machine.set_result(0x60000)
        machine.call(machine.reallocate, 0, 40)
        self.assertEqual(tables.count()[:2], (1, 40))
        self.assertEqual(tables['unknown_frees'], 0)

    def test_a_block_resized_where_it_lies(self):
        machine = self.simple()
        tables = machine.tables
        machine.alloc(0x40000, 33)
        machine.set_result(48)                  # the room that it has now: as much as was asked for
        self.assertEqual(machine.call(machine.resize, 0x40000, 40), 48)
        machine.end_here()
        self.assertEqual(tables.count()[:2], (1, 40))
        tables['tick'] = 101
        self.assertEqual([block[:2] for block in tables.scan(100)], [(0x40000, 40)])
        # less: it is as it was, its age and mark too
        self.assertEqual(machine.call(machine.resize, 0x40000, 9000), 48)
        self.assertEqual(tables.count()[:2], (1, 40))
        self.assertEqual(tables.scan(100), [])
        self.assertEqual(tables['failed'], 1)
        machine.call(machine.release, 0x40000)
        self.assertEqual(tables.count()[:2], (0, 0))
        self.assertEqual((tables['unknown_frees'], tables['missed_frees']), (0, 0))

    def test_a_second_allocation_of_a_live_address_is_a_missed_free(self):
        machine = self.simple()
        machine.alloc(0x40000, 10)
        machine.alloc(0x40000, 20)
        self.assertEqual(machine.tables['missed_frees'], 1)
        self.assertEqual(machine.tables.count()[:2], (1, 20))
        figures = machine.tables.figures()
        self.assertEqual(total(figures, 'free_bytes') - total(machine.base, 'free_bytes'), 10)

    def test_ages(self):
        machine = self.simple()
        tables = machine.tables
        for address, birth, death in ((0x10000, 10, 13), (0x20000, 11, 111), (0x30000, 20, 20),
                                      (0x40000, 200, 207)):
            tables['tick'] = birth
            machine.alloc(address)
            tables['tick'] = death
            machine.call(machine.release, address)
        tables['tick'] = 500
        machine.alloc(0x50000)
        tables['tick'] = 512
        machine.alloc(0x60000)
        tables['tick'] = 513
        number = tables.scan(1)[0][2]
        row = tables.figures()[number]
        self.assertEqual((row.free_min, row.free_max, row.free_total), (0, 100, 110))
        self.assertEqual((row.live, row.oldest), (2, 13))

    def test_the_least_age_is_that_of_the_shortest(self):
        machine = self.machine().functions()
        tables = machine.tables
        tables['tick'] = 50
        machine.alloc(0x10000)
        machine.end_here()
        number = tables.stack_number(1, tables.stack(1).frames, (), 'end', False)
        for age in (9, 7, 8):
            tables['tick'] = 100
            machine.alloc(0x20000)
            tables['tick'] = 100 + age
            machine.call(machine.release, 0x20000)
        row = tables.figures()[number]
        self.assertEqual((row.free, row.free_min, row.free_max, row.free_total), (3, 7, 9, 24))

    def test_ticks_wrap(self):
        machine = self.simple()
        machine.tables['tick'] = 0x7ffffff0
        machine.alloc(0x10000)
        machine.tables['tick'] = 0x80000010         # 31 bits are kept
        self.assertEqual(len(machine.tables.scan(0x21)), 0)
        self.assertEqual(len(machine.tables.scan(0x20)), 1)
        machine.call(machine.release, 0x10000)
        self.assertEqual(max(row.free_max for row in machine.tables.figures()), 0x20)

    def test_expired_then_freed(self):
        machine = self.simple()
        tables = machine.tables
        tables['tick'] = 1000
        for number in range(5):
            machine.alloc(0x10000 + 16 * number, 100)
        tables['tick'] = 1099
        self.assertEqual(tables.scan(100), [])
        tables['tick'] = 1100
        found = tables.scan(100)
        self.assertEqual(sorted(found),
                         [(0x10000 + 16 * number, 100, found[0][2], 1000) for number in range(5)])
        self.assertEqual(tables.scan(100), [])          # listed once
        self.assertEqual(tables['late_frees'], 0)
        for number in range(5):
            tables['tick'] = 1200 + number
            machine.call(machine.release, 0x10000 + 16 * number)
        record = tables.stack(found[0][2])
        self.assertEqual(record.free_expired, 5)
        self.assertEqual(record.late_ages, (200, 201, 202))
        self.assertEqual(tables['late_frees'], 5)

    def test_what_was_reported_and_is_still_there(self):
        """Counted where it lies: a mark that is made while its block is being freed is seen by nobody."""
        machine = self.simple()
        tables = machine.tables
        for number in range(6):
            machine.alloc(0x10000 + 16 * number, 100 + number)
        tables['tick'] = 200
        machine.alloc(0x20000, 7)
        found = tables.scan(100)
        self.assertEqual(len(found), 6)
        stack = found[0][2]
        self.assertEqual(tables.figures()[stack][-2:], (6, 615))
        for number in range(2):
            machine.call(machine.release, 0x10000 + 16 * number)
        self.assertEqual(tables.figures()[stack][-2:], (4, 414))
        self.take_out(tables, 0x10020)          # as a thread does that had read it before it was marked
        self.assertEqual(tables.figures()[stack][-2:], (3, 312))
        self.assertEqual(tables.stack(stack).free_expired, 2)

    @staticmethod
    def take_out(tables, address, both=True):
        start, count = tables._levels[1]
        for place in range(start >> 3, (start >> 3) + count * 8, 2):
            if tables._words[place] >> 20 << 3 == address:
                tables._words[place + 1] = 0
                if both:
                    tables._words[place] = 0
                return
        raise KeyError(address)

    def test_a_record_on_its_way_out(self):
        """A thread stands between the two stores that take it out, or was thrown out there by siglongjmp."""
        machine = self.simple()
        tables = machine.tables
        for number in range(3):
            machine.alloc(0x10000 + 16 * number, 100)
        for number in range(2):
            self.take_out(tables, 0x10000 + 16 * number, both=False)
        tables['tick'] = 1000
        self.assertEqual([block[0] for block in tables.scan(100)], [0x10020])
        self.assertEqual(tables.count()[:2], (1, 100))
        self.assertEqual(total(tables.figures(), 'live'), 1)
        machine.alloc(0x10000, 50)              # its place is used again
        self.assertEqual((tables['lost_blocks'], tables['missed_frees'], tables['replaced']), (1, 0, 0))
        machine.call(machine.release, 0x10010)
        self.assertEqual(tables['unknown_frees'], 1)
        self.assertEqual(tables.count()[:2], (2, 150))
        for address in 0x10000, 0x10020:
            machine.call(machine.release, address)
        self.assertEqual(sum(self.buckets(tables)[0], []), [])

    def test_half_a_record_that_is_nobodys(self):
        """Two threads that free one block can leave a second word alone: its place can be had, and it is no block."""
        machine = self.simple(blocks=64)
        tables = machine.tables
        start, count = tables._levels[1]
        for place in range(start >> 3, (start >> 3) + count * 8, 2):
            tables._words[place + 1] = 2 << 33 | 8
        tables['tick'] = 1000
        self.assertEqual(tables.scan(1), [])
        self.assertEqual(tables.count()[:2], (0, 0))
        self.assertEqual(total(tables.figures(), 'live'), 0)
        addresses = [0x10000 + 16 * number for number in range(40)]
        for address in addresses:
            machine.alloc(address, 100)
        self.assertEqual(tables.count()[:2], (40, 4000))
        for address in addresses:
            machine.call(machine.release, address)
        self.assertEqual((tables.count()[0], tables['unknown_frees'], tables['lost_blocks']), (0, 0, 0))

    def test_a_block_of_no_bytes_has_a_time_of_birth(self):
        machine = self.simple()
        tables = machine.tables
        for tick in 0, 1 << 31:
            tables.set_tick(tick)
            machine.alloc(0x10000, 0)
            self.assertEqual(tables.count()[:2], (1, 0))
            machine.call(machine.release, 0x10000)
            self.assertEqual((tables.count()[0], tables['unknown_frees']), (0, 0))

    def test_scan_goes_round_in_slices(self):
        machine = self.simple()
        tables = machine.tables
        for number in range(300):
            tables['tick'] = 1 + number % 7
            machine.alloc(0x10000 + 16 * number, number)
        tables['tick'] = 100
        buckets = tables.buckets()
        found = []
        rounds = 0
        while len(found) < 300:
            found += tables.scan(50, buckets // 10)
            rounds += 1
            self.assertLess(rounds, 15)
        self.assertEqual(sorted(block[1] for block in found), list(range(300)))
        self.assertEqual(tables.scan(50), [])

    def test_the_oldest_come_first(self):
        machine = self.simple()
        for number in range(100):
            machine.tables['tick'] = 1 + number * 37 % 100
            machine.alloc(0x10000 + 16 * number)
        machine.tables['tick'] = 1000
        births = [block[3] for block in machine.tables.scan(1)]
        self.assertEqual(births, sorted(births))

    def test_a_full_table_loses_and_counts(self):
        machine = self.simple(blocks=64)
        for number in range(200):
            machine.alloc(0x10000 + 16 * number)
        tables = machine.tables
        live = tables.count()[0]
        self.assertEqual(live + tables['lost_blocks'], 200)
        self.assertGreater(live, 56)
        for number in range(200):
            machine.call(machine.release, 0x10000 + 16 * number)
        self.assertEqual(tables.count()[0], 0)
        self.assertEqual(tables['unknown_frees'], tables['lost_blocks'])

    def test_a_half_full_table_loses_nothing(self):
        machine = self.simple(blocks=1 << 12)
        for number in range(1 << 11):
            machine.alloc(0x10000 + 48 * number)
        for number in range(1 << 11):
            machine.call(machine.release, 0x10000 + 48 * number)
            machine.alloc(0x10000 + 48 * (number + (1 << 11)))
        self.assertEqual(machine.tables['lost_blocks'], 0)
        self.assertEqual(machine.tables.count()[0], 1 << 11)
        self.assertEqual(machine.tables['unknown_frees'], 0)

    @staticmethod
    def buckets(tables, level=1):
        """The addresses in each bucket of a level, and for each how many of its own are in their second bucket."""
        start, count = tables._levels[level]
        words = tables._words[start >> 3:(start >> 3) + count * 8].tolist()
        spilled = tables._bytes[start + 64 * count:start + 66 * count].cast('H').tolist()
        return [[word >> 20 << 3 for word in words[8 * n:8 * n + 8:2] if word] for n in range(count)], spilled

    def test_a_block_is_in_the_first_of_its_buckets_while_there_is_room(self):
        machine = self.simple(blocks=256)
        tables = machine.tables

        def first(address):
            """-> (bucket, the place in it that is the best)"""
            hashed = (address >> 10) * 0x9E3779B97F4A7C15 % (1 << 64)
            hashed ^= hashed >> 29
            return (hashed >> 20 ^ address >> 4) % 64, hashed >> 62

        def second(address):
            return ((address >> 3) * 0xD6E8FEB86659FD93 % (1 << 64) >> 32) % 64

        mine, seconds = [], {5}
        for address in range(0x10000, 0x80000, 16):
            if first(address)[0] == 5 and second(address) not in seconds and len(mine) < 9:
                mine.append(address)
                seconds.add(second(address))
        self.assertEqual(len(mine), 9)
        self.assertEqual({first(address)[1] for address in mine}, set(range(4)))
        there = [0] * 4
        for count, address in enumerate(mine, 1):
            best = first(address)[1]
            if not there[best]:
                there[best] = address
            elif there.count(0) >= 3:
                there[there.index(0)] = address         # else the other one is emptier
            machine.alloc(address, count)
            found, spilled = self.buckets(tables)
            self.assertEqual(sorted(sum(found, [])), sorted(mine[:count]))
            self.assertEqual(found[5], [other for other in there if other])
            self.assertEqual(spilled[5], count - len(found[5]))
            self.assertEqual(sum(spilled), spilled[5])
        self.assertGreater(spilled[5], 3)
        spilled_ones = sorted(set(mine) - set(there))
        # found there again: a second allocation of the same address, a free
        again = spilled_ones[-1]
        machine.alloc(again, 100)
        self.assertEqual(tables['missed_frees'], 1)
        self.assertEqual(tables.count()[:2], (9, 45 - (mine.index(again) + 1) + 100))
        for address in there + spilled_ones[:1]:
            machine.call(machine.release, address)
        self.assertEqual(self.buckets(tables)[1][5], len(spilled_ones) - 1)
        machine.alloc(spilled_ones[1], 50)
        self.assertEqual(tables['missed_frees'], 2, 'although there is room in the first again')
        for address in spilled_ones[1:]:
            machine.call(machine.release, address)
        found, spilled = self.buckets(tables)
        self.assertEqual((sum(found, []), sum(spilled), tables['unknown_frees']), ([], 0, 0))

    def test_addresses_at_equal_distances(self):
        """As a leak leaves them: the table gets no larger before a third of it is used, loses none before half is."""
        for distance in (16, 32, 48, 64, 80, 96, 112, 128, 208, 272, 512, 1024, 2048, 4096, 8192, 8208, 12288, 65536,
                         1 << 17, 1 << 20):
            machine = self.simple(blocks=1 << 12)
            for number in range(1 << 11):
                machine.alloc(0x7f5500000010 + distance * number)
                if number == (1 << 12) // 3:
                    self.assertLess(machine.tables['overflowed'], 64, distance)
            self.assertEqual(machine.tables['lost_blocks'], 0, distance)
            self.assertEqual(machine.tables.count()[0], 1 << 11)

    def test_the_key_of_an_empty_place(self):
        """free(1), which some allocators hand out for a size of 0."""
        machine = self.simple()
        for address in range(1, 8):
            machine.call(machine.release, address)
        self.assertEqual(machine.tables['unknown_frees'], 7)
        self.assertEqual(total(machine.tables.figures(), 'free'), total(machine.base, 'free'))

    def test_nothing_stays_counted_as_spilled(self):
        machine = self.simple(blocks=64)
        tables = machine.tables
        source = random.Random(5)
        live = set()
        for number in range(3000):
            address = source.randrange(0x1000, 0x1100) * 16
            if address in live:
                machine.call(machine.release, address)
                live.discard(address)
            elif len(live) < 60:
                machine.alloc(address)
                live.add(address)
            if number % 100 == 0:
                found = sum(self.buckets(tables)[0] + self.buckets(tables, 0)[0], [])
                self.assertEqual(sorted(found), sorted(live))
        self.assertEqual((tables['missed_frees'], tables['lost_blocks']), (0, 0))
        for address in live:
            machine.call(machine.release, address)
        for level in 0, 1:
            found, spilled = self.buckets(tables, level)
            self.assertEqual((sum(found, []), sum(spilled)), ([], 0))
        self.assertEqual((tables['overflowed'], tables['unknown_frees']), (0, 0))

    def test_a_further_level(self):
        machine = self.simple(blocks=64, reserve=1024)
        tables = machine.tables
        for number in range(40):
            machine.alloc(0x10000 + 16 * number)
        lost = tables['lost_blocks']
        self.assertFalse(tables.add_level(machine.file.fileno(), 64), 'no larger than the last one')
        self.assertTrue(tables.add_level(machine.file.fileno(), 512))
        self.assertTrue(tables.add_level(machine.file.fileno(), 1 << 20))      # as much as there is left
        self.assertFalse(tables.add_level(machine.file.fileno(), 1 << 20))
        for number in range(40, 400):
            machine.alloc(0x10000 + 16 * number)
        self.assertEqual(tables['lost_blocks'], lost)
        # one that is in the old level is replaced there
        machine.alloc(0x10000, 99)
        self.assertEqual(tables['missed_frees'], 1 if not lost else tables['missed_frees'])
        tables['tick'] = 11
        self.assertEqual(len(tables.scan(10)), 400 - lost)
        for number in range(400):
            machine.call(machine.release, 0x10000 + 16 * number)
        self.assertEqual(tables.count()[0], 0)

    def test_several_levels_hold_each_block_once(self):
        machine = self.simple(blocks=64, reserve=1 << 12)
        tables = machine.tables
        source = random.Random(11)
        live = {}
        missed = unknown = 0
        rooms = 40
        for number in range(6000):
            if number in (1500, 3000, 4500):
                if number < 4500:
                    self.assertTrue(tables.add_level(machine.file.fileno(), rooms * 8))
                    rooms *= 5
            address = 0x10000 + 16 * source.randrange(rooms * 2)
            if source.randrange(10) < 6 and len(live) < rooms:
                missed += address in live               # a free that was not seen, when it is there yet
                machine.alloc(address, 1 + number % 1000)
                live[address] = 1 + number % 1000
            else:
                if live and source.randrange(10):
                    address = source.choice(sorted(live))
                unknown += address not in live
                live.pop(address, None)
                machine.call(machine.release, address)
            if number % 250 == 0:
                found = [address for level in range(tables['levels']) for bucket in self.buckets(tables, level)[0]
                         for address in bucket]
                self.assertEqual(sorted(found), sorted(live))
                self.assertEqual(tables.count()[:2], (len(live), sum(live.values())))
        self.assertEqual(tables['levels'], 4)
        self.assertEqual((tables['missed_frees'], tables['unknown_frees'], tables['lost_blocks']), (missed, unknown, 0))
        self.assertGreater(missed, 20)

    def test_no_further_level_where_none_was_reserved(self):
        sizes = dict(blocks=1 << 10, reserve=0)
        self.assertEqual(recorder.Tables.size_of(**sizes), recorder.Tables.taken(**sizes))
        machine = self.simple(**sizes)
        self.assertFalse(machine.tables.add_level(machine.file.fileno(), 1 << 14))

    def test_switches(self):
        machine = self.simple()
        machine.tables['state'] = 0
        machine.alloc(0x10000)
        machine.call(machine.release, 0x10000)
        machine.set_result(0x20000)
        self.assertEqual(machine.call(machine.reallocate, 0x10000, 3), 0x20000)
        machine.tables['state'] = 1
        machine.gate[:8] = recorder.gate(0)
        machine.alloc(0x10000)
        machine.gate[:8] = recorder.gate(machine.tables._base)
        self.assertEqual(machine.tables.count()[0], 0)
        self.assertEqual(machine.tables['unknown_frees'], 0)

    def test_a_forked_child_notes_nothing(self):
        machine = self.simple()
        if libc.madvise(machine.gate_address, 4096, MADV_WIPEONFORK):
            self.skipTest('no MADV_WIPEONFORK here (Linux 4.14)')
        machine.alloc(0x10000)
        child = os.fork()
        if not child:
            machine.alloc(0x20000)
            machine.call(machine.release, 0x10000)
            os._exit(0)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertEqual(machine.tables.count()[0], 1)
        machine.call(machine.release, 0x10000)
        self.assertEqual(machine.tables.count()[0], 0)

    def test_a_successor_opens_the_tables(self):
        machine = self.simple()
        machine.alloc(0x10000, 5)
        machine.tables.write_notes(b'where the hooks are')
        machine.tables.teach(0x5000, (RSP, 1 << 20, None))
        other = recorder.Tables.open(machine.file.fileno(), machine.tables.keeper)
        self.assertEqual(other.read_notes(), b'where the hooks are')
        self.assertEqual(other.count()[:2], (1, 5))
        self.assertEqual(other._palette, machine.tables._palette)
        self.assertEqual(other.size, machine.tables.size)
        with tempfile.TemporaryFile() as stream:
            stream.write(b'memleaxR' + bytes(5000))
            stream.flush()
            self.assertRaises(recorder.RecorderError, recorder.Tables.open, stream.fileno(),
                              machine.tables.keeper)

    def test_odd_addresses_are_counted(self):
        machine = self.simple()
        machine.alloc(0x10004)
        machine.alloc(1 << 47)
        machine.alloc((1 << 47) - 8)
        self.assertEqual(machine.tables['lost_blocks'], 2)
        self.assertEqual(machine.tables.count()[0], 1)
        machine.tables['tick'] = 2
        self.assertEqual(machine.tables.scan(1)[0][0], (1 << 47) - 8)

    # -- stacks made by hand

    def stack_of(self, words, fp=0, limit=50, taught=True, high=None):
        """Call `allocate` on a stack with these words -> the StackRecord that its block is filed under.

        Words may be functions of the stack's address.
        """
        machine = self.machine(pending=16).functions()
        machine.tables['limit'] = limit
        if taught:
            self.teach(machine)
        return self.call_with(machine, words, fp, high)

    def teach(self, machine):
        teach = machine.tables.teach
        teach(machine.call_on_return, (RSP, 16, None))          # one word, then the return address
        for pc, rule in self.RULES.items():
            teach(pc, rule)

    RULES = {
        0x1000: (RSP, 8, None), 0x2000: (RSP, 32, None), 0x3000: (RSP, 32, -16), 0x4000: (RBP, 16, -16),
        0x5000: END_OF_STACK, 0x6000: None, 0x7000: (RSP, 65536, None), 0x8000: (RBP, -8, -16, True),
        0x9000: (RSP, 64, -56), 0xa000: SIGNAL_FRAME, 0xb000: (RSP, 16000, -15000),
    }

    def call_with(self, machine, words, fp=0, high=None, times=1):
        size = 1 << 18
        memory = self.memory = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        sp = start + 16384
        self.sp = sp
        values = [word(sp) if callable(word) else word for word in words]
        memory[16384:16384 + 8 * len(values)] = struct.pack('<%dQ' % len(values), *values)
        machine.tables.set_stack(machine.tcb, start, sp + high if high else start + size)
        machine.set_result(0x10000)
        machine.call_on(sp, fp(sp) if callable(fp) else fp, machine.allocate, 24)
        machine.tables['tick'] += 10
        blocks = [block for block in machine.tables.scan(10)]
        if not blocks:
            return None
        return machine.tables.stack(blocks[0][2])

    def assertFrames(self, record, frames, ending):
        self.assertEqual([hex(pc) for pc in record.frames[1:]], [hex(pc) for pc in frames])
        self.assertEqual(record.ending, ending)

    def test_sp_rules(self):
        record = self.stack_of([0, 0x1000, 0x2000, 7, 7, 7, 0x1000, 0x5000])
        self.assertFrames(record, [0x1000, 0x2000, 0x1000, 0x5000], 'end')
        self.assertEqual(record.hook, 1)
        self.assertEqual(record.exact, ())

    def test_a_zero_return_address_ends_it(self):
        self.assertFrames(self.stack_of([0, 0x1000, 0x2000, 7, 7, 7, 0]), [0x1000, 0x2000], 'end')

    def test_large_frames(self):
        words = [0] * 12000
        words[1] = 0x7000
        words[1 + 8192] = 0x1000
        words[2 + 8192] = 0xb000
        words[2 + 8192 + 2000] = 0x5000
        self.assertFrames(self.stack_of(words), [0x7000, 0x1000, 0xb000, 0x5000], 'end')

    def test_fp_rules(self):
        # 4000's frame is found through fp, which 3000 saved
        words = [0, 0x3000, 7, 7, lambda sp: sp + 64, 0x4000, 7, 7, lambda sp: sp + 96, 0x4000, 7, 7, 0,
                 0x5000]
        record = self.stack_of(words)
        self.assertFrames(record, [0x3000, 0x4000, 0x4000, 0x5000], 'end')

    def test_fp_from_the_register(self):
        words = [0, 0x4000, 7, 7, lambda sp: sp + 72, 0x4000, 7, 7, 7, 0, 0x5000]
        self.assertFrames(self.stack_of(words, lambda sp: sp + 32), [0x4000, 0x4000, 0x5000], 'end')

    def test_fp_kept_over_several_frames(self):
        """It is compared once; the second time the stack is found without its rules."""
        machine = self.machine(pending=16).functions()
        self.teach(machine)
        for pc, offset, saved in (0xc000, 32, None), (0xd000, 56, None), (0xe000, 80, -16):
            machine.tables.teach(pc, (RBP, offset, saved))
        words = [0, 0xc000, 7, 7, 7, 0xd000, 7, 7, 0xe000, 7, lambda sp: sp + 112, 0x4000, 7, 7, 0, 0x5000]
        record = self.call_with(machine, words, lambda sp: sp + 16)
        self.assertFrames(record, [0xc000, 0xd000, 0xe000, 0x4000, 0x5000], 'end')
        sp = self.sp
        start = machine.tables['rules_at'] >> 3
        for place in range(start, start + machine.tables['rules_mask'] + 1):
            machine.tables._words[place] = 0
        for fp, known in ((16, True), (24, False), (16, True)):
            machine.call(machine.release, 0x10000)
            machine.tables['tick'] += 100
            machine.call_on(sp, sp + fp, machine.allocate, 24)
            machine.tables['tick'] += 10
            found = [block[2] for block in machine.tables.scan(5)]
            self.assertEqual(found, [record.number] if known else [])

    def test_fp_saved_far_from_the_cfa(self):
        words = [0, 0x9000, 2, lambda sp: sp + 96, 3, 4, 5, 6, 7, 0x4000, 7, 7, 0, 0x5000]
        self.assertFrames(self.stack_of(words), [0x9000, 0x4000, 0x5000], 'end')

    def test_a_cfa_kept_in_memory(self):
        # 8000: CFA = *(fp - 8), fp saved at fp
        words = [0, 0x8000, 7, lambda sp: sp + 80, lambda sp: sp + 40, 7, 7, 7, 0, 0x1000, 0x5000]
        record = self.stack_of(words, lambda sp: sp + 32)
        self.assertFrames(record, [0x8000, 0x1000, 0x5000], 'end')

    def test_frames_up_to_the_limit(self):
        words = [0] + [0x1000] * 60 + [0x5000]
        self.assertFrames(self.stack_of(words, limit=10), [0x1000] * 9, 'limit')
        self.assertFrames(self.stack_of([0] + [0x1000] * 8 + [0x5000], limit=10), [0x1000] * 8 + [0x5000],
                          'end')
        self.assertFrames(self.stack_of([0] + [0x1000] * 9 + [0x5000], limit=10), [0x1000] * 9, 'limit')
        self.assertFrames(self.stack_of([0] + [0x1000] * 8 + [0], limit=10), [0x1000] * 8, 'end')

    def test_nothing_is_read_beyond_the_stack(self):
        for words, fp in (([0, 0x1000, 0x7000], 0), ([0, 0x4000], 8), ([0, 0x4000], 1 << 62),
                          ([0, 0x8000], 16), ([0, 0xa000], 0),
                          ([0, 0x4000, 7, 7, 1 << 60], lambda sp: sp + 32)):
            machine = self.machine().functions()
            self.teach(machine)
            size = 8192
            # a page that can't be read stands behind the stack
            memory = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
            libc.mprotect(start + 4096, 4096, 0)
            sp = start + 4096 - 8 * len(words)
            values = [word(sp) if callable(word) else word for word in words]
            memory[4096 - 8 * len(words):4096] = struct.pack('<%dQ' % len(values), *values)
            machine.tables.set_stack(machine.tcb, start, start + 4096)
            machine.set_result(0x10000)
            machine.call_on(sp, fp(sp) if callable(fp) else fp, machine.allocate, 24)
            machine.tables['tick'] = 10
            record = machine.tables.stack(machine.tables.scan(1)[0][2])
            self.assertIn(record.ending, ('memory', 'loop'))
            self.assertEqual(machine.tables['cut'], 1)
            libc.mprotect(start + 4096, 4096, 3)

    def test_a_frame_that_does_not_lie_above_ends_it(self):
        words = [0, 0x1000, 0x4000, 7]
        record = self.stack_of(words, lambda sp: sp - 64)
        self.assertEqual(record.ending, 'loop')
        record = self.stack_of(words, lambda sp: sp)
        self.assertEqual(record.ending, 'loop')
        record = self.stack_of([0, 0x1000, 0x4000, 7, 7, 7], lambda sp: sp + 3)
        self.assertIn(record.ending, ('memory', 'loop'))

    def test_a_signal_frame(self):
        words = [0, 0xa000] + [7] * 100
        words[2 + 5 + 10] = lambda sp: sp + 30 * 8          # rbp
        words[2 + 5 + 15] = lambda sp: sp + 28 * 8          # rsp
        words[2 + 5 + 16] = 0x4000                          # rip
        words[28:35] = [7, 7, lambda sp: 0, 0x1000, 0x5000, 7, 7]
        machine = self.machine().functions()
        self.teach(machine)
        machine.tables.teach(0x4000, (RBP, 16, -16), is_return=False)
        record = self.call_with(machine, words)
        self.assertFrames(record, [0xa000, 0x4000, 0x1000, 0x5000], 'end')
        self.assertEqual(record.exact, (2,))

    def test_a_stack_found_again_is_compared(self):
        machine = self.machine().functions()
        self.teach(machine)
        words = [0, 0x4000, 7, 7, lambda sp: sp + 72, 0x4000, 7, 7, 7, 0, 0x1000, 0x2000, 1, 2, 3, 0]
        first = self.call_with(machine, words, lambda sp: sp + 32)
        sp = self.sp
        memory = self.memory
        self.assertFrames(first, [0x4000, 0x4000, 0x1000, 0x2000], 'end')

        def again(changes=(), fp=32):
            start = 16384
            for index, value in changes:
                memory[start + 8 * index:start + 8 * index + 8] = struct.pack('<Q', value)
            machine.set_result(0x20000)
            machine.call_on(sp, sp + fp, machine.allocate, 24)
            machine.tables['tick'] += 10
            found = machine.tables.scan(5)
            machine.call(machine.release, 0x20000)
            return machine.tables.stack(found[0][2]) if found else None

        self.assertEqual(again().number, first.number)
        self.assertEqual(again([(12, 99)]).number, first.number)       # a word that does not matter
        # each word that matters, changed
        self.assertFrames(again([(15, 0x5000)]), [0x4000, 0x4000, 0x1000, 0x2000, 0x5000], 'end')
        self.assertFrames(again([(15, 0), (10, 0x5000)]), [0x4000, 0x4000, 0x5000], 'end')
        self.assertFrames(again([(4, sp + 64), (9, 0x1000), (10, 0x5000)]),
                          [0x4000, 0x4000, 0x1000, 0x5000], 'end')
        self.assertEqual(again([(4, sp + 72), (9, 0), (10, 0x1000)]).number, first.number)
        self.assertIsNone(again([], 24))                # leads to a pc without a rule: waits
        self.assertEqual(again().number, first.number)
        # rules that are dropped take the comparing with them
        machine.tables.forget(0x1000, 0x1001)
        self.assertNotEqual(machine.tables['generation'], 1)
        machine.tables.teach(0x1000, END_OF_STACK)
        self.assertFrames(again(), [0x4000, 0x4000, 0x1000], 'end')

    def test_other_code_at_the_same_addresses(self):
        """The frames are the same, but what they depend on is not: what was noted of the old code holds no more."""
        machine = self.machine().functions()
        tables = machine.tables
        self.teach(machine)
        for pc in 0x1000, 0x5000:
            tables.teach(pc, END_OF_STACK)
        tables.forget(0x4000, 0x4001)
        tables.teach(0x4000, (RSP, 32, None))
        words = [0, 0x4000, 7, 7, 7, 0x5000, 0x1000]
        first = self.call_with(machine, words, lambda sp: sp + 32)
        sp = self.sp
        self.assertFrames(first, [0x4000, 0x5000], 'end')

        def again(fp):
            machine.call(machine.release, 0x10000)
            machine.call_on(sp, sp + fp, machine.allocate, 24)
            tables['tick'] += 10
            return tables.stack(tables.scan(10)[0][2])

        layouts = tables['frames_next']
        for _ in range(3):                      # the same code again: what was noted holds, and takes no more room
            tables.forget(0x4000, 0x4001)
            tables.teach(0x4000, (RSP, 32, None))
            self.assertEqual(again(32).number, first.number)
            self.assertEqual(tables['frames_next'], layouts)
        tables.forget(0x4000, 0x4001)
        tables.teach(0x4000, (RBP, 16, None))
        self.assertEqual(again(32).number, first.number)
        self.assertGreater(tables['frames_next'], layouts)
        self.assertFrames(again(40), [0x4000, 0x1000], 'end')
        self.assertFrames(again(32), [0x4000, 0x5000], 'end')
        # nor when the cache's 12 bits of the generation have come round
        tables.forget(0x4000, 0x4001)
        tables.teach(0x4000, (RSP, 32, None))
        self.assertFrames(again(32), [0x4000, 0x5000], 'end')
        noted = tables['generation']
        tables.forget(0x4000, 0x4001)
        tables.teach(0x4000, (RBP, 16, None))
        while (tables['generation'] ^ noted) & 0xfff:
            tables.forget_layouts()
        self.assertEqual(again(32).number, first.number)
        self.assertFrames(again(40), [0x4000, 0x1000], 'end')

    def test_stacks_that_share_their_inner_frames(self):
        machine = self.machine().functions()
        self.teach(machine)
        for number in range(64):
            machine.tables.teach(0x100000 + number, (RSP, 8 + 8 * (number % 4), None))
        memory = mmap.mmap(-1, 1 << 16, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        machine.tables.set_stack(machine.tcb, start, start + (1 << 16))
        numbers = {}
        for turn in range(3):
            for path in range(200):
                frames = [0x1000, 0x2000, 0x100000 + path % 5, 0x1000, 0x100000 + path % 8, 0x2000,
                          0x100000 + path % 25, 0x5000]
                words = [0]
                for pc in frames:
                    words.append(pc)
                    words += [path] * {0x2000: 3, 0x1000: 0, 0x5000: 0}.get(pc, pc % 4)
                memory[8192:8192 + 8 * len(words)] = struct.pack('<%dQ' % len(words), *words)
                machine.set_result(0x10000)
                machine.call_on(start + 8192, 0, machine.allocate, 24)
                machine.tables['tick'] += 10
                record = machine.tables.stack(machine.tables.scan(10)[0][2])
                machine.call(machine.release, 0x10000)
                self.assertEqual(list(record.frames[1:]), frames)
                self.assertEqual(numbers.setdefault(tuple(frames), record.number), record.number)
        self.assertEqual(len(set(numbers.values())), 200)

    def test_the_same_frames_laid_out_otherwise(self):
        machine = self.machine().functions()
        self.teach(machine)
        for gap in (5, 6, 5, 7, 6, 5):
            # a frame of 4000 may have any size, as with alloca()
            words = [0, 0x4000] + [7] * gap + [0, 0x1000, 0x5000]
            record = self.call_with(machine, words, lambda sp, gap=gap: sp + 16 + 8 * gap)
            self.assertFrames(record, [0x4000, 0x1000, 0x5000], 'end')
            self.assertEqual(record.number, 1)
            machine.call(machine.release, 0x10000)

    def test_tables_that_the_target_damaged(self):
        machine = self.simple()
        for number in range(100):
            machine.alloc(0x10000 + 16 * number, 1 << 33)
        tables = machine.tables
        machine.gate[:8] = recorder.gate(0)
        for name in ('stacks_next', 'frames_next', 'tick', 'levels', 'generation', 'asked'):
            for value in (0, (1 << 64) - 1):
                tables[name] = value
                self.assertGreater(len(tables.figures()), 0)
                tables.scan(1)
                tables.count()
                tables.stack_number(1, (value >> 20, 2, 3), (), 'end', False)
        seed = random.Random(5)
        for _ in range(20):
            size = tables.size
            start = seed.randrange(size) & -8
            for offset in (0, start):
                length = min(1 << 16 if offset else 8192, size - offset)
                tables._bytes[offset:offset + length] = bytes(bytearray(seed.getrandbits(8)
                                                                         for _ in range(length)))
            tables.scan(seed.randrange(1 << 31))
            tables.count()
            tables.figures()
            for number in range(0, tables['rows'], 37):
                tables.stack(number)
            for item in tables.pending():
                self.assertLessEqual(len(item.stack), 16384)
                tables.settle(item.slot, 1)
            tables.settle_rest()
            tables.missed()
            tables.asked()
            tables.lost()
            tables.teach(seed.randrange(1 << 47), (RSP, 8, None))
            tables.forget(0, 1 << 47)
            tables.stack_number(1, (1, 2, 3), (), 'end', False)
            tables.set_stack(seed.randrange(1 << 47), 5, 6)
            tables.check_stacks(lambda low, high: seed.random() < 0.5)
            tables.read_notes()
            self.assertRaises(recorder.RecorderError, recorder.Tables.open, machine.file.fileno(),
                              tables.keeper)

    def test_a_stack_without_rules_waits_for_the_monitor(self):
        machine = self.machine().functions()
        machine.tables.teach(machine.call_on_return, (RSP, 16, None))
        words = [0, 0x1000, 0x2000, 7, 7, 7, 0x5000]
        self.assertIsNone(self.call_with(machine, words))      # not listed while it waits
        pending = machine.tables.pending()
        self.assertEqual(len(pending), 1)
        item = pending[0]
        self.assertEqual((item.pc, item.sp, item.hook, item.address, item.missing),
                         (machine.call_on_return, self.sp, 1, 0x10000, 0x1000))
        self.assertEqual(struct.unpack_from('<7Q', item.stack), tuple(words))
        self.assertEqual(machine.tables.missed(), [(0x1000, True)])
        self.assertEqual(machine.tables.missed(), [])
        self.teach(machine)
        frames = (item.pc, 0x1000, 0x2000, 0x5000)
        number = machine.tables.stack_number(1, frames, (), 'end', False)
        self.assertTrue(machine.tables.settle(item.slot, number))
        self.assertEqual(machine.tables.scan(5)[0][:3], (0x10000, 24, number))
        # the recorder itself finds the same number now
        machine.call(machine.release, 0x10000)
        record = self.call_with(machine, words)
        self.assertEqual((record.number, record.frames), (number, frames))
        self.assertEqual(machine.tables['cut'], 0)
        self.assertEqual(machine.tables.pending(), [])

    def test_a_pending_block_that_was_freed_is_settled_too(self):
        machine = self.machine().functions()
        machine.tables['tick'] = 3
        machine.alloc(0x10000, 50)
        machine.tables['tick'] = 7
        machine.call(machine.release, 0x10000)
        item = machine.tables.pending()[0]
        number = machine.tables.stack_number(1, (item.pc,), (), 'end', False)
        self.assertTrue(machine.tables.settle(item.slot, number))
        row = machine.tables.figures()[number]
        self.assertEqual((row.live, row.free, row.free_bytes, row.free_total, row.free_min, row.free_max),
                         (0, 1, 50, 4, 4, 4))
        self.assertEqual(machine.tables.pending(), [])
        # the slot is clean again
        machine.alloc(0x10000, 60)
        item = machine.tables.pending()[0]
        machine.tables.settle(item.slot, number)
        row = machine.tables.figures()[number]
        self.assertEqual((row.live, row.live_bytes, row.free, row.free_bytes), (1, 60, 1, 50))

    def test_more_than_can_wait_are_cut_short_and_counted(self):
        machine = self.machine().functions()
        for number in range(100):
            machine.alloc(0x10000 + 16 * number)
        tables = machine.tables
        waiting = len(tables.pending())
        self.assertEqual(waiting + tables['cut'], 100)
        ways = recorder._constant['PENDING_WAYS']
        self.assertEqual(waiting, min(ways, tables['pending_mask'] + 1))
        machine.end_here()
        tables['tick'] = 10
        found = tables.scan(1)
        self.assertEqual(len(found), 100)
        endings = [tables.stack(block[2]).ending for block in found]
        self.assertEqual((endings.count('end'), endings.count('no rules yet')), (ways, 100 - ways))

    def test_no_room_for_stacks(self):
        machine = self.machine(stacks=16).functions()
        teach = machine.tables.teach
        teach(machine.call_on_return, (RSP, 16, None))
        for number in range(40):
            teach(0x100000 + number, END_OF_STACK)
            self.call_with(machine, [0, 0x100000 + number])
            machine.call(machine.release, 0x10000)
        self.assertEqual(machine.tables['lost_stacks'], 40 - 15)
        record = self.call_with(machine, [0, 0x100000 + 39])
        self.assertEqual((record.number, record.frames, record.ending), (0, (), 'no rules yet'))
        self.assertEqual(total(machine.tables.figures(), 'free'), 40)

    def test_an_unknown_stack_is_read_to_the_end_of_its_page(self):
        machine = self.machine().functions()
        self.teach(machine)
        memory = mmap.mmap(-1, 16384, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        words = [0] + [0x1000] * 10 + [0x5000]
        for offset, ending in ((4096, 'end'), (8192 - 40, 'memory')):
            memory[offset:offset + 8 * len(words)] = struct.pack('<%dQ' % len(words), *words)
            machine.set_result(0x10000)
            machine.call_on(start + offset, 0, machine.allocate, 8)
            machine.tables['tick'] += 10
            record = machine.tables.stack(machine.tables.scan(5)[0][2])
            machine.call(machine.release, 0x10000)
            self.assertEqual(record.ending, ending)
        self.assertEqual(machine.tables['unknown_stacks'], 2)
        self.assertIn((machine.tcb, start + 8192 - 40), machine.tables.asked())
        machine.tables.set_stack(machine.tcb, start, start + 16384)
        machine.call_on(start + 8192 - 40, 0, machine.allocate, 8)
        machine.tables['tick'] += 10
        self.assertEqual(machine.tables.stack(machine.tables.scan(5)[0][2]).ending, 'end')
        # and when it is gone
        self.assertGreaterEqual(machine.tables.check_stacks(lambda low, high: low != start), 1)
        machine.call_on(start + 8192 - 40, 0, machine.allocate, 8)
        self.assertEqual(machine.tables['unknown_stacks'], 3)

    def test_a_call_inside_a_call_is_counted_once(self):
        machine = self.machine().functions()
        # wrapper: sub rsp, 8; nop; call allocate's stub; add rsp, 8; ret
        inner = machine.allocate
        here = machine.next
        wrapper = machine.put(b'\x48\x83\xec\x08\x90\xe8' + struct.pack('<i', inner.address - here - 10)
                              + b'\x48\x83\xc4\x08\xc3')
        machine.tables.teach(here + 10, (RSP, 16, None))
        outer = machine.hook(9, wrapper, AFTER)
        for _ in range(3):
            machine.set_result(0x10000)
            machine.call(outer, 33)
            for item in machine.tables.pending():
                machine.tables.teach(item.missing, END_OF_STACK)
                number = machine.tables.stack_number(item.hook, (item.pc, 0xbad), (), 'end', item.hook == 1)
                machine.tables.settle(item.slot, number)
            self.assertEqual(machine.tables.count()[:2], (1, 33))
            machine.call(machine.release, 0x10000)
        self.assertEqual(machine.tables['missed_frees'], 0)
        self.assertGreater(machine.tables['replaced'], 0)
        figures = machine.tables.figures()
        self.assertEqual((total(figures, 'live'), total(figures, 'free'), total(figures, 'free_bytes')),
                         (0, 3, 99))
        self.assertEqual(machine.tables.settle_rest(), 0)
        nested = [machine.tables.stack(number) for number in range(1, machine.tables['stacks_next'])]
        self.assertTrue([record for record in nested if record.nested and record.hook == 1
                         and outer.frame[0] in record.frames])

    def test_a_realloc_inside_a_realloc(self):
        machine = self.simple()
        tables = machine.tables
        inner = machine.reallocate
        here = machine.next
        wrapper = machine.put(b'\x48\x83\xec\x08\x90\xe8' + struct.pack('<i', inner.address - here - 10)
                              + b'\x48\x83\xc4\x08\xc3')
        tables.teach(here + 10, (RSP, 16, None))
        outer = machine.hook(9, wrapper, BOTH, recorder.SECOND)
        for _ in range(2):
            machine.alloc(0x10000, 10)
            for old, new, size in ((0x10000, 0x20000, 20), (0x20000, 0x20000, 30)):
                machine.set_result(new)
                self.assertEqual(machine.call(outer, old, size), new)
                machine.end_here()
                self.assertEqual(tables.count()[:2], (1, size))
            machine.set_result(0)
            self.assertEqual(machine.call(outer, 0x20000, 1 << 60), 0)
            self.assertEqual(tables.count()[:2], (1, 30))
            machine.call(machine.release, 0x20000)
            self.assertEqual(tables.count()[:2], (0, 0))
        machine.end_here()
        figures = tables.figures()
        self.assertEqual((total(figures, 'free') - total(machine.base, 'free'),
                          total(figures, 'free_bytes') - total(machine.base, 'free_bytes')), (6, 120))
        self.assertEqual(tables['missed_frees'], 0)

    def test_what_does_not_fit_a_rule(self):
        tables = self.machine().tables
        complex_rule = tables._encode(None, False)
        for rule in ((3, 8, None), (RSP, 12, None), (RSP, 0, None), (RSP, -8, None), (RSP, 16, -8),
                     (RSP, 16, 8), (RBP, 16, -12), (RSP, 1 << 31, None)):
            self.assertEqual(tables._encode(rule, False), complex_rule, rule)
        self.assertTrue(all(tables.teach(pc, (RSP, 8, None)) for pc in range(0x1000, 0x1000 + 2000)))
        self.assertFalse(all(tables.teach(pc, (RSP, 8, None)) for pc in range(0x9000, 0x9000 + 5000)))
        self.assertEqual(tables.forget(0x1000, 0x1000 + 100), 100)

    # -- with a compiler

    def driver(self):
        path = support.compile_program(self.driver_source(),
                                       flags=['-shared', '-fPIC', '-fno-optimize-sibling-calls'],
                                       name='recorder-driver')
        driver = ctypes.CDLL(path)
        driver.use.argtypes = [ctypes.c_void_p] * 3
        driver.interrupted.restype = driver.churn.restype = ctypes.c_long
        driver.counted((ctypes.c_long * 4)())
        return driver

    def driver_source(self):
        path = os.path.join(support.temporary_directory(), 'recorder_driver.c')
        if not os.path.exists(path):
            with open(path, 'w') as stream:
                stream.write(DRIVER)
        return path

    def real(self, **sizes):
        """A machine with stubs for the C library's own functions, and the driver, told of them."""
        driver = self.driver()
        sizes.setdefault('blocks', 1 << 16)
        machine = self.machine(**sizes)
        stubs = [machine.hook(number + 1, address_of(libc, name), kind, size).address
                 for number, (name, kind, size) in enumerate((
                     ('malloc', AFTER, recorder.FIRST), ('free', BEFORE, None),
                     ('realloc', BOTH, recorder.SECOND)))]
        driver.use(*stubs)
        self.addCleanup(driver.clean)           # a test that failed must not leave blocks to the next
        machine.driver = driver
        return machine

    @staticmethod
    def serving(machine):
        """Serve in a thread as the monitor would until stopped -> function that stops it."""
        over = threading.Event()

        def loop():
            while not over.wait(0.002):
                machine.serve()
                machine.tables['tick'] += 1

        thread = threading.Thread(target=loop)
        thread.start()

        def stop():
            over.set()
            thread.join()
            machine.serve()
        return stop

    def test_8_threads_exact(self):
        machine = self.real()
        driver = machine.driver
        stop = self.serving(machine)
        try:
            wrong = driver.churn(8, support.scaled(150000))
        finally:
            stop()
        self.assertEqual(wrong, 0, 'the blocks held what was not written there')
        tables = machine.tables
        counts = (ctypes.c_long * 4)()
        driver.counted(counts)
        allocated, allocated_bytes, freed, freed_bytes = counts
        self.assertEqual((tables['missed_frees'], tables['unknown_frees'], tables['lost_blocks'],
                          tables['lost_stacks'], tables['failed']), (0, 0, 0, 0, 0))
        figures = tables.figures()
        self.assertEqual(tables.settle_rest(), 0)
        self.assertEqual(tables.waiting(), (0, 0))
        self.assertEqual((total(figures, 'live') + total(figures, 'free'),
                          total(figures, 'live_bytes') + total(figures, 'free_bytes'),
                          total(figures, 'free'), total(figures, 'free_bytes')),
                         (allocated, allocated_bytes, freed, freed_bytes))
        # and what is left are the very blocks
        left = {block[0]: block[1] for block in tables.scan(0)}
        slots = ctypes.c_void_p.in_dll(driver, 'slots')
        array = ctypes.cast(ctypes.addressof(slots), ctypes.POINTER(ctypes.c_uint64 * 4096))[0]
        live = [value for value in array if value]
        self.assertEqual(sorted(left), sorted(live))
        driver.clean()
        self.assertEqual(tables.count()[:2], (0, 0))

    def test_exact_while_the_monitor_works(self):
        machine = self.real(blocks=1 << 13, reserve=1 << 15, stacks=1 << 10)
        driver, tables = machine.driver, machine.tables
        listed = []
        over = threading.Event()

        def monitor():
            turn = 0
            while not over.is_set():
                turn += 1
                tables['tick'] += 1
                machine.serve()
                listed.extend(tables.scan(3, tables.buckets() // 3))
                if turn % 7 == 0:
                    for stub in machine.stubs[:1]:
                        record = tables.stack(1 + turn % tables['stacks_next'])
                        for pc in record.frames[:3]:
                            tables.forget(pc, pc + 1)
                if turn == 20:
                    tables.add_level(machine.file.fileno(), 1 << 14)
                over.wait(0.001)

        thread = threading.Thread(target=monitor)
        thread.start()
        try:
            self.assertEqual(driver.churn(4, support.scaled(200000)), 0)
        finally:
            over.set()
            thread.join()
        for _ in range(3):
            machine.serve()
        counts = (ctypes.c_long * 4)()
        driver.counted(counts)
        figures = tables.figures()
        self.assertEqual((tables['missed_frees'], tables['unknown_frees'], tables['lost_blocks']), (0, 0, 0))
        self.assertEqual((total(figures, 'live') + total(figures, 'free'), total(figures, 'free'),
                          total(figures, 'live_bytes') + total(figures, 'free_bytes'),
                          total(figures, 'free_bytes')), (counts[0], counts[2], counts[1], counts[3]))
        # whatever was listed is alive yet or was freed as reported
        live = total(figures, 'live')
        rest = len(tables.scan(0))
        records = [tables.stack(number) for number in range(len(figures))]
        self.assertGreater(len(listed), 0)
        self.assertEqual(live - rest, total(figures, 'expired'))
        freed = len(listed) - total(figures, 'expired')
        seen = sum(record.free_expired for record in records)
        self.assertEqual(tables['late_frees'], seen)
        # all but those that were marked while a thread took them out
        self.assertLessEqual(seen, freed)
        self.assertGreaterEqual(seen, freed - 3 - freed // 100)
        driver.clean()
        self.assertEqual(tables.count()[0], 0)

    def test_stacks_are_those_of_backtrace(self):
        machine = self.real()
        driver = machine.driver
        for depth in (0, 1, 5, 20, 60):
            for _ in range(4):
                driver.backtraced(depth)
                machine.serve()
            want = (ctypes.c_void_p * 128)()
            number = driver.backtraced_frames(want, 128)
            machine.tables['tick'] += 100
            found = machine.tables.scan(50)
            self.assertEqual(len(found), 4)
            limit = machine.tables['limit']
            for address, size, stack, birth in found:
                record = machine.tables.stack(stack)
                # the innermost are two calls of the same function, of backtrace and of malloc
                self.assertEqual(list(record.frames[1:]), [int(pc) for pc in want[1:number]][:limit - 1])
                self.assertEqual(record.ending, 'end' if number <= limit else 'limit')
            driver.clean()
        self.assertEqual(machine.tables['cut'], 0)

    def test_signal_handlers_that_allocate_and_jump_out(self):
        driver = self.driver()
        machine = self.machine(blocks=1 << 14)
        machine.driver = driver
        names = (('fake_allocate', AFTER), ('fake_release', BEFORE))
        stubs = [machine.hook(number + 1, address_of(driver, name), kind).address
                 for number, (name, kind) in enumerate(names)]
        driver.use(*stubs + [None])
        counts = (ctypes.c_long * 4)()
        driver.counted(counts)
        jumps = ctypes.c_long()
        stop = self.serving(machine)
        try:
            signals = driver.interrupted(support.scaled(4000), ctypes.byref(jumps))
        finally:
            stop()
        self.assertGreater(signals, 1000)
        self.assertGreater(jumps.value, 100)
        driver.counted(counts)
        tables = machine.tables
        figures = tables.figures()
        # each jump out can lose one call, and the block that the program forgot stays
        noted = total(figures, 'live') + total(figures, 'free')
        self.assertLessEqual(abs(noted - counts[0]), jumps.value)
        self.assertLessEqual(total(figures, 'live'), jumps.value)
        self.assertLessEqual(tables['unknown_frees'], jumps.value)
        self.assertEqual(tables['missed_frees'], 0)
        self.assertLessEqual(tables['lost_blocks'], jumps.value // 50)      # out of the very middle of take()

    def test_registers_are_kept(self):
        driver = self.driver()
        machine = self.machine()
        function = machine.put(b'\x48\x89\xf8\x90\x90\xc3')          # mov rax, rdi; nop; nop; ret
        for kind in (BEFORE, AFTER, BOTH):
            stub = machine.hook(1, function, kind)
            for _ in range(4):
                self.assertEqual(driver.registers(ctypes.c_void_p(stub.address), 1), 0, kind)
                machine.serve()
        tables = machine.tables
        # a stack of one frame, cut short: the block could be that of a call inside another
        self.assertEqual((tables['unknown_frees'], tables['missed_frees'], tables['replaced'], tables['lost_blocks']),
                         (4, 0, 3, 0))
        self.assertEqual(tables.count()[0], 1)

    def test_threads_that_end_and_begin(self):
        machine = self.real(threads=16)
        stop = self.serving(machine)
        try:
            self.assertEqual(machine.driver.generations(support.scaled(60)), 0)
        finally:
            stop()
        counts = (ctypes.c_long * 4)()
        machine.driver.counted(counts)
        figures = machine.tables.figures()
        self.assertEqual((total(figures, 'free'), total(figures, 'free_bytes'), total(figures, 'live')),
                         (counts[2], counts[3], 0))


class BytesInTheModule(Suite, unittest.TestCase):

    def pieces(self):
        built = recorder.Built(recorder.CODE, dict(recorder.OFFSETS), recorder.PARTS, recorder.FIXUPS)
        return built, recorder.KEEPER

    def test_numbers_of_the_system(self):
        """The requests and calls that the loop over traps makes are those of the system's headers."""
        compiler = support.find_compiler()
        if not compiler:
            self.skipTest('no C compiler')
        with open(os.path.join(support.ROOT, 'recorder.c')) as stream:
            numbers = re.findall(r'^#define ((?:SYS|PTRACE|SI|E|W)_?[A-Z0-9]+) (\w+)$', stream.read(), re.MULTILINE)
        names = {'WALL': '__WALL', 'SYS_PREAD': 'SYS_pread64'}
        lines = ['#include <linux/ptrace.h>', '#include <sys/syscall.h>', '#include <signal.h>', '#include <errno.h>',
                 '#include <linux/wait.h>']
        checked = []
        for name, value in numbers:
            known = names.get(name, name.lower().replace('sys_', 'SYS_') if name.startswith('SYS_') else name)
            lines.append('_Static_assert(%s == %s, "%s");' % (known, value, name))
            checked.append(name)
        self.assertGreaterEqual(set(checked), {'PTRACE_CONT', 'PTRACE_GETREGS', 'PTRACE_GETSIGINFO', 'PTRACE_GETSIGMASK',
                                               'SYS_PREAD', 'SYS_WAIT4', 'SYS_PTRACE', 'WALL', 'WNOHANG', 'SI_KERNEL',
                                               'ECHILD'})
        done = subprocess.Popen([compiler, '-D_GNU_SOURCE', '-fsyntax-only', '-x', 'c', '-'], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        text = done.communicate('\n'.join(lines).encode() + b'\n')[0].decode()
        self.assertEqual((done.returncode, text), (0, ''), '\n'.join(lines))

    def test_no_vector_registers_no_system_calls(self):
        objdump = support.find_program('objdump')
        if not objdump:
            self.skipTest('not installed: objdump')
        with tempfile.NamedTemporaryFile() as stream:
            stream.write(recorder.CODE[8:])
            stream.flush()
            text = subprocess.check_output([objdump, '-D', '-b', 'binary', '-m', 'i386:x86-64', stream.name])
        text = text.decode('ascii')
        self.assertNotRegex(text, r'%[xyz]mm|%st|%mm\d|syscall|int +\$|\(bad\)')
        self.assertRegex(text, 'cmpxchg16b')

    @unittest.skipUnless(shutil.which('objdump'), 'no objdump')
    def test_the_loops_over_a_stack_lie_in_one_line_of_the_cache(self):
        number, (start, end) = max(enumerate(recorder.PARTS), key=lambda part: part[1][1] - part[1][0])
        pieces = recorder.place([(0x10000, 0x10000 + 4000), (0x20003, 0x20003 + 4096)])
        whole = recorder.place([(0x30008, 0x40000)])
        self.assertEqual({pieces[number] % 64, whole[number] % 64}, {start % 64})
        self.assertEqual(len(set(address >> 16 for address in pieces)), 2)
        taken = sorted((address, address + part[1] - part[0]) for address, part in zip(pieces, recorder.PARTS))
        for (_, before), (after, _) in zip(taken, taken[1:]):
            self.assertLessEqual(before, after)
        with tempfile.NamedTemporaryFile() as f:
            f.write(recorder.CODE)
            f.flush()
            text = subprocess.check_output(['objdump', '-D', '-b', 'binary', '-m', 'i386:x86-64', '--no-show-raw-insn',
                                            '--start-address=%d' % start, '--stop-address=%d' % end, f.name]).decode()
        lines = [line.split(':\t') for line in text.splitlines() if ':\t' in line]
        loops = []
        for index, (address, instruction) in enumerate(lines[:-1]):
            jump = re.match(r'j(?!mp)\w+ +0x(\w+)', instruction)
            if jump and 0 < int(address, 16) - int(jump.group(1), 16) < 48:
                loops.append((int(jump.group(1), 16), int(lines[index + 1][0], 16)))
        self.assertEqual(len(loops), 2)                 # return addresses, frame pointers
        for first, last in loops:
            self.assertEqual(first // 64, (last - 1) // 64)

    def test_the_bytes_are_those_of_the_source(self):
        source = os.path.join(support.ROOT, 'recorder.c')
        if not os.path.exists(source):
            self.skipTest('no recorder.c here')
        self.assertEqual(recorder.SOURCE_CHECKSUM, recorder.source_checksum(source),
                         'recorder.c or the layout was changed: python3 recorder.py --build recorder.c')

    def test_it_runs_at_any_address(self):
        self.assertEqual(recorder.code(0x1234)[:8], struct.pack('<Q', 0x1234))
        self.assertEqual(recorder.code(0x1234)[8:], recorder.CODE[8:])


class CompiledAnew(Suite, unittest.TestCase):

    def pieces(self):
        return compiled()


class Stubs(unittest.TestCase):
    """The stubs' bytes, looked at by objdump and by the tables that go with them."""

    def build(self, kind):
        code = b'\xf3\x0f\x1e\xfa\x41\x57\x41\x56\x48\x83\xec\x18' + b'\x90' * 60
        prologue = trampoline.plan_prologue(code, 64)
        word = recorder.hook_word(7, kind, recorder.SECOND)
        return recorder.build_stub(kind, 0x10000, 0x20000, code, prologue, word, 0x30000, 0x30100)

    def test_the_stack_depth_at_each_instruction(self):
        objdump = support.find_program('objdump')
        if not objdump:
            self.skipTest('not installed: objdump')
        for kind in (BEFORE, AFTER, BOTH):
            stub = self.build(kind)
            with tempfile.NamedTemporaryFile() as stream:
                stream.write(stub.code)
                stream.flush()
                text = subprocess.check_output([objdump, '-D', '-b', 'binary', '-m', 'i386:x86-64',
                                                '--adjust-vma=0x10000', stream.name]).decode('ascii')
            depth = 8
            calls = []
            for line in text.splitlines():
                match = re.match(r'\s+([0-9a-f]+):\t[0-9a-f ]+\t(\S+)\s*(.*)', line)
                if not match:
                    continue
                pc, name, operands = int(match.group(1), 16), match.group(2), match.group(3)
                if pc >= stub.moved[0]:
                    break
                rule = [offset for start, end, offset in stub.cfi if start <= pc < end]
                self.assertEqual(rule, [depth], (kind, line))
                if name.startswith('push'):
                    depth += 8
                elif name == 'add':
                    depth -= int(re.match(r'\$0x([0-9a-f]+),%rsp', operands).group(1), 16)
                elif name == 'lea':
                    depth -= 8
                elif name == 'call':
                    calls.append((int(operands.split()[0], 16), depth))
                elif name == 'ret':
                    self.assertEqual(depth, 8)
            moved = [item for item in calls if item[0] == stub.moved[0]]
            self.assertEqual(len(moved), 0 if kind == BEFORE else 1)
            for target, depth in moved:
                # at the function's entry the stack is aligned as a call leaves it (psABI 3.2.2)
                self.assertEqual(depth % 16, 0)
                self.assertEqual(recorder.frame_rule(stub), (RSP, depth, None))
            self.assertEqual(set(target for target, _ in calls) - {stub.moved[0]},
                             {BEFORE: {0x30000}, AFTER: {0x30100}, BOTH: {0x30000, 0x30100}}[kind])

    def test_too_far(self):
        code = b'\x41\x57\x41\x56\x48\x83\xec\x18' + b'\x90' * 60
        prologue = trampoline.plan_prologue(code, 64)
        self.assertRaises(trampoline.CannotMove, recorder.build_stub, AFTER, 0x10000, 0x20000, code, prologue,
                          recorder.hook_word(1, AFTER, 0), 1 << 40, 1 << 40)

    def test_away_and_home(self):
        for kind in (BEFORE, AFTER, BOTH):
            stub = self.build(kind)
            self.assertEqual(trampoline.home(stub, stub.address), 0x20004)
            inside = trampoline.away(stub, 0x20006)
            self.assertEqual(trampoline.home(stub, inside), 0x20006)
            self.assertEqual(trampoline.original(stub, inside), 0x20006)
            self.assertEqual(trampoline.entry_patch(stub)[0], 0x20004)

    def test_endings_are_the_unwinders(self):
        self.assertEqual(recorder.END_OF_STACK, unwinder.END_OF_STACK)
        self.assertEqual(recorder.ENDINGS[:4],
                         (unwinder.END_OF_STACK, unwinder.LIMIT, unwinder.MEMORY, unwinder.LOOP))
        self.assertTrue(set(unwinder.ENDINGS) <= set(recorder.ENDINGS))


DRIVER = r'''
#define _GNU_SOURCE
#include <execinfo.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define KEEP __attribute__((noinline, noclone))

static void *(*allocate)(size_t);
static void (*release)(void *);
static void *(*reallocate)(void *, size_t);
void use(void *a, void *b, void *c)
{
	allocate = a; release = b; reallocate = c;
}

static atomic_long allocated, allocated_bytes, freed, freed_bytes;
_Atomic(size_t *) slots[4096];

void counted(long *out)
{
	out[0] = allocated; out[1] = allocated_bytes; out[2] = freed; out[3] = freed_bytes;
	allocated = allocated_bytes = freed = freed_bytes = 0;
}

/* A block holds its size, and the size again at its end. */
static KEEP size_t *get(size_t size, int depth)
{
	volatile char room[24];
	size_t *p;
	room[0] = 0;
	if (depth > 0)
		p = get(size, depth - 1);
	else
		p = allocate(size);
	p[0] = size;
	memset((char *)p + size - 8, size & 0xff, 8);
	return p;
}

static int give(size_t *p)
{
	size_t size = p[0], i;
	for (i = size - 8 < 8 ? 8 : size - 8; i < size; i++)
		if (((unsigned char *)p)[i] != (size & 0xff))
			return 1;
	freed++; freed_bytes += size;
	release(p);
	return 0;
}

static long rounds;
static void *churn_thread(void *argument)
{
	uint64_t seed = (uint64_t)argument * 7919 + 1;
	long wrong = 0;
	for (long i = 0; i < rounds; i++) {
		size_t size, *p, *old;
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		size = 16 + (seed >> 33) % 300;
		if ((seed >> 20) % 16 == 0 && (old = atomic_exchange(&slots[(seed >> 45) % 4096], 0))) {
			size_t before = old[0];
			p = reallocate(old, size);
			freed++; freed_bytes += before;
			p[0] = size;
			memset((char *)p + size - 8, size & 0xff, 8);
			if (size < 16 + 8)
				p[0] = size;
		} else
			p = get(size, (seed >> 50) % 12);
		if (size < 16) p[0] = size;
		allocated++; allocated_bytes += size;
		p[0] = size;
		old = atomic_exchange(&slots[(seed >> 40) % 4096], p);
		if (old)
			wrong += give(old);
	}
	return (void *)wrong;
}

long churn(int threads, long n)
{
	pthread_t t[64];
	long wrong = 0;
	rounds = n;
	for (long i = 0; i < threads; i++)
		pthread_create(&t[i], 0, churn_thread, (void *)i);
	for (int i = 0; i < threads; i++) {
		void *result;
		pthread_join(t[i], &result);
		wrong += (long)result;
	}
	return wrong;
}

void clean(void)
{
	for (int i = 0; i < 4096; i++) {
		size_t *p = atomic_exchange(&slots[i], 0);
		if (p)
			release(p);
	}
}

static void *frames[128];
static int frame_count, next_slot;
static KEEP void *deeper(int depth)
{
	void *p;
	if (depth > 0)
		p = deeper(depth - 1);
	else {
		frame_count = backtrace(frames, 128);
		p = allocate(100);
		slots[next_slot++ % 4096] = p;
	}
	asm volatile("" : "+r"(p));
	return p;
}
static void *backtraced_thread(void *argument)
{
	return deeper((int)(long)argument);
}
void backtraced(int depth)
{
	pthread_t t;
	void *ignored[8];
	backtrace(ignored, 8);
	pthread_create(&t, 0, backtraced_thread, (void *)(long)depth);
	pthread_join(t, 0);
}
int backtraced_frames(void **out, int most)
{
	int n = frame_count < most ? frame_count : most;
	/* frames[0] is in deeper(), whose return address for malloc is another one */
	memcpy(out, frames, n * sizeof *out);
	return n;
}

/* An allocator whose addresses are never used again: it may be interrupted and left at any time. */
static atomic_ulong next_address = 0x100000000;
KEEP void *fake_allocate(size_t size)
{
	return (void *)atomic_fetch_add(&next_address, (size + 15) & -16ul);
}
KEEP void fake_release(void *p)
{
	asm volatile("nop; nop; nop; nop; nop" : : "r"(p) : "memory");
}

/* A thread allocates; signals come, whose handler allocates too and now and then jumps out of it all. */
static sigjmp_buf out;
static volatile sig_atomic_t armed, signals, over;
static long jumps;
static KEEP void *fake_deep(size_t size, int depth)
{
	void *p = depth > 0 ? fake_deep(size, depth - 1) : allocate(size);
	asm volatile("" : "+r"(p));
	return p;
}
static void handler(int number)
{
	void *p;
	(void)number;
	p = fake_deep(32, 3);
	release(p);
	allocated++; freed++;
	signals++;
	if (armed && signals % 5 == 0) {
		jumps++;
		armed = 0;
		siglongjmp(out, 1);
	}
}
static void *interrupted_thread(void *argument)
{
	(void)argument;
	while (!over) {
		if (sigsetjmp(out, 1) == 0) {
			armed = 1;
			while (!over)
				for (int i = 0; i < 50; i++) {
					release(fake_deep(64, i % 9));
					allocated++; freed++;
				}
			armed = 0;
		}
	}
	return 0;
}
long interrupted(int rounds, long *jumped)
{
	struct sigaction action, old;
	pthread_t t;
	long before;
	memset(&action, 0, sizeof action);
	action.sa_handler = handler;
	sigaction(SIGUSR2, &action, &old);
	over = 0;
	signals = jumps = 0;
	pthread_create(&t, 0, interrupted_thread, 0);
	for (int i = 0; i < rounds; i++) {
		before = signals;
		pthread_kill(t, SIGUSR2);
		while (signals == before)
			usleep(5);
	}
	armed = 0;
	over = 1;
	pthread_join(t, 0);
	sigaction(SIGUSR2, &old, 0);
	*jumped = jumps;
	return signals;
}

/* Generations of threads, each on a stack of another size. */
static void *short_thread(void *argument)
{
	long wrong = 0;
	for (int i = 0; i < 200; i++) {
		size_t *p = get(16 + i, (long)argument % 30);
		allocated++; allocated_bytes += 16 + i;
		wrong += give(p);
	}
	return (void *)wrong;
}
long generations(int n)
{
	long wrong = 0;
	for (int i = 0; i < n; i++) {
		pthread_t t[6];
		for (int k = 0; k < 6; k++) {
			pthread_attr_t attributes;
			pthread_attr_init(&attributes);
			pthread_attr_setstacksize(&attributes, 65536 + 4096 * ((i * 6 + k) * 37 % 700));
			pthread_create(&t[k], &attributes, short_thread, (void *)(long)(i + k));
			pthread_attr_destroy(&attributes);
		}
		for (int k = 0; k < 6; k++) {
			void *result;
			pthread_join(t[k], &result);
			wrong += (long)result;
		}
	}
	return wrong;
}

/* All registers around a call of a stub; -> how many of those that must be kept were not. Its function
 * returns at once, so whatever differs was changed on the way. */
long registers(void *stub, int after)
{
	uint64_t in[15], back[15], i, wrong = 0, *first, *second;
	for (i = 0; i < 15; i++)
		in[i] = 0x1111111111111111u * (i + 1) + 8;
	in[5] = 0x123450;               /* the block */
	in[14] = (uint64_t)stub;
	first = in;
	second = back;
	asm volatile(
	    "sub $256, %%rsp\n"             /* past the red zone */
	    "push %%rbp; push %%rbx; push %%r12; push %%r13; push %%r14; push %%r15; push %1; push %1\n"
	    "mov %0, %%r15\n"
	    "mov 0(%%r15), %%rax; mov 8(%%r15), %%rbx; mov 16(%%r15), %%rcx; mov 24(%%r15), %%rdx\n"
	    "mov 32(%%r15), %%rsi; mov 40(%%r15), %%rdi; mov 48(%%r15), %%rbp; mov 56(%%r15), %%r8\n"
	    "mov 64(%%r15), %%r9; mov 72(%%r15), %%r10; mov 80(%%r15), %%r11; mov 88(%%r15), %%r12\n"
	    "mov 96(%%r15), %%r13; mov 104(%%r15), %%r14\n"
	    "call *112(%%r15)\n"
	    "mov (%%rsp), %%r15\n"
	    "mov %%rax, 0(%%r15); mov %%rbx, 8(%%r15); mov %%rcx, 16(%%r15); mov %%rdx, 24(%%r15)\n"
	    "mov %%rsi, 32(%%r15); mov %%rdi, 40(%%r15); mov %%rbp, 48(%%r15); mov %%r8, 56(%%r15)\n"
	    "mov %%r9, 64(%%r15); mov %%r10, 72(%%r15); mov %%r11, 80(%%r15); mov %%r12, 88(%%r15)\n"
	    "mov %%r13, 96(%%r15); mov %%r14, 104(%%r15)\n"
	    "pop %1; pop %1; pop %%r15; pop %%r14; pop %%r13; pop %%r12; pop %%rbx; pop %%rbp\n"
	    "add $256, %%rsp\n"
	    : "+a"(first), "+c"(second) : : "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
	/* after an allocation rax is the result, which the function makes of rdi */
	if (after)
		in[0] = in[5];
	for (i = 0; i < 14; i++)
		wrong += in[i] != back[i];
	return wrong;
}
'''


if __name__ == '__main__':
    unittest.main()
