"""Source file and line of a machine address, from the DWARF line tables of an ELF file.

Facts come from the DWARF standards 2 to 5: .debug_line and its programs (DWARF 5, 6.2), .debug_aranges
(6.1.2), unit headers and abbreviations (7.5), forms (7.5.6), range lists (2.17.3, 7.25); what GNU added
before version 5 (split DWARF, dwz's supplementary files) from the wiki pages of GCC's "DebugFission" and
"DwarfExtensions" and from <dwarf.h>.

An address is looked up in three steps, each taken only when the one before finds nothing: .debug_aranges; the
ranges of compile units in .debug_info that it leaves out; the line programs of units that told no ranges. One
unit's program is decoded at a time. Nothing the file holds is believed: what is damaged costs a line, never
an exception.
"""

import bisect
import struct
from array import array
from collections import OrderedDict

# DW_LNCT_* (DWARF 5, 7.22)
DW_LNCT_path, DW_LNCT_directory_index = 1, 2

# DW_AT_*, DW_TAG_*, DW_UT_* (DWARF 5, 7.5.4, 7.5.3, 7.5.1) and the GNU attributes of split DWARF 4
DW_AT_stmt_list, DW_AT_low_pc, DW_AT_high_pc, DW_AT_comp_dir, DW_AT_ranges = 0x10, 0x11, 0x12, 0x1b, 0x55
DW_AT_str_offsets_base, DW_AT_addr_base, DW_AT_rnglists_base = 0x72, 0x73, 0x74
DW_AT_GNU_addr_base = 0x2133
DW_TAG_partial_unit = 0x3c
DW_UT_type, DW_UT_skeleton, DW_UT_split_compile, DW_UT_split_type = 2, 4, 5, 6

# DW_FORM_* (DWARF 5, 7.5.6)
DW_FORM_addr, DW_FORM_block2, DW_FORM_block4, DW_FORM_data2, DW_FORM_data4 = 0x01, 0x03, 0x04, 0x05, 0x06
DW_FORM_data8, DW_FORM_string, DW_FORM_block, DW_FORM_block1, DW_FORM_data1 = 0x07, 0x08, 0x09, 0x0a, 0x0b
DW_FORM_flag, DW_FORM_sdata, DW_FORM_strp, DW_FORM_udata, DW_FORM_ref_addr = 0x0c, 0x0d, 0x0e, 0x0f, 0x10
DW_FORM_indirect, DW_FORM_sec_offset, DW_FORM_exprloc, DW_FORM_flag_present = 0x16, 0x17, 0x18, 0x19
DW_FORM_strx, DW_FORM_addrx, DW_FORM_strp_sup, DW_FORM_data16 = 0x1a, 0x1b, 0x1d, 0x1e
DW_FORM_line_strp, DW_FORM_implicit_const, DW_FORM_rnglistx = 0x1f, 0x21, 0x23
DW_FORM_GNU_addr_index, DW_FORM_GNU_str_index, DW_FORM_GNU_strp_alt = 0x1f01, 0x1f02, 0x1f21

# Forms of a fixed size in bytes, forms that hold one unsigned LEB128, forms as wide as an offset.
_FIXED = {DW_FORM_data1: 1, DW_FORM_data2: 2, DW_FORM_data4: 4, DW_FORM_data8: 8, DW_FORM_flag: 1,
          0x11: 1, 0x12: 2, 0x13: 4, 0x14: 8, 0x1c: 4, 0x20: 8, 0x24: 8,
          0x25: 1, 0x26: 2, 0x27: 3, 0x28: 4, 0x29: 1, 0x2a: 2, 0x2b: 3, 0x2c: 4}
_LEB = frozenset((DW_FORM_udata, 0x15, DW_FORM_strx, DW_FORM_addrx, 0x22, DW_FORM_rnglistx,
                  DW_FORM_GNU_addr_index, DW_FORM_GNU_str_index))
_OFFSET = frozenset((DW_FORM_strp, DW_FORM_sec_offset, DW_FORM_line_strp, DW_FORM_strp_sup, 0x1f20,
                     DW_FORM_GNU_strp_alt))
_STRX = frozenset((DW_FORM_strx, 0x25, 0x26, 0x27, 0x28, DW_FORM_GNU_str_index))
_ADDRX = frozenset((DW_FORM_addrx, 0x29, 0x2a, 0x2b, 0x2c, DW_FORM_GNU_addr_index))
_BLOCK = {DW_FORM_block1: 1, DW_FORM_block2: 2, DW_FORM_block4: 4}

_U64 = 0xffffffffffffffff
_U32 = 0xffffffff

