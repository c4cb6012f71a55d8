"""dwarfline against line tables built here byte by byte, against addr2line and readelf on compiled programs.

Facts: DWARF 5, 6.2 (line tables), 6.1.2 (.debug_aranges), 7.5 (units).
"""

import os
import random
import shutil
import struct
import subprocess
import time
import unittest
import unittest.mock

import support
from dwarfline import DebugLine
from elfreader import ElfFile
from test_elfreader import ALLOC, EXEC, LOAD, PROGBITS, R, X, build_elf

TEXT, TEXT_SIZE = 0x1000, 0x10000


def uleb(value):
    raw = bytearray()
    while value > 0x7f:
        raw.append(value & 0x7f | 0x80)
        value >>= 7
    raw.append(value)
    return bytes(raw)


def sleb(value):
    raw = bytearray()
    while not -64 <= value < 64:
        raw.append(value & 0x7f | 0x80)
        value >>= 7
    raw.append(value & 0x7f)
    return bytes(raw)


def extended(kind, data=b''):
    return b'\0' + uleb(len(data) + 1) + bytes((kind,)) + data


def at(address):
    return extended(2, struct.pack('<Q', address))


def row(advance, line):
    """Advance the address by `advance` and the line by `line`, then a row."""
    return b'\x02' + uleb(advance) + b'\x03' + sleb(line) + b'\x01'


END = extended(1)


def line_unit(
    program, version=4, wide=False, names=None, step=1, max_ops=1, opcode_base=13, lengths=None, header=b''
):
    """One unit of .debug_line. names: bytes of the file tables; by default file 1 is dir/a.c, file 2 b.c."""
    lengths = bytes((0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1)) if lengths is None else lengths
    if names is None:
        if version < 5:
            names = b'dir\0\0' + b'a.c\0\1\0\0' + b'b.c\0\0\0\0' + b'\0'
        else:
            names = b'\1\1\x08' + b'\2' + b'/comp\0dir\0'
            names += b'\2\1\x08\2\x0b' + b'\3' + b'main.c\0\0' + b'a.c\0\1' + b'b.c\0\0'
    fields = bytes((step,)) + (bytes((max_ops,)) if version >= 4 else b'') + bytes((1, 0xfb, 14, opcode_base))
    rest = fields + lengths[: opcode_base - 1] + names + header
    offset = '<Q' if wide else '<I'
    body = struct.pack('<H', version) + (b'\x08\0' if version >= 5 else b'') + struct.pack(offset, len(rest))
    body += rest + program
    return (b'\xff\xff\xff\xff' if wide else b'') + struct.pack(offset, len(body)) + body


def elf_with(*sections, **options):
    """An ElfFile with code at TEXT and these (name, data) sections."""
    text = options.get('text', TEXT)
    rows = [('.text', PROGBITS, ALLOC | EXEC, text, (0, 0, TEXT_SIZE), 0, 0)]
    rows += [(name, PROGBITS, 0, 0, data, 0, 0) for name, data in sections]
    return ElfFile(build_elf([(LOAD, R | X, text, bytes(TEXT_SIZE), None)], rows))


def lines_of(*units):
    return DebugLine(elf_with(('.debug_line', b''.join(units))))


def info_unit(attributes, version=4, wide=False):
    """(.debug_abbrev, .debug_info) of one unit: attributes are (attribute, form, bytes)."""
    abbrev = uleb(1) + uleb(0x11) + b'\0'
    for attribute, form, _data in attributes:
        abbrev += uleb(attribute) + uleb(form)
    abbrev += b'\0\0\0'
    offset = '<Q' if wide else '<I'
    head = struct.pack('<H', version)
    head += b'\1\x08' + struct.pack(offset, 0) if version >= 5 else struct.pack(offset, 0) + b'\x08'
    body = head + b'\1' + b''.join(data for _attribute, _form, data in attributes)
    return abbrev, (b'\xff\xff\xff\xff' if wide else b'') + struct.pack(offset, len(body)) + body


def aranges(unit, *pairs):
    body = struct.pack('<HIBB', 2, unit, 8, 0) + b'\0\0\0\0'
    body += b''.join(struct.pack('<QQ', *pair) for pair in pairs) + bytes(16)
    return struct.pack('<I', len(body)) + body


