"""ELF files as they are on disk or as bytes read from memory: segments, sections, symbols, notes, debug
links.

Facts come from the System V gABI (chapters 4 "Object Files" and 5 "Program Loading and Dynamic Linking"), the
x86-64 psABI, <elf.h>, and for what GNU added: the notes of binutils (.gnu_debuglink, .note.gnu.build-id), the
GNU hash table as ld.so reads it (DT_GNU_HASH) and the older .zdebug_ sections.

Only little-endian files are read. ELF64 is read in full; of an ELF32 file header, segments, sections, notes
and strings are read, so that a caller can name what it refuses, but no symbols.

Nothing a file holds is believed: what lies outside the file is absent, and what was ignored is told in
`problems`. A file_address is an address as the file has it (st_value, p_vaddr); where it is in a process is
the caller's business.
"""

import bisect
import mmap
import os
import stat
import struct
import sys
import zlib
from array import array
from collections import namedtuple

# e_type, e_machine, EI_OSABI (gABI 4, "ELF Header"; <elf.h>)
ET_REL, ET_EXEC, ET_DYN, ET_CORE = 1, 2, 3, 4
EM_386, EM_X86_64 = 3, 62
ELFOSABI_SYSV, ELFOSABI_GNU, ELFOSABI_FREEBSD = 0, 3, 9

# p_type, p_flags (gABI 5, "Program Header")
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_TLS = 1, 2, 3, 4, 7
PT_GNU_EH_FRAME = 0x6474e550
PF_X, PF_W, PF_R = 1, 2, 4

# sh_type, sh_flags (gABI 4, "Sections")
SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_DYNAMIC, SHT_NOTE, SHT_NOBITS, SHT_DYNSYM = 1, 2, 3, 6, 7, 8, 11
SHF_ALLOC, SHF_EXECINSTR, SHF_COMPRESSED = 2, 4, 0x800
SHN_UNDEF, SHN_LORESERVE, SHN_XINDEX = 0, 0xff00, 0xffff
PN_XNUM = 0xffff
ELFCOMPRESS_ZLIB, ELFCOMPRESS_ZSTD = 1, 2

# st_info (gABI 4, "Symbol Table")
STT_NOTYPE, STT_FUNC, STT_GNU_IFUNC = 0, 2, 10
STB_LOCAL, STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE = 0, 1, 2, 10

# d_tag (gABI 5, "Dynamic Section")
DT_NULL, DT_NEEDED, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_SONAME = 0, 1, 4, 5, 6, 10, 11, 14
DT_GNU_HASH = 0x6ffffef5

NT_GNU_BUILD_ID = 3

# Field orders of Ehdr after e_ident, Phdr, Shdr, Dyn and Sym, by class.
_EHDR = {32: struct.Struct('<HHIIIIIHHHHHH'), 64: struct.Struct('<HHIQQQIHHHHHH')}
_PHDR = {32: struct.Struct('<IIIIIIII'), 64: struct.Struct('<IIQQQQQQ')}
_SHDR = {32: struct.Struct('<IIIIIIIIII'), 64: struct.Struct('<IIQQQQIIQQ')}
_DYN = {32: struct.Struct('<iI'), 64: struct.Struct('<qQ')}
_CHDR = {32: struct.Struct('<III'), 64: struct.Struct('<IIQQ')}
_SYM = struct.Struct('<IBBHQQ')
_SYM_SIZE = _SYM.size

# Limits for what a damaged or hostile file can make us do; files that are met are far below.
_MAX_SEGMENTS = 65536
_MAX_SECTIONS = 1 << 18
_MAX_SYMBOLS = 1 << 23
_MAX_DYNAMIC = 4096
_MAX_NOTES = 1 << 20
_MAX_NAME = 1 << 16
_MAX_CHAIN = 4096
_MAX_CANDIDATES = 4096
_MAX_INFLATED = 1 << 28
_CHUNK_SYMBOLS = 8192
_CHUNK_BYTES = 1 << 20
_NOBODY = 0xffffffff

DEBUG_ROOT = '/usr/lib/debug'

Segment = namedtuple('Segment', 'type flags offset file_address file_size memory_size align')
Section = namedtuple('Section', 'name type flags file_address offset size link info align entry_size')
Symbol = namedtuple('Symbol', 'name file_address size type bind')

# Where a table of symbols lies in the file: offset and count of its entries, offset and size of its strings.
_Table = namedtuple('_Table', 'offset count strings strings_size')


class ElfError(Exception):
    """The bytes are no usable ELF file. `name`: the file's name as given; `problem`: what is wrong."""

    def __init__(self, name, problem):
        Exception.__init__(self, name, problem)
        self.name = name
        self.problem = problem

    def __str__(self):
        return '%s: %s' % (self.name, self.problem) if self.name else self.problem


