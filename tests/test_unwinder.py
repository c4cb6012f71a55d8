"""The unwinder, judged by rules written out by hand, by readelf's tables, and by gdb's backtraces.

The same file is the judge's script inside gdb: judge_program() runs there, with gdb holding the target.
"""

import collections
import json
import os
import random
import re
import struct
import subprocess
import sys
import time
import unittest

import support

import elfreader
import unwinder
from unwinder import Unwinder, UnwindError, RA, RBP, RBX, RSP, R10

BIAS = 0x10000000
STACK = 0x7ffd00000000
EH_FRAME = 0x4000
HDR = 0x3000

Segment = collections.namedtuple('Segment', 'type flags offset file_address file_size memory_size align')
Section = collections.namedtuple('Section', 'name file_address size')
Module = collections.namedtuple('Module', 'elf load_bias start end name')
Symbol = collections.namedtuple('Symbol', 'name file_address size')


# ---- frame tables made by hand ----

def uleb(value):
    out = bytearray()
    while True:
        byte = value & 0x7f
        value >>= 7
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)


def sleb(value):
    out = bytearray()
    while True:
        byte = value & 0x7f
        value >>= 7
        if value == (-1 if byte & 0x40 else 0):
            out.append(byte)
            return bytes(out)
        out.append(byte | 0x80)


def block(data):
    return uleb(len(data)) + data


def def_cfa(register, offset):
    return b'\x0c' + uleb(register) + uleb(offset)


def cfa_offset(offset):
    return b'\x0e' + uleb(offset)