class Programs(unittest.TestCase):
    SIMPLE = at(TEXT) + row(0, 9) + row(4, 1) + row(4, -3) + b'\x02\x08' + END

    def test_versions(self):
        for version in (2, 3, 4, 5):
            for wide in (False, True):
                lines = lines_of(line_unit(self.SIMPLE, version, wide))
                self.assertTrue(lines)
                path = '/comp/dir/a.c' if version == 5 else 'dir/a.c'
                self.assertEqual(
                    [lines.lookup(TEXT + i) for i in (-1, 0, 3, 4, 7, 8, 15, 16)],
                    [None, (path, 10), (path, 10), (path, 11), (path, 11), (path, 8), (path, 8), None],
                )
                self.assertEqual(lines.problems, [])

    def test_no_line_table(self):
        lines = DebugLine(elf_with())
        self.assertFalse(lines)
        self.assertIsNone(lines.lookup(TEXT))

    def test_special_opcodes(self):
        # Opcode 13 + (line + 5) + 14 * advance.
        lines = lines_of(
            line_unit(
                at(TEXT)
                + bytes((13 + 5 + 2,))
                + bytes((13 + 5 - 1 + 14 * 3,))
                + b'\x08'
                + bytes((13 + 5,))
                + b'\x09\x00\x01'
                + END
            )
        )
        self.assertEqual([lines.lookup(TEXT + i)[1] for i in (0, 2, 3, 19, 20)], [3, 3, 2, 2, 2])
        self.assertIsNotNone(lines.lookup(TEXT + 3 + 17 + 255))
        self.assertIsNone(lines.lookup(TEXT + 3 + 17 + 256))

    def test_instruction_length_and_operations(self):
        lines = lines_of(line_unit(self.SIMPLE, step=4))
        self.assertEqual([lines.lookup(TEXT + i)[1] for i in (0, 15, 16, 31, 32, 63)], [10, 10, 11, 11, 8, 8])
        # Three operations in an instruction of 16 bytes: the address advances with every third.
        program = (
            at(TEXT) + row(0, 1) + row(1, 1) + row(2, 1) + bytes((13 + 5 + 1 + 14 * 4,)) + row(2, 0) + END
        )
        lines = lines_of(line_unit(program, step=16, max_ops=3))
        self.assertEqual([lines.lookup(TEXT + i)[1] for i in (0, 15, 16, 31, 32, 47)], [3, 3, 4, 4, 5, 5])
        self.assertIsNone(lines.lookup(TEXT + 48))

    def test_opcodes_that_say_nothing_of_lines(self):
        program = (
            at(TEXT)
            + b'\x05\x81\x01\x06\x07\x0a\x0b\x0c\x05'
            + extended(4, uleb(300))
            + extended(0x80, b'abc')
        )
        program += row(0, 4) + extended(4, b'\x01') + row(4, 1) + b'\x02\x04' + END
        lines = lines_of(line_unit(program))
        self.assertEqual([lines.lookup(TEXT + i)[1] for i in (0, 4)], [5, 6])

    def test_fewer_and_more_standard_opcodes(self):
        # DWARF 2 has opcodes 1 to 9; what follows is special. Unknown ones tell how many operands to skip.
        program = at(TEXT) + bytes((10 + 5 + 3,)) + b'\x02\x04' + END
        self.assertEqual(lines_of(line_unit(program, 2, opcode_base=10)).lookup(TEXT), ('dir/a.c', 4))
        program = at(TEXT) + b'\x0d\x85\x01\x07' + bytes((15 + 5 + 3,)) + b'\x0e\x02\x04' + END
        lengths = bytes((0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 2, 0))
        self.assertEqual(
            lines_of(line_unit(program, opcode_base=15, lengths=lengths)).lookup(TEXT), ('dir/a.c', 4)
        )

    def test_last_row_of_an_address_counts(self):
        program = at(TEXT) + row(0, 1) + row(0, 1) + row(4, 1) + row(0, 5) + b'\x02\x04' + END
        lines = lines_of(line_unit(program))
        self.assertEqual([lines.lookup(TEXT + i)[1] for i in (0, 4)], [3, 9])

    def test_line_zero(self):
        program = at(TEXT) + row(0, 9) + row(4, -10) + row(4, 7) + b'\x02\x04' + END
        lines = lines_of(line_unit(program))
        self.assertEqual(
            [lines.lookup(TEXT + i) for i in (0, 4, 7, 8)], [('dir/a.c', 10), None, None, ('dir/a.c', 7)]
        )

    def test_addresses_that_go_backwards(self):
        program = (
            at(TEXT + 8) + row(0, 7) + row(4, 1) + at(TEXT) + row(0, 1) + row(4, 1) + at(TEXT + 16) + END
        )
        lines = lines_of(line_unit(program))
        self.assertEqual(
            [lines.lookup(TEXT + i)[1] for i in (0, 3, 4, 7, 8, 12, 15)], [10, 10, 11, 11, 8, 9, 9]
        )

    def test_several_sequences_and_gaps(self):
        program = at(TEXT + 0x100) + row(0, 1) + b'\x02\x10' + END
        program += (
            at(TEXT)
            + row(0, 2)
            + b'\x02\x10'
            + END
            + at(TEXT + 0x200)
            + b'\x04\x02'
            + row(0, 3)
            + b'\x02\x10'
            + END
        )
        lines = lines_of(line_unit(program), line_unit(at(TEXT + 0x300) + row(0, 4) + b'\x02\x01' + END))
        self.assertEqual(
            [lines.lookup(TEXT + i) for i in (0, 0x10, 0x100, 0x110, 0x200, 0x20f, 0x210, 0x300, 0x301)],
            [('dir/a.c', 3), None, ('dir/a.c', 2), None, ('b.c', 4), ('b.c', 4), None, ('dir/a.c', 5), None],
        )

    def test_code_that_was_left_out(self):
        # Linkers write 0, 1, -1 or -2 for addresses of sections they dropped.
        for address in (0, 1, (1 << 64) - 1, (1 << 64) - 2):
            program = (
                at(address)
                + row(0, 6)
                + b'\x08'
                + bytes((13 + 5 + 14 * 9,))
                + b'\x02\x80\x80\x01'
                + END
                + at(TEXT + 0x3000)
                + row(0, 1)
                + b'\x02\x04'
                + END
            )
            lines = lines_of(line_unit(program))
            self.assertEqual(
                [lines.lookup(TEXT + i) for i in (0, 0x800, 0x3000)], [None, None, ('dir/a.c', 2)]
            )
            for place in (0, 1, address):
                self.assertIsNone(lines.lookup(place))
            self.assertEqual(lines.problems, [])

    def test_overlapping_sequences(self):
        program = at(TEXT) + row(0, 1) + b'\x02\x40' + END + at(TEXT + 0x10) + row(0, 2) + b'\x02\x50' + END
        lines = lines_of(line_unit(program))
        self.assertEqual([lines.lookup(TEXT + i)[1] for i in (0, 0x3f, 0x40, 0x5f)], [2, 2, 3, 3])

    def test_program_that_is_cut_short(self):
        whole = line_unit(self.SIMPLE + at(TEXT + 0x100) + row(0, 3) + b'\x02\x04')
        lines = lines_of(whole)  # the last sequence has no end
        self.assertEqual([lines.lookup(TEXT), lines.lookup(TEXT + 0x100)], [('dir/a.c', 10), None])
        broken = line_unit(self.SIMPLE + at(TEXT + 0x100) + b'\0\x20\x02abc')
        lines = lines_of(broken)
        self.assertEqual(lines.lookup(TEXT), ('dir/a.c', 10))
        self.assertTrue(lines.problems)