def build_id_in_notes(data, align=4):
    """The build-id (bytes) among the notes in `data`, or None.

    data: the bytes of a note segment or section, from a file or from memory. align: p_align or sh_addralign;
    notes are padded to 8 where that is 8, to 4 in all other cases (gABI 5, "Note Section").
    """
    unpack_from = struct.Struct('<III').unpack_from
    pad = 7 if align == 8 else 3
    size = min(len(data), _MAX_NOTES)
    offset = 0
    while offset + 12 <= size:
        name_size, desc_size, kind = unpack_from(data, offset)
        name = offset + 12
        desc = (name + name_size + pad) & ~pad
        end = desc + desc_size
        if end > size:
            return None
        if kind == NT_GNU_BUILD_ID and desc_size and bytes(data[name:name + name_size]) == b'GNU\0':
            return bytes(data[desc:end])
        offset = (end + pad) & ~pad
    return None


def _text(raw):
    return raw.decode('utf-8', 'surrogateescape')


def _gnu_hash(name):
    value = 5381
    for byte in name:
        value = (value * 33 + byte) & 0xffffffff
    return value


def _sysv_hash(name):
    value = 0
    for byte in name:
        value = (value << 4) + byte
        high = value & 0xf0000000
        value = (value ^ high ^ (high >> 24)) & 0x0fffffff
    return value


class _Damaged(Exception):
    """A table does not hold what it should; the next way of finding the same thing is tried."""


