"""Registers and stack words in, return addresses out: the call stack of a stopped x86-64 thread.

Knows nothing of processes, files or symbols.  It is given the registers, a bulk copy of the stack, a function
that reads other memory, and a function that names the module an address lies in.

Where the facts are from:
  .eh_frame, .eh_frame_hdr, pointer encodings, augmentations: Linux Standard Base Core 5.0, 10.5 and 10.6
  call frame instructions, register rules, expressions: DWARF 5, sections 6.4 and 2.5
  register numbers, the state at a function's entry, the frame pointer: System V ABI AMD64, 3.2, 3.4 and
      figure 3.36; unwinding through a signal frame: 6.2
  what a signal frame holds: Linux arch/x86/include/asm/sigframe.h, uapi/asm/sigcontext.h; FreeBSD
      <machine/sigframe.h>, <machine/ucontext.h>

A pc and a return address are looked up differently.  A call may be the last instruction of its function, so
the rules for a return address are those of the byte before it; the rules for a pc at which the thread really
stands (the first frame, one interrupted by a signal) are those of the pc itself.  One dictionary caches both:
a return address under itself, an exact pc under its complement ~pc, which is negative.

Nearly every frame follows one of three rules, which the hot loop of Unwinder.unwind knows:
    cfa = sp + n, fp unchanged              return address at cfa - 8
    cfa = sp + n, fp saved at cfa + m       return address at cfa - 8
    cfa = fp + n, fp saved at cfa + m       return address at cfa - 8
For anything else the loop takes a full step with the registers it has, and when such a step needs a register
that the short rules do not carry along, the walk is done again from its start with the whole register set.
"""

import struct
from array import array
from bisect import bisect_right
from collections import namedtuple
from itertools import repeat

# DWARF register numbers of x86-64 (psABI figure 3.36).
RAX, RDX, RCX, RBX, RSI, RDI, RBP, RSP = range(8)
R10 = 10
RA = 16
REGISTER_COUNT = 17

# Why a walk ended.  The first two are as it should be; the others mean that the stack was cut short.
END_OF_STACK = 'end'            # the outermost frame: its return address is undefined, or zero
LIMIT = 'limit'                 # as many frames as were asked for
NO_RULES = 'no rules'           # code without call frame information, and no usable frame pointer
BAD_RULES = 'bad rules'         # call frame information that is damaged or of an unknown kind
MEMORY = 'memory'               # a stack word could not be read
LOOP = 'loop'                   # the caller's frame would not lie above this one
ENDINGS = (END_OF_STACK, LIMIT, NO_RULES, BAD_RULES, MEMORY, LOOP)

# addresses: innermost first; [0] is the pc, the others are return addresses as found (not minus 1).
# exact: the indices of those addresses that are no return addresses: the pc, and pcs interrupted by a signal.
Stack = namedtuple('Stack', 'addresses exact ending')

_MASK = (1 << 64) - 1
_SIGN = 1 << 63
_USER_END = (1 << 63) - (1 << 16)       # pread takes a signed offset; no user address is near it
_PAGE = 4096

# The second number of a short rule that the hot loop can't follow.
_SPECIAL = -(1 << 40)
_SHORT_SPECIAL = (0, _SPECIAL)
_SHORT_END = (1, _SPECIAL)

# Bounds for what foreign data may ask of us.
_MAX_ENTRY = 1 << 17            # bytes of one CIE or FDE
_MAX_STATES = 64                # DW_CFA_remember_state inside one another
_MAX_OPERATIONS = 512           # of one DWARF expression
_MAX_OPERANDS = 64              # on its stack
_MAX_SCANNED = 1 << 19          # FDEs of a module without a search table
_MAX_CACHED = 1 << 17           # rules by pc, before they are all forgotten
_MAX_KEPT = 1 << 14             # of them in full
_ENTRY_SIZE = 96                # bytes from a program's entry point that are taken for its first function
_MAX_SYMBOLS = 10000            # of a module in which a function's start is looked up
_MAX_FRAME = 8 << 20            # bytes between sp and a believable frame pointer

# Register rules (DWARF 5, 6.4.1).
_UNDEFINED, _SAME, _OFFSET, _VAL_OFFSET, _REGISTER, _EXPRESSION, _VAL_EXPRESSION = range(7)

# Operand bytes of DW_CFA_advance_loc1, 2, 4 and MIPS_advance_loc8.
_ADVANCE = {0x02: 1, 0x03: 2, 0x04: 4, 0x1d: 8}

# Pointer encodings (LSB Core 10.5.1).
_PE_OMIT = 0xff
_PE_ALIGNED = 0x50
_PE_INDIRECT = 0x80
_PE_FORMATS = {0x00: '<Q', 0x02: '<H', 0x03: '<I', 0x04: '<Q', 0x0a: '<h', 0x0b: '<i', 0x0c: '<q'}

_U32 = struct.Struct('<I')
_U64 = struct.Struct('<Q')
_LANDMARK = 128                 # entries of a search table from one landmark to the next

_PT_LOAD = 1
_PT_GNU_EH_FRAME = 0x6474e550
_DT_PLTGOT = 3

# What a signal handler returns to is known to debuggers by its bytes. Of each system: the code, and which registers the
# words from sp + 40 on hold.
_SIGRETURNS = (
    # Linux: mov $15 (rt_sigreturn), %rax; syscall. sp is the address of the ucontext, uc_mcontext is at 40 in it
    (b'\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05',
     (8, 9, 10, 11, 12, 13, 14, 15, RDI, RSI, RBP, RBX, RDX, RAX, RCX, RSP, RA)),
    # FreeBSD up to 13, whose code lies in no module (sys/amd64/amd64/sigtramp.S): lea 16(%rsp), %rdi; push $0;
    # mov $417 (sigreturn), %rax; syscall. The ucontext is at sp + 16, uc_mcontext at 16 in it, mc_rdi at 8 in that
    (b'\x48\x8d\x7c\x24\x10\x6a\x00\x48\xc7\xc0\xa1\x01\x00\x00\x0f\x05',
     (RDI, RSI, RDX, RCX, 8, 9, RAX, RBX, RBP, 10, 11, 12, 13, 14, 15, None, None, None, None, RA, None, None, RSP)),
)

_ENDBR64 = b'\xf3\x0f\x1e\xfa'
_MOV_RBP_RSP = (b'\x48\x89\xe5', b'\x48\x8b\xec')


class UnwindError(Exception):
    """Call frame information that can't be used: .pc (a file address), .problem (what is wrong with it)."""

    def __init__(self, pc, problem):
        Exception.__init__(self, pc, problem)
        self.pc = pc
        self.problem = problem

    def __str__(self):
        return 'call frame information for 0x%x: %s' % (self.pc, self.problem)


class _Damaged(Exception):
    """Something in the frame tables does not make sense; becomes an UnwindError where the pc is known."""


class _NeedsRegister(Exception):
    """A rule needs a register whose value is not known here."""


class _NoMemory(Exception):
    """A word that a rule needs can't be read."""


class _Ended(Exception):
    """The walk ends in this frame; the argument says why."""