class Names(unittest.TestCase):
    def path_of(self, names, version=4, file=1, sections=(), comp_dir=b'/comp'):
        program = at(TEXT) + b'\x04' + uleb(file) + row(0, 1) + b'\x02\x04' + END
        abbrev, info = info_unit([(0x10, 0x17, struct.pack('<I', 0)), (0x1b, 0x08, comp_dir + b'\0')])
        elf = elf_with(
            ('.debug_line', line_unit(program, version, names=names)),
            ('.debug_abbrev', abbrev),
            ('.debug_info', info),
            *sections,
        )
        found = DebugLine(elf).lookup(TEXT)
        return found and found[0]

    def test_directories_before_dwarf_5(self):
        names = (
            b'sub\0/abs\0\0'
            + b'a.c\0\0\0\0'
            + b'b.c\0\1\0\0'
            + b'c.c\0\2\0\0'
            + b'/d.c\0\1\0\0'
            + b'e.c\0\x09\0\0'
            + b'\0'
        )
        self.assertEqual(
            [self.path_of(names, 3, i) for i in range(7)],
            ['<unknown>', '/comp/a.c', '/comp/sub/b.c', '/abs/c.c', '/d.c', '/comp/e.c', '<unknown>'],
        )
        self.assertEqual(self.path_of(names, 3, 2, comp_dir=b''), 'sub/b.c')

    def test_file_defined_in_the_program(self):
        program = extended(3, b'late.c\0\0\0\0') + at(TEXT) + b'\x04\x03' + row(0, 1) + b'\x02\x04' + END
        self.assertEqual(lines_of(line_unit(program)).lookup(TEXT), ('late.c', 2))

    def test_forms_of_dwarf_5(self):
        line_str, string = b'x\0/from/line_str\0', b'yy\0from_str.c\0'
        names = b'\1\1\x1f' + b'\2' + struct.pack('<II', 2, 0)
        # path, directory, MD5, time, size, a vendor's column
        names += b'\6\1\x0e\2\x0b\5\x1e\3\x06\4\x0f\x81\x40\x08'
        names += (
            b'\2'
            + (struct.pack('<IB', 3, 0) + bytes(16) + struct.pack('<I', 0) + uleb(1000) + b'source\0') * 2
        )
        self.assertEqual(
            self.path_of(names, 5, 1, [('.debug_line_str', line_str), ('.debug_str', string)]),
            '/from/line_str/from_str.c',
        )
        self.assertEqual(self.path_of(names, 5, 1), '<unknown>')

    def test_directories_of_dwarf_5(self):
        def names(*directories):
            raw = b'\1\1\x08' + uleb(len(directories)) + b''.join(d + b'\0' for d in directories)
            return (
                raw
                + b'\2\1\x08\2\x05'
                + b'\4'
                + b''.join(
                    struct.pack('<4sH', name, i)
                    for name, i in ((b'm.c\0', 0), (b'a.c\0', 0), (b'b.c\0', 1), (b'c.c\0', 2))
                )
            )

        for number, path in (
            (0, '/comp/m.c'),
            (1, '/comp/a.c'),
            (2, '/comp/sub/b.c'),
            (3, '/abs/c.c'),
            (4, '<unknown>'),
        ):
            self.assertEqual(self.path_of(names(b'/comp', b'sub', b'/abs'), 5, number), path)
        lines = lines_of(
            line_unit(at(TEXT) + b'\x04\x02' + row(0, 1) + b'\x02\x04' + END, 5, names=names(b'/top', b'sub'))
        )
        self.assertEqual(lines.lookup(TEXT), ('/top/sub/b.c', 2))

    def test_damaged_names_leave_the_lines(self):
        for names in (
            b'\1\1\x08' + uleb(1 << 40),
            b'\0' + uleb(1 << 30),
            b'\1\1\x99\1\0',
            b'\1\1\x08\1no end',
            b'',
        ):
            self.assertEqual(self.path_of(names, 5), '<unknown>')
        self.assertEqual(self.path_of(b'no end', 4), '<unknown>')