def offset(register, slot):
    """DW_CFA_offset: register saved at CFA + slot."""
    return bytes([0x80 | register]) + uleb(-slot // 8)


def advance(count):
    return bytes([0x40 | count])


ENTRY = def_cfa(RSP, 8) + offset(RA, -8)
SDATA4, PCREL, DATAREL, ABSPTR, UDATA4, INDIRECT = 0x0b, 0x10, 0x30, 0x00, 0x03, 0x80


class FakeElf(object):
    """What the unwinder asks of an elfreader.ElfFile: .eh_frame at EH_FRAME, its header at HDR."""

    name = 'fake'
    entry = 0x900

    def __init__(self):
        self.data = bytearray()
        self.fdes = []                  # (start, file address)
        self.hdr = b''
        self.dynamic = {}
        self.symbols = []
        self.with_hdr = True
        self.with_sections = True

    def cie(self, instructions=ENTRY, augmentation=b'zR', encoding=PCREL | SDATA4, version=1, code_align=1,
            data_align=-8, return_register=RA, personality=b'', wide=False):
        fields = bytearray()
        for letter in augmentation.decode():
            if letter == 'R':
                fields.append(encoding)
            elif letter == 'P':
                fields += personality
            elif letter == 'L':
                fields.append(PCREL | SDATA4)
        body = bytes([version]) + augmentation + b'\0'
        if augmentation == b'eh':
            body += bytes(8)
        if version == 4:
            body += b'\x08\0'
        body += uleb(code_align) + sleb(data_align)
        body += bytes([return_register]) if version == 1 else uleb(return_register)
        if augmentation[:1] == b'z':
            body += block(bytes(fields))
        return self._add(b'\0' * (8 if wide else 4), body + instructions, wide)

    def _add(self, number, body, wide=False):
        body = number + body
        body += bytes(-len(body) % 8)
        at = EH_FRAME + len(self.data)
        self.data += (b'\xff\xff\xff\xff' + struct.pack('<Q', len(body)) if wide
                      else struct.pack('<I', len(body))) + body
        return at

    def fde(self, cie, start, size, instructions=b'', encoding=PCREL | SDATA4, extra=b'', has_length=True,
            wide=False):
        at = EH_FRAME + len(self.data)
        body_at = at + (12 if wide else 4)
        width = 8 if wide else 4
        number = (body_at - cie).to_bytes(width, 'little')
        field = body_at + width
        value = start - field if encoding & 0x70 == PCREL else start
        form = {SDATA4: '<i', UDATA4: '<I', ABSPTR: '<Q'}[encoding & 0x0f]
        body = struct.pack(form, value) + struct.pack(form, size)
        if has_length:
            body += block(extra)
        self._add(number, body + instructions, wide)
        self.fdes.append((start, at))
        return at

    def finish(self):
        self.data += bytes(4)
        table = b''.join(struct.pack('<ii', start - HDR, at - HDR) for start, at in sorted(self.fdes))
        self.hdr = b'\x01\x1b\x03\x3b' + struct.pack('<iI', EH_FRAME - HDR - 4, len(self.fdes)) + table
        self.segments = [Segment(1, 4, 0, HDR, 0x10000, 0x10000, 4096)]
        if self.with_hdr:
            self.segments.append(Segment(0x6474e550, 4, 0, HDR, len(self.hdr), len(self.hdr), 4))
        return self

    def section(self, name):
        if name == '.eh_frame' and self.with_sections:
            return Section(name, EH_FRAME, len(self.data))
        return None

    def section_data(self, name):
        return bytes(self.data) if self.section(name) else b''

    def read(self, file_address, size):
        for start, data in ((HDR, self.hdr), (EH_FRAME, self.data)):
            if start <= file_address < start + len(data):
                return bytes(data[file_address - start:file_address - start + size])
        return b''

    def symbol_at(self, file_address):
        for symbol in self.symbols:
            if symbol.file_address <= file_address < symbol.file_address + symbol.size:
                return symbol
        return None


def simple_elf():
    """main at 0x1000 (cfa=sp+16 inside), _start at 0x900 (undefined), leaf at 0x2000, framed at 0x2100."""
    elf = FakeElf()
    cie = elf.cie()
    elf.fde(cie, 0x900, 0x20, b'\x07' + uleb(RA))
    elf.fde(cie, 0x1000, 0x100, advance(4) + cfa_offset(32))
    elf.fde(cie, 0x2000, 0x100)
    elf.fde(cie, 0x2100, 0x100, advance(1) + cfa_offset(16) + offset(RBP, -16) + advance(3)
            + b'\x0d' + uleb(RBP))
    return elf


class Thread(object):
    """Registers, a stack that is built from sp upwards, and other memory."""

    def __init__(self, elf=None, words=(), pc=0x2000 + BIAS, **registers):
        self.registers = [0x1111 * n for n in range(17)]
        self.registers[RSP] = STACK
        self.registers[RA] = pc
        for name, value in registers.items():
            self.registers[{'rbp': RBP, 'rbx': RBX, 'r10': R10, 'rsp': RSP}[name]] = value
        self.stack = struct.pack('<%dQ' % len(words), *words)
        self.memory = {STACK: self.stack}
        self.elf = elf
        self.asked = []
        self.reads = 0
        self.unwinder = Unwinder(self.find_module)

    def find_module(self, address):
        self.asked.append(address)
        if self.elf is not None and BIAS <= address < BIAS + 0x10000:
            return Module(self.elf, BIAS, BIAS, BIAS + 0x10000, 'fake')
        return None

    def read(self, address, size):
        """As far as memory goes on from there; a hole within one page reads as zeros."""
        self.reads += 1
        if self.reads > 20000:
            raise AssertionError('endless reading')
        out = b''
        for start, data in sorted(self.memory.items()):
            place = address + len(out)
            if start + len(data) <= place:
                continue
            if start >= address + size or start > place and start >> 12 != place >> 12:
                break
            out += bytes(max(0, start - place))
            place = address + len(out)
            out += data[place - start:address + size - start]
        return out

    def walk(self, bulk=4096, **options):
        """The walk with a bulk copy, with none, and with the whole register set: they must agree."""
        results = []
        limit = options.get('limit', 50)
        start_is_return = options.get('start_is_return', False)
        sp = self.registers[RSP]
        for size in (bulk, 8, 0):
            stack = self.read(sp, size) if size else b''
            results.append(self.unwinder.unwind(tuple(self.registers), sp, stack, self.read, **options))
        memory = unwinder._Memory(sp, b'', self.read)
        results.append(self.unwinder._walk(self.registers, memory, limit, start_is_return))
        if any(result != results[0] for result in results):
            raise AssertionError('walks differ: %r' % (results,))
        return results[0]


def at(*file_addresses):
    return tuple(BIAS + address for address in file_addresses)


START = BIAS + 0x910


class SimpleRules(unittest.TestCase):
    def walk(self, words, elf=None, **more):
        options = {name: more.pop(name) for name in ('limit', 'start_is_return') if name in more}
        self.thread = Thread((elf or simple_elf()).finish(), words, **more)
        return self.thread.walk(**options)

    def test_sp_rules_to_the_outermost_frame(self):
        stack = self.walk([BIAS + 0x1050, 1, 2, 3, START])
        self.assertEqual(stack, (at(0x2000, 0x1050, 0x910), (0,), 'end'))
        self.assertEqual(sum(self.thread.unwinder.endings.values()), 0)

    def test_return_address_behind_the_last_call_of_its_function(self):
        # 0x1100 is one past main's end: a call that never returns was its last instruction.
        stack = self.walk([BIAS + 0x1100, 1, 2, 3, START])
        self.assertEqual(stack.addresses, at(0x2000, 0x1100, 0x910))
        # The same number as a pc belongs to nobody.
        self.assertEqual(self.walk([START], pc=BIAS + 0x1100).ending, 'no rules')

    def test_rules_of_the_exact_pc(self):
        # In main's first four bytes cfa = sp + 8: at 0x1004 already sp + 32, unless it is a return address.
        self.assertEqual(self.walk([START], pc=BIAS + 0x1003).addresses, at(0x1003, 0x910))
        self.assertEqual(self.walk([1, 2, 3, START], pc=BIAS + 0x1004).addresses, at(0x1004, 0x910))
        stack = self.walk([START], pc=BIAS + 0x1004, start_is_return=True)
        self.assertEqual(stack, (at(0x1004, 0x910), (), 'end'))

    def test_frame_pointer_rules(self):
        words = [BIAS + 0x2150, 0, 0, STACK + 56, BIAS + 0x2160, 0, 0, 0, BIAS + 0x1010, 0, 0, 0, START]
        stack = self.walk(words, rbp=STACK + 24)
        self.assertEqual(stack, (at(0x2000, 0x2150, 0x2160, 0x1010, 0x910), (0,), 'end'))

    def test_frame_pointer_that_leads_downwards_is_a_loop(self):
        for rbp in (STACK - 8, STACK - 4096, STACK + 4):
            stack = self.walk([BIAS + 0x2150, 5, 5, STACK, BIAS + 0x1010, 0, 0, 0, START], rbp=rbp)
            self.assertEqual(stack.addresses[:2], at(0x2000, 0x2150))
            self.assertEqual(stack.ending, {STACK - 8: 'loop', STACK - 4096: 'memory'}.get(rbp, 'no rules'))
        words = [BIAS + 0x2150, 0, 0, STACK + 24, BIAS + 0x2160]         # rbp saved at rbp: points to itself
        stack = self.walk(words, rbp=STACK + 24)
        self.assertEqual((stack.addresses, stack.ending), (at(0x2000, 0x2150, 0x2160), 'loop'))
        self.assertGreater(self.thread.unwinder.endings['loop'], 0)

    def test_zero_return_address_ends_the_stack(self):
        self.assertEqual(self.walk([BIAS + 0x1050, 1, 2, 3, 0]), (at(0x2000, 0x1050), (0,), 'end'))
        self.assertEqual(self.walk([5], pc=0, start_is_return=True), ((0,), (), 'end'))

    def test_limit(self):
        words = [BIAS + 0x2050] * 30 + [START]
        self.assertEqual(self.walk(words, limit=10), (at(0x2000) + at(0x2050) * 9, (0,), 'limit'))
        self.assertEqual(self.walk(words, limit=32).ending, 'end')
        self.assertEqual(self.walk(words, limit=31).ending, 'limit')
        self.assertEqual(self.walk(words, limit=1).addresses, at(0x2000))
        self.assertEqual(self.walk(words[:29] + [0], limit=30).ending, 'limit')
        self.assertEqual(self.walk(words[:29] + [0], limit=31), (at(0x2000) + at(0x2050) * 29, (0,), 'end'))

    def test_stack_that_ends_in_unreadable_memory(self):
        stack = self.walk([BIAS + 0x1050, 1, 2])
        self.assertEqual((stack.addresses, stack.ending), (at(0x2000, 0x1050), 'memory'))
        self.assertGreater(self.thread.unwinder.endings['memory'], 0)

    def test_deep_stack_goes_on_behind_the_bulk_copy(self):
        words = []
        expected = [BIAS + 0x2000]
        for n in range(900):
            words += [BIAS + 0x1004 + n % 200 + 1] + [n, n, n]
            expected.append(BIAS + 0x1004 + n % 200 + 1)
        words.append(START)
        thread = Thread(simple_elf().finish(), words)
        stack = thread.walk(bulk=512, limit=2000)
        self.assertEqual(stack, (tuple(expected) + (START,), (0,), 'end'))

    def test_frame_pointer_saved_in_the_bulk_and_used_behind_it(self):
        # The inner frame saves rbp (cfa = sp + 16), main does not touch it, the outer one is rbp-based.
        for bulk in range(8, 200, 8):
            words = [STACK + 64, BIAS + 0x1050, 0, 0, 0, BIAS + 0x2150, 0, 0, 0x5555]
            words += [BIAS + 0x1050, 0, 0, 0, START]
            thread = Thread(simple_elf().finish(), words, pc=BIAS + 0x2101)
            self.assertEqual(thread.walk(bulk=bulk).addresses, at(0x2101, 0x1050, 0x2150, 0x1050, 0x910))

    def test_misaligned_sp(self):
        thread = Thread(simple_elf().finish(), [], rsp=STACK + 4)
        thread.memory = {STACK: b'abcd' + struct.pack('<5Q', BIAS + 0x1050, 1, 2, 3, START)}
        self.assertEqual(thread.walk().addresses, at(0x2000, 0x1050, 0x910))

    def test_garbage_return_addresses(self):
        for garbage in (1, 0xdeadbeef, (1 << 47) + 5, (1 << 64) - 1, 1 << 63):
            stack = self.walk([garbage, 1, 2, 3])
            self.assertEqual((stack.addresses, stack.ending), ((BIAS + 0x2000, garbage), 'no rules'))

    def test_unknown_pcs_only(self):
        thread = Thread(simple_elf().finish(), [BIAS + 0x1050, 1, 2, 3, START])
        thread.walk()
        asked = len(thread.asked)
        thread.walk()
        self.assertEqual(len(thread.asked), asked)
        thread.unwinder.forget(BIAS, BIAS + 0x10000)
        thread.walk()
        self.assertGreater(len(thread.asked), asked)

    def test_simple_rule(self):
        thread = Thread(simple_elf().finish())
        rule = thread.unwinder.simple_rule
        self.assertEqual(rule(BIAS + 0x1050), (RSP, 32, None))
        self.assertEqual(rule(BIAS + 0x1004, is_return=True), (RSP, 8, None))
        self.assertEqual(rule(BIAS + 0x1004, is_return=False), (RSP, 32, None))
        self.assertEqual(rule(BIAS + 0x2150), (RBP, 16, -16))
        self.assertEqual(rule(START), 'end')
        self.assertIsNone(rule(0x1234))


class OwnCode(unittest.TestCase):
    def test_rule_for_a_stub(self):
        stub = 0x70000000
        thread = Thread(simple_elf().finish(), [stub + 9, 1, 2, 3, BIAS + 0x1050, 1, 2, 3, START])
        self.assertEqual(thread.walk().ending, 'no rules')
        thread.unwinder.add_rule(stub + 3, stub + 9, RSP, 24)
        self.assertEqual(thread.walk().addresses[:2], (BIAS + 0x2000, stub + 9))
        self.assertNotEqual(thread.walk().ending, 'end')            # the 3 is no return address
        thread.unwinder.remove(stub, stub + 16)
        thread.unwinder.add_rule(stub + 3, stub + 9, RSP, 32)
        self.assertEqual(thread.walk(), ((BIAS + 0x2000, stub + 9, BIAS + 0x1050, START), (0,), 'end'))
        thread.unwinder.remove(stub, stub + 16)
        self.assertEqual(thread.walk().ending, 'no rules')

    def test_alias(self):
        copy = 0x70000000
        mapping = {copy: BIAS + 0x1000, copy + 6: BIAS + 0x1004, copy + 11: BIAS + 0x1010}
        for original in (mapping, mapping.get):
            thread = Thread(simple_elf().finish(), [START, 2, 3, START], pc=copy)
            thread.unwinder.add_alias(copy, copy + 16, original)
            self.assertEqual(thread.walk().addresses, (copy, START))
            thread.registers[RA] = copy + 6
            self.assertEqual(thread.walk().addresses, (copy + 6, START))
            thread.registers[RA] = copy + 11
            self.assertEqual(thread.walk(start_is_return=True), ((copy + 11, START), (), 'end'))
            thread.registers[RA] = copy + 12
            self.assertEqual(thread.walk().ending, 'no rules')
        loop = Thread(None, [1], pc=copy)
        loop.unwinder.add_alias(copy, copy + 16, lambda address: address)
        self.assertEqual(loop.walk().ending, 'no rules')


class RowCase(unittest.TestCase):
    """A function at 0x2000 has the rules under test; main (0x1050) called it, _start called main."""

    def thread(self, words, instructions, pc=0x2000, cie=None, **more):
        elf = simple_elf()
        elf.fdes = [entry for entry in elf.fdes if entry[0] != 0x2000]
        elf.fde(elf.cie(**(cie or {})), 0x2000, 0x100, instructions)
        return Thread(elf.finish(), words, pc=BIAS + pc, **more)

    def check(self, words, instructions, pc=0x2000, **more):
        thread = self.thread(words, instructions, pc, **more)
        self.assertEqual(thread.walk(), (at(pc, 0x1050, 0x910), (0,), 'end'))
        return thread

    MAIN = [BIAS + 0x1050, 1, 2, 3, START]


class Instructions(RowCase):
    def test_advances_and_code_alignment(self):
        for advance_by in (advance(16), b'\x02\x10', b'\x03\x10\0', b'\x04\x10\0\0\0'):
            code = advance_by + cfa_offset(24)
            self.check(self.MAIN, code, 0x200f)
            self.check([8, 8] + self.MAIN, code, 0x2010)
            self.check(self.MAIN, code, 0x203f, cie={'code_align': 4})
            self.check([8, 8] + self.MAIN, code, 0x2040, cie={'code_align': 4})
        self.check([8, 8] + self.MAIN, b'\x1d' + struct.pack('<Q', 5) + cfa_offset(24), 0x2005)

    def test_set_loc(self):
        thread = self.thread([], b'')
        start = [address for begin, address in thread.elf.fdes if begin == 0x2000][0]
        field = start + 8 + 8 + 1 + 1               # length, CIE, range, augmentation length, opcode
        code = b'\x01' + struct.pack('<i', 0x2010 - field) + cfa_offset(24)
        self.check(self.MAIN, code, 0x200f)
        self.check([8, 8] + self.MAIN, code, 0x2010)

    def test_remember_and_restore_state(self):
        code = (cfa_offset(16) + offset(RBX, -16) + b'\x0a' + advance(1) + cfa_offset(8) + b'\xc3'
                + advance(1) + b'\x0b' + advance(1) + b'\x0a\x0a\x0b\x0b' + cfa_offset(24))
        for pc, below in ((0x2000, 1), (0x2001, 0), (0x2002, 1), (0x2003, 2)):
            self.check([7] * below + self.MAIN, code, pc)
        # The CFA's register and its expression are part of the state.
        code = (b'\x0a' + b'\x0f' + block(b'\x77\x18') + advance(1) + b'\x0b')
        self.check([7, 7] + self.MAIN, code, 0x2000)
        self.check(self.MAIN, code, 0x2001)

    def test_restore_goes_back_to_the_cie(self):
        table = unwinder.FrameTable
        code = offset(RBX, -24) + offset(RA, -16) + advance(1) + b'\xc3' + b'\xd0' + advance(1) + b'\x06\x03'
        thread = self.thread([], code)
        frames = table(thread.elf)
        self.assertEqual(frames.row_at(0x2000)[2], {RBX: (2, -24), RA: (2, -16)})
        self.assertEqual(frames.row_at(0x2001)[2], {RA: (2, -8)})

    def test_definitions_of_the_cfa(self):
        self.check([8, 8] + self.MAIN, b'\x12' + uleb(RSP) + sleb(-3), 0x2000)      # def_cfa_sf
        self.check([8, 8] + self.MAIN, b'\x13' + sleb(-3), 0x2000)                  # def_cfa_offset_sf
        self.check([8, 8] + self.MAIN, b'\x2e\x40' + cfa_offset(24))                # GNU_args_size
        self.check([8] * 5 + self.MAIN, b'\x0d' + uleb(RBX), rbx=STACK + 40)        # def_cfa_register
        self.check([8] * 5 + self.MAIN, def_cfa(R10, 0), r10=STACK + 48)            # in a realigned prologue

    def test_rules_of_other_kinds(self):
        self.check([BIAS + 0x1050, 8, 1, 2, 3, START], cfa_offset(16) + b'\x05' + uleb(RA) + uleb(2))
        self.check([BIAS + 0x1050, 8, 1, 2, 3, START], cfa_offset(16) + b'\x11' + uleb(RA) + sleb(2))
        self.check([BIAS + 0x1050, 8, 1, 2, 3, START], def_cfa(RSP, 0) + b'\x2f' + uleb(RA) + uleb(0)
                   + b'\x15' + uleb(RSP) + sleb(-2))
        self.check([8, BIAS + 0x1050, 1, 2, 3, START], cfa_offset(0) + b'\x10' + uleb(RA) + block(b'\x23\x08')
                   + b'\x16' + uleb(RSP) + block(b'\x23\x10'))
        self.check(self.MAIN, cfa_offset(48) + b'\x14' + uleb(RSP) + uleb(5) + b'\x11' + uleb(RA) + sleb(6))

    def test_return_address_in_a_register(self):
        # As behind vfork's pop: the return address is in rdi, sp already above its slot.
        words = [3, 1, 2, 3, START]
        thread = self.thread(words, cfa_offset(8) + b'\x09' + uleb(RA) + uleb(RBX), rbx=BIAS + 0x1050)
        self.assertEqual(thread.walk().addresses, at(0x2000, 0x1050, 0x910))

    def test_same_value_and_undefined(self):
        self.check(self.MAIN, offset(RBX, -16) + b'\x08' + uleb(RBX) + b'\x07' + uleb(12))
        thread = self.thread(self.MAIN, b'\x07' + uleb(RA))
        self.assertEqual(thread.walk(), (at(0x2000), (0,), 'end'))
        thread = self.thread(self.MAIN, b'\x08' + uleb(RA))
        self.assertEqual(thread.walk().ending, 'bad rules')

    def test_callee_saved_register_two_frames_up(self):
        # 0x2000 saves rbx; its caller, at 0x2200, has its CFA in rbx.
        elf = simple_elf()
        cie = elf.cie()
        elf.fdes = [entry for entry in elf.fdes if entry[0] != 0x2000]
        elf.fde(cie, 0x2000, 0x100, cfa_offset(16) + offset(RBX, -16))
        elf.fde(cie, 0x2200, 0x100, def_cfa(RBX, 16))
        words = [STACK + 32, BIAS + 0x2250, 0, 0, 0] + self.MAIN
        thread = Thread(elf.finish(), words)
        self.assertEqual(thread.walk().addresses, at(0x2000, 0x2250, 0x1050, 0x910))

    def test_realigned_frame(self):
        # cfa = *(rbp - 8), rbp saved at rbp: what gcc writes behind "and rsp, -32".
        code = b'\x0f' + block(b'\x76\x78\x06') + b'\x10' + uleb(RBP) + block(b'\x76\x00')
        words = [9, STACK + 56, STACK + 88, 9, 9, 9] + self.MAIN
        self.check(words, code, rbp=STACK + 16)

    def test_plt_entry(self):
        # What ld writes for .plt: the CFA depends on where in the 16-byte entry the pc is.
        code = b'\x0f' + block(b'\x77\x08\x80\x00\x3f\x1a\x3b\x2a\x33\x24\x22')
        self.check(self.MAIN, code, 0x2000)
        self.check(self.MAIN, code, 0x200a)
        self.check([5] + self.MAIN, code, 0x200b)
        self.check([5] + self.MAIN, code, 0x201f)

    def test_signal_frame(self):
        # The pc that the signal interrupted is looked up as it is: 0x1003 still has cfa = sp + 8.
        elf = simple_elf()
        cie = elf.cie(augmentation=b'zRS')
        code = b'\x0f' + block(b'\x77\x10\x06') + b''.join(
            b'\x10' + uleb(number) + block(b'\x77' + sleb(place))
            for number, place in ((RA, 0), (RBP, 8), (RSP, 16)))
        elf.fde(cie, 0x2300, 0x100, code)
        alternate = STACK - (1 << 20)
        for stack in (alternate, STACK):
            frame = [BIAS + 0x2301, BIAS + 0x1003, 0, stack + 0x800]
            thread = Thread(elf.finish(), frame, rsp=stack)
            thread.memory = {stack: struct.pack('<4Q', *frame), stack + 0x800: struct.pack('<Q', START)}
            thread.memory[stack] = thread.memory[stack].ljust(0x800, b'\0')
            self.assertEqual(thread.walk(), (at(0x2000, 0x2301, 0x1003, 0x910), (0, 2), 'end'))
            if stack == STACK:
                continue
            frame[3] = STACK
            thread.memory = {stack: struct.pack('<4Q', *frame), STACK: struct.pack('<Q', START)}
            self.assertEqual(thread.walk(), (at(0x2000, 0x2301, 0x1003, 0x910), (0, 2), 'end'))
        # A signal frame that leads to itself.
        frame = [BIAS + 0x2301, BIAS + 0x2301, 0, STACK + 8]
        thread = Thread(elf.finish(), frame)
        self.assertEqual(thread.walk().ending, 'loop')

    def test_unknown_instruction(self):
        thread = self.thread(self.MAIN, b'\x3f')
        stack = thread.walk()
        self.assertEqual(stack, (at(0x2000), (0,), 'bad rules'))
        self.assertIn('0x3f', thread.unwinder.problems[0])
        with self.assertRaises(UnwindError) as caught:
            unwinder.FrameTable(thread.elf).row_at(0x2000)
        self.assertEqual(caught.exception.pc, 0x2000)


class Tables(RowCase):
    def variants(self):
        pers = struct.pack('<i', 0x1234)
        yield dict(version=1), {}
        yield dict(version=3), {}
        yield dict(version=4), {}
        indirect = bytes([INDIRECT | PCREL | SDATA4]) + pers
        yield dict(augmentation=b'zPLR', personality=indirect), dict(extra=pers)
        yield dict(augmentation=b'zPLRS', personality=b'\x00' + bytes(8)), dict(extra=pers)
        yield dict(encoding=ABSPTR), dict(encoding=ABSPTR)
        yield dict(encoding=UDATA4), dict(encoding=UDATA4)
        yield dict(augmentation=b''), dict(encoding=ABSPTR, has_length=False)
        yield dict(augmentation=b'eh'), dict(encoding=ABSPTR, has_length=False)
        yield dict(augmentation=b'zRX'), {}
        yield dict(wide=True), dict(wide=True)
        yield dict(return_register=15, instructions=def_cfa(RSP, 8) + offset(15, -8)), {}

    def test_augmentations_versions_and_encodings(self):
        for cie, fde in self.variants():
            for with_hdr in (True, False):
                elf = FakeElf()
                elf.with_hdr = with_hdr
                first = elf.cie()
                elf.fde(first, 0x900, 0x20, b'\x07' + uleb(RA))
                other = elf.cie(**cie)
                elf.fde(other, 0x1000, 0x100, advance(4) + cfa_offset(32), **fde)
                elf.fde(other, 0x2000, 0x100, **fde)
                thread = Thread(elf.finish(), self.MAIN)
                self.assertEqual(thread.walk().addresses, at(0x2000, 0x1050, 0x910), (cie, fde, with_hdr))

    def test_section_without_table_or_without_section_headers(self):
        elf = simple_elf()
        elf.with_sections = False
        elf.finish()
        elf.hdr = b'\x01\x1b\xff\xff' + elf.hdr[4:8]
        self.assertEqual(Thread(elf, self.MAIN).walk().addresses, at(0x2000, 0x1050, 0x910))
        elf.segments = elf.segments[:1]
        table = unwinder.FrameTable(elf)
        self.assertFalse(table.present)
        self.assertIsNone(table.row_at(0x2000))

    def test_empty_function_with_the_same_start(self):
        elf = simple_elf()
        elf.fde(elf.cie(), 0x2000, 0)
        self.assertEqual(Thread(elf.finish(), self.MAIN).walk().addresses, at(0x2000, 0x1050, 0x910))

    def test_a_long_search_table(self):
        elf = FakeElf()
        cie = elf.cie()
        count = 2 * unwinder._LANDMARK + 2
        for number in range(count):
            elf.fde(cie, 0x10000 + 0x20 * number, 0x10, advance(4) + cfa_offset(16 + 8 * number))
        # an empty function before, and behind, a landmark
        for number in (unwinder._LANDMARK, unwinder._LANDMARK + 40):
            elf.fde(cie, 0x10000 + 0x20 * number, 0)
        table = unwinder.FrameTable(elf.finish())
        for number in range(count):
            pc = 0x10000 + 0x20 * number
            self.assertEqual(table.row_at(pc + 8)[1][:2], (RSP, 16 + 8 * number))
            table._last = None
            self.assertIsNone(table.row_at(pc + 0x18), hex(pc))
        self.assertIsNone(table.row_at(0xffff))
        self.assertIsNone(table.row_at(0))
        elf.hdr = elf.hdr[:-4]
        self.assertRaises(UnwindError, unwinder.FrameTable(elf).row_at, 0x10000)

    def test_gaps_belong_to_nobody(self):
        table = unwinder.FrameTable(simple_elf().finish())
        for pc in (0, 0x8ff, 0x920, 0xfff, 0x1100, 0x1fff, 0x2200, 1 << 40):
            self.assertIsNone(table.row_at(pc), hex(pc))
        for pc in (0x900, 0x91f, 0x1000, 0x10ff, 0x2000, 0x21ff):
            self.assertIsNotNone(table.row_at(pc), hex(pc))


class Expressions(unittest.TestCase):
    def value(self, code, stack=(), registers=None, words=()):
        thread = Thread(None, words)
        return unwinder.evaluate(bytes(code), registers or list(range(100, 117)),
                                 unwinder._Memory(STACK, b'', thread.read), stack)

    def test_operations(self):
        minus = (1 << 64) - 1
        for code, stack, expected in (
                (b'\x30', (), 0), (b'\x4f', (), 31), (b'\x08\xff', (), 255), (b'\x09\xff', (), minus),
                (b'\x0a\xff\xff', (), 65535), (b'\x0b\xfe\xff', (), minus - 1),
                (b'\x0c\xff\xff\xff\xff', (), 0xffffffff), (b'\x0d\xff\xff\xff\xff', (), minus),
                (b'\x0e' + b'\xff' * 8, (), minus), (b'\x0f' + b'\xff' * 8, (), minus),
                (b'\x10\x80\x01', (), 128), (b'\x11\x7f', (), minus),
                (b'\x03' + struct.pack('<Q', 77), (), 77), (b'\x70\x00', (), 100), (b'\x77\x7f', (), 106),
                (b'\x92\x06\x02', (), 108), (b'\x12\x22', (4,), 8), (b'\x13', (4, 5), 4),
                (b'\x14', (4, 5), 4), (b'\x15\x02', (4, 5, 6), 4), (b'\x16', (4, 5), 4),
                (b'\x17', (4, 5, 6), 5), (b'\x17\x13', (4, 5, 6), 4), (b'\x17\x13\x13', (4, 5, 6), 6),
                (b'\x19', (minus,), 1), (b'\x1a', (12, 10), 8), (b'\x1b', (minus - 6, 2), minus - 2),
                (b'\x1c', (3, 5), minus - 1), (b'\x1d', (17, 5), 2), (b'\x1e', (1 << 63, 2), 0),
                (b'\x1f', (1,), minus), (b'\x20', (0,), minus), (b'\x21', (8, 3), 11),
                (b'\x22', (minus, 2), 1), (b'\x23\x05', (3,), 8), (b'\x24', (3, 2), 12),
                (b'\x24', (3, 64), 0), (b'\x25', (minus, 63), 1), (b'\x26', (minus - 3, 1), minus - 1),
                (b'\x26', (minus, 200), minus), (b'\x27', (6, 3), 5), (b'\x29', (5, 5), 1),
                (b'\x2a', (minus, 0), 0), (b'\x2b', (1, 0), 1), (b'\x2c', (minus, 0), 1),
                (b'\x2d', (minus, 0), 1), (b'\x2e', (5, 5), 0), (b'\x28\x01\x00\x31\x32', (9, 1), 2),
                (b'\x28\x01\x00\x31\x32', (9, 0), 2), (b'\x2f\x01\x00\x31', (9,), 9), (b'\x96', (9,), 9)):
            self.assertEqual(self.value(code, stack), expected, (code, stack))

    def test_memory(self):
        self.assertEqual(self.value(b'\x06', (STACK + 8,), words=[5, 6]), 6)
        self.assertEqual(self.value(b'\x94\x02', (STACK,), words=[0x12345]), 0x2345)
        with self.assertRaises(unwinder._NoMemory):
            self.value(b'\x06', (STACK + 12,), words=[5, 6])

    def test_damaged(self):
        for code in (b'', b'\x22', b'\x13', b'\x06', b'\x0e\0', b'\x15\x09', b'\xff', b'\x92\x20\x00',
                     b'\x94\x09', b'\x30\x30\x1b', b'\x30\x30\x1d', b'\x2f\xfd\xff', b'\x30\x2f\xff\x7f',
                     b'\x16', b'\x17', b'\x8f\x00', b'\x30\x12\x2f\xfc\xff', b'\x10' + b'\xff' * 40,
                     b'\x2f\x00', b'\x50'):
            with self.assertRaises(unwinder._Damaged, msg=repr(code)):
                self.value(code)


class WithoutRules(unittest.TestCase):
    CALL = b'\xe8\0\0\0\0'

    def thread(self, words, code, pc, calls, **more):
        """Code at 0x50000000 that no module holds; `calls`: addresses that a call instruction ends at."""
        thread = Thread(simple_elf().finish(), words, pc=pc, **more)
        thread.memory[0x50000000] = code.ljust(4096, b'\x90')
        for address in calls:
            thread.memory[address - 64] = bytes(64 - len(self.CALL)) + self.CALL
        return thread

    def test_frame_pointers(self):
        main = BIAS + 0x1050
        words = [0x50000100, 0, 0, STACK + 48, 0x50000200, 0, 0x77, main, 1, 2, 3, START]
        code = bytearray(0x1000)
        code[0xfb:0x100] = code[0x1fb:0x200] = self.CALL
        thread = self.thread(words, bytes(code), BIAS + 0x2000, [main], rbp=STACK + 24)
        self.assertEqual(thread.walk(), ((BIAS + 0x2000, 0x50000100, 0x50000200, main, START), (0,), 'end'))
        self.assertGreater(thread.unwinder.guessed, 0)
        # Without the call before it, and without a chain that goes on, 0x50000200 is no return address.
        code[0x1fb:0x200] = b'\x90' * 5
        words[3] = 0x77
        thread = self.thread(words, bytes(code), BIAS + 0x2000, [main], rbp=STACK + 24)
        self.assertEqual(thread.walk(), ((BIAS + 0x2000, 0x50000100), (0,), 'no rules'))
        for rbp in (0, 5, STACK - 8, STACK + 4, STACK + (64 << 20), 1 << 63, (1 << 64) - 8):
            thread.registers[RBP] = rbp
            self.assertEqual(thread.walk().ending, 'no rules', hex(rbp))

    def test_frame_pointers_of_an_interpreter(self):
        # No call stands before these return addresses, but the chain of frame pointers goes on to main.
        main = BIAS + 0x1050
        words = [0x50000100, 0, 0, STACK + 48, 0x50000200, 0, STACK + 72, 0x50000300, 0, 0x77]
        words += [main, 1, 2, 3, START]
        thread = self.thread(words, bytes(4096), 0x50000080, [main], rbp=STACK + 24)
        expected = (0x50000080, 0x50000200, 0x50000300, main, START)
        self.assertEqual(thread.walk(), (expected, (0,), 'end'))
        for broken in (STACK + 49, STACK + 16, STACK + (64 << 20), 0):
            words[3] = broken
            thread = self.thread(words, bytes(4096), 0x50000080, [main], rbp=STACK + 24)
            self.assertEqual(thread.walk().ending, 'no rules', broken)
        # So it does in a module's code without rules: V8 keeps its builtins there.
        words[3] = STACK + 48
        thread = self.thread(words, bytes(4096), BIAS + 0x3000, [main], rbp=STACK + 24)
        self.assertEqual(thread.walk(), ((BIAS + 0x3000,) + expected[1:], (0,), 'end'))
        # What such walks found out is a rule for whoever only knows rules; an exact pc says nothing.
        self.assertEqual([thread.unwinder.guessed_rule(pc) for pc in (0x50000200, 0x50000300, BIAS + 0x3000, 0x50000999)],
                         [(RBP, 16, -16), (RBP, 16, -16), None, None])
        thread.unwinder.forget(0x50000000, 0x50001000)
        self.assertIsNone(thread.unwinder.guessed_rule(0x50000200))

    def test_chain_of_zeros_is_the_end(self):
        code = bytearray(0x1000)
        code[0xfb:0x100] = self.CALL
        thread = self.thread([0x50000100, 0, 0, 0, 0], bytes(code), BIAS + 0x2000, [], rbp=STACK + 24)
        self.assertEqual(thread.walk(), ((BIAS + 0x2000, 0x50000100), (0,), 'end'))

    def test_entry_and_return(self):
        main = BIAS + 0x1050
        words = [main, 1, 2, 3, START]
        for code in (b'\x55\x48\x89\xe5', b'\xf3\x0f\x1e\xfa\x55', b'\xc3', b'\xf3\xc3', b'\xc2\x08\0',
                     b'\xff\x25\0\0\0\0', b'\xf2\xff\x25\0\0\0\0', b'\x68\0\0\0\0\xe9\0\0\0\0'):
            thread = self.thread(words, code, 0x50000000, [main], rbp=0)
            self.assertEqual(thread.walk(), ((0x50000000, main, START), (0,), 'end'), code)
            self.assertEqual(self.thread(words, code, 0x50000000, [], rbp=0).walk().ending, 'no rules')
        for code, pc in ((b'\x55\x48\x89\xe5', 1), (b'\x68\0\0\0\0\xe9\0\0\0\0', 5)):
            thread = self.thread([0] + words, code, 0x50000000 + pc, [main], rbp=0)
            self.assertEqual(thread.walk(), ((0x50000000 + pc, main, START), (0,), 'end'), code)

    def test_prologue_of_a_known_function(self):
        # A module that covers main only; 0x3000 is a function that its symbols know.
        main = BIAS + 0x1050
        code = b'\xf3\x0f\x1e\xfa\x41\x54\x55\x48\x83\xec\x10' + self.CALL
        thread = Thread(simple_elf().finish(), [BIAS + 0x3010, 1, 2, 77, 5, main, 1, 2, 3, START], rbp=0)
        thread.elf.symbols = [Symbol('f', 0x3000, 32)]
        thread.memory[BIAS + 0x3000] = code.ljust(64, b'\x90')
        thread.memory[main - 64] = bytes(59) + self.CALL
        self.assertEqual(thread.walk(), ((BIAS + 0x2000, BIAS + 0x3010, main, START), (0,), 'end'))

    def test_entry_point_without_rules_is_the_end(self):
        elf = simple_elf()
        elf.fdes = [entry for entry in elf.fdes if entry[0] != 0x900]
        thread = Thread(elf.finish(), [BIAS + 0x910, 1, 2, 3], rbp=0)
        self.assertEqual(thread.walk(), (at(0x2000, 0x910), (0,), 'end'))

    def test_signal_frame_known_by_its_code(self):
        restorer = 0x50000040
        sp = STACK + 0x800
        context = [0] * 5 + list(range(8, 16)) + [5, 4, 0x66, 3, 2, 0, 1, sp, BIAS + 0x1003]
        code = bytes(0x40) + b'\x48\xc7\xc0\x0f\0\0\0\x0f\x05'
        words = [restorer] + context
        words += [0] * (256 - len(words)) + [START]
        thread = self.thread(words, code, BIAS + 0x2000, [])
        self.assertEqual(thread.walk(), ((BIAS + 0x2000, restorer, BIAS + 0x1003, START), (0, 2), 'end'))

    def test_signal_frame_of_freebsd_known_by_its_code(self):
        restorer = 0x50000040
        sp = STACK + 0x800
        # sf_handler and padding, uc_sigmask, mc_onstack; mc_rdi to mc_r15; mc_trapno to mc_err; mc_rip to mc_rsp
        context = [1, 0, 0, 0, 0] + [5, 4, 1, 2, 8, 9, 0, 3, 0x66] + list(range(10, 16)) + [0] * 4
        context += [BIAS + 0x1003, 0x43, 0x202, sp]
        code = bytes(0x40) + b'\x48\x8d\x7c\x24\x10\x6a\0\x48\xc7\xc0\xa1\x01\0\0\x0f\x05\xf4\xeb\xfd'
        words = [restorer] + context
        words += [0] * (256 - len(words)) + [START]
        thread = self.thread(words, code, BIAS + 0x2000, [])
        self.assertEqual(thread.walk(), ((BIAS + 0x2000, restorer, BIAS + 0x1003, START), (0, 2), 'end'))

    def test_calls_of_every_form(self):
        for code in (b'\xff\xd0', b'\x41\xff\xd3', b'\xff\x10', b'\xff\x50\x08', b'\xff\x54\x24\x08',
                     b'\xff\x14\x24', b'\xff\x90\0\1\0\0', b'\xff\x94\x24\0\1\0\0', b'\xff\x15\0\0\0\0',
                     b'\xff\x14\xc5\0\0\0\0', b'\x41\xff\x54\xdd\x00', b'\xe8\0\0\0\0', b'\x67\xe8\0\0\0\0'):
            memory = unwinder._Memory(0x1000, b'\x90' * 16 + code, lambda address, size: b'')
            self.assertTrue(unwinder._follows_call(0x1010 + len(code), memory), code)
        for code in (b'\xff\xe0', b'\x90\x90', b'\xe9\0\0\0\0', b'\xff\x25\0\0\0\0', b'\xff\x54\x24',
                     b'\xff\x14'):
            memory = unwinder._Memory(0x1000, b'\x90' * 16 + code, lambda address, size: b'')
            self.assertFalse(unwinder._follows_call(0x1010 + len(code), memory), code)


class Damage(unittest.TestCase):
    """Whatever the file or the stack holds, a walk ends with a reason, and soon."""

    def elf(self, chance):
        elf = FakeElf()
        elf.with_hdr = chance.random() < 0.7
        elf.with_sections = chance.random() < 0.7
        cies = [elf.cie(), elf.cie(augmentation=b'zPLR', personality=b'\x9b\1\2\3\4'),
                elf.cie(augmentation=b'zRS', version=3)]
        elf.fde(cies[0], 0x900, 0x20, b'\x07' + uleb(RA))
        elf.fde(cies[0], 0x1000, 0x100, b'\x0a' + advance(4) + cfa_offset(32) + advance(60) + b'\x0b')
        elf.fde(cies[0], 0x2000, 0x80, b'\x0f' + block(b'\x77\x08\x80\x00\x3f\x1a\x3b\x2a\x33\x24\x22'))
        elf.fde(cies[1], 0x2080, 0x80, b'\x0f' + block(b'\x76\x78\x06') + b'\x10\x06' + block(b'\x76\x00'),
                extra=bytes(4))
        elf.fde(cies[0], 0x2100, 0x100, advance(1) + cfa_offset(16) + offset(RBP, -16) + b'\x0d\x06')
        elf.fde(cies[2], 0x2300, 0x100, b'\x0f' + block(b'\x77\x10\x06') + b'\x10\x10' + block(b'\x77\x00')
                + b'\x10\x07' + block(b'\x77\x10') + b'\x2e\x10\x09\x03\x0c\x14\x0d\x01'
                + b'\x16\x0e\x03\x77\x08\x06')
        return elf.finish()

    def test_mutations(self):
        chance = random.Random(20240229)
        pcs = (0x2005, 0x2090, 0x2110, 0x2310, 0x1010, 0x90f, 0x3000)
        seen = collections.Counter()
        worst = 0
        for _ in range(support.scaled(4000)):
            elf = self.elf(chance)
            for _ in range(chance.randrange(1, 6)):
                name = 'hdr' if elf.with_hdr and chance.random() < 0.2 else 'data'
                data = bytearray(getattr(elf, name))
                kind = chance.random()
                place = chance.randrange(len(data))
                if kind < 0.6:
                    data[place] = chance.choice((0, 1, 0x7f, 0x80, 0xff, chance.randrange(256)))
                elif kind < 0.8:
                    number = chance.choice((0, 1, 0xffffffff, 0x7fffffff, 1 << 20))
                    data[place:place + 4] = struct.pack('<I', number)
                elif kind < 0.9:
                    del data[place:place + chance.randrange(1, 40)]
                else:
                    data[place:place] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 20)))
                if data:
                    setattr(elf, name, data)
            words = [chance.choice((BIAS + chance.choice(pcs), STACK + 8 * chance.randrange(40),
                                    chance.randrange(1 << 64), 0)) for _ in range(40)]
            thread = Thread(elf, words, pc=BIAS + chance.choice(pcs),
                            rbp=chance.choice((STACK + 8 * chance.randrange(40), 3, 1 << 63)))
            before = time.perf_counter()
            stack = thread.walk(limit=8)
            worst = max(worst, time.perf_counter() - before)
            self.assertIn(stack.ending, unwinder.ENDINGS)
            self.assertEqual(stack.addresses[0], thread.registers[RA])
            seen[stack.ending] += 1
        self.assertLess(worst, 1)
        self.assertLessEqual(set(unwinder.ENDINGS) - {'limit'}, set(seen))

    def test_random_expressions(self):
        chance = random.Random(5)
        outcomes = collections.Counter()
        thread = Thread(None, list(range(100)))
        memory = unwinder._Memory(STACK, thread.stack, thread.read)
        for _ in range(support.scaled(10000)):
            thread.reads = 0
            code = bytes(chance.choice((0x06, 0x12, 0x28, 0x2f, 0x77, 0x24, chance.randrange(256)))
                         for _ in range(chance.randrange(1, 24)))
            try:
                unwinder.evaluate(code, thread.registers, memory, (STACK, STACK + 8))
                outcomes['value'] += 1
            except (unwinder._Damaged, unwinder._NoMemory) as error:
                outcomes[type(error).__name__] += 1
        self.assertEqual(len(outcomes), 3)

    def test_many_states_of_many_registers(self):
        # Each remembered state copies the rules: registers that do not exist must not make that quadratic.
        elf = FakeElf()
        many = b''.join(b'\x05' + uleb(number) + b'\1' for number in range(17, 12000))
        elf.fde(elf.cie(), 0x2000, 0x100, many + b'\x0a\x0b' * 30000)
        elf.finish()
        before = time.perf_counter()
        self.assertEqual(unwinder.FrameTable(elf).row_at(0x2050)[2], {RA: (2, -8)})
        self.assertLess(time.perf_counter() - before, 60)
        elf = FakeElf()
        elf.fde(elf.cie(), 0x2000, 0x100, b'\x0a' * 1000)
        with self.assertRaises(UnwindError):
            unwinder.FrameTable(elf.finish()).row_at(0x2050)