class _Rule(object):
    """How to get from one frame to its caller; every field is fixed once built.

    cfa_expression is None where the CFA is cfa_register + cfa_offset.  saved: (register, kind, argument) of
    every register that has a rule, the return address (column RA) among them.  signal_frame: the caller's
    pc is exact.  guess: None; for code without rules, to be worked out from the code and the frame pointer
    each time, a pair: the address at which its function begins (0 where no symbol tells), and whether that
    is where a program is entered.  ending: the walk ends here, for this reason.
    """
    __slots__ = ('cfa_register', 'cfa_offset', 'cfa_expression', 'saved', 'signal_frame', 'guess', 'ending',
                 'load_bias')

    def __init__(self, cfa_register=RSP, cfa_offset=8, cfa_expression=None, saved=((RA, _OFFSET, -8),),
                 signal_frame=False, guess=None, ending=None, load_bias=0):
        self.cfa_register = cfa_register
        self.cfa_offset = cfa_offset
        self.cfa_expression = cfa_expression
        self.saved = saved
        self.signal_frame = signal_frame
        self.guess = guess
        self.ending = ending
        self.load_bias = load_bias

    def simple(self):
        """-> (cfa register, cfa offset, fp's slot from the CFA or None) if that, the return address at
        CFA-8 and sp = CFA is all there is to it for a walk that carries pc, sp and fp; else None."""
        if self.ending or self.guess is not None or self.signal_frame or self.cfa_expression is not None:
            return None
        if self.cfa_register not in (RSP, RBP):
            return None
        slot = return_slot = None
        for register, kind, argument in self.saved:
            if register == RA:
                if kind != _OFFSET:
                    return None
                return_slot = argument
            elif register == RBP:
                if kind == _OFFSET:
                    slot = argument
                elif kind != _SAME:
                    return None
            elif register == RSP:
                return None
        if return_slot != -8:
            return None
        return self.cfa_register, self.cfa_offset, slot

    def short(self):
        """-> the pair for the hot loop, counted in words from one return address's slot to the next."""
        if self.ending == END_OF_STACK:
            return _SHORT_END
        simple = self.simple()
        if simple is None:
            return _SHORT_SPECIAL
        register, offset, slot = simple
        if offset & 7 or not 8 <= offset <= _MAX_FRAME:
            return _SHORT_SPECIAL
        if slot is None:
            return (offset >> 3, 0) if register == RSP else _SHORT_SPECIAL
        # A slot below sp (behind a pop in an epilogue) is outside the bulk copy, so it takes a full step.
        if slot & 7 or slot > -16 or offset + slot < 0:
            return _SHORT_SPECIAL
        if register == RSP:
            return offset >> 3, -(1 + (slot >> 3))
        return (offset >> 3) - 1, 1 + (slot >> 3)


_RULE_END = _Rule(ending=END_OF_STACK)
_RULE_NONE = _Rule(ending=NO_RULES)
_RULE_BAD = _Rule(ending=BAD_RULES)
_RULE_GUESS = _Rule(guess=(0, False))
_RULES_SIGRETURN = tuple([
    (_code, _Rule(RSP, 0, None, tuple([(register, _OFFSET, 40 + 8 * index) for index, register in enumerate(_registers)
                                       if register is not None]), True))
    for _code, _registers in _SIGRETURNS])
_SIGRETURN_SIZE = max([len(_code) for _code, _ in _SIGRETURNS])


# ---- reading the tables ----

def _uleb(data, pos):
    """-> (value, next pos) of an unsigned LEB128 (DWARF 5, 7.6)."""
    value = shift = 0
    while True:
        byte = data[pos]
        pos += 1
        value |= (byte & 0x7f) << shift
        if byte < 0x80:
            return value & _MASK, pos
        shift += 7
        if shift > 70:
            raise _Damaged('number too long')


def _sleb(data, pos):
    value = shift = 0
    while True:
        byte = data[pos]
        pos += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            break
        if shift > 70:
            raise _Damaged('number too long')
    if byte & 0x40:
        value -= 1 << shift
    if not -_SIGN <= value < 2 * _SIGN:
        raise _Damaged('number too long')
    return value, pos


def _block(data, pos):
    size, pos = _uleb(data, pos)
    end = pos + size
    if end > len(data):
        raise _Damaged('block runs past its entry')
    return bytes(data[pos:end]), end


_Cie = namedtuple('_Cie', 'code_align data_align return_register encoding has_augmentation signal_frame'
                          ' cfa rules')