# Limits for damaged and hostile files; what is met is far below.
_MAX_RANGES = 1 << 20
_MAX_ABBREVS = 1 << 18
_MAX_NAME = 1 << 14
_MAX_NAMES = 1 << 18
_MAX_PROGRAM = 1 << 25
_MAX_SCANNED = 1 << 24
_MAX_STEPS = 1 << 24
_MAX_CACHED_ROWS = 1 << 20
_MAX_CACHED_TABLES = 1 << 10
_MAX_CACHED_ANSWERS = 1 << 14
_MAX_OVERLAPS = 64


class _Damaged(Exception):
    """A table does not hold what it should."""


def _unsigned(data, offset, size):
    if offset < 0 or offset + size > len(data):
        raise _Damaged('cut short')
    return int.from_bytes(data[offset:offset + size], 'little')


def _uleb(data, offset):
    """(value, offset behind it) of the unsigned LEB128 at `offset` (DWARF 5, 7.6)."""
    value = shift = 0
    for byte in data[offset:offset + 16]:
        value |= (byte & 0x7f) << shift
        offset += 1
        if byte < 0x80:
            return value & _U64, offset
        shift += 7
    raise _Damaged('bad LEB128')


def _sleb(data, offset):
    value = shift = 0
    for byte in data[offset:offset + 16]:
        value |= (byte & 0x7f) << shift
        shift += 7
        offset += 1
        if byte < 0x80:
            return value - (1 << shift) if byte & 0x40 else value, offset
    raise _Damaged('bad LEB128')


def _string(data, offset):
    """The NUL-terminated bytes at `offset`; absent or endless: b''."""
    if offset < 0 or offset >= len(data):
        return b''
    size = 64
    while True:
        raw = bytes(data[offset:offset + size])
        end = raw.find(b'\0')
        if end >= 0:
            return raw[:end]
        if len(raw) < size or size > _MAX_NAME:
            return b''
        size *= 16


def _text(raw):
    return raw.decode('utf-8', 'surrogateescape')


def _unit_length(data, offset):
    """(offset behind the field, end of the unit, 4 or 8: the size of an offset in it) (DWARF 5, 7.4)."""
    length = _unsigned(data, offset, 4)
    if length < 0xfffffff0:
        start, size = offset + 4, 4
    elif length == 0xffffffff:
        length = _unsigned(data, offset + 4, 8)
        start, size = offset + 12, 8
    else:
        raise _Damaged('reserved unit length')
    if start + length > len(data):
        raise _Damaged('unit is cut short')
    return start, start + length, size