class Units(unittest.TestCase):
    """Each way to find the line program of an address; of two programs the right one must be taken."""

    FIRST = line_unit(at(TEXT) + row(0, 1) + b'\x02\x40' + END)
    SECOND = line_unit(at(TEXT + 0x100) + row(0, 2) + b'\x02\x40' + END)

    def unit(self, attributes, version=4, wide=False, **sections):
        abbrev, info = info_unit(
            [(0x10, 0x17, struct.pack('<Q' if wide else '<I', len(self.FIRST)))] + attributes, version, wide
        )
        rows = [('.debug_line', self.FIRST + self.SECOND), ('.debug_abbrev', abbrev), ('.debug_info', info)]
        rows += [('.' + name, data) for name, data in sections.items()]
        return DebugLine(elf_with(*rows))

    def check(self, lines):
        self.assertEqual(lines.lookup(TEXT + 0x120), ('dir/a.c', 3))
        self.assertIsNone(lines.lookup(TEXT + 0x140))
        # Not of any unit in .debug_info.
        self.assertIsNone(lines.lookup(TEXT))
        self.assertEqual(lines.problems, [])

    def test_aranges(self):
        lines = self.unit([], debug_aranges=aranges(0, (0, 0x5000), (TEXT + 0x100, 0x40)))
        self.check(lines)
        lines = self.unit([], debug_aranges=aranges(77, (TEXT + 0x100, 0x40)))  # no unit there
        self.assertEqual(lines.lookup(TEXT + 0x120), ('dir/a.c', 3))
        self.assertTrue(lines.problems)

    def test_ranges_of_units(self):
        low = struct.pack('<Q', TEXT + 0x100)
        base = struct.pack('<Q', TEXT)
        pairs = struct.pack('<8Q', 0, 1, 0x100, 0x140, (1 << 64) - 1, 0, 0, 0)
        addresses = bytes(8) + struct.pack('<QQ', TEXT + 0x100, TEXT + 0x140)
        lists = b''.join(
            (
                b'\6' + low + struct.pack('<Q', TEXT + 0x110),
                b'\5' + base,
                b'\4' + uleb(0x110) + uleb(0x120),
                b'\7' + struct.pack('<Q', TEXT + 0x120) + uleb(8),
                b'\2\0\1',
                b'\3\0\x40',
                b'\1\0' + b'\4\0\x10',
                b'\0',
            )
        )
        rnglists = struct.pack('<IHBBI', 0, 5, 8, 0, 1) + struct.pack('<I', 4) + lists
        for name, lines in (
            ('none', self.unit([])),
            ('addr', self.unit([(0x11, 1, low), (0x12, 1, struct.pack('<Q', TEXT + 0x140))], 2)),
            ('size', self.unit([(0x11, 1, low), (0x12, 7, struct.pack('<Q', 0x40))])),
            ('wide', self.unit([(0x11, 1, low), (0x12, 7, struct.pack('<Q', 0x40))], 4, True)),
            (
                'based',
                self.unit(
                    [(0x11, 1, bytes(8)), (0x55, 0x17, b'\0\0\0\0')],
                    debug_ranges=struct.pack('<6Q', (1 << 64) - 1, TEXT, 0x100, 0x140, 0, 0),
                ),
            ),
            ('pairs', self.unit([(0x11, 1, base), (0x55, 0x17, b'\0\0\0\0')], debug_ranges=pairs)),
            (
                'lists',
                self.unit(
                    [(0x55, 0x17, struct.pack('<I', 16)), (0x73, 0x17, struct.pack('<I', 8))],
                    5,
                    debug_rnglists=rnglists,
                    debug_addr=addresses,
                ),
            ),
            (
                'listx',
                self.unit(
                    [
                        (0x55, 0x23, b'\0'),
                        (0x74, 0x17, struct.pack('<I', 12)),
                        (0x73, 0x17, struct.pack('<I', 8)),
                    ],
                    5,
                    debug_rnglists=rnglists,
                    debug_addr=addresses,
                ),
            ),
            (
                'addrx',
                self.unit(
                    [
                        (0x11, 0x1b, b'\0'),
                        (0x12, 6, struct.pack('<I', 0x40)),
                        (0x73, 0x17, struct.pack('<I', 8)),
                    ],
                    5,
                    debug_addr=addresses,
                ),
            ),
            (
                'GNU',
                self.unit(
                    [
                        (0x11, 0x1f01, b'\0'),
                        (0x12, 6, struct.pack('<I', 0x40)),
                        (0x2133, 0x17, struct.pack('<I', 8)),
                    ],
                    4,
                    debug_addr=addresses,
                ),
            ),
        ):
            with self.subTest(name):
                self.check(lines)
                if name != 'none':
                    self.assertIsNone(lines._scanned and lines._scanned.starts or None)

    def test_attributes_of_all_forms_are_skipped(self):
        forms = [
            (3, b'\2\0ab'),
            (4, b'\1\0\0\0a'),
            (5, b'12'),
            (6, b'1234'),
            (7, b'12345678'),
            (8, b'string\0'),
            (9, b'\2ab'),
            (0xa, b'\3abc'),
            (0xb, b'1'),
            (0xc, b'1'),
            (0xd, b'\xff\x7f'),
            (0xe, b'1234'),
            (0xf, b'\x81\x01'),
            (0x10, b'1234'),
            (0x11, b'1'),
            (0x12, b'12'),
            (0x13, b'1234'),
            (0x14, b'12345678'),
            (0x15, b'\x80\x01'),
            (0x17, b'1234'),
            (0x18, b'\1a'),
            (0x19, b''),
            (0x1a, b'\1'),
            (0x1c, b'1234'),
            (0x1d, b'1234'),
            (0x1e, b'1' * 16),
            (0x1f, b'1234'),
            (0x20, b'12345678'),
            (0x22, b'\1'),
            (0x24, b'12345678'),
            (0x25, b'1'),
            (0x26, b'12'),
            (0x27, b'123'),
            (0x28, b'1234'),
            (0x29, b'1'),
            (0x2a, b'12'),
            (0x2b, b'123'),
            (0x2c, b'1234'),
            (0x16, b'\x0b1'),
            (0x1f01, b'\1'),
            (0x1f02, b'\1'),
            (0x1f20, b'1234'),
            (0x1f21, b'1234'),
        ]
        lines = self.unit(
            [(0x2000 + i, form, data) for i, (form, data) in enumerate(forms)]
            + [(0x11, 1, struct.pack('<Q', TEXT + 0x100)), (0x12, 6, struct.pack('<I', 0x40))],
            5,
        )
        self.check(lines)

    def test_unknown_form(self):
        lines = self.unit([(0x2000, 0x99, b'')], debug_aranges=aranges(0, (TEXT + 0x100, 0x40)))
        self.assertIsNone(lines.lookup(TEXT + 0x120))
        self.assertTrue(lines.problems)

    def test_without_units_all_programs_are_tried(self):
        lines = lines_of(self.FIRST, self.SECOND)
        self.assertEqual([lines.lookup(TEXT + i) for i in (0, 0x100)], [('dir/a.c', 2), ('dir/a.c', 3)])

    def test_folded_functions(self):
        other = line_unit(at(TEXT + 0xf0) + row(0, 6) + b'\x02\x80\x01' + END)
        lines = lines_of(other, self.SECOND)
        self.assertEqual([lines.lookup(TEXT + i)[1] for i in (0xf0, 0x100, 0x13f, 0x140)], [7, 3, 3, 7])
        self.assertEqual(
            lines_of(self.SECOND, line_unit(at(TEXT + 0x100) + row(0, 8) + b'\x02\x40' + END)).lookup(
                TEXT + 0x100
            )[1],
            3,
        )

    def test_string_in_the_supplementary_file(self):
        abbrev, info = info_unit([(0x10, 0x17, bytes(4)), (0x1b, 0x1f21, struct.pack('<I', 3))])
        elf = elf_with(('.debug_line', self.FIRST), ('.debug_abbrev', abbrev), ('.debug_info', info))
        self.assertEqual(DebugLine(elf).lookup(TEXT), ('dir/a.c', 2))
        other = elf_with(('.debug_str', b'no\0/else/where\0'))
        self.assertEqual(DebugLine(elf, other).lookup(TEXT), ('/else/where/dir/a.c', 2))

    def test_memory_stays_bounded(self):
        # 200 units of 10,000 rows each: the rows of all would be 32 MB.
        import dwarfline

        program = b''.join(bytes((13 + 5 + 1 + 14,)) for _ in range(10000))
        units = [line_unit(at(0x1000000 + i * 0x10000) + program + END) for i in range(200)]
        data = b''.join(units)
        rows = [('.text', PROGBITS, ALLOC | EXEC, 0x1000000, 200 * 0x10000, 0, 0)]
        rows[0] = ('.text', 8, ALLOC | EXEC, 0x1000000, 200 * 0x10000, 0, 0)
        lines = DebugLine(ElfFile(build_elf([], rows + [('.debug_line', PROGBITS, 0, 0, data, 0, 0)])))
        for i in range(0, 200, 7):
            self.assertEqual(lines.lookup(0x1000000 + i * 0x10000 + 5000), ('dir/a.c', 5001))
        self.assertLessEqual(lines._cached_rows, dwarfline._MAX_CACHED_ROWS)
        self.assertEqual(lines._cached_rows, sum(len(t.addresses) for t in lines._tables.values()))


