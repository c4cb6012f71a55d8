"""platform_freebsd.py, as far as it can be tested on any system.

What the kernel hands out is decoded by functions that take bytes: these are given records captured on FreeBSD
(tests/data/freebsd-*.json) and records built here, damaged ones too. The judge of every constant, size and offset is
a C probe that is compiled against FreeBSD's own headers, which the package ziglang (from PyPI) brings along; programs
that it builds for FreeBSD go through elfreader, unwinder, dwarfline and trampoline. Where ziglang is not installed,
name the directory that it was unpacked into in MEMLEAX_ZIGLANG, else these tests are skipped.
"""

import binascii
import ctypes
import errno
import glob
import importlib.util
import json
import os
import random
import re
import struct
import subprocess
import sys
import unittest
import zlib

import support

import dwarfline
import elfreader
import platform_freebsd as platform
import trampoline
import unwinder

DATA = os.path.join(support.ROOT, 'tests', 'data')


# -- records built by hand, from <sys/user.h>, <sys/ptrace.h> and <machine/reg.h>


def vm_record(start, end, protection=5, path='', kind=2, offset=0, inode=7, device=0, old_device=0, flags=1, size=None):
    name = path.encode('utf-8', 'surrogateescape') + b'\0'
    length = (136 + len(name) + 7) & -8 if size is None else size
    record = bytearray(max(length, 136 + len(name)))
    struct.pack_into('<iiQQQQII', record, 0, length, kind, start, end, offset, inode, old_device, flags)
    struct.pack_into('<I', record, 56, protection)
    struct.pack_into('<Q', record, 88, device)
    record[136:136 + len(name)] = name
    return bytes(record[:length])


def process_record(size=1088, **fields):
    record = bytearray(1088)
    struct.pack_into('<i', record, 0, size)
    places = {'vmspace': (56, 'Q'), 'pid': (72, 'i'), 'ppid': (76, 'i'), 'pending': (104, 'Q'), 'blocked': (120, 'Q'),
              'ignored': (136, 'Q'), 'caught': (152, 'Q'), 'uid': (168, 'I'), 'seconds': (336, 'q'),
              'microseconds': (344, 'q'), 'flags': (368, 'q'), 'state': (388, 'B'), 'old_cpu': (392, 'B'),
              'old_last': (393, 'B'), 'cpu': (568, 'i'), 'last': (572, 'i'), 'tracer': (576, 'i'),
              'flags2': (580, 'i'), 'threads': (596, 'i'), 'tid': (600, 'i')}
    texts = {'thread_name': 394, 'wait_message': 411, 'name': 447, 'emulation': 467}
    for key, value in fields.items():
        if key in texts:
            record[texts[key]:texts[key] + len(value)] = value
        else:
            struct.pack_into('<' + places[key][1], record, places[key][0], value)
    return bytes(record)


def lwp_record(tid=100077, event=1, flags=0x20, number=5, code=1, sender=0, address=0, child=0, call=0, blocked=0,
               pending=0):
    record = bytearray(160)
    struct.pack_into('<iii', record, 0, tid, event, flags)
    struct.pack_into('<Q', record, 12, blocked)
    struct.pack_into('<Q', record, 28, pending)
    struct.pack_into('<iiii', record, 48, number, 0, code, sender)
    struct.pack_into('<Q', record, 72, address)
    struct.pack_into('<iI', record, 148, child, call)
    return bytes(record)


class Mappings(unittest.TestCase):

    def test_permissions_paths_and_offsets(self):
        data = (vm_record(0x200000, 0x201000, 1, '/bin/a program') + vm_record(0x201000, 0x203000, 5, '/bin/a program',
                                                                               offset=0x1000)
                + vm_record(0x800000, 0x900000, 3, '', kind=1, inode=0, flags=0)
                + vm_record(0xa00000, 0xa01000, 0, '', kind=9, inode=0, flags=0))
        first, code, heap, guard = platform.parse_mappings(data)
        self.assertEqual((first.start, first.end, first.permissions, first.path),
                         (0x200000, 0x201000, 'r--p', '/bin/a program'))
        self.assertEqual((code.permissions, code.offset, code.inode), ('r-xp', 0x1000, 7))
        self.assertEqual((heap.permissions, heap.path, heap.inode), ('rw-p', '', 0))
        self.assertEqual(guard.permissions, '---p')

    def test_the_highest_protection_allowed_is_not_the_present_one(self):
        # 15.0: maximum in the upper bits
        item, = platform.parse_mappings(vm_record(4096, 8192, 7 << 16 | 1, '/lib/x'))
        self.assertEqual(item.permissions, 'r--p')

    def test_a_shared_mapping(self):
        item, = platform.parse_mappings(vm_record(4096, 8192, 5, '/lib/x', flags=0))
        self.assertEqual(item.permissions, 'r-xs')

    def test_device_before_and_since_12(self):
        old, = platform.parse_mappings(vm_record(4096, 8192, 5, '/lib/x', old_device=0x51))
        new, = platform.parse_mappings(vm_record(4096, 8192, 5, '/lib/x', device=0x123456789a, old_device=0x51))
        self.assertEqual((old.device, new.device), ('51', '123456789a'))

    def test_unpacked_records(self):
        # what an older kernel or a request without packing gives: each as long as the whole struct
        data = b''.join(vm_record(0x1000 * n, 0x1000 * n + 0x1000, 5, '/lib/%d' % n, size=1160) for n in range(1, 4))
        self.assertEqual([item.path for item in platform.parse_mappings(data)], ['/lib/1', '/lib/2', '/lib/3'])

    def test_a_path_of_any_bytes(self):
        item, = platform.parse_mappings(vm_record(4096, 8192, 5, '/tmp/\udcff\n x'))
        self.assertEqual(item.path, '/tmp/\udcff\n x')

    def test_damaged(self):
        good = vm_record(4096, 8192, 5, '/lib/x')
        for size in (-1, 0, 1, 135, 1 << 30):
            self.assertEqual(platform.parse_mappings(good + struct.pack('<i', size) + good[4:]),
                             platform.parse_mappings(good), size)
        self.assertEqual(platform.parse_mappings(vm_record(8192, 4096, 5, '/lib/x')), [])
        self.assertEqual(platform.parse_mappings(b''), [])
        for length in range(len(good)):
            self.assertEqual(platform.parse_mappings(good[:length]), [])

    def test_any_bytes(self):
        source = random.Random(4)
        for _ in range(500):
            data = bytearray(vm_record(4096, 8192, 5, '/lib/x') * 3)
            for _ in range(source.randrange(1, 12)):
                data[source.randrange(len(data))] = source.randrange(256)
            for item in platform.parse_mappings(bytes(data)):
                self.assertLess(item.start, item.end)