class DebugLine:
    """Line tables of one ELF file, decoded as they are needed.

    problems: list of str, what was damaged and therefore ignored; it grows as parts are read.
    """

    def __init__(self, elf, alternate=None):
        """elf: the ElfFile with .debug_ sections. alternate: the ElfFile of its .gnu_debugaltlink, if any."""
        self.problems = []
        self._elf = elf
        self._alternate = alternate
        self._sections = {}
        self._answers = {}
        self._places = {}
        self._steps = 0
        self._comp_dirs = {}
        self._untold = ()
        self._tables = OrderedDict()
        self._cached_rows = 0
        self._aranges = None
        self._unit_ranges = None
        self._scanned = None
        ranges = sorted((s.file_address, s.file_address + s.size) for s in elf.sections
                        if s.flags & 6 == 6 and s.size)
        self._code_starts = [start for start, _end in ranges]
        self._code_ends = [end for _start, end in ranges]

    def __bool__(self):
        """Whether the file has line tables at all."""
        return len(self._data('.debug_line')) > 0

    def lookup(self, file_address):
        """(path, line) of the row of the line table that holds file_address, or None.

        path: str as addr2line prints it, made absolute with the unit's DW_AT_comp_dir where the file tells
        it. line: counted from 1; a row with line 0 (code of no line) is None. For a return address the caller
        asks for address - 1. Nothing is raised for what the file holds.
        """
        answer = self.locate(file_address)
        return answer[:2] if answer is not None else None

    def locate(self, file_address):
        """As lookup, with the folder that the unit was compiled in: (path, line, folder or '') or None.

        A path that begins with the folder was given to the compiler relative to it (DW_AT_comp_dir).
        """
        answers = self._answers
        try:
            return answers[file_address]
        except KeyError:
            pass
        if len(answers) >= _MAX_CACHED_ANSWERS:
            answers.clear()
        answer = answers[file_address] = self._look_up(file_address)
        return answer

    def _look_up(self, address):
        if not self._is_code(address) or not self:
            return None
        for step in (self._by_aranges, self._by_units, self._by_scan):
            best = None
            for offset, comp_dir in step(address):
                table = self._table(offset)
                row = table.find(address) if table is not None else None
                # Several units may claim an address (folded functions, a linker that points left-out copies
                # to the one it kept): the shortest sequence is nearest, then the first unit.
                if row is not None and (best is None or (row[0], offset) < best[:2]):
                    best = row[0], offset, table, comp_dir, row[1], row[2]
            if best is not None:
                _size, _offset, table, comp_dir, number, line = best
                return (table.path(number, comp_dir), line, table.folder(comp_dir)) if line else None
        return None

    def _is_code(self, address):
        """False for what linkers write where code was left out (0, 1, -1, -2): no code section holds it."""
        place = bisect.bisect_right(self._code_starts, address) - 1
        return place >= 0 and address < self._code_ends[place]

    def _note(self, problem):
        if problem not in self.problems and len(self.problems) < 100:
            self.problems.append(problem)

    def _spend(self, steps):
        """Count what reading units costs (a step is some 0.3 us), so that tables that lead in circles end."""
        self._steps += steps
        if self._steps > _MAX_STEPS:
            raise _Damaged('too much to read')

    def _data(self, name):
        data = self._sections.get(name)
        if data is None:
            # A view also where the section was inflated: pieces of it must not be copies.
            data = self._sections[name] = memoryview(self._elf.section_data(name))
        return data

    def _alternate_data(self, name):
        return self._alternate.section_data(name) if self._alternate is not None else b''

    # Step 1: .debug_aranges

    def _by_aranges(self, address):
        if self._aranges is None:
            self._aranges = _Ranges(self._read_aranges())
        for offset in self._aranges.find(address):
            place = self._places.get(offset)
            if place is None:
                unit = self._unit(offset)
                place = (unit.stmt_list, unit.comp_dir) if unit is not None else (None, None)
                if len(self._places) >= _MAX_CACHED_ANSWERS:
                    self._places.clear()
                self._places[offset] = place
            if place[0] is not None:
                yield place

    def _read_aranges(self):
        data = self._data('.debug_aranges')
        ranges = []
        offset = 0
        try:
            while offset < len(data) and len(ranges) < _MAX_RANGES:
                self._spend(1)
                start, end, width = _unit_length(data, offset)
                if _unsigned(data, start, 2) == 2:
                    unit = _unsigned(data, start + 2, width)
                    address_size = _unsigned(data, start + 2 + width, 1)
                    segment_size = _unsigned(data, start + 3 + width, 1)
                    first = start + 4 + width
                    # The first pair is aligned to its size, counted from the set's beginning.
                    first += (offset - first) % (2 * address_size or 1)
                    if address_size == 8 and not segment_size and first < end:
                        end_of_pairs = min(end - (end - first) % 16, first + 16 * _MAX_RANGES)
                        words = data[first:end_of_pairs].cast('Q').tolist()
                        for lo, size in zip(words[::2], words[1::2]):
                            if size and self._is_code(lo):
                                ranges.append((lo, lo + size, unit))
                offset = end
        except _Damaged as error:
            self._note('.debug_aranges: %s' % error)
        return ranges

    # Step 2: compile units

    def _unit(self, offset):
        try:
            return _Unit(self, offset)
        except _Damaged as error:
            self._note('unit at 0x%x of .debug_info: %s' % (offset, error))
            return None

    def _read_units(self):
        """Read the first entries of the units that .debug_aranges does not know.

        Sets _comp_dirs (line program -> comp_dir) and _untold (line programs of units that tell no ranges),
        and returns the ranges.
        """
        listed = set(self._aranges.numbers)
        ranges = []
        told = set()
        data = self._data('.debug_info')
        offset = 0
        while offset < len(data):
            try:
                self._spend(1)
                end = _unit_length(data, offset)[1]
            except _Damaged as error:
                self._note('.debug_info: %s' % error)
                break
            unit = self._unit(offset) if offset not in listed else None
            if unit is not None and unit.stmt_list is not None:
                self._comp_dirs.setdefault(unit.stmt_list, unit.comp_dir)
                try:
                    found = [(lo, hi, unit.stmt_list) for lo, hi in unit.ranges()
                             if lo < hi and self._is_code(lo)]
                except _Damaged as error:
                    self._note('ranges of the unit at 0x%x: %s' % (offset, error))
                    found = ()
                if found and len(ranges) < _MAX_RANGES:
                    ranges.extend(found)
                    told.add(unit.stmt_list)
            offset = end
        self._untold = sorted(set(self._comp_dirs) - told) if len(data) else self._all_programs()
        self._elf.release('.debug_info')
        return ranges

    def _by_units(self, address):
        if self._unit_ranges is None:
            self._unit_ranges = _Ranges(self._read_units())
        for offset in self._unit_ranges.find(address):
            yield offset, self._comp_dirs[offset]

    # Step 3: line programs of units that told no ranges, or of all where there is no .debug_info

    def _by_scan(self, address):
        if self._scanned is None:
            self._scanned = _Ranges(self._scan())
        for offset in self._scanned.find(address):
            yield offset, self._comp_dirs.get(offset)

    def _all_programs(self):
        data = self._data('.debug_line')
        offset = 0
        try:
            while offset < len(data):
                self._spend(10)
                end = _unit_length(data, offset)[1]
                yield offset
                offset = end
        except _Damaged as error:
            self._note('.debug_line: %s' % error)

    def _scan(self):
        ranges = []
        budget = _MAX_SCANNED
        for offset in self._untold:
            table = self._table(offset)
            if table is not None:
                ranges.extend((lo, hi, offset) for lo, hi in zip(table.starts, table.ends))
                budget -= table.size
            if budget < 0 or len(ranges) > _MAX_RANGES:
                self._note('.debug_line: too much of it belongs to no unit')
                break
        return ranges

    # Line tables

    def _table(self, offset):
        """The decoded _LineTable at `offset` of .debug_line, or None; the last ones used are kept."""
        tables = self._tables
        if offset in tables:
            tables.move_to_end(offset)
            return tables[offset]
        try:
            table = _LineTable(self, offset)
            rows = len(table.addresses)
        except _Damaged as error:
            self._note('line program at 0x%x: %s' % (offset, error))
            table, rows = None, 0
        tables[offset] = table
        self._cached_rows += rows
        while (self._cached_rows > _MAX_CACHED_ROWS or len(tables) > _MAX_CACHED_TABLES) and len(tables) > 1:
            _offset, old = tables.popitem(last=False)
            if old is not None:
                self._cached_rows -= len(old.addresses)
        return table

    # Strings

    def _string_of(self, form, value, unit=None):
        """The bytes of a string form's value (DWARF 5, 7.5.5 "string"); b'' where they can't be had."""
        if form == DW_FORM_string:
            return value
        if form == DW_FORM_strp:
            return _string(self._data('.debug_str'), value)
        if form == DW_FORM_line_strp:
            return _string(self._data('.debug_line_str'), value)
        if form == DW_FORM_GNU_strp_alt or form == DW_FORM_strp_sup:
            return _string(self._alternate_data('.debug_str'), value)
        if form in _STRX and unit is not None:
            place = unit.str_offsets_base + value * unit.width
            place = _unsigned(self._data('.debug_str_offsets'), place, unit.width)
            return _string(self._data('.debug_str'), place)
        return b''