# ---- readelf's tables ----

REGISTERS = 'rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 ra'.split()


def as_readelf(rule):
    """A register rule in the words of readelf --debug-dump=frames-interp."""
    if rule is None:
        return 'u'
    kind, argument = rule
    return ('u', 's', 'c%+d', 'v%+d', 'r%d', 'exp', 'vexp')[kind] % (() if kind in (0, 1, 5, 6) else argument)


def compare_with_readelf(path, fdes=None, every=1):
    """-> (rows compared, list of (file address, ours, readelf's)); every: one FDE out of so many."""
    elf = elfreader.ElfFile.open(path)
    table = unwinder.FrameTable(elf)
    process = subprocess.Popen(['readelf', '--debug-dump=frames-interp', '--wide', path],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True)
    rows = count = 0
    different = []
    span = columns = None
    try:
        for line in process.stdout:
            header = re.search(r' FDE .*pc=([0-9a-f]+)\.\.([0-9a-f]+)', line)
            if header:
                count += 1
                if fdes and rows and count > fdes * every:
                    break
                span = (int(header.group(1), 16), int(header.group(2), 16)) if count % every == 0 else None
            elif ' CIE ' in line:
                span = None
            elif line.startswith('   LOC'):
                columns = line.split()[2:]
            elif span and re.match('[0-9a-f]{16} ', line):
                # A rule "in another register" is printed as "r9 (r9)" there.
                cells = re.sub(r'\br(\d+) \(\w+\)', r'r\1', line).split()
                pc = int(cells[0], 16)
                if not span[0] <= pc < span[1]:
                    continue
                rows += 1
                row = table.row_at(pc)
                ours = None
                if row is not None:
                    (register, distance, expression), rules = row[1:]
                    ours = ['exp' if expression is not None else '%s%+d' % (REGISTERS[register], distance)]
                    ours += [as_readelf(rules.get(REGISTERS.index(name)))
                             for name in columns if name in REGISTERS]
                theirs = [cells[1]] + [cell for name, cell in zip(columns, cells[2:]) if name in REGISTERS]
                if ours != theirs:
                    different.append((pc, ours, theirs))
    finally:
        process.stdout.close()
        process.kill()
        process.wait()
        elf.close()
    return rows, different