class SharedMemory(unittest.TestCase):
    """Found again by its address and flags: mappings of shared memory bear no name."""
    AT = platform.SHARED_MARK | 0x1234 << 28

    def setUp(self):
        for name in '_sysctl', '_processes':
            self.addCleanup(setattr, platform, name, getattr(platform, name))
        self.memory = {}
        platform._sysctl = lambda *name: self.memory.get(name[-1])
        platform._processes = lambda kind, argument=None: platform.parse_processes(b''.join(
            process_record(pid=pid, ppid=1) for pid in sorted(self.memory)))

    def map(self, pid, start, end, protection=3, path='', flags=platform.KVME_FLAG_NOCOREDUMP):
        self.memory[pid] = self.memory.get(pid, b'') + vm_record(start, end, protection, path, 1, inode=0, flags=flags)

    def test_is_found(self):
        self.map(7, 0x800000, 0x900000, flags=0)
        self.map(7, self.AT, self.AT + 0x5000, path='anon')
        self.assertEqual(platform.shared_memory_of(7), [(self.AT, 0x5000)])

    def test_in_pieces(self):
        self.map(7, self.AT, self.AT + 0x5000)
        self.map(7, self.AT + 0x5000, self.AT + 0x6000)
        self.map(7, self.AT + 0x7000, self.AT + 0x8000)
        self.assertEqual(platform.shared_memory_of(7), [(self.AT, 0x6000)])

    def test_of_two_runs(self):
        self.map(7, self.AT, self.AT + 0x5000)
        self.map(7, self.AT + (1 << 30), self.AT + (1 << 30) + 0x1000)
        self.assertEqual(platform.shared_memory_of(7), [(self.AT, 0x5000), (self.AT + (1 << 30), 0x1000)])

    def test_other_memory_is_none(self):
        self.assertEqual(platform.shared_memory_of(7), [])
        self.map(7, self.AT, self.AT + 0x5000, flags=0)
        self.map(7, self.AT + (1 << 28), self.AT + (1 << 28) + 0x5000, path='/a/file')
        self.map(7, self.AT + 0x1000000, self.AT + 0x1001000)
        self.assertEqual(platform.shared_memory_of(7), [])

    def test_the_mark_leaves_room_for_the_size(self):
        self.assertEqual(platform.SHARED_MARK & platform.SHARED_BITS, platform.SHARED_MARK)
        self.assertEqual(platform.SHARED_MARK % (2 << 20), 0, 'large pages')
        self.assertLess((platform.SHARED_MARK | 0xffff << 28) + (1 << 40), 1 << 47)

    def test_who_has_what_we_mapped(self):
        kept = set(platform._shared)
        self.addCleanup(platform._shared.update, kept)
        self.addCleanup(platform._shared.clear)
        for pid, at in ((7, self.AT), (8, self.AT + (1 << 28)), (9, self.AT), (10, 0x800000), (os.getpid(), self.AT)):
            self.map(pid, at, at + 0x5000)
        platform._shared.clear()
        platform._shared.add(self.AT)
        self.assertEqual(platform.processes_that_map(-1), [7, 9])

    def test_children_that_hide(self):
        parents = {30: (31, 10), 31: (30, 10), 20: (1, 5),
                   21: (20, 10), 22: (21, 10), 23: (20, 4), 24: (1, 10), 25: (20, 10)}
        platform._processes = lambda kind, argument=None: platform.parse_processes(b''.join(
            process_record(pid=pid, ppid=parent, seconds=start) for pid, (parent, start) in sorted(parents.items())))

        def refused(*name):
            if name[-1] == 25:
                return b''
            ctypes.set_errno(errno.EPERM)
        platform._sysctl = refused
        self.assertEqual(platform.unreadable_children(20, 5000000), [21, 22])


class Processes(unittest.TestCase):

    def test_fields(self):
        data = process_record(pid=4711, ppid=12, uid=1001, seconds=1700000000, microseconds=250000, flags=0x20000800,
                              state=3, tracer=99, threads=4, tid=100123, cpu=-1, last=3, flags2=2, name=b'postgres',
                              emulation=b'FreeBSD ELF64', thread_name=b'worker', wait_message=b'kqread',
                              blocked=1 << 4, pending=2, ignored=4, caught=8, vmspace=0xfffff80003c00000)
        item, = platform.parse_processes(data)
        self.assertEqual((item.pid, item.ppid, item.uid, item.threads, item.tid), (4711, 12, 1001, 4, 100123))
        self.assertEqual(item.start, 1700000000250000)
        self.assertEqual((item.name, item.emulation, item.thread_name, item.wait_message),
                         ('postgres', 'FreeBSD ELF64', 'worker', 'kqread'))
        self.assertEqual((item.tracer, item.cpu, item.flags2), (99, 3, 2))
        self.assertEqual((item.blocked, item.pending, item.ignored, item.caught), (16, 2, 4, 8))
        self.assertEqual(item.vmspace, 0xfffff80003c00000)

    def test_10_4_keeps_the_processor_elsewhere(self):
        data = process_record(pid=1, old_cpu=255, old_last=5, cpu=77, last=77)
        self.assertEqual(platform.parse_processes(data, 1004000)[0].cpu, 5)
        data = process_record(pid=1, old_cpu=2, old_last=5)
        self.assertEqual(platform.parse_processes(data, 1004000)[0].cpu, 2)
        self.assertEqual(platform.parse_processes(process_record(pid=1, cpu=6, last=1), 1500068)[0].cpu, 6)

    def test_who_traces(self):
        # before 11.1 there is no ki_tracer: a traced process is its tracer's child
        self.assertEqual(platform.parse_processes(process_record(ppid=50, flags=0x800), 1004000)[0].tracer, 50)
        self.assertEqual(platform.parse_processes(process_record(ppid=50, flags=0), 1500068)[0].tracer, 0)
        self.assertEqual(platform.parse_processes(process_record(ppid=50, flags=0, tracer=9), 1500068)[0].tracer, 0)

    def test_damaged(self):
        good = process_record(pid=5)
        self.assertEqual(len(platform.parse_processes(good * 3)), 3)
        self.assertEqual(len(platform.parse_processes(good + process_record(size=0, pid=6) + good)), 1)
        self.assertEqual(len(platform.parse_processes(good + process_record(size=-5, pid=6))), 1)
        self.assertEqual(platform.parse_processes(process_record(size=648, pid=6)), [])    # a 32-bit kernel's record
        for length in range(0, len(good), 7):
            self.assertEqual(platform.parse_processes(good[:length]), [])
        everything = process_record(pid=5, name=b'\xff' * 20, emulation=b'\xff' * 17, thread_name=b'x' * 17)
        self.assertEqual(len(platform.parse_processes(everything)), 1)