class FrameTable(object):
    """The call frame information of one ELF file, read an entry at a time; addresses are file addresses."""

    def __init__(self, elf):
        self._elf = elf
        self._cies = {}
        self._last = None               # address of the FDE that was found last
        self._starts = None             # of a linear scan: start addresses in order, and their FDEs
        self._fdes = None
        self._table = 0                 # of the search table: address, bytes an entry, entries
        self._entry_size = 0
        self._count = 0
        self._landmarks = None          # where every so many-th of them starts
        self._hdr = 0
        self._eh_frame = None           # where .eh_frame begins, if only the header told
        self.present = False            # does the file have any call frame information?
        try:
            self._open_header()
        except (_Damaged, IndexError, struct.error):
            self._count = 0
        if not self._count:
            self._scan()

    # The end of the data is the bounds check: IndexError and struct.error are caught at the entrances.

    def _open_header(self):
        for segment in self._elf.segments:
            if segment.type == _PT_GNU_EH_FRAME:
                break
        else:
            return
        self._hdr = address = segment.file_address
        head = self._elf.read(address, 32)
        if head[0] != 1:
            return
        pos = 4
        if head[1] != _PE_OMIT:
            self._eh_frame, pos = self._pointer(head, pos, head[1], address, address)
        if head[2] == _PE_OMIT or head[3] == _PE_OMIT:
            return
        count, pos = self._pointer(head, pos, head[2], address, address)
        # datarel|sdata4 is what every linker writes, sdata8 what they may for files beyond 2 GB.
        size = {0x3b: 8, 0x3c: 16}.get(head[3])
        if not size or not 0 < count <= (segment.file_size or segment.memory_size) // size:
            return
        self._table = address + pos
        self._entry_size = size
        self._count = count
        self.present = True

    def _pointer(self, data, pos, encoding, address, data_base):
        """-> (value, next pos) of an encoded pointer; `address` is that of data[0]."""
        if encoding == _PE_ALIGNED:
            pos += -(address + pos) & 7
            return _U64.unpack_from(data, pos)[0], pos + 8
        start = pos
        form = encoding & 0x0f
        if form == 1:
            value, pos = _uleb(data, pos)
        elif form == 9:
            value, pos = _sleb(data, pos)
        else:
            code = _PE_FORMATS.get(form)
            if code is None:
                raise _Damaged('unknown pointer encoding 0x%x' % encoding)
            value = struct.unpack_from(code, data, pos)[0]
            pos += struct.calcsize(code)
        base = encoding & 0x70
        if base == 0x10:
            value += address + start
        elif base == 0x30:
            value += data_base
        elif base:
            raise _Damaged('unknown pointer encoding 0x%x' % encoding)
        value &= _MASK
        if encoding & _PE_INDIRECT:
            value = _U64.unpack_from(self._elf.read(value, 8))[0]
        return value, pos

    def _scan(self):
        """Index .eh_frame from end to end, once, for a file whose header has no search table."""
        section = self._elf.section('.eh_frame')
        if section is not None:
            address = section.file_address
            data = self._elf.section_data('.eh_frame')
        elif self._eh_frame is not None:
            address = self._eh_frame
            for segment in self._elf.segments:
                if segment.type == _PT_LOAD and 0 <= address - segment.file_address < segment.file_size:
                    break
            else:
                return
            data = self._elf.read(address, segment.file_address + segment.file_size - address)
        else:
            return
        found = []
        pos = 0
        size = len(data)
        self.present = size > 4
        try:
            while pos + 8 <= size and len(found) < _MAX_SCANNED:
                length = _U32.unpack_from(data, pos)[0]
                body = pos + 4
                width = 4
                if length == 0xffffffff:
                    length = _U64.unpack_from(data, body)[0]
                    body += 8
                    width = 8
                if not length:
                    break
                end = body + length
                if end > size or length < width:
                    break
                offset = int.from_bytes(data[body:body + width], 'little')
                if offset:
                    try:
                        cie = self._cie(address + body - offset)
                        start, after = self._pointer(data, body + width, cie.encoding, address, 0)
                        if start:
                            found.append((start, address + pos))
                    except _Damaged:
                        pass
                pos = end
        except (IndexError, struct.error):
            pass
        found.sort()
        self._starts = array('Q', [start for start, entry in found])
        self._fdes = array('Q', [entry for start, entry in found])

    def _entry(self, address):
        """-> (bytes of the CIE or FDE behind its length, file address of the first one, width of its id)."""
        if not 0 <= address <= _MASK:
            raise _Damaged('entry at an impossible address')
        data = self._elf.read(address, 256)
        length = _U32.unpack_from(data, 0)[0]
        start = 4
        width = 4
        if length == 0xffffffff:
            length = _U64.unpack_from(data, 4)[0]
            start = 12
            width = 8
        if not width <= length <= _MAX_ENTRY:
            raise _Damaged('entry of %d bytes' % length)
        end = start + length
        if end > len(data):
            data = self._elf.read(address, end)
            if end > len(data):
                raise _Damaged('entry runs past its segment')
        return bytes(data[start:end]), address + start, width

    def _cie(self, address):
        cie = self._cies.get(address)
        if cie is None:
            if len(self._cies) > 4096:
                self._cies.clear()
            try:
                cie = self._parse_cie(address)
            except (IndexError, struct.error):
                cie = _Damaged('CIE cut short')
            except _Damaged as error:
                cie = error
            self._cies[address] = cie
        if isinstance(cie, _Damaged):
            raise _Damaged(str(cie))
        return cie

    def _parse_cie(self, address):
        data, start, width = self._entry(address)
        if int.from_bytes(data[:width], 'little'):
            raise _Damaged('no CIE where an FDE says that its CIE is')
        pos = width
        version = data[pos]
        pos += 1
        if version not in (1, 3, 4):
            raise _Damaged('CIE version %d' % version)
        end = data.index(b'\0', pos) if b'\0' in data[pos:pos + 32] else None
        if end is None:
            raise _Damaged('CIE augmentation without end')
        augmentation = data[pos:end]
        pos = end + 1
        if augmentation == b'eh':               # gcc 2: a pointer follows
            pos += 8
            augmentation = b''
        if version == 4:
            if data[pos] != 8 or data[pos + 1]:
                raise _Damaged('CIE with addresses of %d bytes' % data[pos])
            pos += 2
        code_align, pos = _uleb(data, pos)
        data_align, pos = _sleb(data, pos)
        if version == 1:
            return_register = data[pos]
            pos += 1
        else:
            return_register, pos = _uleb(data, pos)
        if return_register >= REGISTER_COUNT:
            raise _Damaged('return address in column %d' % return_register)
        encoding = 0
        signal_frame = False
        if augmentation[:1] == b'z':
            size, pos = _uleb(data, pos)
            instructions = pos + size
            for letter in augmentation[1:].decode('latin-1'):
                if letter == 'R':
                    encoding = data[pos]
                    pos += 1
                elif letter == 'P':
                    # Only its size matters here; what it points to need not be readable.
                    pos = self._pointer(data, pos + 1, data[pos] & ~_PE_INDIRECT & 0xff, start, 0)[1]
                elif letter == 'L':
                    pos += 1
                elif letter == 'S':
                    signal_frame = True
                elif letter not in 'BG':        # of another processor, without data
                    break                       # its data is unknown, but its length is not
            pos = instructions
        elif augmentation:
            raise _Damaged('CIE augmentation %r' % augmentation.decode('latin-1'))
        if pos > len(data):
            raise _Damaged('CIE augmentation runs past its entry')
        cie = _Cie(code_align, data_align, return_register, encoding, augmentation[:1] == b'z', signal_frame,
                   (None, 0, None), {})
        cfa, rules = self._execute(data[pos:], cie, 0, 0, start + pos)
        return cie._replace(cfa=cfa, rules=rules)

    def _fde_addresses(self, pc):
        """-> file addresses of FDEs that may hold pc, the likeliest first."""
        if self._starts is not None:
            index = bisect_right(self._starts, pc)
            return [self._fdes[i] for i in range(index - 1, max(index - 4, -1), -1)]
        table = self._table
        size = self._entry_size
        wanted = pc - self._hdr
        if self._landmarks is None:
            self._landmarks = self._words(table, self._count)[::2 * _LANDMARK].tolist()
        first = max(bisect_right(self._landmarks, wanted) - 1, 0) * _LANDMARK
        before = min(first, 1)                  # what stands before it may be asked for, too
        words = self._words(table + (first - before) * size, min(_LANDMARK, self._count - first) + before)
        starts, entries = words[::2].tolist(), words[1::2].tolist()
        index = bisect_right(starts, wanted, before)
        # Normally the last one that starts at or before pc holds it; empty functions may stand behind it.
        return [(self._hdr + entry) & _MASK for entry in entries[max(index - 2, 0):index][::-1]]

    def _words(self, address, count):
        """So many entries of the search table as signed words, two each."""
        data = self._elf.read(address, count * self._entry_size)
        if len(data) != count * self._entry_size:
            raise _Damaged('search table cut short')
        return memoryview(data).cast('i' if self._entry_size == 8 else 'q')

    def row_at(self, pc):
        """-> (cie, cfa, rules), the row of the unwind table that holds pc; None where no FDE covers it.

        cfa: (register, offset, expression or None); rules: register -> (kind, argument).  Raises UnwindError.
        """
        try:
            # whoever asks for one call site after another stays in the same function for a while
            if self._last is not None:
                row = self._row_in(self._last, pc)
                if row is not None:
                    return row
            self._last = None
            for address in self._fde_addresses(pc):
                row = self._row_in(address, pc)
                if row is not None:
                    self._last = address
                    return row
        except _Damaged as error:
            raise UnwindError(pc, str(error))
        except (IndexError, struct.error):
            raise UnwindError(pc, 'cut short')
        return None

    def _row_in(self, address, pc):
        data, start, width = self._entry(address)
        offset = int.from_bytes(data[:width], 'little')
        if not offset or offset > start:
            raise _Damaged('no FDE where the search table says that one is')
        cie = self._cie(start - offset)
        data_base = 0
        if cie.encoding & 0x70 == 0x30:
            data_base = self._elf.dynamic.get(_DT_PLTGOT, 0)
        low, pos = self._pointer(data, width, cie.encoding, start, data_base)
        size, pos = self._pointer(data, pos, cie.encoding & 0x0f, start, 0)
        if not low <= pc < low + size:
            return None
        if cie.has_augmentation:
            length, pos = _uleb(data, pos)
            pos += length
            if pos > len(data):
                raise _Damaged('FDE augmentation runs past its entry')
        cfa, rules = self._execute(data[pos:], cie, low, pc, start + pos)
        return cie, cfa, rules

    def _execute(self, code, cie, location, pc, address):
        """Run call frame instructions (DWARF 5, 6.4.2) up to the row that holds pc.

        -> (cfa, rules): cfa is (register, offset, expression or None), rules maps register to (kind,
        argument).
        Rules of registers other than the 17 are skipped; `address` is that of code[0].
        """
        code_align = cie.code_align
        data_align = cie.data_align
        cfa_register, cfa_offset, cfa_expression = cie.cfa
        rules = dict(cie.rules)
        states = []
        pos = 0
        size = len(code)
        while pos < size:
            opcode = code[pos]
            pos += 1
            primary = opcode & 0xc0
            if primary == 0x40:                                 # DW_CFA_advance_loc
                location += (opcode & 0x3f) * code_align
                if location > pc:
                    break
                continue
            if primary == 0x80:                                 # DW_CFA_offset
                argument, pos = _uleb(code, pos)
                rules[opcode & 0x3f] = _OFFSET, argument * data_align
                continue
            if primary == 0xc0:                                 # DW_CFA_restore
                self._restore(rules, cie, opcode & 0x3f)
                continue
            if opcode == 0x00:                                  # DW_CFA_nop
                continue
            if opcode == 0x0e:                                  # DW_CFA_def_cfa_offset
                cfa_offset, pos = _uleb(code, pos)
            elif opcode in _ADVANCE:                            # DW_CFA_advance_loc1, 2, 4, MIPS_advance_loc8
                width = _ADVANCE[opcode]
                if pos + width > size:
                    raise _Damaged('cut short')
                location += int.from_bytes(code[pos:pos + width], 'little') * code_align
                pos += width
                if location > pc:
                    break
            elif opcode == 0x0a:                                # DW_CFA_remember_state
                if len(states) >= _MAX_STATES:
                    raise _Damaged('too many remembered states')
                if len(rules) > REGISTER_COUNT:
                    self._drop_others(rules)
                states.append((cfa_register, cfa_offset, cfa_expression, dict(rules)))
            elif opcode == 0x0b:                                # DW_CFA_restore_state
                if not states:
                    raise _Damaged('no state to restore')
                cfa_register, cfa_offset, cfa_expression, rules = states.pop()
            elif opcode == 0x0c:                                # DW_CFA_def_cfa
                cfa_register, pos = _uleb(code, pos)
                cfa_offset, pos = _uleb(code, pos)
                cfa_expression = None
            elif opcode == 0x0d:                                # DW_CFA_def_cfa_register
                cfa_register, pos = _uleb(code, pos)
                cfa_expression = None
            elif opcode == 0x0f:                                # DW_CFA_def_cfa_expression
                cfa_expression, pos = _block(code, pos)
            elif opcode == 0x10:                                # DW_CFA_expression
                register, pos = _uleb(code, pos)
                argument, pos = _block(code, pos)
                rules[register] = _EXPRESSION, argument
            elif opcode == 0x16:                                # DW_CFA_val_expression
                register, pos = _uleb(code, pos)
                argument, pos = _block(code, pos)
                rules[register] = _VAL_EXPRESSION, argument
            elif opcode == 0x05:                                # DW_CFA_offset_extended
                register, pos = _uleb(code, pos)
                argument, pos = _uleb(code, pos)
                rules[register] = _OFFSET, argument * data_align
            elif opcode == 0x11:                                # DW_CFA_offset_extended_sf
                register, pos = _uleb(code, pos)
                argument, pos = _sleb(code, pos)
                rules[register] = _OFFSET, argument * data_align
            elif opcode == 0x2f:                                # DW_CFA_GNU_negative_offset_extended
                register, pos = _uleb(code, pos)
                argument, pos = _uleb(code, pos)
                rules[register] = _OFFSET, -argument * data_align
            elif opcode == 0x14:                                # DW_CFA_val_offset
                register, pos = _uleb(code, pos)
                argument, pos = _uleb(code, pos)
                rules[register] = _VAL_OFFSET, argument * data_align
            elif opcode == 0x15:                                # DW_CFA_val_offset_sf
                register, pos = _uleb(code, pos)
                argument, pos = _sleb(code, pos)
                rules[register] = _VAL_OFFSET, argument * data_align
            elif opcode == 0x06:                                # DW_CFA_restore_extended
                register, pos = _uleb(code, pos)
                self._restore(rules, cie, register)
            elif opcode == 0x07:                                # DW_CFA_undefined
                register, pos = _uleb(code, pos)
                rules[register] = _UNDEFINED, 0
            elif opcode == 0x08:                                # DW_CFA_same_value
                register, pos = _uleb(code, pos)
                rules[register] = _SAME, 0
            elif opcode == 0x09:                                # DW_CFA_register
                register, pos = _uleb(code, pos)
                argument, pos = _uleb(code, pos)
                rules[register] = _REGISTER, argument
            elif opcode == 0x12:                                # DW_CFA_def_cfa_sf
                cfa_register, pos = _uleb(code, pos)
                argument, pos = _sleb(code, pos)
                cfa_offset = argument * data_align
                cfa_expression = None
            elif opcode == 0x13:                                # DW_CFA_def_cfa_offset_sf
                argument, pos = _sleb(code, pos)
                cfa_offset = argument * data_align
            elif opcode == 0x01:                                # DW_CFA_set_loc
                location, pos = self._pointer(code, pos, cie.encoding, address, 0)
                if location > pc:
                    break
            elif opcode == 0x2e:                                # DW_CFA_GNU_args_size: only for landing pads
                argument, pos = _uleb(code, pos)
            else:
                raise _Damaged('call frame instruction 0x%02x' % opcode)
        self._drop_others(rules)
        return (cfa_register, cfa_offset, cfa_expression), rules

    @staticmethod
    def _drop_others(rules):
        for register in [number for number in rules if number >= REGISTER_COUNT]:
            del rules[register]

    @staticmethod
    def _restore(rules, cie, register):
        rule = cie.rules.get(register)
        if rule is None:
            rules.pop(register, None)
        else:
            rules[register] = rule