@support.skip_unless_program('readelf')
class Readelf(unittest.TestCase):
    def compare(self, path, least, **options):
        if not path or not os.path.exists(path):
            self.skipTest('no such file here')
        rows, different = compare_with_readelf(path, **options)
        self.assertEqual(different[:5], [])
        self.assertGreater(rows, least)

    @staticmethod
    def mapped(word):
        with open('/proc/self/maps') as maps:
            for line in maps:
                path = line.split(None, 5)[-1].strip()
                if word in os.path.basename(path):
                    return path
        return None

    def test_libc(self):
        self.compare(self.mapped('libc.so') or self.mapped('libc-2'), 3000, every=3)

    def test_dynamic_linker(self):
        self.compare(self.mapped('ld-linux') or self.mapped('ld-2'), 500)

    def test_interpreter(self):
        self.compare(self.mapped('libpython') or os.path.realpath(sys.executable), 300, fdes=600, every=9)

    def test_libstdcxx(self):
        compiler = support.find_compiler('c++')
        if compiler is None:
            self.skipTest('no C++ compiler to ask where libstdc++ is')
        path = subprocess.check_output([compiler, '-print-file-name=libstdc++.so.6'], universal_newlines=True)
        self.compare(os.path.realpath(path.strip()), 1000, every=9)