class Small(unittest.TestCase):

    def test_lwpinfo(self):
        info = platform.parse_lwpinfo(lwp_record(address=0x401235, child=77, call=240, blocked=16, pending=256))
        self.assertEqual((info.tid, info.event, info.signal, info.code, info.address), (100077, 1, 5, 1, 0x401235))
        self.assertEqual((info.child, info.syscall, info.blocked, info.pending), (77, 240, 16, 256))

    def test_lwpinfo_without_siginfo(self):
        info = platform.parse_lwpinfo(lwp_record(flags=0, number=5, code=1, sender=3, address=9))
        self.assertEqual((info.signal, info.code, info.sender, info.address), (0, 0, 0, 0))

    def test_registers_in_dwarfs_order(self):
        words = list(range(100, 122))
        registers = platform.parse_registers(struct.pack('<22Q', *words))
        self.assertEqual(len(registers), 17)
        self.assertEqual(registers[unwinder.RA], words[17])
        self.assertEqual(registers[unwinder.RSP], words[20])
        self.assertEqual(registers[unwinder.RBP], words[10])
        self.assertEqual(registers[15], words[0])       # r15
        self.assertEqual(registers[0], words[14])       # rax

    def test_auxv(self):
        data = struct.pack('<qQqQqQqQ', 3, 0x200040, 9, 0x201000, 0, 0, 9, 0x666)
        self.assertEqual(platform.parse_auxv(data), {3: 0x200040, 9: 0x201000})
        self.assertEqual(platform.parse_auxv(data[:31]), {3: 0x200040})
        self.assertEqual(platform.parse_auxv(b''), {})

    def test_the_number_of_a_system_call(self):
        long = b'\x48\xc7\xc0\xf0\0\0\0\x49\x89\xca\x0f\x05'
        short = b'\x90\x90\xb8\x2f\x02\0\0\x49\x89\xca\x0f\x05'
        self.assertEqual(platform.parse_system_call(long), 240)
        self.assertEqual(platform.parse_system_call(b'\x55' + short), 559)
        for wrong in (b'', long[1:], long[:-1], long[:-2] + b'\x0f\x34', b'\x48\xc7\xc1' + long[3:],
                      b'\x48\x8b\x07' + long[3:], long[:7] + b'\x49\x89\xcb\x0f\x05'):
            self.assertIsNone(platform.parse_system_call(wrong), wrong)

    def test_short(self):
        self.assertIsNone(platform.parse_lwpinfo(lwp_record()[:159]))
        self.assertIsNone(platform.parse_registers(bytes(175)))

    def frame(self, pc, cs=0x43, ss=0x3b, size=800):
        return struct.pack('<6Q', pc, cs, 0x202, 0x7fffffffe000, ss, size | 0x123 << 32)

    def test_signal_frames(self):
        low, high = 0x80023fff0, 0x800240010           # across 64 KiB
        stack = (bytes(64) + self.frame(0x80023fff8) + bytes(16) + self.frame(0x800240004) + self.frame(0x800240010)
                 + self.frame(0x80023fff8, cs=0x33) + self.frame(0x80023fff8, size=792)
                 + struct.pack('<Q', 0x80023fff8) + bytes(64))
        base = 0x7fffffff0000
        self.assertEqual(platform.parse_signal_frames(stack, base, low, high),
                         [(base + 64, 0x80023fff8), (base + 128, 0x800240004)])

    def test_signal_frames_cut_off(self):
        stack = bytes(64) + self.frame(0x800240004)
        for length in range(len(stack)):
            self.assertEqual(platform.parse_signal_frames(stack[:length], 0, 0x800240000, 0x800240010), [])

    def test_nothing_is_asked_of_the_system_at_import(self):
        code = ('import sys, ctypes\n'
                'sys.path.insert(0, %r)\n'
                'import platform_freebsd as p\n'
                'assert p.NAME == "FreeBSD"\n'
                'assert not p._release\n' % support.ROOT)
        subprocess.check_call([sys.executable, '-c', code])

    @unittest.skipIf(sys.platform.startswith('freebsd'), 'this is FreeBSD')
    def test_elsewhere_everything_is_absent_rather_than_an_exception(self):
        me = os.getpid()
        self.assertEqual(platform.threads(me), [])
        self.assertEqual(platform.mappings(me), [])
        self.assertIsNone(platform.start_time(me))
        self.assertEqual(platform.entry_point(me), 0)
        self.assertEqual(platform.thread_states(me), {})
        self.assertEqual(platform.tracer_of(me), 0)
        self.assertEqual(platform.sharing_processes(me), [])
        self.assertIsNone(platform.shares_memory(me, me + 1))
        self.assertFalse(platform.run_on_cpu(0))
        with self.assertRaises(platform.PlatformError):
            platform.check_target(me)
        with self.assertRaises(platform.PlatformError):
            platform.Tracer(me).open()