class Damage(unittest.TestCase):
    def exercise(self, data, addresses):
        try:
            lines = DebugLine(ElfFile(data))
        except Exception as error:
            if type(error).__name__ != 'ElfError':
                raise
            return
        for address in addresses:
            found = lines.lookup(address)
            if found is not None:
                self.assertIsInstance(found[0], str)
                self.assertGreater(found[1], 0)

    def test_every_byte_changed_and_every_length(self):
        units = Units()
        for version in (4, 5):
            low = struct.pack('<Q', TEXT + 0x100)
            abbrev, info = info_unit(
                [
                    (0x10, 0x17, struct.pack('<I', 0)),
                    (0x1b, 8, b'/comp\0'),
                    (0x11, 1, low),
                    (0x55, 0x17, b'\0\0\0\0'),
                ],
                version,
            )
            ranges = struct.pack('<4Q', 0, 0x40, 0, 0) if version == 4 else b'\4\0\x40\0'
            sections = [
                ['.debug_line', line_unit(Programs.SIMPLE, version) + units.SECOND],
                ['.debug_abbrev', abbrev],
                ['.debug_info', info],
                ['.debug_ranges' if version == 4 else '.debug_rnglists', ranges],
                ['.debug_aranges', aranges(0, (TEXT, 16))],
            ]
            for section in sections:
                whole = section[1]
                for place in range(len(whole)):
                    for value in (0, 0x7f, 0xff, whole[place] ^ 0x80):
                        section[1] = whole[:place] + bytes((value,)) + whole[place + 1 :]
                        self.exercise(elf_with(*sections)._view, (TEXT, TEXT + 5, TEXT + 0x120, TEXT + 0x900))
                    section[1] = whole[:place]
                    self.exercise(elf_with(*sections)._view, (TEXT, TEXT + 0x120, TEXT + 0x900))
                section[1] = whole

    def test_tables_that_cost_much(self):
        abbrev, info = info_unit([(0x10, 0x17, bytes(4)), (0x11, 1, bytes(8)), (0x55, 0x17, bytes(4))])
        endless = struct.pack('<2Q', 1, 2) * 100000
        for sections in (
            [('.debug_line', bytes(2000000))],
            [('.debug_line', Units.FIRST), ('.debug_aranges', bytes(2000000))],
            [('.debug_line', Units.FIRST), ('.debug_info', bytes(2000000))],
            [
                ('.debug_line', Units.FIRST),
                ('.debug_info', info * 3000),
                ('.debug_abbrev', abbrev),
                ('.debug_ranges', endless),
            ],
            [
                ('.debug_line', Units.FIRST),
                ('.debug_info', info.replace(b'\x08\1', b'\x08\7') * 3000),
                ('.debug_abbrev', b'\1\x11\0\0\0' * 30000),
            ],
            [('.debug_line', line_unit(extended(3, b'x\0\0\0\0') * 50000 + at(TEXT) + row(0, 1)))],
            [('.debug_line', line_unit((at(TEXT + 8) + row(0, 1) + at(TEXT) + row(0, 1) + END) * 20000))],
        ):
            started = time.time()
            with unittest.mock.patch('dwarfline._MAX_STEPS', 1 << 18):
                self.exercise(elf_with(*sections)._view, (TEXT, TEXT + 100))
            self.assertLess(time.time() - started, 60)