# ---- gdb's backtraces ----

class Process(object):
    """Memory and modules of a live process, as the monitor would have them."""

    def __init__(self, pid):
        self.pid = pid
        self.memory = os.open('/proc/%d/mem' % pid, os.O_RDONLY)
        self.elfs = {}
        self.modules = []

    def read(self, address, size):
        try:
            return os.pread(self.memory, size, address)
        except OSError:
            return b''

    def _load(self):
        places = collections.OrderedDict()
        with open('/proc/%d/maps' % self.pid) as maps:
            for line in maps:
                fields = line.split(None, 5)
                name = fields[5].strip() if len(fields) > 5 else ''
                if name.startswith('/') or name == '[vdso]':
                    start, end = [int(number, 16) for number in fields[0].split('-')]
                    places.setdefault(name, []).append((start, end, int(fields[2], 16)))
        self.modules = []
        for name, maps in places.items():
            start, end, file_offset = maps[0]
            if name not in self.elfs:
                try:
                    if name == '[vdso]':
                        self.elfs[name] = elfreader.ElfFile(self.read(start, end - start), name)
                    else:
                        self.elfs[name] = elfreader.ElfFile.open(name)
                except (OSError, elfreader.ElfError):
                    self.elfs[name] = None
            elf = self.elfs[name]
            if elf is not None:
                first = [segment for segment in elf.segments if segment.type == 1][0]
                bias = start - (first.file_address & ~4095)
                self.modules.append(Module(elf, bias, start, maps[-1][1], name))

    def find_module(self, address):
        for _ in range(2):
            for module in self.modules:
                if module.start <= address < module.end:
                    return module
            self._load()
        return None