def _rule_of(pc, cie, cfa, rules, load_bias):
    """-> the _Rule of a row; raises UnwindError for a row that leads nowhere."""
    register, offset, expression = cfa
    if cie.return_register != RA:
        rules = dict(rules)
        rules[RA] = rules.pop(cie.return_register, None) or (_REGISTER, cie.return_register)
    returns = rules.get(RA)
    if returns is None or returns[0] == _SAME:
        raise UnwindError(pc, 'no rule for the return address')
    if returns[0] == _UNDEFINED:
        return _RULE_END
    if expression is None and (register is None or register >= RA):
        raise UnwindError(pc, 'no rule for the CFA')
    saved = tuple([(number,) + rule for number, rule in sorted(rules.items()) if rule[0] != _SAME])
    return _Rule(register, offset, expression, saved, cie.signal_frame, load_bias=load_bias)


# ---- DWARF expressions ----

def _signed(value):
    return value - (1 << 64) if value & _SIGN else value


def _divide(a, b):
    a, b = _signed(a), _signed(b)
    if not b:
        raise _Damaged('division by zero in an expression')
    quotient = abs(a) // abs(b)
    return -quotient if (a < 0) != (b < 0) else quotient


def _modulo(a, b):
    if not b:
        raise _Damaged('division by zero in an expression')
    return a % b