class _Ranges:
    """Half-open address ranges, each with a number, as three arrays sorted by start."""

    def __init__(self, ranges):
        ranges.sort()
        self.starts = array('Q', [lo for lo, _hi, _number in ranges])
        self.ends = array('Q', [min(hi, _U64) for _lo, hi, _number in ranges])
        self.numbers = array('Q', [number for _lo, _hi, number in ranges])
        # reach[i]: the highest end among the first i + 1 ranges; below it, earlier ranges may overlap.
        self.reach = reach = array('Q')
        highest = 0
        for end in self.ends:
            if end > highest:
                highest = end
            reach.append(highest)

    def find(self, address):
        """Numbers of the ranges that hold `address`, each once, nearest start first."""
        found = []
        place = bisect.bisect_right(self.starts, address) - 1
        for place in range(place, max(-1, place - _MAX_OVERLAPS), -1):
            if self.reach[place] <= address:
                break
            if address < self.ends[place] and self.numbers[place] not in found:
                found.append(self.numbers[place])
        return found


def _read_form(data, offset, form, width, address_size):
    """(value, offset behind it) of an attribute: int, or bytes for DW_FORM_string, or None for blocks."""
    if form in _FIXED:
        size = _FIXED[form]
        return _unsigned(data, offset, size), offset + size
    if form in _LEB:
        return _uleb(data, offset)
    if form in _OFFSET:
        return _unsigned(data, offset, width), offset + width
    if form == DW_FORM_addr:
        return _unsigned(data, offset, address_size), offset + address_size
    if form == DW_FORM_string:
        raw = _string(data, offset)
        if not raw and (offset >= len(data) or data[offset]):
            raise _Damaged('string without end')
        return raw, offset + len(raw) + 1
    if form == DW_FORM_flag_present:
        return 1, offset
    if form == DW_FORM_sdata:
        return _sleb(data, offset)
    if form == DW_FORM_data16:
        return None, offset + 16
    if form == DW_FORM_ref_addr:
        return _unsigned(data, offset, width), offset + width
    if form in _BLOCK:
        size = _BLOCK[form]
        return None, offset + size + _unsigned(data, offset, size)
    if form == DW_FORM_block or form == DW_FORM_exprloc:
        size, offset = _uleb(data, offset)
        return None, offset + size
    raise _Damaged('unknown form 0x%x' % form)