class Judge(object):
    """Inside gdb: our walk of the thread that gdb has selected, and gdb's own, at one stop after another."""

    def __init__(self, gdb, bulk=4096):
        self.gdb = gdb
        self.process = Process(gdb.selected_inferior().pid)
        self.unwinder = Unwinder(self.process.find_module)
        self.bulk = bulk
        self.stops = self.frames = 0
        self.endings = collections.Counter()
        self.exact = collections.Counter()
        self.different = []
        self.inside = collections.Counter()

    def compare(self, limit=60):
        gdb = self.gdb
        newest = gdb.newest_frame()
        names = REGISTERS[:16] + ['rip']
        registers = [int(newest.read_register(name)) & (1 << 64) - 1 for name in names]
        bottom = registers[RSP] & ~7
        bulk = self.process.read(bottom, self.bulk)
        ours = self.unwinder.unwind(registers, bottom, bulk, self.process.read, limit)
        memory = unwinder._Memory(bottom, bulk, self.process.read)
        whole = self.unwinder._walk(registers, memory, limit, False)
        theirs = []
        frame = newest
        while frame is not None and len(theirs) < limit:
            if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
                theirs.append(frame.pc())
            try:
                frame = frame.older()
            except gdb.error:
                break
        self.stops += 1
        self.frames += len(theirs)
        self.endings[ours.ending] += 1
        self.exact[len(ours.exact)] += 1
        self.inside[newest.name()] += 1
        if list(ours.addresses) != theirs or whole != ours:
            self.different.append([ours.ending, self.places(ours.addresses), self.places(whole.addresses),
                                   self.places(theirs)])

    def places(self, addresses):
        found = []
        for address in addresses:
            module = self.process.find_module(address)
            found.append('%s+0x%x' % (os.path.basename(module.name), address - module.load_bias) if module
                         else '0x%x' % address)
        return found

    def report(self):
        print('JUDGE ' + json.dumps({
            'stops': self.stops, 'frames': self.frames, 'endings': self.endings,
            'different': self.different[:3], 'differences': len(self.different), 'exact': self.exact,
            'problems': self.unwinder.problems, 'guessed': self.unwinder.guessed, 'inside': self.inside}))
        sys.stdout.flush()