_BINARY = {
    0x1a: lambda a, b: a & b,                                   # DW_OP_and
    0x1b: _divide,                                              # DW_OP_div
    0x1c: lambda a, b: a - b,                                   # DW_OP_minus
    0x1d: _modulo,                                              # DW_OP_mod
    0x1e: lambda a, b: a * b,                                   # DW_OP_mul
    0x21: lambda a, b: a | b,                                   # DW_OP_or
    0x22: lambda a, b: a + b,                                   # DW_OP_plus
    0x24: lambda a, b: a << b if b < 64 else 0,                 # DW_OP_shl
    0x25: lambda a, b: a >> b if b < 64 else 0,                 # DW_OP_shr
    0x26: lambda a, b: _signed(a) >> min(b, 63),                # DW_OP_shra
    0x27: lambda a, b: a ^ b,                                   # DW_OP_xor
    0x29: lambda a, b: a == b,                                  # DW_OP_eq
    0x2a: lambda a, b: _signed(a) >= _signed(b),                # DW_OP_ge
    0x2b: lambda a, b: _signed(a) > _signed(b),                 # DW_OP_gt
    0x2c: lambda a, b: _signed(a) <= _signed(b),                # DW_OP_le
    0x2d: lambda a, b: _signed(a) < _signed(b),                 # DW_OP_lt
    0x2e: lambda a, b: a != b,                                  # DW_OP_ne
}

# DW_OP_const1u .. const8s
_CONSTANTS = {0x08: '<B', 0x09: '<b', 0x0a: '<H', 0x0b: '<h', 0x0c: '<I', 0x0d: '<i', 0x0e: '<Q', 0x0f: '<q'}


def evaluate(expression, registers, memory, stack=(), load_bias=0):
    """-> the value on top when a DWARF expression (DWARF 5, 2.5.1) has run on the initial stack.

    registers: 17 values, None where unknown; memory: has .bytes(address, size).  Raises _Damaged for what
    makes no sense, _NeedsRegister, _NoMemory.
    """
    stack = list(stack)
    push = stack.append
    pop = stack.pop
    size = len(expression)
    pos = 0
    budget = _MAX_OPERATIONS
    try:
        while pos < size:
            budget -= 1
            if budget < 0 or len(stack) > _MAX_OPERANDS:
                raise _Damaged('expression does not end')
            code = expression[pos]
            pos += 1
            if 0x70 <= code <= 0x8f or code == 0x92:            # DW_OP_breg0..31, bregx
                register = code - 0x70
                if code == 0x92:
                    register, pos = _uleb(expression, pos)
                offset, pos = _sleb(expression, pos)
                push((_known(registers, register) + offset) & _MASK)
            elif 0x30 <= code <= 0x4f:                          # DW_OP_lit0..31
                push(code - 0x30)
            elif code == 0x06:                                  # DW_OP_deref
                push(int.from_bytes(memory.bytes(pop(), 8), 'little'))
            elif code == 0x94:                                  # DW_OP_deref_size
                width = expression[pos]
                pos += 1
                if not 1 <= width <= 8:
                    raise _Damaged('read of %d bytes in an expression' % width)
                push(int.from_bytes(memory.bytes(pop(), width), 'little'))
            elif code in _BINARY:
                second = pop()
                push(int(_BINARY[code](pop(), second)) & _MASK)
            elif code == 0x23:                                  # DW_OP_plus_uconst
                offset, pos = _uleb(expression, pos)
                push((pop() + offset) & _MASK)
            elif code in _CONSTANTS:
                form = _CONSTANTS[code]
                push(struct.unpack_from(form, expression, pos)[0] & _MASK)
                pos += struct.calcsize(form)
            elif code == 0x10:                                  # DW_OP_constu
                value, pos = _uleb(expression, pos)
                push(value)
            elif code == 0x11:                                  # DW_OP_consts
                value, pos = _sleb(expression, pos)
                push(value & _MASK)
            elif code == 0x03:                                  # DW_OP_addr
                push((_U64.unpack_from(expression, pos)[0] + load_bias) & _MASK)
                pos += 8
            elif code == 0x12:                                  # DW_OP_dup
                push(stack[-1])
            elif code == 0x13:                                  # DW_OP_drop
                pop()
            elif code == 0x14 or code == 0x15:                  # DW_OP_over, pick
                index = 1
                if code == 0x15:
                    index = expression[pos]
                    pos += 1
                push(stack[-1 - index])
            elif code == 0x16:                                  # DW_OP_swap
                stack[-1], stack[-2] = stack[-2], stack[-1]
            elif code == 0x17:                                  # DW_OP_rot
                stack[-1], stack[-2], stack[-3] = stack[-2], stack[-3], stack[-1]
            elif code == 0x19:                                  # DW_OP_abs
                push(abs(_signed(pop())) & _MASK)
            elif code == 0x1f:                                  # DW_OP_neg
                push(-pop() & _MASK)
            elif code == 0x20:                                  # DW_OP_not
                push(~pop() & _MASK)
            elif code == 0x28 or code == 0x2f:                  # DW_OP_bra, skip
                distance = struct.unpack_from('<h', expression, pos)[0]
                pos += 2
                if code == 0x2f or pop():
                    pos += distance
                    if not 0 <= pos <= size:
                        raise _Damaged('expression jumps out of itself')
            elif code == 0x96:                                  # DW_OP_nop
                pass
            else:
                raise _Damaged('operation 0x%02x in an expression' % code)
        return stack[-1]
    except (IndexError, struct.error):
        raise _Damaged('expression cut short, or its stack empty')


def _known(registers, number):
    if number >= REGISTER_COUNT:
        raise _Damaged('register %d in a rule' % number)
    value = registers[number]
    if value is None:
        raise _NeedsRegister(number)
    return value


# ---- memory for full steps ----