class _Unit:
    """A unit's first entry. stmt_list: offset into .debug_line or None; comp_dir: bytes or None."""

    def __init__(self, lines, offset):
        self._lines = lines
        data = lines._data('.debug_info')
        start, end, width = _unit_length(data, offset)
        self.width = width
        self.stmt_list = self.comp_dir = None
        self.version = version = _unsigned(data, start, 2)
        place = start + 2
        if version == 5:
            kind = _unsigned(data, place, 1)
            self.address_size = _unsigned(data, place + 1, 1)
            abbrevs = _unsigned(data, place + 2, width)
            place += 2 + width
            if kind == DW_UT_skeleton or kind == DW_UT_split_compile:
                place += 8
            elif kind == DW_UT_type or kind == DW_UT_split_type:
                return
        elif 2 <= version <= 4:
            abbrevs = _unsigned(data, place, width)
            self.address_size = _unsigned(data, place + width, 1)
            place += width + 1
        else:
            raise _Damaged('unknown version %d' % version)
        if self.address_size not in (4, 8):
            raise _Damaged('addresses of %d bytes' % self.address_size)
        code, place = _uleb(data, place)
        if code:
            self._read_attributes(data[:end], place, self._abbreviation(abbrevs, code))

    def _abbreviation(self, offset, wanted):
        """[(attribute, form, constant)] of the abbreviation `wanted`, table at `offset` (DWARF 5, 7.5.3)."""
        # A copy of the table's beginning: the first entry's abbreviation is often the last of hundreds, and
        # bytes are faster to walk than a view.
        data = bytes(self._lines._data('.debug_abbrev')[offset:offset + _MAX_ABBREVS])
        place = 0
        try:
            while True:
                code, place = _uleb(data, place)
                if not code:
                    raise _Damaged('abbreviation %d is missing' % wanted)
                tag, place = _uleb(data, place)
                place += 1
                start = place
                attributes = []
                while True:
                    attribute, form = data[place], data[place + 1]
                    place += 2
                    if attribute > 0x7f or form > 0x7f:
                        attribute, place = _uleb(data, place - 2)
                        form, place = _uleb(data, place)
                    constant = None
                    if form == DW_FORM_implicit_const:
                        constant, place = _sleb(data, place)
                    if not attribute and not form:
                        break
                    if code == wanted:
                        attributes.append((attribute, form, constant))
                self._lines._spend(1 + (place - start) // 8)
                if code == wanted:
                    # A partial unit (dwz) shares the line program of the unit it was taken from.
                    return attributes if tag != DW_TAG_partial_unit else []
        except IndexError:
            raise _Damaged('abbreviations are cut short')

    def _read_attributes(self, data, offset, attributes):
        found = {}
        for attribute, form, constant in attributes:
            if form == DW_FORM_indirect:
                form, offset = _uleb(data, offset)
            if form == DW_FORM_implicit_const:
                value = constant
            else:
                value, offset = _read_form(data, offset, form, self.width, self.address_size)
            found[attribute] = form, value
        self._found = found
        # Bases come first: other attributes' values are counted from them, whichever order they stand in.
        header = 16 if self.width == 8 else 8
        none = None, None
        self.str_offsets_base = found.get(DW_AT_str_offsets_base, none)[1]
        if self.str_offsets_base is None:
            self.str_offsets_base = header if self.version >= 5 else 0
        self.addr_base = found.get(DW_AT_addr_base, found.get(DW_AT_GNU_addr_base, none))[1]
        if self.addr_base is None:
            self.addr_base = header
        self.rnglists_base = found.get(DW_AT_rnglists_base, none)[1]
        if self.rnglists_base is None:
            self.rnglists_base = header + 4
        form, value = found.get(DW_AT_stmt_list, none)
        if isinstance(value, int):
            self.stmt_list = value
        form, value = found.get(DW_AT_comp_dir, none)
        if value is not None:
            try:
                self.comp_dir = self._lines._string_of(form, value, self) or None
            except _Damaged:
                self.comp_dir = None

    def _address(self, form, value):
        if form in _ADDRX:
            size = self.address_size
            return _unsigned(self._lines._data('.debug_addr'), self.addr_base + value * size, size)
        return value

    def ranges(self):
        """[(lo, hi)] of the unit's code as its first entry tells; [] where it does not. _Damaged."""
        found = self._found if self.stmt_list is not None else {}
        low = 0
        if DW_AT_low_pc in found:
            low = self._address(*found[DW_AT_low_pc])
        if DW_AT_ranges in found:
            form, value = found[DW_AT_ranges]
            if not isinstance(value, int):
                raise _Damaged('bad form of DW_AT_ranges')
            if self.version < 5:
                return self._range_list(value, low)
            if form == DW_FORM_rnglistx:
                data = self._lines._data('.debug_rnglists')
                place = self.rnglists_base + value * self.width
                value = self.rnglists_base + _unsigned(data, place, self.width)
            return self._range_list_5(value, low)
        if DW_AT_high_pc not in found or DW_AT_low_pc not in found:
            return []
        form, high = found[DW_AT_high_pc]
        if not isinstance(high, int) or not isinstance(low, int):
            raise _Damaged('bad form of DW_AT_high_pc')
        if form != DW_FORM_addr and form not in _ADDRX:
            # Since DWARF 4 a constant is the size.
            return [(low, low + high)]
        return [(low, self._address(form, high))]

    def _range_list(self, offset, base):
        """DWARF 2 to 4: pairs of addresses relative to a base (DWARF 4, 2.17.3)."""
        data = self._lines._data('.debug_ranges')
        size = self.address_size
        highest = (1 << 8 * size) - 1
        ranges = []
        while True:
            self._lines._spend(4)
            lo, hi = _unsigned(data, offset, size), _unsigned(data, offset + size, size)
            offset += 2 * size
            if lo == highest:
                base = hi
            elif not lo and not hi:
                return ranges
            else:
                ranges.append((base + lo, base + hi))

    def _range_list_5(self, offset, base):
        """DWARF 5, 7.25: entries of several kinds, DW_RLE_*."""
        data = self._lines._data('.debug_rnglists')
        size = self.address_size
        address = self._address
        ranges = []
        while True:
            self._lines._spend(4)
            kind = _unsigned(data, offset, 1)
            offset += 1
            if kind == 0:
                return ranges
            if kind in (1, 2, 3, 4):
                first, offset = _uleb(data, offset)
                if kind != 4:
                    first = address(DW_FORM_addrx, first)
            elif kind in (5, 6, 7):
                first = _unsigned(data, offset, size)
                offset += size
            else:
                raise _Damaged('unknown range entry %d' % kind)
            if kind == 1 or kind == 5:
                base = first
                continue
            if kind == 6:
                second = _unsigned(data, offset, size)
                offset += size
            else:
                second, offset = _uleb(data, offset)
            if kind == 2:
                ranges.append((first, address(DW_FORM_addrx, second)))
            elif kind == 3 or kind == 7:
                ranges.append((first, first + second))
            elif kind == 4:
                ranges.append((base + first, base + second))
            else:
                ranges.append((first, second))


class _LineTable:
    """One unit's decoded line program.

    addresses, files, lines: one item a row that says something new, in arrays. starts, ends, firsts, lasts:
    the sequences (DWARF 5, 6.2.5.3), sorted and free of overlaps, with the rows that are theirs.
    """

    def __init__(self, lines, offset):
        self._lines = lines
        self._paths = {}
        data = lines._data('.debug_line')
        start, end, width = _unit_length(data, offset)
        if end - start > _MAX_PROGRAM:
            raise _Damaged('program of %d bytes' % (end - start))
        # A copy: bytes are faster to walk than a view of the file.
        unit = bytes(data[start:end])
        self.size = len(unit)
        self.version = version = _unsigned(unit, 0, 2)
        if not 2 <= version <= 5:
            raise _Damaged('unknown version %d' % version)
        place = 2
        self.address_size = 8
        if version >= 5:
            self.address_size = _unsigned(unit, 2, 1)
            place = 4
        program = place + width + _unsigned(unit, place, width)
        place += width
        if program > len(unit) or program < place + 6:
            raise _Damaged('header is cut short')
        self.min_inst_length = unit[place]
        place += 1
        self.max_ops = 1
        if version >= 4:
            self.max_ops = unit[place] or 1
            place += 1
        self.line_base, self.line_range, self.opcode_base = struct.unpack_from('<bBB', unit, place + 1)
        place += 4
        if not self.line_range or not self.opcode_base:
            raise _Damaged('bad header')
        self.operands = unit[place - 1:place - 1 + self.opcode_base]
        place += self.opcode_base - 1
        self.directories, self.names = [], []
        try:
            header = unit[:program]
            if version >= 5:
                self._read_names_5(header, place, width)
            else:
                self._read_names(header, place)
        except _Damaged as error:
            lines._note('file names of the line program at 0x%x: %s' % (offset, error))
        count = len(self.names)
        rows = self._run(unit, program, False)
        if rows is None:
            del self.names[count:]
            rows = self._run(unit, program, True)
        self._settle(rows)

    # File names

    def _read_names(self, data, place):
        """DWARF 2 to 4 (DWARF 4, 6.2.4): directories from 1 on, files from 1 on."""
        self.directories.append(b'')
        self.names.append((b'', 0))
        while True:
            name, place = _read_form(data, place, DW_FORM_string, 4, 8)
            if not name:
                break
            self.directories.append(name)
        while True:
            name, place = _read_form(data, place, DW_FORM_string, 4, 8)
            if not name:
                break
            directory, place = _uleb(data, place)
            _time, place = _uleb(data, place)
            _size, place = _uleb(data, place)
            self.names.append((name, directory))

    def _read_names_5(self, data, place, width):
        """DWARF 5 (6.2.4.1): both tables tell the form of their columns and count from 0."""
        entries, place = self._read_entries(data, place, width)
        self.directories.extend(name for name, _directory in entries)
        self.names, _place = self._read_entries(data, place, width)

    def _read_entries(self, data, place, width):
        columns = []
        count = _unsigned(data, place, 1)
        place += 1
        for _ in range(count):
            content, place = _uleb(data, place)
            form, place = _uleb(data, place)
            columns.append((content, form))
        count, place = _uleb(data, place)
        if count > _MAX_NAMES or count > len(data) - place or (count and not columns):
            raise _Damaged('%d names' % count)
        string_of = self._lines._string_of
        entries = []
        for _ in range(count):
            name, directory = b'', 0
            for content, form in columns:
                value, place = _read_form(data, place, form, width, self.address_size)
                if content == DW_LNCT_path:
                    name = string_of(form, value)
                elif content == DW_LNCT_directory_index and isinstance(value, int):
                    directory = value
            entries.append((name, directory))
        return entries, place

    def path(self, number, comp_dir):
        """Path of file `number`: str, made absolute with the directory table and comp_dir (bytes or None)."""
        key = number, comp_dir
        path = self._paths.get(key)
        if path is None:
            path = self._paths[key] = _text(self._make_path(number, comp_dir))
        return path

    def folder(self, comp_dir):
        """Where the unit was compiled: comp_dir, or what DWARF 5's directory 0 tells (6.2.4); '' if neither does."""
        if not comp_dir and self.version >= 5 and self.directories:
            comp_dir = self.directories[0]
        return _text(comp_dir) if comp_dir else ''

    def _make_path(self, number, comp_dir):
        first = 0 if self.version >= 5 else 1
        if not first <= number < len(self.names) or not self.names[number][0]:
            return b'<unknown>'
        path, directory = self.names[number]
        folders = self.directories
        if not comp_dir and directory and self.version >= 5 and folders:
            comp_dir = folders[0]
        for folder in (folders[directory] if directory < len(folders) else b'', comp_dir):
            if folder and not path.startswith(b'/'):
                path = folder + b'/' + path
        return path

    # The program

    def _run(self, code, place, keep_all):
        """Run the line program in `code` from `place` on (DWARF 5, 6.2.5).

        Returns (addresses, files, lines, sequences), a sequence being (lo, hi, first row, behind last row).
        Rows that repeat the file and line of the one before are left out, unless keep_all. None where that
        can't be done as addresses went backwards in a sequence: the caller runs it again with keep_all.
        """
        addresses, files, rows = array('Q'), array('I'), array('I')
        add_address, add_file, add_line = addresses.append, files.append, rows.append
        sequences = []
        opcode_base, step, max_ops = self.opcode_base, self.min_inst_length, self.max_ops
        vliw = max_ops > 1
        scale = 1 if vliw else step
        advances = [(op - opcode_base) // self.line_range * scale for op in range(256)]
        line_deltas = [self.line_base + (op - opcode_base) % self.line_range for op in range(256)]
        end = len(code)
        address = op_index = last_address = first = 0
        file = line = 1
        last_file = last_line = -1
        backwards = False
        try:
            while place < end:
                op = code[place]
                place += 1
                if op >= opcode_base:
                    if vliw:
                        op_index += advances[op]
                        address += op_index // max_ops * step
                        op_index %= max_ops
                    else:
                        address += advances[op]
                    line += line_deltas[op]
                elif op == 5:               # DW_LNS_set_column
                    while code[place] > 0x7f:
                        place += 1
                    place += 1
                    continue
                elif op == 1:               # DW_LNS_copy
                    pass
                elif op == 6:               # DW_LNS_negate_stmt
                    continue
                elif op == 3:               # DW_LNS_advance_line
                    value = code[place]
                    place += 1
                    if value > 0x7f:
                        value, place = _sleb(code, place - 1)
                    elif value > 0x3f:
                        value -= 0x80
                    line = line + value & _U32
                    continue
                elif op == 4 or op == 2:    # DW_LNS_set_file, DW_LNS_advance_pc
                    value = code[place]
                    place += 1
                    if value > 0x7f:
                        value, place = _uleb(code, place - 1)
                    if op == 4:
                        file = value & _U32
                        continue
                    if vliw:
                        op_index += value
                        value = op_index // max_ops
                        op_index %= max_ops
                    address = address + value * step & _U64
                    continue
                elif op == 8:               # DW_LNS_const_add_pc
                    if vliw:
                        op_index += advances[255]
                        address += op_index // max_ops * step
                        op_index %= max_ops
                    else:
                        address += advances[255]
                    continue
                elif op == 9:               # DW_LNS_fixed_advance_pc
                    address += code[place] | code[place + 1] << 8
                    op_index = 0
                    place += 2
                    continue
                elif op:                    # nothing that is wanted: skip its operands
                    for _ in range(self.operands[op]):
                        while code[place] > 0x7f:
                            place += 1
                        place += 1
                    continue
                else:                       # an extended opcode
                    size, place = _uleb(code, place)
                    behind = place + size
                    if not size or behind > end:
                        raise _Damaged('bad extended opcode')
                    kind = code[place]
                    if kind == 2:           # DW_LNE_set_address
                        address = int.from_bytes(code[place + 1:behind], 'little') & _U64
                        op_index = 0
                        # What some linkers write where code was left out; counting on from it would overflow.
                        if address > _U64 - 16:
                            address = 0
                    elif kind == 1:         # DW_LNE_end_sequence
                        if len(addresses) > first:
                            if address < last_address:
                                backwards = True
                            if backwards:
                                if not keep_all:
                                    return None
                                self._sort(addresses, files, rows, first)
                            highest = max(address, addresses[-1])
                            sequences.append((addresses[first], highest, first, len(addresses)))
                        first = len(addresses)
                        address = op_index = last_address = 0
                        file = line = 1
                        last_file = last_line = -1
                        backwards = False
                    elif kind == 3:         # DW_LNE_define_file
                        stop = code.find(b'\0', place + 1, behind)
                        if stop > 0 and len(self.names) < _MAX_NAMES:
                            self.names.append((code[place + 1:stop], _uleb(code, stop + 1)[0]))
                    place = behind
                    continue
                # A row of the matrix.
                if address < last_address:
                    if not keep_all:
                        return None
                    backwards = True
                last_address = address
                if line != last_line or file != last_file or keep_all:
                    add_address(address)
                    add_file(file)
                    add_line(line)
                    last_line, last_file = line, file
        except (_Damaged, IndexError, OverflowError) as error:
            # Sequences that ended before the damage are good.
            self._lines._note('line program: %s' % error)
            count = min(len(addresses), len(files), len(rows))
            del addresses[count:], files[count:], rows[count:]
        return addresses, files, rows, sequences

    @staticmethod
    def _sort(addresses, files, rows, first):
        """Sort the rows from `first` on by address; of equal addresses the later row stays behind."""
        order = sorted(range(first, len(addresses)), key=addresses.__getitem__)
        for column in (addresses, files, rows):
            column[first:] = array(column.typecode, [column[i] for i in order])

    def _settle(self, rows):
        """Sort the sequences; where two overlap, the one that starts first, or is longer, keeps that part."""
        self.addresses, self.files, self.lines, sequences = rows
        self.starts, self.ends = array('Q'), array('Q')
        self.firsts, self.lasts = array('I'), array('I')
        is_code = self._lines._is_code
        sequences = [s for s in sequences if s[0] < s[1] and is_code(s[0])]
        sequences.sort(key=lambda s: (s[0], -s[1]))
        covered = 0
        for lo, hi, first, last in sequences:
            if hi > covered:
                self.starts.append(max(lo, covered))
                self.ends.append(min(hi, _U64))
                self.firsts.append(first)
                self.lasts.append(last)
                covered = hi

    def find(self, address):
        """(size of the sequence, file, line) of the row that holds `address`, or None."""
        place = bisect.bisect_right(self.starts, address) - 1
        if place < 0 or address >= self.ends[place]:
            return None
        row = bisect.bisect_right(self.addresses, address, self.firsts[place], self.lasts[place]) - 1
        if row < self.firsts[place]:
            return None
        return self.ends[place] - self.starts[place], self.files[row], self.lines[row]