@support.skip_unless_program('addr2line', 'readelf')
@support.skip_unless_compiler
class AgainstAddr2line(unittest.TestCase):
    """Every address of small programs, compiled in every way, and thousands of C++ ones.

    binutils 2.40 reads two things wrongly: in DWARF 5 it starts a sequence in file 0 instead of file 1
    (6.2.2), and 64-bit DWARF 5, split DWARF 5 and .zdebug_ sections give it nothing. Where we differ
    readelf's table decides.
    """

    C = {
        'part.h': '''
static inline int in_header(int a) {
    int t = a;
    t += a << 2;
    return t ^ 0x55;
}
int other(int);
''',
        'a.c': '''#include <stdlib.h>
#include "part.h"
static int helper(int x) {
    int s = 0;
    for (int i = 0; i < x; i++) {
        s += i * x;
        if (s & 1)
            s ^= in_header(s);
    }
    return s;
}
int never_called(int a) { return a * 3 + helper(a); }
int main(int argc, char **argv) {
    int r = helper(argc + 3);
    void *p = malloc(r & 255);
    free(p);
    return other(r) & 1;
}
''',
        'b.c': '''#include "part.h"
#include <string.h>
int never_called_either(int q) { return q - in_header(q); }
int other(int q) {
    char buffer[64];
    int s = 0;
    memset(buffer, q, 64);
    for (unsigned i = 0; i < sizeof buffer; i++)
        s += buffer[i];
    switch (q) {
    case 1: return in_header(s);
    case 9: return s * in_header(q);
    default: return s;
    }
}
''',
    }
    CXX = {
        'c.cc': '''#include <map>
#include <string>
#include <vector>
#include "d.h"
int main() {
    Sum<int> a;
    Sum<std::string> b;
    std::map<std::string, int> m;
    for (int i = 0; i < 10; i++) {
        a.add(i * 7 % 5);
        b.add(std::to_string(i));
        m[std::to_string(i)] = i;
    }
    try { if (m.size() > 100) throw 3; } catch (int e) { return e; }
    return a.sum() + second() + b.sum().size();
}
''',
        'd.cc': '''#include <string>
#include <vector>
#include "d.h"
int second() { Sum<int> a; a.add(3); Sum<std::string> s; s.add("q"); return a.sum() + s.sum().size(); }
''',
        'd.h': '''#include <algorithm>
template<class T> struct Sum {
    std::vector<T> all;
    void add(T t) { all.push_back(t); std::sort(all.begin(), all.end()); }
    T sum() const { T s{}; for (auto &x : all) s += x; return s; }
};
int second();
''',
    }

    @classmethod
    def setUpClass(cls):
        cls.folder = os.path.join(support.temporary_directory(), 'dwarfline')
        os.mkdir(cls.folder)
        for name, text in list(cls.C.items()) + list(cls.CXX.items()):
            with open(os.path.join(cls.folder, name), 'w') as file:
                file.write(text)

    def compile(self, *flags, **options):
        """Path of the program, or None where this compiler has no such flags."""
        compiler = support.find_compiler(options.get('language', 'c'))
        sources = ('a.c', 'b.c') if options.get('language', 'c') == 'c' else ('c.cc', 'd.cc')
        path = os.path.join(self.folder, 'p%d' % len(os.listdir(self.folder)))
        if compiler is None:
            return None
        done = subprocess.Popen(
            [compiler, '-o', path] + list(flags) + list(sources),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        done.communicate()
        return None if done.returncode else path

    def addr2line(self, path, addresses):
        process = subprocess.Popen(
            ['addr2line', '-e', path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        text = process.communicate('\n'.join(map(hex, addresses)).encode())[0].decode(
            'utf-8', 'surrogateescape'
        )
        answers = []
        for line in text.splitlines():
            path, _colon, number = line.split(' (discriminator')[0].rpartition(':')
            answers.append(None if number in '?0' else (path, int(number)))
        return answers

    def decoded(self, path):
        """[(start, end, last part of the file's name, line)] as readelf decodes the line programs."""
        process = subprocess.Popen(
            ['readelf', '-W', '--debug-dump=decodedline', path],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        rows, last = [], None
        for line in process.communicate()[0].decode('utf-8', 'replace').splitlines():
            words = line.split()
            if len(words) < 3 or not words[2].startswith('0x') or not (words[1].isdigit() or words[1] == '-'):
                continue
            address = int(words[2].split('[')[0], 16)
            if last:
                rows.append((last[0], address, last[1], last[2]))
            last = None if words[1] == '-' or 'END' in words[3:] else (address, words[0], int(words[1]))
        return rows

    def compare(self, path, limit=1500):
        elf = ElfFile.open(path)
        addresses = [
            a
            for s in elf.sections
            if s.flags & 6 == 6
            for a in range(s.file_address, s.file_address + s.size)
        ]
        if len(addresses) > limit:
            addresses = sorted(random.Random(1).sample(addresses, limit))
        lines = DebugLine(elf)
        ours = [lines.lookup(address) for address in addresses]
        theirs = self.addr2line(path, addresses)
        self.assertEqual(len(ours), len(theirs))
        differing = [i for i in range(len(ours)) if ours[i] != theirs[i]]
        # In a batch addr2line repeats its last answer for some addresses of no line.
        for i in differing:
            if ours[i] is None and theirs[i] is not None:
                theirs[i] = self.addr2line(path, [addresses[i]])[0]
        differing = [i for i in differing if ours[i] != theirs[i]]
        if differing:
            self.judge(path, [(addresses[i], ours[i], theirs[i]) for i in differing])
        self.assertEqual((lines.problems, elf.problems), ([], []))
        elf.close()
        return len(ours) - ours.count(None), len(differing)

    def judge(self, path, differing):
        rows = self.decoded(path)
        for address, ours, theirs in differing:
            # Of rows of one address the last one counts.
            wanted = [(name, line) for start, end, name, line in rows if start <= address < end]
            self.assertTrue(wanted or ours is None, (hex(address), ours, theirs))
            if ours is not None:
                self.assertIn((os.path.basename(ours[0]), ours[1]), wanted, (hex(address), theirs))

    def test_versions_and_optimisation(self):
        for version in '2345':
            for level in '02':
                path = self.compile('-gdwarf-' + version, '-O' + level)
                if path is None:
                    self.skipTest('the compiler has no -gdwarf-' + version)
                with self.subTest(version=version, level=level):
                    found, differing = self.compare(path)
                    self.assertGreater(found, 150)
                    if version < '5':
                        self.assertEqual(differing, 0)

    def test_kinds_of_debug_information(self):
        for flags in (
            ['-gdwarf-5', '-gdwarf64'],
            ['-gdwarf-4', '-gdwarf64'],
            ['-g', '-gz'],
            ['-g', '-gz=zlib-gnu'],
            ['-g', '-ffunction-sections', '-Wl,--gc-sections'],
            ['-g', '-flto', '-O2'],
            ['-g', '-gsplit-dwarf', '-O2'],
            ['-gdwarf-4', '-gsplit-dwarf', '-O2'],
            ['-g', '-no-pie'],
            ['-g3', '-O3'],
            ['-g', '-O2', '-gno-as-locview-support', '-gno-as-loc-support'],
            ['-g', '-ffunction-sections', '-Wl,--gc-sections', '-Wl,-z,noseparate-code'],
            ['-g', '-ffile-prefix-map=%s=.' % self.folder],
            ['-g', '-O2', '-fuse-ld=gold', '-Wl,--icf=all', '-ffunction-sections'],
        ):
            path = self.compile(*flags)
            if path is not None:
                with self.subTest(flags=flags):
                    self.assertGreater(self.compare(path)[0], 60)

    def test_templates(self):
        for flags in (['-gdwarf-4', '-O0', '-ffunction-sections'], ['-gdwarf-5', '-O1']):
            path = self.compile(*flags, language='c++')
            if path is None:
                self.skipTest('no C++ compiler')
            with self.subTest(flags=flags):
                self.assertGreater(self.compare(path, 3000)[0], 2000)

    @support.skip_unless_program('objcopy')
    def test_each_way_to_find_the_unit(self):
        path = self.compile('-g', '-O1')
        elf = ElfFile.open(path)
        code = elf._code_ranges()
        whole = DebugLine(elf)
        wanted = [whole.lookup(a) for lo, hi in code for a in range(lo, hi)]
        for removed in (
            ['.debug_aranges'],
            ['.debug_aranges', '.debug_rnglists', '.debug_ranges'],
            ['.debug_aranges', '.debug_info', '.debug_abbrev'],
        ):
            copy = path + '.x'
            subprocess.check_call(['objcopy'] + [w for name in removed for w in ('-R', name)] + [path, copy])
            lines = DebugLine(ElfFile.open(copy))
            found = [lines.lookup(a) for lo, hi in code for a in range(lo, hi)]
            if '.debug_info' in removed and wanted[0] is not None and not wanted[0][0].startswith('/'):
                found = [f and (f[0], f[1]) for f in found]
            self.assertEqual(found, wanted, removed)
        debug = path + '.debug'
        subprocess.check_call(['objcopy', '--only-keep-debug', path, debug])
        lines = DebugLine(ElfFile.open(debug))
        self.assertEqual([lines.lookup(a) for lo, hi in code for a in range(lo, hi)], wanted)

    def test_real_files_with_debug_information(self):
        paths = [
            p for p in (os.path.realpath('/proc/self/exe'), shutil.which('gdb'), shutil.which('cargo')) if p
        ]
        tried = 0
        for path in paths:
            with ElfFile.open(path) as elf:
                if not elf.section_data('.debug_line'):
                    continue
            self.compare(path, 800)
            tried += 1
        if not tried:
            self.skipTest('no program with debug information at hand')

    def test_damaged_at_random(self):
        choice = random.Random(17)
        for flags in (['-gdwarf-5', '-O2'], ['-gdwarf-4', '-gz'], ['-gdwarf-5', '-gsplit-dwarf']):
            path = self.compile(*flags)
            if path is None:
                continue
            with open(path, 'rb') as file:
                data = file.read()
            elf = ElfFile(data)
            addresses = [choice.randrange(*r) for r in elf._code_ranges() for _ in range(4)]
            places = [(s.offset, s.size) for s in elf.sections if s.name.startswith('.debug_') and s.size]
            places.append((elf._shoff, 64 * len(elf.sections)))
            worst = 0
            for _ in range(support.scaled(400)):
                copy = bytearray(data)
                start, size = choice.choice(places)
                for _ in range(choice.choice((1, 1, 3, 20))):
                    copy[start + choice.randrange(size)] = choice.choice(
                        (0, 0xff, 0x80, choice.randrange(256))
                    )
                started = time.time()
                Damage.exercise(self, bytes(copy), addresses)
                worst = max(worst, time.time() - started)
            for end in range(0, len(data), max(1, len(data) // support.scaled(100))):
                Damage.exercise(self, data[:end], addresses)
            self.assertLess(worst, 2)


if __name__ == '__main__':
    unittest.main()