class _Memory(object):
    """The bulk copy of the stack, and whole pages of anything else, kept for the length of one walk."""
    __slots__ = ('_start', '_end', '_stack', '_read', '_pages')

    def __init__(self, start, stack, read):
        self._start = start
        self._end = start + len(stack)
        self._stack = stack
        self._read = read
        self._pages = {}

    def bytes(self, address, size):
        """-> exactly so many bytes (at most a page); raises _NoMemory."""
        if self._start <= address and address + size <= self._end:
            offset = address - self._start
            return bytes(self._stack[offset:offset + size])
        if not 0 <= address < _USER_END:
            raise _NoMemory(address)
        offset = address & (_PAGE - 1)
        if offset + size > _PAGE:
            data = self._read(address, size)
            if len(data) < size:
                raise _NoMemory(address)
            return bytes(data[:size])
        page = address - offset
        data = self._pages.get(page)
        if data is None:
            if len(self._pages) >= 64:
                self._pages.clear()
            data = self._pages[page] = self._read(page, _PAGE)
        data = bytes(data[offset:offset + size])
        if len(data) < size:
            raise _NoMemory(address)
        return data

    def word(self, address):
        return _U64.unpack(self.bytes(address, 8))[0]

    def code(self, address, size):
        """-> so many bytes, or as many as there are on the first page."""
        try:
            return self.bytes(address, size)
        except _NoMemory:
            size = min(size, -address & (_PAGE - 1))
            try:
                return self.bytes(address, size)
            except _NoMemory:
                return b''

    def code_before(self, address, size):
        """-> so many bytes that end at the address, zeros in place of those that can't be read."""
        try:
            return self.bytes(address - size, size)
        except _NoMemory:
            size, wanted = min(size, address & (_PAGE - 1)), size
            return self.code(address - size, size).rjust(wanted, b'\0')


# ---- code without rules ----

def _follows_call(address, memory):
    """Does a call instruction end where this supposed return address points?"""
    before = memory.code_before(address, 7)
    if before[2] == 0xe8:                                       # call rel32
        return True
    for size in (2, 3, 4, 6, 7):                                # call r/m64, with or without a prefix
        code = before[7 - size:]
        if code[0] != 0xff or code[1] & 0x38 != 0x10:
            continue
        mode, base = code[1] >> 6, code[1] & 7
        length = 2
        if mode != 3 and base == 4:                             # a SIB byte
            length = 3
            base = code[2] & 7 if size > 2 else 0
        if mode == 1:
            length += 1
        elif mode == 2 or mode == 0 and base == 5:
            length += 4
        if length == size:
            return True
    return False


def _is_chain(fp, memory):
    """Do frame pointers and return addresses go on for a few frames, or to one that a call precedes?"""
    try:
        for _ in range(3):
            caller, return_address = memory.word(fp), memory.word(fp + 8)
            if caller & 7 or not fp < caller < fp + _MAX_FRAME:
                return False
            if -_MAX_FRAME < return_address - fp < _MAX_FRAME or not memory.code(return_address, 1):
                return False
            fp = caller
            if _follows_call(memory.word(fp + 8), memory):
                break
    except _NoMemory:
        return False
    return True


def _entry_rule(code, at):
    """-> (cfa offset from sp, fp pushed) where the instruction at code[at:] tells, or None.

    For an exact pc: before a push of rbp, behind it, at a return, in a PLT entry.
    """
    here = code[at:]
    if here[:4] == _ENDBR64:
        here = here[4:]
        if here[:1] in (b'\x55', b'\xff', b'\xf2', b'\x68'):
            return 8, False
        return None
    if here[:1] in (b'\xc3', b'\xc2') or here[:2] in (b'\xf3\xc3', b'\xf2\xc3'):
        return 8, False
    if here[:1] == b'\x55' and here[1:4] in _MOV_RBP_RSP:
        return 8, False
    if here[:3] in _MOV_RBP_RSP and code[at - 1:at] == b'\x55':
        return 16, True
    if here[:2] == b'\xff\x25' or here[:3] == b'\xf2\xff\x25':  # jmp *slot(%rip)
        return 8, False
    if here[:1] == b'\x68' and here[5:6] == b'\xe9':            # push $n; jmp
        return 8, False
    if here[:1] == b'\xe9' and code[at - 5:at - 4] == b'\x68':
        return 16, False
    return None


def _scan_prologue(code):
    """What the first instructions of a function, run as far as `code` goes, have put on the stack.

    -> (bytes from sp to the CFA, bytes from the CFA to the saved fp or None, fp set up).
    """
    depth = 8
    slot = None
    pos = 0
    while pos < len(code):
        first = code[pos]
        if code[pos:pos + 4] == _ENDBR64:
            pos += 4
        elif 0x50 <= first <= 0x57:
            depth += 8
            if first == 0x55 and slot is None:
                slot = -depth
            pos += 1
        elif first == 0x41 and 0x50 <= (code[pos + 1:pos + 2] or b'\0')[0] <= 0x57:
            depth += 8
            pos += 2
        elif code[pos:pos + 3] in _MOV_RBP_RSP:
            return depth, slot, slot == -depth
        elif code[pos:pos + 3] == b'\x48\x83\xec' and pos + 4 <= len(code) and code[pos + 3] < 0x80:
            depth += code[pos + 3]
            pos += 4
        elif code[pos:pos + 3] == b'\x48\x81\xec' and pos + 7 <= len(code):
            depth += _U32.unpack_from(code, pos + 3)[0]
            pos += 7
        else:
            break
    return depth, slot, False


# ---- the unwinder ----