class ElfFile:
    """One ELF file. Parts are read when they are first asked for.

    elf_class: 32 or 64. machine, type, os_abi, entry: e_machine, e_type, EI_OSABI, e_entry. segments: tuple
    of Segment in file order. problems: list of str, what was damaged and therefore ignored; it grows as parts
    are read. After construction no method raises anything for what the file holds.
    """

    def __init__(self, data, name=''):
        """data: the whole file: bytes, bytearray, mmap or memoryview. ElfError: no usable ELF file."""
        self.name = name
        self.problems = []
        self._map = None
        view = memoryview(data)
        if view.format != 'B' or view.ndim != 1 or not view.contiguous:
            view = memoryview(bytes(data))
        self._view = view
        self._size = len(view)
        self._cache = {}
        self._read_header()
        self._read_segments()

    @classmethod
    def open(cls, path, name=None):
        """The file at `path`, mapped. OSError: it can't be opened; ElfError: it is no usable ELF file."""
        # O_NONBLOCK: opening a FIFO would wait for its writer.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return cls.from_fd(fd, os.fsdecode(path) if name is None else name)
        finally:
            os.close(fd)

    @classmethod
    def from_fd(cls, fd, name=''):
        """The file open as `fd`, mapped; fd stays the caller's. OSError, ElfError as `open`."""
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise ElfError(name, 'not a regular file')
        if status.st_size < 52:
            raise ElfError(name, 'too short for an ELF file')
        try:
            mapped = mmap.mmap(fd, status.st_size, mmap.MAP_PRIVATE, mmap.PROT_READ)
        except (ValueError, OverflowError) as error:
            # The file shrank since fstat, or is larger than an address space.
            raise ElfError(name, str(error))
        elf = cls(mapped, name)
        elf._map = mapped
        return elf

    def close(self):
        """Let go of the file. Views handed out by section_data stay valid and keep the mapping alive."""
        mapped, self._map = self._map, None
        self._view.release()
        self._view = memoryview(b'')
        self._size = 0
        self._cache = {'sections': self._cache.get('sections', ()), 'index': None}
        self._loads = ()
        if mapped is not None:
            try:
                mapped.close()
            except BufferError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def __repr__(self):
        return 'ElfFile(%r)' % self.name

    def _ignore(self, problem):
        if problem not in self.problems and len(self.problems) < 100:
            self.problems.append(problem)

    # Header and segments

    def _read_header(self):
        view, name = self._view, self.name
        if self._size < 20 or bytes(view[:4]) != b'\x7fELF':
            raise ElfError(name, 'not an ELF file')
        if view[4] not in (1, 2):
            raise ElfError(name, 'unknown ELF class %d' % view[4])
        if view[5] != 1:
            raise ElfError(name, 'not little-endian')
        self.elf_class = 32 if view[4] == 1 else 64
        self.os_abi = view[7]
        header = _EHDR[self.elf_class]
        if self._size < 16 + header.size:
            raise ElfError(name, 'ELF header cut short')
        fields = header.unpack_from(view, 16)
        self.type, self.machine, version, self.entry, self._phoff, self._shoff = fields[:6]
        self._phentsize, self._phnum, self._shentsize, self._shnum, self._shstrndx = fields[8:]
        if version != 1:
            raise ElfError(name, 'unknown ELF version %d' % version)

    def _first_section_header(self):
        """Section 0 holds the counts that are too large for the header (gABI 4, e_shnum and e_phnum)."""
        header = _SHDR[self.elf_class]
        if not self._shoff or self._shentsize < header.size or self._shoff + header.size > self._size:
            return None
        return header.unpack_from(self._view, self._shoff)

    def _read_segments(self):
        layout = _PHDR[self.elf_class]
        count, entry_size, offset = self._phnum, self._phentsize, self._phoff
        if count == PN_XNUM:
            first = self._first_section_header()
            count = first[7] if first else 0
        segments = []
        if count and entry_size < layout.size:
            self._ignore('program headers of %d bytes' % entry_size)
            count = 0
        room = max(0, self._size - offset) // entry_size if entry_size else 0
        if count > min(room, _MAX_SEGMENTS):
            self._ignore('%d of %d program headers are outside the file' % (count - room, count))
            count = min(room, _MAX_SEGMENTS)
        for i in range(count):
            fields = layout.unpack_from(self._view, offset + i * entry_size)
            if self.elf_class == 64:
                kind, flags, start, address, _physical, file_size, memory_size, align = fields
            else:
                kind, start, address, _physical, file_size, memory_size, flags, align = fields
            segments.append(Segment(kind, flags, start, address, file_size, memory_size, align))
        self.segments = tuple(segments)
        # What read() walks: file address range with contents, and the offset that makes it a file offset.
        self._loads = tuple((s.file_address, s.file_address + min(s.file_size, max(0, self._size - s.offset)),
                             s.offset - s.file_address)
                            for s in segments if s.type == PT_LOAD and s.file_size and s.offset < self._size)

    def load_segment_of(self, file_address):
        """The PT_LOAD Segment whose memory holds file_address, or None."""
        for segment in self.segments:
            if segment.type == PT_LOAD and 0 <= file_address - segment.file_address < segment.memory_size:
                return segment
        return None

    def read(self, file_address, size):
        """Up to `size` bytes that the file has for file_address on; short or b'' where the file has none.

        The zeros behind p_filesz are not in the file and not returned. A segment's end ends the answer.
        """
        for start, end, shift in self._loads:
            if start <= file_address < end:
                if self.is_debug_file:
                    return b''
                offset = file_address + shift
                return bytes(self._view[offset:min(offset + max(0, size), end + shift)])
        return b''

    # Sections

    def file_bytes(self, offset, size):
        """`size` bytes of the file from `offset` on; fewer at its end."""
        return bytes(self._view[offset:offset + size]) if 0 <= offset < self._size and size > 0 else b''

    def _cached(self, key, make):
        try:
            return self._cache[key]
        except KeyError:
            value = self._cache[key] = make()
            return value

    @property
    def sections(self):
        """Tuple of Section in file order (the first is empty, as in the file); () if damaged."""
        return self._cached('sections', self._read_sections)

    def _read_sections(self):
        if not self._shoff:
            return ()
        first = self._first_section_header()
        layout = _SHDR[self.elf_class]
        if first is None:
            self._ignore('section headers are outside the file')
            return ()
        count = self._shnum or first[5]
        names = first[6] if self._shstrndx == SHN_XINDEX else self._shstrndx
        room = (self._size - self._shoff) // self._shentsize
        if count > min(room, _MAX_SECTIONS):
            self._ignore('%d section headers, room for %d' % (count, room))
            return ()
        rows = [layout.unpack_from(self._view, self._shoff + i * self._shentsize) for i in range(count)]
        strings = b''
        if names < count and rows[names][1] != SHT_NOBITS:
            strings = bytes(self._view[rows[names][4]:rows[names][4] + rows[names][5]])
        elif count:
            self._ignore('no names of sections')
        sections = []
        for name, kind, flags, address, offset, size, link, info, align, entry_size in rows:
            end = strings.find(b'\0', name, name + _MAX_NAME) if name < len(strings) else -1
            text = _text(strings[name:end]) if end >= 0 else ''
            sections.append(Section(text, kind, flags, address, offset, size, link, info, align, entry_size))
        return tuple(sections)

    def section(self, name):
        """The first Section of this name, or None."""
        by_name = self._cached('by_name', lambda: {s.name: s for s in reversed(self.sections)})
        return by_name.get(name)

    def section_data(self, section):
        """Contents of a Section or of the section of this name: a bytes-like object, b'' where there are
        none.

        Of a mapped file it is a view, not a copy. Compressed sections (SHF_COMPRESSED with zlib; asked for by
        name, also .zdebug_*, whose header is "ZLIB" and the big-endian size) are inflated anew by each call,
        up to 256 MB.
        """
        if not isinstance(section, Section):
            name, section = section, self.section(section)
            if section is None and name.startswith('.debug_'):
                section = self.section('.z' + name[1:])
        if section is None or section.type == SHT_NOBITS or not section.size:
            return b''
        if section.offset + section.size > self._size:
            self._ignore('section %s is outside the file' % section.name)
            return b''
        data = self._view[section.offset:section.offset + section.size]
        if section.flags & SHF_COMPRESSED:
            layout = _CHDR[self.elf_class]
            if len(data) < layout.size:
                self._ignore('section %s: compression header cut short' % section.name)
                return b''
            header = layout.unpack_from(data, 0)
            kind, size = header[0], header[-2]
            if kind != ELFCOMPRESS_ZLIB:
                self._ignore('section %s is compressed with %s' % (
                    section.name, 'zstd' if kind == ELFCOMPRESS_ZSTD else 'unknown method %d' % kind))
                return b''
            return self._inflate(section.name, data[layout.size:], size)
        if section.name.startswith('.zdebug_') and len(data) >= 12 and bytes(data[:4]) == b'ZLIB':
            return self._inflate(section.name, data[12:], int.from_bytes(data[4:12], 'big'))
        return data

    def release(self, name):
        """Let the pages of this section, read here and there, leave our memory until they are read again."""
        section = self.section(name)
        if section is not None and section.type != SHT_NOBITS and section.offset + section.size <= self._size:
            self._release(section.offset, section.size)

    def _inflate(self, name, data, size):
        # Deflate can't do better than 1032:1; a larger claim is damage.
        if size > _MAX_INFLATED or size > len(data) * 1032 + 64:
            self._ignore('section %s claims %d bytes uncompressed' % (name, size))
            return b''
        if not size:
            return b''
        try:
            inflated = zlib.decompressobj().decompress(data, size)
        except (zlib.error, MemoryError) as error:
            self._ignore('section %s: %s' % (name, error))
            return b''
        if len(inflated) != size:
            self._ignore('section %s is cut short' % name)
            return b''
        return inflated

    @property
    def is_debug_file(self):
        """True for a file of debug information only (strip --only-keep-debug): its code is SHT_NOBITS.

        The program headers of such a file may still tell where the contents were in the original file.
        """
        return self._cached('debug', self._check_debug_file)

    def _check_debug_file(self):
        code = [s.type for s in self.sections if s.flags & SHF_ALLOC and s.flags & SHF_EXECINSTR]
        return bool(code) and all(kind == SHT_NOBITS for kind in code)

    def _string(self, offset, limit):
        """The NUL-terminated bytes at `offset`, ending before `limit` (file offsets); b'' without a NUL."""
        view = self._view
        limit = min(limit, self._size, offset + _MAX_NAME)
        step = 64
        while offset < limit:
            raw = bytes(view[offset:min(offset + step, limit)])
            end = raw.find(b'\0')
            if end >= 0:
                return raw[:end]
            if offset + step >= limit:
                return b''
            step *= 8
        return b''

    # Notes, interpreter, dynamic section

    @property
    def build_id(self):
        """The build-id (bytes) or None: NT_GNU_BUILD_ID in a PT_NOTE segment, else in an SHT_NOTE section."""
        return self._cached('build_id', self._find_build_id)

    def _find_build_id(self):
        view = self._view
        for segment in self.segments:
            if segment.type == PT_NOTE:
                start = segment.offset
                data = view[start:start + min(segment.file_size, _MAX_NOTES)]
                found = build_id_in_notes(data, segment.align)
                if found:
                    return found
        for section in self.sections:
            if section.type == SHT_NOTE:
                data = view[section.offset:section.offset + min(section.size, _MAX_NOTES)]
                found = build_id_in_notes(data, section.align)
                if found:
                    return found
        return None

    @property
    def interpreter(self):
        """PT_INTERP's path (str), or None: not a dynamic executable."""
        for segment in self.segments:
            if segment.type == PT_INTERP and segment.file_size:
                raw = self._string(segment.offset, segment.offset + segment.file_size)
                if raw:
                    return os.fsdecode(raw)
        return None

    @property
    def dynamic(self):
        """dict of d_tag -> d_val as in the file; of repeated tags (DT_NEEDED) the first."""
        return self._cached('dynamic', self._read_dynamic)

    def _read_dynamic(self):
        layout = _DYN[self.elf_class]
        place = None
        for segment in self.segments:
            if segment.type == PT_DYNAMIC:
                place = segment.offset, segment.file_size
                break
        else:
            for section in self.sections:
                if section.type == SHT_DYNAMIC:
                    place = section.offset, section.size
                    break
        if place is None or self.is_debug_file:
            return {}
        tags = {}
        offset, size = place
        for _ in range(min(size // layout.size, _MAX_DYNAMIC)):
            if offset + layout.size > self._size:
                self._ignore('the dynamic section is cut short')
                break
            tag, value = layout.unpack_from(self._view, offset)
            if tag == DT_NULL:
                break
            tags.setdefault(tag, value)
            offset += layout.size
        return tags

    def _offset_of(self, file_address):
        """(file offset, bytes from there to the end of the segment's contents); (0, 0): the file has none."""
        for start, end, shift in self._loads:
            if start <= file_address < end:
                return file_address + shift, end - file_address
        return 0, 0

    @property
    def soname(self):
        """DT_SONAME's string (str) or None."""
        tags = self.dynamic
        if DT_SONAME not in tags or DT_STRTAB not in tags:
            return None
        offset, room = self._offset_of(tags[DT_STRTAB])
        if tags[DT_SONAME] >= room:
            return None
        raw = self._string(offset + tags[DT_SONAME], offset + min(room, tags.get(DT_STRSZ, room)))
        return os.fsdecode(raw) or None

    # Tables of symbols

    def _table_of_section(self, kind):
        """The symbol table of this section type as _Table, or None."""
        if self.elf_class != 64:
            return None
        for section in self.sections:
            if section.type != kind:
                continue
            if section.entry_size != _SYM_SIZE or section.offset >= self._size:
                self._ignore('symbol table %s is damaged' % section.name)
                continue
            if not 0 < section.link < len(self.sections):
                self._ignore('symbol table %s has no strings' % section.name)
                continue
            strings = self.sections[section.link]
            if strings.type != SHT_STRTAB or strings.offset >= self._size:
                self._ignore('symbol table %s has no strings' % section.name)
                continue
            count = min(section.size, self._size - section.offset) // _SYM_SIZE
            return _Table(section.offset, min(count, _MAX_SYMBOLS), strings.offset,
                          min(strings.size, self._size - strings.offset))
        return None

    @property
    def _symtab(self):
        return self._cached('symtab', lambda: self._table_of_section(SHT_SYMTAB))

    @property
    def _dynsym(self):
        return self._cached('dynsym', lambda: self._table_of_section(SHT_DYNSYM) or self._table_of_dynamic())

    def _dynamic_place(self):
        """_Table of DT_SYMTAB and DT_STRTAB, its count the room there is, or None."""
        tags = self.dynamic
        if self.elf_class != 64 or DT_SYMTAB not in tags or DT_STRTAB not in tags:
            return None
        if tags.get(DT_SYMENT, _SYM_SIZE) != _SYM_SIZE:
            return None
        symbols, room = self._offset_of(tags[DT_SYMTAB])
        strings, strings_room = self._offset_of(tags[DT_STRTAB])
        if not room or not strings_room:
            self._ignore('the dynamic symbols are outside the file')
            return None
        return _Table(symbols, min(room // _SYM_SIZE, _MAX_SYMBOLS), strings,
                      min(strings_room, tags.get(DT_STRSZ, strings_room)))

    def _table_of_dynamic(self):
        """The dynamic symbols without section headers: only the hash tables tell how many there are."""
        place = self._dynamic_place()
        if place is None:
            return None
        count = 0
        offset, room = self._offset_of(self.dynamic.get(DT_HASH, -1))
        if room >= 8:
            count = struct.unpack_from('<I', self._view, offset + 4)[0]
        if not count:
            try:
                table = self._gnu_hash_table()
                if table is not None:
                    count = self._count_by_gnu_hash(table)
            except _Damaged as error:
                self._ignore(str(error))
        if not count:
            return None
        return place._replace(count=min(count, place.count))

    def _gnu_hash_table(self):
        """(buckets, first symbol, bloom words, shift; file offsets of words, buckets, chain, end) or None."""
        offset, room = self._offset_of(self.dynamic.get(DT_GNU_HASH, -1))
        if not room:
            return None
        if room < 16:
            raise _Damaged('the GNU hash table is cut short')
        count, first, words, shift = struct.unpack_from('<IIII', self._view, offset)
        bloom = offset + 16
        buckets = bloom + 8 * words
        chain = buckets + 4 * count
        if not count or not words or chain > offset + room:
            raise _Damaged('the GNU hash table is damaged')
        return count, first, words, shift, bloom, buckets, chain, offset + room

    def _count_by_gnu_hash(self, table):
        count, first, _words, _shift, _bloom, buckets, chain, end = table
        last = 0
        for place in range(buckets, chain, _CHUNK_BYTES):
            last = max(last, max(self._view[place:min(place + _CHUNK_BYTES, chain)].cast('I').tolist()))
        if last < first:
            return first
        # The chain of the highest bucket ends the table: its last hash has bit 0 set.
        for _ in range(_MAX_CHAIN):
            place = chain + 4 * (last - first)
            if place + 4 > end:
                raise _Damaged('the GNU hash table is cut short')
            last += 1
            if self._view[place] & 1:
                return last
        raise _Damaged('the GNU hash table has no end')

    # Symbols by name

    def find_functions(self, names):
        """Defined functions (STT_FUNC, STT_GNU_IFUNC) of these names, from .symtab and .dynsym: a list of
        Symbol.

        names: iterable of str. One Symbol a name and address; a name may have several addresses (versions,
        locals). The dynamic symbols are found through the hash table that ld.so uses, others by a search of
        the string table and of the column of st_name, so that no time goes into symbols that were not asked
        for.
        """
        wanted = {}
        for name in names:
            raw = name.encode('utf-8', 'surrogateescape')
            if raw and b'\0' not in raw:
                wanted[raw] = name
        found = {}
        table = self._symtab
        if table is not None:
            self._collect(table, self._scan(table, wanted), wanted, found)
        try:
            table = self._dynamic_place()
            indexes = self._look_up(table, wanted) if table is not None else None
        except _Damaged as error:
            self._ignore(str(error))
            indexes = None
        if indexes is None:
            table = self._dynsym
            indexes = self._scan(table, wanted) if table is not None else ()
        if table is not None:
            self._collect(table, indexes, wanted, found)
        return list(found.values())

    def _collect(self, table, indexes, wanted, found):
        for index in indexes:
            place = table.offset + index * _SYM_SIZE
            name, info, _other, section, value, size = _SYM.unpack_from(self._view, place)
            if section == SHN_UNDEF or info & 15 not in (STT_FUNC, STT_GNU_IFUNC):
                continue
            raw = self._name_at(table, name)
            if raw in wanted:
                symbol = Symbol(wanted[raw], value, size, info & 15, info >> 4)
                found.setdefault((raw, value), symbol)

    def _look_up(self, table, wanted):
        """Indexes of dynamic symbols that may have these names, by hash; None: there is no hash table."""
        gnu = self._gnu_hash_table()
        if gnu is not None:
            return self._look_up_gnu(table, gnu, wanted)
        offset, room = self._offset_of(self.dynamic.get(DT_HASH, -1))
        if not room:
            return None
        if room < 8:
            raise _Damaged('the hash table is cut short')
        buckets, chains = struct.unpack_from('<II', self._view, offset)
        if not buckets or 8 + 4 * (buckets + chains) > room or chains > table.count:
            raise _Damaged('the hash table is damaged')
        unpack_from = struct.Struct('<I').unpack_from
        indexes = []
        for name in wanted:
            index = unpack_from(self._view, offset + 8 + 4 * (_sysv_hash(name) % buckets))[0]
            for _ in range(_MAX_CHAIN):
                if not index:
                    break
                if index >= chains:
                    raise _Damaged('the hash table is damaged')
                indexes.append(index)
                index = unpack_from(self._view, offset + 8 + 4 * (buckets + index))[0]
            else:
                raise _Damaged('the hash table has a chain without end')
        return indexes

    def _look_up_gnu(self, table, gnu, wanted):
        view = self._view
        count, first, words, shift, bloom, buckets, chain, end = gnu
        word_at = struct.Struct('<Q').unpack_from
        unpack_from = struct.Struct('<I').unpack_from
        indexes = []
        for name in wanted:
            value = _gnu_hash(name)
            word = word_at(view, bloom + 8 * (value // 64 % words))[0]
            if not word >> (value % 64) & word >> ((value >> min(shift, 32)) % 64) & 1:
                continue
            index = unpack_from(view, buckets + 4 * (value % count))[0]
            if not index:
                continue
            if index < first:
                raise _Damaged('the GNU hash table is damaged')
            for _ in range(_MAX_CHAIN):
                place = chain + 4 * (index - first)
                if place + 4 > end or index >= table.count:
                    raise _Damaged('the GNU hash table is cut short')
                other = unpack_from(view, place)[0]
                if other | 1 == value | 1:
                    indexes.append(index)
                if other & 1:
                    break
                index += 1
            else:
                raise _Damaged('the GNU hash table has a chain without end')
        return indexes

    def _scan(self, table, wanted):
        """Indexes of symbols that may have these names: search the strings, then the column st_name."""
        offsets = self._find_strings(table, wanted)
        if not offsets:
            return ()
        indexes = []
        isdisjoint = offsets.isdisjoint
        for start in range(0, table.count, _CHUNK_SYMBOLS):
            count = min(_CHUNK_SYMBOLS, table.count - start)
            place = table.offset + start * _SYM_SIZE
            names = self._view[place:place + count * _SYM_SIZE].cast('I')[::_SYM_SIZE // 4].tolist()
            if not isdisjoint(names):
                indexes.extend(start + i for i, name in enumerate(names) if name in offsets)
        self._release(table.offset, table.count * _SYM_SIZE)
        return indexes

    def _find_strings(self, table, wanted):
        """The set of offsets into the string table at which one of the names stands.

        A name may be the tail of a longer one (linkers share tails), and in .symtab a version may follow it.
        """
        if not wanted:
            return set()
        longest = max(map(len, wanted)) + 1
        offsets = set()
        end = table.strings + table.strings_size
        for start in range(table.strings, end, _CHUNK_BYTES):
            # A piece overlaps the next one by what the longest name needs.
            piece = bytes(self._view[start:min(start + _CHUNK_BYTES + longest, end)])
            find = piece.find
            base = start - table.strings
            for name in wanted:
                size = len(name)
                place = find(name)
                while place >= 0 and len(offsets) < _MAX_CANDIDATES:
                    if piece[place + size:place + size + 1] in (b'\0', b'@'):
                        offsets.add(base + place)
                    place = find(name, place + 1)
        self._release(table.strings, table.strings_size)
        return offsets

    def _release(self, offset, size):
        # Python 3.6 and 3.7 have no madvise; there the kernel takes the pages back when it needs them.
        mapped = self._map
        if mapped is not None and size > _CHUNK_BYTES and hasattr(mapped, 'madvise'):
            start = (offset + mmap.PAGESIZE - 1) & -mmap.PAGESIZE
            end = (offset + size) & -mmap.PAGESIZE
            if start < end:
                mapped.madvise(mmap.MADV_DONTNEED, start, end - start)

    def _name_at(self, table, offset):
        """A symbol's name as bytes, without its version (name@VERSION, name@@VERSION)."""
        if offset >= table.strings_size:
            return b''
        raw = self._string(table.strings + offset, table.strings + table.strings_size)
        at = raw.find(b'@', 1)
        return raw[:at] if at > 0 else raw

    def _symbol(self, table, index):
        place = table.offset + index * _SYM_SIZE
        name, info, _other, _section, value, size = _SYM.unpack_from(self._view, place)
        return Symbol(_text(self._name_at(table, name)), value, size, info & 15, info >> 4)

    # Symbols by address

    def symbol_at(self, file_address):
        """The Symbol of the function that holds file_address, from .symtab, else from .dynsym; None: there is
        none.

        Innermost first: of several functions that hold it the one that starts last, then the smallest; then a
        function rather than a label (STT_NOTYPE in code), global before weak before local, a name without
        leading underscore. A symbol of size 0 reaches to the next symbol or the end of its section, where no
        symbol with a size holds the address.
        """
        index = self._index
        if index is None:
            return None
        place = bisect.bisect_right(index.bounds, file_address) - 1
        if place < 0 or index.owners[place] == _NOBODY:
            return None
        return self._symbol(index.table, index.owners[place])

    @property
    def symbol_count(self):
        """Entries of the symbol table that symbol_at() uses: its index takes about 2 us for each, once."""
        table = self._symtab or self._dynsym
        return table.count if table is not None else 0

    def functions_between(self, lo, hi):
        """Functions and labels in code that start in [lo, hi): list of Symbol by address, aliases too."""
        index = self._index
        if index is None:
            return []
        first = bisect.bisect_left(index.starts, lo)
        last = bisect.bisect_left(index.starts, hi)
        return [self._symbol(index.table, i) for i in index.symbols[first:last]]

    @property
    def _index(self):
        return self._cached('index', self._build_index)

    def _build_index(self):
        for table in (self._symtab, self._dynsym):
            if table is not None:
                index = _FunctionIndex(self, table)
                if index.starts:
                    return index
        return None

    def _code_ranges(self):
        """Sorted (start, end) of what can hold code: SHF_EXECINSTR sections, else executable segments."""
        ranges = [(s.file_address, s.file_address + s.size) for s in self.sections
                  if s.flags & SHF_EXECINSTR and s.flags & SHF_ALLOC and s.size]
        if not ranges:
            ranges = [(s.file_address, s.file_address + s.memory_size) for s in self.segments
                      if s.type == PT_LOAD and s.flags & PF_X and s.memory_size]
        return sorted(ranges)

    # Separate debug files

    @property
    def debug_link(self):
        """(file name, CRC-32 of that file) from .gnu_debuglink, or None."""
        data = bytes(self.section_data('.gnu_debuglink')[:_MAX_NAME])
        end = data.find(b'\0')
        place = (end + 4) & ~3
        if end <= 0 or place + 4 > len(data):
            return None
        return os.fsdecode(data[:end]), struct.unpack_from('<I', data, place)[0]

    def debug_file_candidates(self, path, root=DEBUG_ROOT):
        """Paths at which this file's separate debug file may be, best first; none was looked for.

        path: the path of this file. By build-id under `root`, then by debug link beside the file, in .debug/
        there, and under `root` with the file's folder (the order of gdb's manual, "Separate Debug Files").
        """
        paths = []
        build_id = self.build_id
        if build_id and len(build_id) > 1:
            digits = ''.join('%02x' % byte for byte in bytearray(build_id))
            paths.append('%s/.build-id/%s/%s.debug' % (root, digits[:2], digits[2:]))
        link = self.debug_link
        # A name with a slash would lead out of the folders that are meant.
        if link and '/' not in link[0]:
            folder = os.path.dirname(os.path.abspath(path))
            for place in (folder, os.path.join(folder, '.debug'), root.rstrip('/') + folder):
                candidate = os.path.join(place, link[0])
                if candidate != os.path.abspath(path) and candidate not in paths:
                    paths.append(candidate)
        return paths


class _FunctionIndex:
    """Which function holds an address: arrays of 4- and 8-byte integers, no object a symbol.

    starts, symbols: addresses at which functions start, ascending, and the symbols' numbers in the table.
    bounds, owners: from bounds[i] to bounds[i + 1] the innermost function is symbol number owners[i].
    """

    def __init__(self, elf, table):
        self.table = table
        self.starts = array('Q')
        self.symbols = array('I')
        self.bounds = array('Q')
        self.owners = array('I')
        if array('I').itemsize != 4 or sys.byteorder != 'little':
            return
        ranges = elf._code_ranges()
        if ranges:
            self._fill(elf, table, ranges)

    def _fill(self, elf, table, ranges):
        keys = self._functions(elf, table, ranges)
        keys.sort()
        self.starts = starts = array('Q', [key >> 32 for key in keys])
        self.symbols = symbols = array('I', [key & 0xffffffff for key in keys])
        del keys
        self._flatten(elf, table, ranges, starts, symbols)
        elf._release(table.offset, table.count * _SYM_SIZE)
        elf._release(table.strings, table.strings_size)

    @staticmethod
    def _functions(elf, table, ranges):
        """Start address << 32 | number, of every function in the table."""
        lo = ranges[0][0]
        hi = min(max(end for _start, end in ranges), (1 << 64) - 1)
        code_sections = frozenset(i for i, s in enumerate(elf.sections)
                                  if s.flags & SHF_EXECINSTR and s.flags & SHF_ALLOC)
        keys = []
        append = keys.append
        view = elf._view
        iter_unpack = _SYM.iter_unpack
        number = 0
        for start in range(0, table.count, _CHUNK_SYMBOLS):
            count = min(_CHUNK_SYMBOLS, table.count - start)
            place = table.offset + start * _SYM_SIZE
            rows = view[place:place + count * _SYM_SIZE]
            for name, info, _other, section, value, _size in iter_unpack(rows):
                kind = info & 15
                if (kind == 2 or kind == 10) and section and lo <= value < hi:
                    append(value << 32 | number)
                elif not kind and section in code_sections and name and lo <= value < hi:
                    append(value << 32 | number)
                number += 1
        return keys

    def _flatten(self, elf, table, ranges, starts, symbols):
        bounds, owners = self.bounds, self.owners
        range_starts = [start for start, _end in ranges]
        view, base, unpack_from = elf._view, table.offset, _SYM.unpack_from
        top = (1 << 64) - 1
        # Functions that began and have not ended, the innermost last; `label` is the symbol of size 0 that
        # counts where none is open.
        open_ends, open_symbols = [], []
        label, label_end = _NOBODY, 0
        total = len(starts)
        i = 0
        while i <= total:
            address = starts[i] if i < total else top
            while open_ends and open_ends[-1] <= address:
                end = open_ends.pop()
                open_symbols.pop()
                while open_ends and open_ends[-1] <= end:
                    open_ends.pop()
                    open_symbols.pop()
                if end < address:
                    bounds.append(end)
                    owners.append(open_symbols[-1] if open_symbols else label if end < label_end else _NOBODY)
            if label_end and not open_ends and label_end < address and bounds[-1] < label_end:
                bounds.append(label_end)
                owners.append(_NOBODY)
            if i == total:
                break
            number = symbols[i]
            i += 1
            name, info, _other, _section, _value, size = unpack_from(view, base + number * _SYM_SIZE)
            if i == total or starts[i] != address:
                sized = [(size, number)] if size else ()
                best_label = number
            else:
                sized, best_label, i = self._group(elf, table, address, i - 1)
            label, label_end = _NOBODY, 0
            if sized:
                for size, number in sized:
                    open_ends.append(min(address + size, top))
                    open_symbols.append(number)
                owner = number
            else:
                place = bisect.bisect_right(range_starts, address) - 1
                if address < ranges[place][1]:
                    label, label_end = best_label, min(ranges[place][1], top)
                owner = open_symbols[-1] if open_symbols else label
            bounds.append(address)
            owners.append(owner)

    def _group(self, elf, table, address, i):
        """Symbols of one address: the best of each size, largest first; the best of size 0; the next i."""
        starts, symbols = self.starts, self.symbols
        by_size = {}
        while i < len(starts) and starts[i] == address:
            number = symbols[i]
            place = table.offset + number * _SYM_SIZE
            name, info, _other, _section, _value, size = _SYM.unpack_from(elf._view, place)
            bind = info >> 4
            first = elf._view[table.strings + name] if name < table.strings_size else 0
            rank = (info & 15 == STT_NOTYPE, 2 if bind == STB_LOCAL else 1 if bind == STB_WEAK else 0,
                    first == 0, first == 0x5f, number)
            if size not in by_size or rank < by_size[size]:
                by_size[size] = rank
            i += 1
        label = by_size.pop(0, (_NOBODY,))[-1]
        return [(size, by_size[size][-1]) for size in sorted(by_size, reverse=True)], label, i