def judge_program(breakpoints, steps_each=0, stops=100000, steps=0):
    """Run inside gdb: a stop at main, `steps` instructions from there, then all stops at breakpoints."""
    import gdb
    for command in ('set pagination off', 'set confirm off', 'set width 0', 'set backtrace past-main on',
                    'set backtrace past-entry on', 'set breakpoint pending on', 'set print thread-events off',
                    'handle all nostop noprint pass', 'break main', 'run > /dev/null'):
        gdb.execute(command, to_string=True)
    judge = Judge(gdb)

    def run(command):
        try:
            gdb.execute(command, to_string=True)
        except gdb.error:
            return False
        return bool(gdb.selected_inferior().pid)

    def step(count):
        for _ in range(count):
            judge.compare()
            if not run('stepi'):
                return False
        return True

    alive = step(steps)
    for place in breakpoints:
        gdb.execute('break ' + place, to_string=True)
    while alive and judge.stops < stops and run('continue'):
        judge.compare()
        alive = step(steps_each)
    judge.report()


def judge_process(pid, breakpoints, stops, every=1):
    """Run inside gdb: attached to a running process, so many stops, at each `every`th pass of a breakpoint."""
    import gdb
    for command in ('set pagination off', 'set confirm off', 'set width 0', 'set backtrace past-main on',
                    'set backtrace past-entry on', 'handle all nostop noprint pass', 'attach %d' % pid):
        gdb.execute(command, to_string=True)
    judge = Judge(gdb)
    print('ATTACHED')
    sys.stdout.flush()
    try:
        for place in breakpoints:
            gdb.execute('break ' + place, to_string=True)
        while judge.stops < stops:
            for breakpoint in gdb.breakpoints():
                breakpoint.ignore_count = every - 1
            gdb.execute('continue', to_string=True)
            judge.compare()
    except gdb.error as error:
        print('gdb: %s' % error)
    gdb.execute('detach', to_string=True)
    judge.report()