class Unwinder(object):
    """Call stacks of one process.

    find_module(address) -> an object with .elf (an elfreader.ElfFile, or None), .load_bias (address - file
    address), .start and .end (addresses), or None where no module is; asked only about addresses not seen
    before.

    .endings counts the walks that ended early, by reason; .guessed the frames passed without rules;
    .problems holds one text (with its address) for each damaged place, at most 100 of them.
    """

    def __init__(self, find_module):
        self._find_module = find_module
        self._tables = {}               # id of an ElfFile -> (the ElfFile, its FrameTable)
        self._synthetic = []            # (start, end, _Rule)
        self._aliases = []              # (start, end, function or mapping)
        self._rules = {0: _SHORT_SPECIAL}       # a return address or ~pc -> the pair for the hot loop
        self._full = {}                 # the same -> _Rule, for those that took a full step
        self._pairs = {}                # one pair for all that are equal
        self._guesses = {}              # a return address in code without rules -> what simple_rule() would give
        self._believed = set()          # in such code: return addresses found to be some,
        self._no_sigreturn = set()      # and pcs that are not in a signal handler's return
        self.endings = dict.fromkeys(ENDINGS[2:], 0)
        self.guessed = 0
        self.problems = []

    # -- what to know about code --

    def add_rule(self, start, end, cfa_register, cfa_offset):
        """Code of our own in [start, end): CFA = register + offset, return address at CFA-8, rest kept."""
        self._synthetic.append((start, end, _Rule(cfa_register, cfa_offset)))
        self._forget_rules(start, end)

    def add_alias(self, start, end, original):
        """Code in [start, end) is a copy: an address there has the rule of original(address) or original[it].

        original gives None for an address it does not know.  A return address is mapped as it is, so the
        address behind a copied call must map to the one behind the original call.
        """
        self._aliases.append((start, end, original))
        self._forget_rules(start, end)

    def remove(self, start, end):
        """Take back add_rule and add_alias for ranges within [start, end)."""
        self._synthetic = [item for item in self._synthetic if item[0] < start or item[1] > end]
        self._aliases = [item for item in self._aliases if item[0] < start or item[1] > end]
        self._forget_rules(start, end)

    def forget(self, start, end):
        """Drop what was learned about addresses in [start, end): a module was unloaded, or one was loaded."""
        self._forget_rules(start, end)
        self._tables.clear()
        self._guesses.clear()
        self._believed.clear()
        self._no_sigreturn.clear()

    def _forget_rules(self, start, end):
        for cache in (self._rules, self._full):
            for key in [key for key in cache if start <= (key if key >= 0 else ~key) <= end and key]:
                del cache[key]

    def simple_rule(self, address, is_return=True):
        """-> (cfa register, cfa offset, fp's slot from the CFA or None) where that is all a walk needs to
        know at an address (return address at CFA-8, sp becomes the CFA); END_OF_STACK; None where it takes
        more."""
        rule = self._rule(address if is_return else ~address)
        return END_OF_STACK if rule.ending == END_OF_STACK else rule.simple()

    def guessed_rule(self, address):
        """What simple_rule() would give for a return address in code without rules, going by the walks so far that came
        through there; None where there was none, or they did not agree."""
        return self._guesses.get(address)

    def _learn(self, key):
        rules = self._rules
        if len(rules) > _MAX_CACHED:
            rules.clear()
            rules[0] = _SHORT_SPECIAL
        pair = self._rule(key).short()
        rules[key] = pair if pair[1] == _SPECIAL else self._pairs.setdefault(pair, pair)

    def _rule(self, key):
        rule = self._full.get(key)
        if rule is None:
            if len(self._full) > _MAX_CACHED:
                self._full.clear()
            rule = self._find_rule(key)
            # The short rules are enough for nearly all; what only they need is not kept twice for long.
            if rule.simple() is None or len(self._full) < _MAX_KEPT:
                self._full[key] = rule
        return rule

    def _find_rule(self, key, depth=0):
        pc = address = key
        if key < 0:
            pc = address = ~key
        else:
            address -= 1
        for start, end, rule in self._synthetic:
            if start <= address < end:
                return rule
        for start, end, original in self._aliases:
            if start <= address < end:
                mapped = original(pc) if callable(original) else original.get(pc)
                if mapped is None or depth >= 8:
                    return _RULE_NONE
                return self._find_rule(mapped if key >= 0 else ~mapped, depth + 1)
        module = self._find_module(address)
        if module is None or module.elf is None:
            return _RULE_GUESS
        elf = module.elf
        known = self._tables.get(id(elf))
        if known is None:
            known = self._tables[id(elf)] = elf, FrameTable(elf)
        file_address = address - module.load_bias
        try:
            row = known[1].row_at(file_address)
            if row is not None:
                return _rule_of(file_address, *row + (module.load_bias,))
        except UnwindError as error:
            self._problem('%s: %s' % (elf.name, error))
            return _RULE_BAD
        # An index over the symbols of a large program takes half a second, in which the target would stand still.
        symbol = elf.symbol_at(file_address) if getattr(elf, 'symbol_count', 0) <= _MAX_SYMBOLS else None
        return _Rule(guess=(symbol.file_address + module.load_bias if symbol else 0,
                            0 <= file_address - elf.entry < _ENTRY_SIZE))

    # -- walking --

    def unwind(self, registers, stack_address, stack, read, limit=50, start_is_return=False):
        """-> Stack.

        registers: 17 ints by DWARF number, the pc last.  stack: the bytes read at stack_address (best sp,
        or just below it; may be empty).  read(address, size) -> bytes, maybe fewer, for everything else.
        start_is_return: the pc is a return address (the thread was put there, it did not stop there).

        10 frames take 2 us on CPython 3.11 when their rules are cached, learning a new pc 40 us.
        """
        pc = registers[RA]
        sp = registers[RSP]
        if (sp | stack_address) & 7 or sp < stack_address or limit < 2:
            return self._walk(registers, _Memory(stack_address, stack, read), limit, start_is_return)
        if len(stack) & 7:
            stack = stack[:len(stack) & ~7]
        fp = registers[RBP]
        fp_at = -1                      # index of the word that holds the caller's fp; -1: it is in fp
        base = stack_address            # address of words[0]
        words = memoryview(stack).cast('Q')
        at = ((sp - base) >> 3) - 1     # index of the word below sp: the slot of the last return address
        addresses = [pc]
        append = addresses.append
        rules = self._rules
        memory = None
        if start_is_return:
            key = pc
            exact = ()
        else:
            key = ~pc
            exact = (0,)
        while True:
            try:
                for _ in repeat(None, limit - len(addresses)):
                    up, saved = rules[key]
                    if saved:
                        if saved > 0:
                            at += up
                            fp_at = at - saved
                        elif saved > _SPECIAL:
                            if fp_at >= 0:
                                fp = words[fp_at]
                                fp_at = -1
                            offset = fp - base
                            slot = (offset >> 3) + up
                            if offset < 0 or slot <= at or offset & 7:
                                break
                            at = slot
                            fp_at = at + saved
                        else:
                            break
                    else:
                        at += up
                    key = words[at]
                    append(key)
                else:
                    break
            except KeyError:
                self._learn(key)
                continue
            except IndexError:
                # Past the bulk copy: go on in a piece of stack that begins at the word wanted.
                if memory is None:
                    memory = _Memory(stack_address, stack, read)
                address = base + 8 * at
                try:
                    if fp_at >= 0:
                        fp = memory.word(base + 8 * fp_at)
                        fp_at = -1
                    key = memory.word(address)
                except _NoMemory:
                    return self._end(addresses, exact, MEMORY)
                append(key)
                base = address
                words = memoryview(self._piece(read, address)).cast('Q')
                at = 0
                continue
            # A frame that takes a full step.
            if not key:
                return Stack(tuple(addresses[:-1] or addresses), exact, END_OF_STACK)
            if rules[key] is _SHORT_END:
                return Stack(tuple(addresses), exact, END_OF_STACK)
            if memory is None:
                memory = _Memory(stack_address, stack, read)
            rule = self._rule_here(key, addresses[-1], memory)
            if len(addresses) == 1:
                state = registers
            else:
                if fp_at >= 0:
                    fp = words[fp_at]
                    fp_at = -1
                state = [None] * REGISTER_COUNT
                state[RBP] = fp
                state[RSP] = base + 8 * (at + 1)
                state[RA] = addresses[-1]
            try:
                if rule.ending is not None:
                    raise _Ended(rule.ending)
                state = self._step(rule, key, state, memory)
            except _Ended as ended:
                return self._end(addresses, exact, ended.args[0])
            except _NeedsRegister:
                return self._walk(registers, memory, limit, start_is_return)
            if state[RSP] & 7 or state[RBP] is None:
                return self._walk(registers, memory, limit, start_is_return)
            sp = state[RSP]
            fp = state[RBP]
            key = state[RA]
            if not key:
                return Stack(tuple(addresses), exact, END_OF_STACK)
            if rule.signal_frame:
                exact += (len(addresses),)
                append(key)
                key = ~key
            else:
                append(key)
            if not 0 <= sp - base <= 8 * len(words):
                base = sp
                words = memoryview(self._piece(read, sp)).cast('Q')
            at = ((sp - base) >> 3) - 1
        return self._limited(addresses, exact, key)

    @staticmethod
    def _piece(read, address):
        if not 0 <= address < _USER_END:
            return b''
        data = read(address, 2 * _PAGE - (address & (_PAGE - 1)))
        return data[:len(data) & ~7]

    def _limited(self, addresses, exact, key):
        """As many frames as asked for; were they all there are?"""
        ending = LIMIT
        if not key:
            addresses = addresses[:-1] or addresses
            ending = END_OF_STACK
        else:
            if key not in self._rules:
                self._learn(key)
            if self._rules[key] is _SHORT_END:
                ending = END_OF_STACK
        return Stack(tuple(addresses), exact, ending)

    def _end(self, addresses, exact, ending):
        if ending != END_OF_STACK:
            self.endings[ending] += 1
        return Stack(tuple(addresses), exact, ending)

    def _walk(self, registers, memory, limit, start_is_return):
        """The walk with the whole register set at every frame; what unwind does, only slower."""
        state = registers
        addresses = [registers[RA]]
        exact = () if start_is_return else (0,)
        key = addresses[0] if start_is_return else ~addresses[0]
        while len(addresses) < limit:
            if not key:
                return Stack(tuple(addresses[:-1] or addresses), exact, END_OF_STACK)
            rule = self._rule_here(key, addresses[-1], memory)
            try:
                if rule.ending is not None:
                    raise _Ended(rule.ending)
                state = self._step(rule, key, state, memory)
            except _Ended as ended:
                return self._end(addresses, exact, ended.args[0])
            except _NeedsRegister:
                # Lost, with the word that held it, further in.
                return self._end(addresses, exact, MEMORY)
            key = state[RA]
            if not key:
                return Stack(tuple(addresses), exact, END_OF_STACK)
            if rule.signal_frame:
                exact += (len(addresses),)
                addresses.append(key)
                key = ~key
            else:
                addresses.append(key)
        return self._limited(addresses, exact, key)

    def _step(self, rule, key, registers, memory):
        """-> the caller's registers, a list of 17, None where lost.

        Raises _Ended, and _NeedsRegister where the rule needs a register whose value is not known.
        """
        try:
            if rule.guess is not None:
                return self._guess(rule, key, registers, memory)
            load_bias = rule.load_bias
            if rule.cfa_expression is None:
                cfa = (_known(registers, rule.cfa_register) + rule.cfa_offset) & _MASK
            else:
                cfa = evaluate(rule.cfa_expression, registers, memory, (), load_bias)
            caller = list(registers)
            caller[RSP] = cfa
            for register, kind, argument in rule.saved:
                try:
                    if kind == _OFFSET:
                        value = memory.word((cfa + argument) & _MASK)
                    elif kind == _EXPRESSION:
                        value = memory.word(evaluate(argument, registers, memory, (cfa,), load_bias))
                    elif kind == _VAL_EXPRESSION:
                        value = evaluate(argument, registers, memory, (cfa,), load_bias)
                    elif kind == _REGISTER:
                        value = _known(registers, argument)
                    elif kind == _VAL_OFFSET:
                        value = (cfa + argument) & _MASK
                    else:
                        value = None
                except (_NoMemory, _NeedsRegister):
                    # Lost, which matters only to a frame that asks for it.
                    if register == RA or register == RSP:
                        raise
                    value = None
                caller[register] = value
            if caller[RSP] is None:
                raise _Damaged('sp undefined')
        except _NoMemory:
            raise _Ended(MEMORY)
        except _Damaged as error:
            self._problem('at 0x%x: %s' % (registers[RA], error))
            raise _Ended(BAD_RULES)
        if caller[RSP] <= registers[RSP]:
            # A signal handler may have a stack of its own, anywhere.
            if not rule.signal_frame or caller[RSP] == registers[RSP] and caller[RA] == registers[RA]:
                raise _Ended(LOOP)
        return caller

    def _problem(self, text):
        if len(self.problems) < 100:
            self.problems.append(text)

    def _rule_here(self, key, pc, memory):
        """-> the _Rule for this frame, that of a signal handler's return known by its code among them."""
        rule = self._rule(key)
        if rule.guess is not None and pc not in self._no_sigreturn:
            code = memory.code(pc, _SIGRETURN_SIZE)
            for signature, found in _RULES_SIGRETURN:
                if code.startswith(signature):
                    return found
            self._remember(self._no_sigreturn, pc)
        return rule

    @staticmethod
    def _remember(addresses, address):
        if len(addresses) >= _MAX_CACHED:
            addresses.clear()
        addresses.add(address)

    def _guess(self, rule, key, registers, memory):
        """One frame up in code without rules: by what the code shows, else by the frame pointer.

        A guess counts only if a call instruction stands before the return address it finds, or if frame pointers go on
        from there: an interpreter may push return addresses that no call instruction precedes.
        """
        start, is_entry = rule.guess
        pc = registers[RA]
        sp = registers[RSP]
        fp = registers[RBP]
        tries = []
        if key < 0:
            found = _entry_rule(memory.code_before(pc, 8) + memory.code(pc, 16), 8)
            if found:
                tries.append((sp + found[0], sp if found[1] else None))
        if start and 0 <= pc - start < 1 << 20:
            depth, slot, framed = _scan_prologue(memory.code(start, min(64, pc - start)))
            if not framed and (key < 0 or depth > 8):
                tries.append((sp + depth, sp + depth + slot if slot else None))
        if fp is not None and not fp & 7 and sp <= fp < sp + _MAX_FRAME:
            tries.append((fp + 16, fp))
        for cfa, slot in tries:
            try:
                return_address = memory.word((cfa - 8) & _MASK)
                saved = fp if slot is None else memory.word(slot & _MASK)
            except _NoMemory:
                continue
            # Zeros are where frame pointers end: the ABI has the outermost function clear rbp.
            if not return_address and slot == fp and not saved:
                raise _Ended(END_OF_STACK)
            if cfa > sp:
                if return_address not in self._believed:
                    if not (_follows_call(return_address, memory)
                            or slot == fp and _is_chain(fp, memory)):
                        continue
                    self._remember(self._believed, return_address)
                self.guessed += 1
                if key >= 0:
                    if slot is not None and slot == fp and cfa == fp + 16:
                        guess = RBP, 16, -16
                    else:
                        guess = RSP, cfa - sp, None if slot is None else slot - cfa
                    if self._guesses.setdefault(pc, guess) != guess:
                        self._guesses[pc] = None
                    elif len(self._guesses) > _MAX_CACHED:
                        self._guesses.clear()
                caller = list(registers)
                caller[RBP] = saved
                caller[RSP] = cfa
                caller[RA] = return_address
                return caller
        # ld.so's first function, and that of some C libraries, has no rules; nothing called it.
        raise _Ended(END_OF_STACK if is_entry else NO_RULES)