class Captured(unittest.TestCase):
    """Records that kernels of FreeBSD handed out, of a program with threads whose text lay in several modules."""

    def captures(self):
        paths = sorted(glob.glob(os.path.join(DATA, 'freebsd-*.json')))
        self.assertTrue(paths)
        for path in paths:
            with open(path, encoding='ascii') as file:
                capture = json.load(file)
            for key, value in capture.items():
                if isinstance(value, str) and value.startswith('zlib:'):
                    capture[key] = zlib.decompress(binascii.a2b_base64(value[5:]))
            yield os.path.basename(path), capture

    def test_mappings(self):
        for name, capture in self.captures():
            found = platform.parse_mappings(capture['vmmap'])
            self.assertGreater(len(found), 10, name)
            self.assertEqual([item.start for item in found], sorted(item.start for item in found), name)
            for one, other in zip(found, found[1:]):
                self.assertLessEqual(one.end, other.start, name)
            libc = [item for item in found if item.path == '/lib/libc.so.7']
            self.assertEqual([item.permissions for item in libc if 'x' in item.permissions], ['r-xp'], name)
            self.assertEqual(len({(item.inode, item.device) for item in libc}), 1, name)
            self.assertNotEqual(libc[0].inode, 0, name)
            code = next(item for item in libc if 'x' in item.permissions)
            self.assertTrue(any(code.start <= pc < code.end for pc in self.pcs(capture)), name)

    def pcs(self, capture):
        return [platform.parse_registers(binascii.a2b_hex(text))[unwinder.RA] for text in capture['registers'].values()]

    def test_threads(self):
        for name, capture in self.captures():
            records = platform.parse_processes(capture['threads'], capture['osreldate'])
            self.assertEqual(len(records), capture['thread count'], name)
            self.assertEqual({item.pid for item in records}, {capture['pid']}, name)
            self.assertEqual(sorted(item.tid for item in records), sorted(map(int, capture['registers'])), name)
            self.assertEqual({item.emulation for item in records}, {'FreeBSD ELF64'}, name)
            self.assertEqual({item.name for item in records}, {capture['name']}, name)
            self.assertEqual({item.threads for item in records}, {len(records)}, name)
            self.assertEqual(len({item.vmspace for item in records}), 1, name)
            self.assertTrue(all(item.tracer == capture['tracer'] for item in records), name)
            self.assertTrue(all(1577836800e6 < item.start < 4102444800e6 for item in records), name)   # 2020 to 2100

    def test_a_breakpoint_stop(self):
        for name, capture in self.captures():
            info = platform.parse_lwpinfo(binascii.a2b_hex(capture['trap']))
            pc = platform.parse_registers(binascii.a2b_hex(capture['trap registers']))[unwinder.RA]
            self.assertEqual((info.event, info.signal, info.code), (platform.PL_EVENT_SIGNAL, platform.SIGTRAP,
                                                                    platform.TRAP_BRKPT), name)
            # si_addr as the kernel fills it in: behind the int3, as rip
            self.assertEqual(info.address, pc, name)
            self.assertEqual(info.flags & platform.PL_FLAGS_OF_EVENTS, 0, name)

    def test_auxv(self):
        for name, capture in self.captures():
            auxv = platform.parse_auxv(capture['auxv'])
            found = platform.parse_mappings(capture['vmmap'])
            program = [item for item in found if item.path == capture['path'] and 'x' in item.permissions]
            self.assertTrue(program[0].start <= auxv[platform.AT_ENTRY] < program[0].end, name)
            self.assertEqual(auxv[18] // 100000, capture['osreldate'] // 100000, name)      # AT_OSRELDATE

    def test_the_page_that_all_processes_share(self):
        for name, capture in self.captures():
            auxv = platform.parse_auxv(capture['auxv'])
            found = platform.parse_mappings(capture['vmmap'])
            page = platform._shared_page(found, auxv)
            self.assertEqual((page.permissions, page.path, page.end - page.start), ('r-xp', '', 4096), name)
            # behind the last stack until 13, somewhere since
            self.assertEqual(page.start == 0x7ffffffff000, capture['osreldate'] < 1400000, name)
            self.assertIn(auxv.get(platform.AT_KPRELOAD, page.start), range(page.start, page.end), name)
            self.assertIsNone(platform._shared_page(found, {}), name)
            self.assertIsNone(platform._shared_page([item for item in found if item != page], auxv), name)

    def test_the_first_threads_stack(self):
        for name, capture in self.captures():
            auxv = platform.parse_auxv(capture['auxv'])
            found = platform.parse_mappings(capture['vmmap'])
            stack = platform._first_stack(found, auxv)
            self.assertEqual((stack.permissions, stack.path), ('rw-p', ''), name)
            first = min(map(int, capture['registers']))
            sp = platform.parse_registers(binascii.a2b_hex(capture['registers'][str(first)]))[unwinder.RSP]
            self.assertIn(sp, range(stack.start, stack.end), name)
            self.assertEqual(auxv.get(35, 0x7ffffffff000), stack.end, name)         # AT_USRSTACKBASE
            self.assertIsNone(platform._first_stack(found, {}), name)

    def test_what_the_capture_holds_is_no_more_than_needed(self):
        for name, capture in self.captures():
            self.assertLess(os.path.getsize(os.path.join(DATA, name)), 20000)


# -- holding a process, with a kernel made of paper


class Kernel(object):
    """One process with threads, as far as Tracer asks for it; `log`: what was asked, but for what only looks.

    As FreeBSD 15: PT_CONTINUE through a thread that was written through ends its sleep. sleeping: those in a system
    call.
    """

    def __init__(self, pid, threads, sleeping=()):
        self.pid = pid
        self.threads = list(threads)
        self.sleeping = set(sleeping)
        self.written = set()
        self.suspended = set()
        self.broken = []            # threads whose sleep was ended
        self.ran = []               # who ran, at each PT_CONTINUE
        self.signals = []
        self.status = None          # what waitpid is to tell next
        self.in_line = []           # threads that have taken a SIGSTOP and report it at the next PT_CONTINUE
        self.pending = set()        # threads for which a SIGSTOP waits: they take it at the next PT_CONTINUE
        self.registers = {}
        self.memory = {}
        self.went_on = []           # (thread that had reported, pc, rax) at each PT_CONTINUE
        self.reporter = 0
        self.log = []
        self.killed = []
        self.left_stopped = False

    def ptrace(self, request, tid, address, data):
        owner = tid == self.pid or tid in self.threads
        if not owner:
            return -1
        if request == platform.PT_LWPINFO:
            who = (self.reporter or self.threads[0]) if tid == self.pid else tid
            event = int(who == self.reporter or who in self.in_line)
            record = lwp_record(who, event, 0x20 * event, platform.SIGSTOP,
                                pending=1 << (platform.SIGSTOP - 1) if who in self.pending else 0)
            ctypes.memmove(address, record, 160)
            return 0
        if request == platform.PT_GETREGS:
            registers = self.registers.setdefault(tid, platform.Registers())
            ctypes.memmove(address, registers, ctypes.sizeof(registers))
            return 0
        if request == platform.PT_GETNUMLWPS:
            return len(self.threads)
        if request == platform.PT_GETLWPLIST:
            numbers = (ctypes.c_int * len(self.threads))(*self.threads)
            ctypes.memmove(address, numbers, ctypes.sizeof(numbers))
            return len(self.threads)
        if request == platform.PT_IO:
            io = platform._IoDescription.from_address(address)
            if io.op == platform.PIOD_READ_D:
                data = self.memory.get(io.offset, b'')[:io.size]
                ctypes.memmove(io.address, data, len(data))
                io.size = len(data)
                return 0 if data else -1
            self.written.add(tid)
        self.log.append((request, tid))
        if request == platform.PT_ATTACH:
            self.reporter, self.status = 0, platform.SIGSTOP << 8 | 0x7f
        elif request == platform.PT_SETREGS:
            ctypes.memmove(self.registers[tid], address, ctypes.sizeof(self.registers[tid]))
        elif request == platform.PT_SUSPEND:
            self.suspended.add(tid)
        elif request == platform.PT_RESUME:
            self.suspended.discard(tid)
        elif request in (platform.PT_CONTINUE, platform.PT_DETACH):
            if tid in self.written & self.sleeping:
                self.broken.append(tid)
            self.written.discard(tid)
            if self.reporter in self.registers:
                registers = self.registers[self.reporter]
                self.went_on.append((self.reporter, registers[platform.RIP], registers[platform.RAX]))
            self.reporter = 0
            self.ran.append(set(self.threads) - self.suspended)
            if request == platform.PT_CONTINUE and (self.in_line or self.pending):
                self.reporter = self.in_line.pop(0) if self.in_line else self.pending.pop()
                self.status = platform.SIGSTOP << 8 | 0x7f
            self.left_stopped = bool(self.pending)
        return 0

    def waitpid(self, pid, status, options):
        if self.status is None:
            return 0
        ctypes.c_int.from_address(status).value = self.status
        self.status = None
        return self.pid

    def stop(self, held, tid):
        """thr_kill2 of SIGSTOP: a thread that may run reports it."""
        self.log.append(('stop', tid))
        if self.reporter:
            self.pending.add(tid)   # the process stands still already
        elif tid not in self.suspended:
            self.reporter, self.status = tid, platform.SIGSTOP << 8 | 0x7f
        return True

    def records(self, pid):
        return platform.parse_processes(b''.join(
            process_record(pid=self.pid, tid=tid, state=platform.SSLEEP if tid in self.sleeping else platform.SRUN,
                           wait_message=b'select' if tid in self.sleeping else b'',
                           flags=platform.P_STOPPED_SIG if self.left_stopped else 0) for tid in self.threads))

    def kill(self, pid, number):
        self.killed.append((pid, number))
        self.left_stopped = number != platform.SIGCONT


class Holding(unittest.TestCase):

    def setUp(self):
        self.kernel = Kernel(500, (100101, 100102, 100103), (100101, 100102, 100103))
        kernel = self.kernel
        for name, fake in (('_ptrace', kernel.ptrace), ('_fast_ptrace', kernel.ptrace), ('_waitpid', kernel.waitpid),
                           ('_thread_records', kernel.records), ('_process', lambda pid: kernel.records(pid)[0]),
                           ('sharing_processes', lambda pid, own=None: [])):
            self.addCleanup(setattr, platform, name, getattr(platform, name))
            setattr(platform, name, fake)
        self.addCleanup(setattr, platform.os, 'kill', os.kill)
        platform.os.kill = kernel.kill
        self.tracer = platform.Tracer(500)
        self.tracer._send_stop = kernel.stop

    def test_who_was_written_through_never_carries_the_process_on(self):
        # a mark of the first time is still there when the thread has slept on until the second; the order of threads,
        # and who runs, differ
        kernel, tracer = self.kernel, self.tracer
        for order, sleeping in (((100101, 100102, 100103), (100101, 100102, 100103)),
                                ((100103, 100101, 100102), (100101, 100102)),
                                ((100102, 100103, 100101, 100100), (100100, 100101, 100102, 100103)),
                                ((100101, 100090), (100101, 100090)),
                                ((100101, 100090, 100102), (100101, 100090, 100102))):
            kernel.threads, kernel.sleeping = list(order), set(sleeping)
            tracer.seize()
            tracer.stop_all()
            self.assertEqual(len(tracer.tasks), len(order))
            tracer.write(0x1000, b'x')
            tracer.resume_all()
            tracer.processes[500].stopped = True        # as if nobody had been asked
            tracer.write(0x1000, b'y')
            tracer.detach_all()
            self.assertEqual(tracer.tasks, {})
        self.assertTrue(kernel.written)
        self.assertEqual(kernel.broken, [])

    def hold_stopped(self):
        self.tracer.seize()
        held = self.tracer.processes[500]
        held.parked = True
        del self.tracer.unread[:], self.kernel.ran[:], self.kernel.log[:]
        return held

    def test_a_stopped_process_is_let_out_of_the_stubs_one_thread_at_a_time(self):
        kernel, tracer = self.kernel, self.tracer
        kernel.sleeping = {100103}
        held = self.hold_stopped()
        tracer.resume_all()
        self.assertEqual(kernel.ran, [])                # it stands still
        tracer.let_out([100101, 100102])
        self.assertEqual(kernel.ran, [{100101}, {100102}])
        self.assertTrue(held.stopped)
        self.assertEqual(kernel.suspended, set())       # nobody stays suspended
        self.assertEqual((held.asked, tracer.unread), (0, []))
        tracer.detach_all()
        self.assertEqual(kernel.killed, [(500, platform.SIGSTOP)])

    def test_two_that_we_stopped_at_once(self):
        # one had no time to answer, so another was asked; the first one's answer has to wait until the process goes on
        kernel, tracer = self.kernel, self.tracer
        tracer.seize()
        tracer.stop_all()
        tracer.resume_all()
        held = tracer.processes[500]
        self.assertFalse(held.stopped)
        registers = kernel.registers[100101] = platform.Registers()
        registers[platform.RIP], registers[platform.RAX], registers[platform.RFLAGS] = 0x2000, 4, platform.CARRY
        registers[platform.RCX] = 77
        kernel.memory[0x2000 - 12] = b'\x48\xc7\xc0\xd1\0\0\0\x49\x89\xca\x0f\x05'      # poll
        kernel.memory[0x2000 - 2] = b'\x0f\x05'
        tracer._mend(held, 100101)
        tracer._mend(held, 100102)
        held.asked, held.sent = 2, True
        kernel.in_line = [100101]
        kernel.reporter, kernel.status = 100102, platform.SIGSTOP << 8 | 0x7f
        tracer.stop_all()
        self.assertEqual((held.asked, held.mending), (1, {100101}))
        tracer.detach_all()
        # it goes on, and its call, which had ended with EINTR, is made again
        self.assertNotIn((500, platform.SIGSTOP), kernel.killed)
        self.assertEqual([item for item in kernel.went_on if item[0] == 100101][0], (100101, 0x1ffe, 209))
        self.assertEqual((registers[platform.R10], registers[platform.RFLAGS]), (77, 0))

    def test_a_stop_that_was_sent_twice_does_not_stay(self):
        # it waited for its thread; the thread took it as the process went on, and the second one, meant to wake it, came
        # after that
        kernel, tracer = self.kernel, self.tracer
        tracer.seize()
        tracer.stop_all()
        held = tracer.processes[500]
        held.asked, held.sent = 1, True
        kernel.pending = {100102}
        tracer.detach_all()
        self.assertIn(('stop', 100102), kernel.log)
        self.assertEqual((tracer.tasks, kernel.pending), ({}, set()))
        self.assertFalse(kernel.left_stopped)

    def test_a_stop_that_nobody_counted_does_not_stay(self):
        kernel, tracer = self.kernel, self.tracer
        tracer.seize()
        tracer.stop_all()
        tracer.processes[500].sent = True
        kernel.pending = {100102}
        tracer.detach_all()
        self.assertFalse(kernel.left_stopped)

    def test_who_runs_needs_no_letting_out(self):
        self.hold_stopped().parked = False
        self.tracer.let_out([100101, 100102])
        self.assertEqual(self.kernel.ran, [])

    def test_memory_of_a_process_that_is_not_held(self):
        page = bytes(range(256)) * 16
        item = platform.Mapping(0x7000, 0x8000, 'r-xp', 0, '0', 0, '[vdso]')
        looked = []

        def mappings(pid):
            looked.append(pid)
            return [item, platform.Mapping(0x9000, 0xa000, 'rw-p', 0, '0', 0, '')]
        for name, fake in (('mappings', mappings), ('_copy_of_shared_page', lambda pid: (0x7000, page))):
            self.addCleanup(setattr, platform, name, getattr(platform, name))
            setattr(platform, name, fake)
        self.tracer.open()
        self.assertEqual(self.tracer.read(0x7010, 32), page[16:48])
        self.assertEqual(self.tracer.read(0x7ff0, 32), page[-16:])
        self.assertEqual(self.tracer.read(0x9000, 32), b'')
        self.assertEqual(looked, [500])
        self.tracer._maps_until = 0.0                   # time goes by: a library may have come
        self.tracer.read(0x9000, 32)
        self.assertEqual(looked, [500, 500])


# -- FreeBSD's own headers and compiler


def ziglang():
    """(command, environment) of ziglang's C compiler, or None."""
    environment = dict(os.environ)
    place = os.environ.get('MEMLEAX_ZIGLANG')
    if place:
        environment['PYTHONPATH'] = os.pathsep.join(filter(None, [place, environment.get('PYTHONPATH')]))
        if not os.path.isdir(os.path.join(place, 'ziglang')):
            return None
    else:
        try:
            if importlib.util.find_spec('ziglang') is None:
                return None
        except (ImportError, ValueError):
            return None
    return [sys.executable, '-m', 'ziglang', 'cc', '-target', 'x86_64-freebsd'], environment


COMPILER = ziglang()
needs_ziglang = unittest.skipIf(
    COMPILER is None, 'ziglang (PyPI) is not installed: it brings FreeBSD\'s headers; MEMLEAX_ZIGLANG may name the '
                      'directory it was unpacked into')


def compile_for_freebsd(source, name, *flags):
    """Path of what the compiler makes of C text, or AssertionError with its messages."""
    directory = support.temporary_directory()
    path = os.path.join(directory, name + '.c')
    with open(path, 'w', encoding='ascii') as file:
        file.write(source)
    output = os.path.join(directory, name + ('.o' if '-c' in flags else ''))
    done = subprocess.Popen(COMPILER[0] + list(flags) + ['-o', output, path], env=COMPILER[1],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    text = done.communicate()[0].decode('utf-8', 'replace')
    if done.returncode:
        raise AssertionError(text)
    return output


HEADERS = """
#include <sys/types.h>
#include <sys/param.h>
#include <sys/ptrace.h>
#include <sys/sysctl.h>
#include <sys/user.h>
#include <sys/proc.h>
#include <sys/procctl.h>
#include <sys/resource.h>
#include <sys/cpuset.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/elf_common.h>
#include <sys/elf64.h>
#include <machine/elf.h>
#include <machine/psl.h>
#include <machine/reg.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <ucontext.h>
"""

# constants that stand in the headers under the same name
SAME = re.compile(r'PT_|PTRACE_|PIOD_|PL_EVENT_|PL_FLAG_|KERN_|CTL_KERN|KVME_|P_|P2_|AT_|PROC_TRACE|CPU_|PROT_|MAP_|'
                  r'INHERIT_ZERO|SIG(TRAP|STOP|CONT|KILL)|SIG_SETMASK|SI_|TRAP_BRKPT|WNOHANG|RLIMIT_STACK|'
                  r'S(RUN|SLEEP|STOP|ZOMB)$')
# names of ours for things that the headers call otherwise
OTHERWISE = {'SYS_MMAP': 'SYS_mmap', 'SYS_MUNMAP': 'SYS_munmap', 'SYS_CLOSE': 'SYS_close',
             'SYS_MINHERIT': 'SYS_minherit', 'SYS_SHM_OPEN2': 'SYS_shm_open2',
             'SYS_SHM_OPEN_12': 'SYS_freebsd12_shm_open', 'SYS_SHM_UNLINK': 'SYS_shm_unlink',
             'SYS_SIGACTION': 'SYS_sigaction', 'SYS_SIGSUSPEND': 'SYS_sigsuspend',
             'SYS_SIGPROCMASK': 'SYS_sigprocmask', 'MCONTEXT_SIZE': 'sizeof(mcontext_t)',
             'MCONTEXT_RIP': 'offsetof(mcontext_t, mc_rip)', 'KINFO_PROC_SIZE': 'sizeof(struct kinfo_proc)',
             'KVE_PATH': 'offsetof(struct kinfo_vmentry, kve_path)', 'CARRY': 'PSL_C', 'USER_CS': None, 'USER_SS': None,
             'PID_MAX': None}             # None: in headers of the kernel only
# of ours alone
OURS = {'PL_FLAGS_OF_EVENTS', 'PAGE_SIZE', 'SHARED_BITS', 'SHARED_MARK'}
LAYOUT = {
    'struct kinfo_vmentry': {'kve_structsize': 0, 'kve_type': 4, 'kve_start': 8, 'kve_end': 16, 'kve_offset': 24,
                             'kve_vn_fileid': 32, 'kve_vn_fsid_freebsd11': 40, 'kve_flags': 44, 'kve_protection': 56,
                             'kve_vn_fsid': 88},
    'struct kinfo_proc': {'ki_structsize': 0, 'ki_vmspace': 56, 'ki_pid': 72, 'ki_ppid': 76, 'ki_pgid': 80,
                          'ki_sid': 88,
                          'ki_siglist': 104,
                          'ki_sigmask': 120, 'ki_sigignore': 136, 'ki_sigcatch': 152, 'ki_uid': 168, 'ki_start': 336,
                          'ki_flag': 368, 'ki_stat': 388, 'ki_oncpu_old': 392, 'ki_lastcpu_old': 393, 'ki_tdname': 394,
                          'ki_wmesg': 411, 'ki_comm': 447, 'ki_emul': 467, 'ki_moretdname': 502, 'ki_oncpu': 568,
                          'ki_lastcpu': 572, 'ki_tracer': 576, 'ki_flag2': 580, 'ki_numthreads': 596, 'ki_tid': 600},
    'struct ptrace_lwpinfo': {'pl_lwpid': 0, 'pl_event': 4, 'pl_flags': 8, 'pl_sigmask': 12, 'pl_siglist': 28,
                              'pl_siginfo': 48, 'pl_child_pid': 148, 'pl_syscall_code': 152},
    'siginfo_t': {'si_signo': 0, 'si_code': 8, 'si_pid': 12, 'si_addr': 24},
    'struct ptrace_io_desc': {'piod_op': 0, 'piod_offs': 8, 'piod_addr': 16, 'piod_len': 24},
    'mcontext_t': {'mc_rip': 160, 'mc_cs': 168, 'mc_rsp': 184, 'mc_ss': 192, 'mc_len': 200},
    'ucontext_t': {'uc_mcontext': 16},
}
SIZES = {'struct ptrace_lwpinfo': 160, 'struct reg': 176, 'struct ptrace_io_desc': 32, 'struct kinfo_vmentry': 1160,
         'struct sigaction': 32, 'sigset_t': 16, 'Elf64_Auxinfo': 16, 'siginfo_t': 80, 'int': 4, 'time_t': 8}
REGISTERS = ('R15 R14 R13 R12 R11 R10 R9 R8 RDI RSI RBP RBX RDX RCX RAX TRAPNO ERR RIP CS RFLAGS RSP SS').split()


@needs_ziglang
class Headers(unittest.TestCase):

    def assertions(self):
        lines = []
        checked = []
        for name in sorted(vars(platform)):
            value = getattr(platform, name)
            if not isinstance(value, int) or isinstance(value, bool) or not name.isupper() or name in OURS:
                continue
            expression = OTHERWISE.get(name, name if SAME.match(name) else None)
            if expression is not None:
                lines.append('_Static_assert((unsigned long long)(%s) == %dULL, "%s");' % (expression, value, name))
                checked.append(name)
        for struct_name, members in LAYOUT.items():
            for member, offset in members.items():
                lines.append('_Static_assert(offsetof(%s, %s) == %d, "%s.%s");' % (struct_name, member, offset,
                                                                                struct_name, member))
        for name, size in SIZES.items():
            lines.append('_Static_assert(sizeof(%s) == %d, "sizeof %s");' % (name, size, name))
        for name in REGISTERS:
            lines.append('_Static_assert(offsetof(struct reg, r_%s) / 8 == %d, "register %s");' % (
                name.lower(), getattr(platform, name), name))
        for value, name in zip(platform.STOP_SIGNALS, ('SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU')):
            lines.append('_Static_assert(%s == %d, "%s");' % (name, value, name))
        for value, name in zip(platform.UNMENDABLE_CALLS[1:], ('SYS_syscall', 'SYS___syscall')):
            lines.append('_Static_assert(%s == %d, "%s");' % (name, value, name))
        lines.append('_Static_assert(_Generic(&ptrace, int (*)(int, pid_t, caddr_t, int): 1, default: 0), "ptrace");')
        return lines, checked

    def test_every_constant_size_and_offset(self):
        lines, checked = self.assertions()
        self.assertGreater(len(checked), 60)
        compile_for_freebsd(HEADERS + '\n'.join(lines) + '\n', 'probe', '-c', '-D_WANT_KERNEL_ERRNO')

    def test_the_probe_notices_a_wrong_value(self):
        with self.assertRaises(AssertionError) as caught:
            compile_for_freebsd(HEADERS + '_Static_assert(PT_ATTACH == 11, "the probe");\n', 'wrong', '-c')
        self.assertIn('the probe', str(caught.exception))

    def test_no_constant_is_left_out(self):
        checked = set(self.assertions()[1])
        left = {name for name, value in vars(platform).items()
                if name.isupper() and isinstance(value, int) and not isinstance(value, bool)} - checked
        left -= set(REGISTERS) | OURS | {name for name, value in OTHERWISE.items() if value is None}
        # EVENTS and TRAP_STATUS are put together from others
        self.assertEqual(left, {'EVENTS', 'TRAP_STATUS'})

    def test_the_io_description(self):
        description = platform._IoDescription
        self.assertEqual(ctypes.sizeof(description), SIZES['struct ptrace_io_desc'])
        offsets = [getattr(description, name).offset for name in ('op', 'offset', 'address', 'size')]
        self.assertEqual(offsets, sorted(LAYOUT['struct ptrace_io_desc'].values()))


PROGRAM = """
#include <stdlib.h>
#include <pthread.h>
#define NOINLINE __attribute__((noinline))

NOINLINE void *with_frame(size_t n) {   /* line 5 */
    volatile char buffer[64];
    buffer[0] = (char)n;
    return malloc(n + buffer[0]);
}

__asm__(".text; .globl pushes; .type pushes, @function; pushes: .cfi_startproc;"
        "pushq %rbp; .cfi_def_cfa_offset 16; .cfi_offset %rbp, -16;"
        "movq %rsp, %rbp; .cfi_def_cfa_register %rbp;"
        "pushq %rbx; .cfi_offset %rbx, -24; subq $24, %rsp;"
        "nop; addq $24, %rsp; popq %rbx; popq %rbp; .cfi_def_cfa %rsp, 8; ret; .cfi_endproc;"
        ".size pushes, .-pushes");
extern void pushes(void);

static void *thread(void *p) { pushes(); return with_frame((size_t)p); }

int main(int argc, char **argv) {
    pthread_t one;
    pthread_create(&one, NULL, thread, argv);
    pthread_join(one, NULL);
    return argc;
}
"""


@needs_ziglang
class Programs(unittest.TestCase):
    """A program for FreeBSD, as its own linker would write it, through the modules that know nothing of systems."""

    @classmethod
    def setUpClass(cls):
        path = compile_for_freebsd(PROGRAM, 'freebsd-program', '-g', '-O1', '-fno-omit-frame-pointer', '-lpthread',
                                   '-Wl,--build-id')
        cls.elf = elfreader.ElfFile.open(path)

    @classmethod
    def tearDownClass(cls):
        cls.elf.close()

    def function(self, name):
        symbol, = self.elf.find_functions((name,))
        return symbol

    def test_headers(self):
        elf = self.elf
        self.assertEqual((elf.elf_class, elf.machine), (64, 62))
        self.assertEqual(elf.interpreter, '/libexec/ld-elf.so.1')
        # ELFOSABI_FREEBSD is 9 where it was branded; linkers may leave 0 and rely on the note
        self.assertIn(elf.os_abi, (0, 9))
        self.assertEqual(elf.problems, [])
        notes = bytes(elf.section_data('.note.tag'))
        self.assertIn(b'FreeBSD\0', notes)
        self.assertTrue(elf.build_id)

    def test_symbols(self):
        symbol = self.function('with_frame')
        self.assertEqual(self.elf.symbol_at(symbol.file_address + 3).name, 'with_frame')
        code = self.elf.read(symbol.file_address, 4)
        self.assertEqual(bytes(code), b'\x55\x48\x89\xe5')        # push %rbp; mov %rsp, %rbp

    def test_lines(self):
        symbol = self.function('with_frame')
        path, line = dwarfline.DebugLine(self.elf).lookup(symbol.file_address)
        self.assertEqual((os.path.basename(path), line), ('freebsd-program.c', 6))

    def walk(self, pc, frame, sp=0x7fffffffd000, rbp=0):
        elf = self.elf
        stack = struct.pack('<%dQ' % len(frame), *frame) + bytes(256)

        class Module(object):
            pass

        module = Module()
        module.elf, module.load_bias = elf, 0
        module.start = min(segment.file_address for segment in elf.segments if segment.type == 1)
        module.end = max(segment.file_address + segment.memory_size for segment in elf.segments if segment.type == 1)

        def read(address, size):
            if sp <= address < sp + len(stack):
                return stack[address - sp:address - sp + size]
            return bytes(elf.read(address, size))

        registers = [0] * 17
        registers[unwinder.RSP], registers[unwinder.RBP], registers[unwinder.RA] = sp, rbp, pc
        found = unwinder.Unwinder(lambda address: module if module.start <= address < module.end else None)
        return found.unwind(registers, sp, stack, read, 3).addresses

    def test_unwinding(self):
        start = self.function('pushes').file_address
        main = self.function('main').file_address + 20
        code = bytes(self.elf.read(start, 20))
        self.assertEqual(code[:9], b'\x55\x48\x89\xe5\x53\x48\x83\xec\x18')
        sp = 0x7fffffffd000
        self.assertEqual(self.walk(start, [main])[:2], (start, main))
        self.assertEqual(self.walk(start + 1, [0x1111, main])[:2], (start + 1, main))
        # behind the subtraction: 24 bytes, rbx, rbp, the return address
        self.assertEqual(self.walk(start + 9, [1, 2, 3, 0xbbbb, 0x1111, main], rbp=sp + 32)[:2], (start + 9, main))

    def test_prologues_can_be_moved(self):
        for name in ('with_frame', 'pushes', 'main'):
            symbol = self.function(name)
            code = bytes(self.elf.read(symbol.file_address, symbol.size))
            prologue = trampoline.plan_prologue(code, symbol.size)
            self.assertGreaterEqual(prologue.length, 5)
            stub = trampoline.build_stub(trampoline.AFTER, symbol.file_address + 0x10000, symbol.file_address, code,
                                         prologue)
            self.assertEqual(len(stub.traps), 1)
            address, patch = trampoline.entry_patch(stub)
            self.assertEqual((address, patch[:1]), (symbol.file_address, b'\xe9'))


if __name__ == '__main__':
    unittest.main()