STEPPED = r'''
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
static int order(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(int count, char **words)
{
    struct timespec now;
    int numbers[8];
    for (int i = 0; i < 8; i++) numbers[i] = i * 5 % 8;
    qsort(numbers, 8, sizeof *numbers, order);
    char *text = malloc(100);
    snprintf(text, 100, "%d %s %f", numbers[3], words[0], 3.5 * count);
    puts(text);
    free(text);
    clock_gettime(CLOCK_MONOTONIC, &now);       /* its loop may never end under a debugger's steps */
    return 0;
}
'''

FRAMES = r'''
#include <alloca.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>
#define APART __attribute__((noinline, noclone))
volatile int sink;
static APART void block(int size) { void *p = malloc(size); free(p); sink = size; }
APART int recursion(int depth)
{
    char local[64];
    if (!depth) { block(11); return 1; }
    memset(local, depth, sizeof local);
    int result = recursion(depth - 1) + local[depth & 63];
    sink = result;
    return result;
}
static int order(const void *a, const void *b) { block(13); return *(const int *)a - *(const int *)b; }
struct Guard {
    std::string text;
    Guard(const char *s) : text(s) {}
    APART ~Guard() { block(17); sink = text.size(); }
};
APART void thrower(int depth)
{
    Guard guard("a string that is longer than what fits inside");
    if (!depth) throw std::runtime_error("an error message that is long enough, too");
    thrower(depth - 1);
    sink = 1;
}
APART int with_alloca(int size)
{
    char *p = (char *)alloca(size);
    memset(p, 1, size);
    block(size);
    return p[size / 2];
}
APART __attribute__((force_align_arg_pointer)) int forced(int n) { block(n); sink = n; return n + sink; }
typedef double vector4 __attribute__((vector_size(32)));
APART void use(vector4 *v) { block(19); sink = (*v)[0]; }
APART __attribute__((target("avx"))) int realigned(int n)
{
    vector4 local[4];
    local[n & 3] = vector4{1., 2., 3., 4.};
    use(&local[n & 3]);
    char *p = (char *)alloca(n + 5);
    memset(p, 1, n);
    use(&local[1]);
    return p[1];
}
APART void handler(int number) { block(23); sink = number; }
APART void raiser(int number) { char local[100]; memset(local, number, 100); raise(number); sink = local[3]; }
APART void fault(int *p) { sink = *p; sink++; }
static void fault_handler(int, siginfo_t *, void *context)
{
    block(29);
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RDI] = (greg_t)&sink;
}
APART void *thread(void *argument) { recursion(3); realigned(7); forced(3); return argument; }
int main(int, char **words)
{
    int numbers[9];
    struct sigaction action;
    stack_t alternate;
    pthread_t id;
    recursion(12);
    recursion(80);
    for (int i = 0; i < 9; i++) numbers[i] = i * 7 % 9;
    qsort(numbers, 9, sizeof *numbers, order);
    try { thrower(4); } catch (std::exception &error) { sink = strlen(error.what()); }
    std::map<std::string, std::vector<int>> names;
    for (int i = 0; i < 5; i++) names[std::to_string(i) + "abcdefghijklmnopqrst"].push_back(i);
    with_alloca(100); with_alloca(40000); forced(3); realigned(6); realigned(100);
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    sigaction(SIGUSR1, &action, 0);
    alternate.ss_sp = malloc(65536);
    alternate.ss_size = 65536;
    alternate.ss_flags = 0;
    sigaltstack(&alternate, 0);
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR2, &action, 0);
    raiser(SIGUSR1); raiser(SIGUSR2);
    pthread_create(&id, 0, thread, 0);
    pthread_join(id, 0);
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    action.sa_sigaction = fault_handler;
    sigaction(SIGSEGV, &action, 0);
    fault((int *)8);
    printf("%d %s\n", numbers[3], words[0]);
    return 0;
}
'''


def gdb_problem():
    """None where gdb can run a program and has Python inside, else why not."""
    gdb = support.find_program('gdb')
    if gdb is None:
        return 'no gdb in PATH'
    command = [gdb, '-nx', '-batch', '-ex', 'python print("py" + "thon")', '-ex', 'starti', '/bin/true']
    done = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)
    text = done.communicate()[0]
    if b'python\n' not in text:
        return 'gdb was built without Python'
    if b'Program stopped' not in text:
        return 'gdb cannot run a program here'
    return None


def start_judge(function, *last, **options):
    """gdb that runs judge_program() or judge_process() with these options -> Popen; see judgement()."""
    script = 'import sys; sys.path[:0] = %r; import test_unwinder; test_unwinder.%s(**%r)' % (
        [support.ROOT, os.path.dirname(os.path.abspath(__file__))], function, options)
    command = [support.find_program('gdb'), '-nx', '-batch', '-ex', 'python ' + script]
    return subprocess.Popen(command + list(last), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)


def judgement(gdb):
    """What a judge has found out -> dict, see Judge.report()."""
    text = gdb.communicate()[0].decode('utf-8', 'replace')
    lines = [line for line in text.splitlines() if line.startswith('JUDGE ')]
    if not lines:
        raise AssertionError('gdb has not come to its end:\n' + text[-2000:])
    return json.loads(lines[-1][6:])


class Gdb(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        problem = gdb_problem()
        if problem:
            raise unittest.SkipTest(problem)

    def judge(self, source, suffix, flags, **options):
        path = os.path.join(support.temporary_directory(), 'unwind' + suffix)
        with open(path, 'w') as out:
            out.write(source)
        program = support.compile_program(path, flags=flags)
        result = judgement(start_judge('judge_program', program, **options))
        self.assertEqual(result['different'], [])
        self.assertEqual(result['problems'], [])
        self.assertEqual(set(result['endings']) - {'end', 'limit'}, set())
        return result

    def test_every_instruction_from_main_on(self):
        """Prologues, epilogues, PLT entries, the lazy resolver, qsort's callback, printf, the vdso."""
        result = self.judge(STEPPED, '.c', ['-Wl,-z,lazy', '-g0'], breakpoints=[], steps=support.scaled(4000),
                            stops=1)
        self.assertGreaterEqual(result['stops'], 4000)
        self.assertTrue({'order', 'main'} <= set(result['inside']), result['inside'])
        resolver = [name for name in result['inside'] if 'dl_runtime_resolve' in name or name == '_dl_fixup']
        self.assertTrue(resolver, result['inside'])

    def test_frames_of_every_kind(self):
        """Recursion, callbacks, exceptions in flight, signals, alloca, realigned frames, threads."""
        result = self.judge(FRAMES, '.cpp', ['-g0'], breakpoints=['malloc', 'free', "*'malloc@plt'"],
                            steps_each=4)
        self.assertGreater(result['stops'], 500)
        self.assertGreater(result['exact'].get('2', 0), 10)         # through a signal handler
        self.assertGreater(result['endings'].get('limit', 0), 0)    # the deep recursion

    def test_frame_pointers_kept(self):
        result = self.judge(FRAMES, '.cpp', ['-g0', '-O1', '-fno-omit-frame-pointer'],
                            breakpoints=['malloc', 'free'], steps_each=2)
        self.assertGreater(result['stops'], 300)

    def test_static_program(self):
        # Stops in main's part only: at its end libgcc's own start files run, without rules, and gdb's guess
        # of a frame there is a wrong one.
        result = self.judge(STEPPED, '.c', ['-static', '-g0'], breakpoints=['malloc', 'free'], steps=400,
                            steps_each=50, stops=600)
        self.assertGreater(result['stops'], 400)


if __name__ == '__main__':
    unittest.main()
