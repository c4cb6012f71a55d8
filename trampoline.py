"""amd64 machine code for hooks: lengths of instructions, moving a prologue, building a hook's stub.

A hook puts a 5-byte `jmp` over the first instructions of a function (its prologue). Those instructions are
moved: copied into a stub so that they do there what they did at the entry. The stub holds the traps, so
nothing has to be lifted and put back while the program runs. This module only turns bytes and addresses
into bytes and addresses; it knows nothing of processes, files or symbols.

Where the facts come from:
  "SDM": Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2: 2.1 to 2.3 (prefixes,
  ModR/M, SIB, REX, VEX), 2.7 (EVEX), appendix A (opcode maps, tables A-2 and A-3; groups, table A-6).
  "APM": AMD64 Architecture Programmer's Manual, volume 3: chapter 1 (encoding), appendix A (opcode maps).
  "psABI": System V ABI, AMD64 supplement, 3.2.2 (stack frame) and 3.2.3 (passing of arguments).

What it relies on, and the caller has to see to:
- A function hooked with AFTER or BOTH takes no argument on the stack: the stub puts four words in between.
- No exception passes through such a function: the stub has no unwind information that the program could
  find.
- Where a function has a jump table, no entry of it points into the replaced bytes behind the first (an
  address in a table is not visible in the code).
"""

import re
import struct
import zlib
from collections import namedtuple

AFTER = 'after'        # one trap, when the function has returned (allocating functions)
BEFORE = 'before'      # one trap, when the function has been called (freeing functions)
BOTH = 'both'          # a trap before and a trap after (realloc)
ENTRY = 'entry'        # kind of a trap only: no event, the thread just has to be sent on into the stub

JUMP_SIZE = 5          # jmp rel32
TRAP_SIZE = 1          # int3
MAX_LENGTH = 15        # longest instruction (SDM 2.3.11)
ENDBR64 = b'\xf3\x0f\x1e\xfa'
INT3 = 0xcc
NOP = 0x90


class CannotMove(Exception):
    """Why code can't be decoded or moved.

    .problem: what is wrong, a phrase without a full stop
    .offset: where in the code given, in bytes, or None
    .address: the address meant, or None where no address is known
    """

    def __init__(self, problem, offset=None, address=None):
        Exception.__init__(self, problem, offset, address)
        self.problem = problem
        self.offset = offset
        self.address = address

    def __str__(self):
        text = self.problem
        if self.offset is not None:
            text += ', at offset %d' % self.offset
        if self.address is not None:
            text += ', at address 0x%x' % self.address
        return text


# --- decoding ---

# What follows each opcode, in the layout of the manual's opcode maps: one row for each high digit.
#   .  nothing                 m  ModR/M                  x  no such instruction in 64-bit mode
#   b  imm8                    B  ModR/M, imm8            p  a legacy prefix
#   z  imm16 or imm32          Z  ModR/M, imm16/32        r  REX
#   v  imm16, 32 or 64         j  rel8                    e  leads to another map
#   w  imm16                   J  rel32                   o  8-byte address (4 with prefix 67)
#   n  imm16, imm8             g  group 3: ModR/M, imm8 for /0 and /1;  G  the same with imm16/32
_ONE_BYTE = (            # SDM table A-2
    b'mmmmbzxxmmmmbzxe'
    b'mmmmbzxxmmmmbzxx'
    b'mmmmbzpxmmmmbzpx'
    b'mmmmbzpxmmmmbzpx'
    b'rrrrrrrrrrrrrrrr'
    b'................'
    b'xxemppppzZbB....'
    b'jjjjjjjjjjjjjjjj'
    b'BZxBmmmmmmmmmmmm'
    b'..........x.....'
    b'oooo....bz......'
    b'bbbbbbbbvvvvvvvv'
    b'BBw.eeBZn.w..bx.'
    b'mmmmxxx.mmmmmmmm'
    b'jjjjbbbbJJxj....'
    b'p.pp..gG......mm')
_TWO_BYTE = (            # SDM table A-3; 0F0F: 3DNow!, its opcode stands like an imm8 (APM appendix A)
    b'mmmmx.....x.xm.B'
    b'mmmmmmmmmmmmmmmm'
    b'xxxxxxxxmmmmmmmm'  # 20 to 23, moves of control registers: not in programs
    b'......x.exexxxxx'
    b'mmmmmmmmmmmmmmmm'
    b'mmmmmmmmmmmmmmmm'
    b'mmmmmmmmmmmmmmmm'
    b'BBBBmmm.xxxxmmmm'
    b'JJJJJJJJJJJJJJJJ'
    b'mmmmmmmmmmmmmmmm'
    b'...mBmmm...mBmmm'
    b'mmmmmmmmmmBmmmmm'
    b'mmBmBBBm........'
    b'mmmmmmmmmmmmmmmm'
    b'mmmmmmmmmmmmmmmm'
    b'mmmmmmmmmmmmmmmm')
_VEX_0F = (              # the map 0F as VEX and EVEX use it
    b'mmmmmmmmmmmmmmmm' * 7 +
    b'BBBBmmm.mmmmmmmm'
    b'xxxxxxxxxxxxxxxx'
    b'mmmmmmmmmmmmmmmm'
    b'mmmmmmmmmmmmmmmm'
    b'mmmmmmmmmmmmmmmm'
    b'mmBmBBBmmmmmmmmm'
    b'mmmmmmmmmmmmmmmm'
    b'mmmmmmmmmmmmmmmm'
    b'mmmmmmmmmmmmmmmm')
_ALL_MODRM = b'm' * 256
_ALL_MODRM_IMM8 = b'B' * 256
_ALL_MODRM_IMM32 = b'Z' * 256
_LEGACY_MAPS = (_ONE_BYTE, _TWO_BYTE, _ALL_MODRM, _ALL_MODRM_IMM8)
_XOP_MAPS = {8: _ALL_MODRM_IMM8, 9: _ALL_MODRM, 10: _ALL_MODRM_IMM32}       # APM volume 3, 1.8
_VEX_MAPS = (None, _VEX_0F, _ALL_MODRM, _ALL_MODRM_IMM8)
# Maps 5 and 6 hold the half precision instructions (SDM 2.7.1); 4 and 7 belong to newer extensions.
_EVEX_MAPS = (None, _VEX_0F, _ALL_MODRM, _ALL_MODRM_IMM8, None, _ALL_MODRM, _ALL_MODRM, None)

(_NOTHING, _MODRM, _BAD, _IMM8, _MODRM_IMM8, _PREFIX, _IMMZ, _MODRM_IMMZ, _REX, _IMMV, _REL8, _ESCAPE,
 _IMM16, _REL32, _MOFFS, _ENTER, _GROUP3B, _GROUP3Z) = b'.mxbBpzZrvjewJongG'

LEGACY, VEX, EVEX, XOP = 'legacy', 'vex', 'evex', 'xop'

# How an instruction leaves the straight line.
JCC = 'jcc'                    # conditional jump, rel8 or rel32
JMP = 'jmp'                    # jump, rel8 or rel32
CALL = 'call'                  # call rel32
LOOP = 'loop'                  # loop, loope, loopne, jrcxz (rel8 only); xbegin (rel32, for an abort)
INDIRECT_JMP = 'indirect jmp'
INDIRECT_CALL = 'indirect call'
RET = 'ret'
TRAP = 'trap'                  # int3, int1, int n, ud2, hlt, iret

Instruction = namedtuple(
    'Instruction',
    'length prefixes rex encoding opcode_map opcode modrm modrm_offset disp_offset disp_size imm_offset '
    'imm_size rip_relative branch target')
Instruction.__doc__ = """One decoded instruction. Offsets count from its first byte; -1: there is none.

prefixes: bytes, the legacy prefixes as they stand (without REX)       rex: the REX byte or 0
encoding: LEGACY, VEX, EVEX or XOP
opcode_map: 0 one byte, 1 0F, 2 0F38, 3 0F3A, 5 and 6 EVEX only, 8 to 10 XOP only
modrm: the ModR/M byte or -1
rip_relative: True if its operand is at the address of the next instruction + displacement
branch: None or JCC, JMP, CALL, LOOP, INDIRECT_JMP, INDIRECT_CALL, RET, TRAP
target: where a direct branch goes, as an offset into the code that was decoded (may lie outside), or None
"""


def _modrm_table():
    # For each ModR/M byte: size of the displacement, + 0x10 where a SIB byte follows, + 0x20 where the
    # operand is relative to rip (SDM tables 2-2 and 2-7).
    table = bytearray(256)
    for modrm in range(256):
        mod, rm = modrm >> 6, modrm & 7
        if mod == 3:
            continue
        table[modrm] = (0, 1, 4)[mod]
        if rm == 4:
            table[modrm] |= 0x10
        elif rm == 5 and mod == 0:
            table[modrm] = 0x24
    return bytes(table)


_MODRM_SIZES = _modrm_table()
_S8 = struct.Struct('<b').unpack_from
_S32 = struct.Struct('<i').unpack_from
_PACK_S32 = struct.Struct('<i').pack
_new_tuple = tuple.__new__


def decode(code, offset=0):
    """The instruction at `offset` of `code` (bytes or anything else that indexes to ints) -> Instruction.

    Raises CannotMove where there is none: bytes missing, no instruction in 64-bit mode, an encoding whose
    length the vendors do not agree on, or one that this module does not know (APX, SSE4a).
    """
    rex = opcode_map = 0
    operand_16 = address_32 = False
    repeat = lock = False
    encoding = LEGACY
    try:
        if offset < 0:
            raise IndexError
        position = offset
        opcode = code[position]
        kind = _ONE_BYTE[opcode]
        while kind == _PREFIX:
            if opcode == 0x66:
                operand_16 = True
            elif opcode == 0x67:
                address_32 = True
            elif opcode == 0xf0:
                lock = True
            elif opcode >= 0xf2:
                repeat = True
            position += 1
            if position - offset >= MAX_LENGTH:
                raise CannotMove('nothing but prefixes', offset)
            opcode = code[position]
            kind = _ONE_BYTE[opcode]
        prefix_end = position
        if kind == _REX:
            rex = opcode
            position += 1
            opcode = code[position]
            kind = _ONE_BYTE[opcode]
            if kind == _REX or kind == _PREFIX:
                # The processor ignores such a REX (SDM 2.2.1); no compiler writes one.
                raise CannotMove('a REX prefix that does not stand before an opcode', offset)
        if opcode == 0x8f and code[position + 1] & 0x18:
            kind = _ESCAPE           # XOP; pop, the only other use of 8F, has ModR/M.reg = 0
        if kind == _ESCAPE:
            if opcode == 0x0f:
                opcode_map = 1
                position += 1
                opcode = code[position]
                kind = _TWO_BYTE[opcode]
                if kind == _ESCAPE:
                    opcode_map = 2 if opcode == 0x38 else 3
                    position += 1
                    opcode = code[position]
                    kind = _LEGACY_MAPS[opcode_map][opcode]
            else:
                if rex or operand_16 or repeat or lock:
                    # SDM 2.3.2 to 2.3.4
                    raise CannotMove('a prefix that VEX, EVEX and XOP do not allow', offset)
                if opcode == 0xc5:
                    encoding = VEX
                    opcode_map = 1
                    table = _VEX_0F
                    position += 2
                elif opcode == 0xc4:
                    encoding = VEX
                    opcode_map = code[position + 1] & 0x1f
                    table = _VEX_MAPS[opcode_map] if opcode_map < 4 else None
                    position += 3
                elif opcode == 0x8f:
                    encoding = XOP
                    opcode_map = code[position + 1] & 0x1f
                    table = _XOP_MAPS.get(opcode_map)
                    position += 3
                else:
                    encoding = EVEX
                    first = code[position + 1]
                    opcode_map = first & 7
                    # EVEX: bit 3 of the first byte is 0, bit 2 of the second 1 (SDM 2.7.1); APX differs.
                    table = _EVEX_MAPS[opcode_map] if not first & 8 and code[position + 2] & 4 else None
                    position += 4
                if table is None:
                    raise CannotMove('an opcode map that is not known', offset)
                opcode = code[position]
                kind = table[opcode]
                if encoding == EVEX and kind == _NOTHING:
                    kind = _BAD
        position += 1

        modrm = modrm_offset = disp_offset = imm_offset = -1
        disp_size = imm_size = 0
        rip_relative = False
        branch = target = None
        if kind == _NOTHING or kind == _BAD:
            pass
        elif kind == _REL8 or kind == _REL32:
            imm_offset = position - offset
            imm_size = 1 if kind == _REL8 else 4
        elif kind in _WITH_MODRM:
            modrm = code[position]
            modrm_offset = position - offset
            position += 1
            size = _MODRM_SIZES[modrm]
            if size:
                if size & 0x30:
                    if size & 0x20:
                        rip_relative = True
                        disp_size = 4
                    else:
                        disp_size = size & 0xf
                        if code[position] & 7 == 5 and modrm < 0x40:
                            disp_size = 4
                        position += 1
                else:
                    disp_size = size
                if disp_size:
                    disp_offset = position - offset
                    position += disp_size
            if kind == _MODRM:
                pass
            elif kind == _MODRM_IMM8:
                imm_size = 1
            elif kind == _MODRM_IMMZ:
                imm_size = 2 if operand_16 and not rex & 8 else 4
            elif modrm & 0x38 < 0x10:
                imm_size = 1 if kind == _GROUP3B else 2 if operand_16 and not rex & 8 else 4
            if imm_size:
                imm_offset = position - offset
        else:
            imm_offset = position - offset
            if kind == _IMM8:
                imm_size = 1
            elif kind == _IMMZ:
                imm_size = 2 if operand_16 and not rex & 8 else 4
            elif kind == _IMMV:
                imm_size = 8 if rex & 8 else 2 if operand_16 else 4
            elif kind == _IMM16:
                imm_size = 2
            elif kind == _MOFFS:
                imm_size = 4 if address_32 else 8
            else:
                imm_size = 3
        position += imm_size
        length = position - offset
        if length > MAX_LENGTH:
            raise CannotMove('an instruction longer than 15 bytes', offset)
        if length > 1:
            code[position - 1]       # IndexError where the code ends before the instruction does

        if encoding == LEGACY:
            if opcode_map == 0:
                if opcode < 0x70:
                    pass
                elif kind == _REL8:
                    branch = JCC if opcode < 0x80 else JMP if opcode == 0xeb else LOOP
                    target = code[position - 1]
                    target = position + target - ((target & 0x80) << 1)
                elif kind == _REL32:
                    branch = CALL if opcode == 0xe8 else JMP
                elif opcode == 0xff:
                    operation = modrm & 0x38
                    if operation == 0x10 or operation == 0x18:
                        branch = INDIRECT_CALL
                    elif operation == 0x20 or operation == 0x28:
                        branch = INDIRECT_JMP
                    elif operation == 0x38:
                        kind = _BAD
                elif opcode == 0xc7:
                    if modrm & 0x38:
                        kind = _REL32
                        branch = LOOP
                        if modrm != 0xf8:
                            kind = _BAD
                elif opcode == 0xc3 or opcode == 0xc2 or opcode == 0xcb or opcode == 0xca:
                    branch = RET
                elif opcode == 0x8f:
                    if modrm & 0x38:
                        kind = _BAD
                elif opcode == 0x8d:
                    if modrm >= 0xc0:
                        kind = _BAD
                elif opcode == 0xc6:
                    if modrm & 0x38 and modrm != 0xf8:
                        kind = _BAD
                elif opcode == 0xfe:
                    if modrm & 0x38 > 8:
                        kind = _BAD
                elif opcode in _TRAPS:
                    branch = TRAP
            elif opcode_map == 1:
                if kind == _REL32:
                    branch = JCC
                elif opcode == 0x0b or opcode == 0xb9 or opcode == 0xff:
                    branch = TRAP
                elif opcode == 0xb8 and not repeat:
                    kind = _BAD
            if kind == _REL32:
                if operand_16 and not rex & 8:
                    # Intel ignores the prefix, AMD takes a rel16 (SDM and APM: CALL, JMP, Jcc).
                    raise CannotMove('a branch with an operand-size prefix', offset)
                if type(code) is bytes:
                    target = position + _S32(code, position - 4)[0]
                else:
                    target = position + _S32(bytes(code[position - 4:position]))[0]
    except IndexError:
        raise CannotMove('the code ends inside an instruction', offset) from None
    if kind == _BAD:
        raise CannotMove('no instruction that is known', offset)
    prefixes = b'' if prefix_end == offset else bytes(code[offset:prefix_end])
    return _new_tuple(Instruction, (
        length, prefixes, rex, encoding, opcode_map, opcode, modrm, modrm_offset, disp_offset, disp_size,
        imm_offset if imm_size else -1, imm_size, rip_relative, branch, target))


_WITH_MODRM = frozenset((_MODRM, _MODRM_IMM8, _MODRM_IMMZ, _GROUP3B, _GROUP3Z))
_TRAPS = frozenset((0xcc, 0xcd, 0xcf, 0xf1, 0xf4))


def instruction_length(code, offset=0):
    """Length in bytes of the instruction that starts at `offset` of `code`; CannotMove as decode()."""
    return decode(code, offset).length


# --- what may be moved ---

def _opcodes(text):
    found = set()
    for part in text.split():
        first, _, last = part.partition('-')
        found.update(range(int(first, 16), int(last or first, 16) + 1))
    return frozenset(found)


# None of these depends on where it stands but through a displacement from rip.
_MOVABLE_ONE_BYTE = _opcodes(
    '00-05 08-0d 10-15 18-1d 20-25 28-2d 30-35 38-3d '      # add or adc sbb and sub xor cmp
    '50-5f 68 6a 8f '                                       # push, pop
    '63 69 6b 80 81 83 84-8b 8d '                           # movsxd imul, group 1, test xchg mov lea
    '90-99 a8 a9 b0-bf c0 c1 c6 c7 c9 d0-d3 '               # nop xchg cdqe cqo, test, mov imm, shifts, leave
    'f6 f7 fe ff')                                          # group 3 (test not neg mul div), inc dec push
_MOVABLE_0F = _opcodes(
    '0d 1f 40-4f 90-9f '                                    # prefetchw, nop, cmov, set
    'a3 a4 a5 ab ac ad af b0 b1 b3 b6-bf c0 c1 c8-cf '      # bt* sh*d imul cmpxchg movzx movsx xadd bswap
    '10-17 28 29 2a 2c-2f 51 54-5f 60-70 74-76 7e 7f c6 '   # moves and arithmetic of xmm registers
    'd4 d6 db df eb ef e7 f8-fe')
_MOVABLE_VEX_0F = _opcodes('10 11 28 29 54 55 56 57 6e 6f 7e 7f d6 db df eb ef')
_HINTS = frozenset(b'\x2e\x3e')                       # the branch hints
_NAMES = {TRAP: 'trap', LOOP: 'loop, jrcxz or xbegin', INDIRECT_CALL: 'call through a pointer'}
_ENDS = frozenset((JMP, INDIRECT_JMP, RET))                 # nothing goes on behind these


def _movable(instruction, offset):
    """Raises CannotMove unless `instruction` is one of those that are known to do the same elsewhere."""
    prefixes = instruction.prefixes
    opcode = instruction.opcode
    branch = instruction.branch
    if branch is not None:
        if branch == TRAP or branch == LOOP or branch == INDIRECT_CALL:
            raise CannotMove('a %s, which is not movable' % _NAMES[branch], offset)
        if branch == RET:
            # C3, C2 iw; a single prefix F3 or F2 does nothing ("rep ret").
            good = opcode in (0xc3, 0xc2) and not instruction.rex and prefixes in (b'', b'\xf3', b'\xf2')
        elif branch == INDIRECT_JMP:
            good = instruction.modrm & 0x38 == 0x20 and prefixes in (b'', b'\x3e', b'\xf2')
        elif branch == CALL:
            # Linkers turn `call *f@GOTPCREL(%rip)` into `addr32 call f`, one byte longer than a plain call.
            good = not instruction.rex and prefixes in (b'', b'\x67')
        else:
            good = not instruction.rex and _HINTS.issuperset(prefixes)
        if not good:
            raise CannotMove('a branch with a prefix that is not known', offset)
        return
    if prefixes:
        if b'\x67' in prefixes and instruction.rip_relative:
            raise CannotMove('an operand relative to eip', offset)
        repeated = b'\xf2' in prefixes or b'\xf3' in prefixes
    else:
        repeated = False
    if instruction.encoding == VEX:
        good = instruction.opcode_map == 1 and opcode in _MOVABLE_VEX_0F
    elif instruction.encoding != LEGACY:
        good = False
    elif instruction.opcode_map == 0:
        good = opcode in _MOVABLE_ONE_BYTE and (not repeated or opcode == 0x90)
        if opcode == 0xc6 or opcode == 0xc7:
            good = good and not instruction.modrm & 0x38             # C6F8 is xabort
    elif instruction.opcode_map == 1:
        good = opcode in _MOVABLE_0F
        if repeated and (opcode < 0x10 or opcode == 0x1f or 0x40 <= opcode < 0x50 or 0x80 <= opcode <= 0xd0):
            good = opcode in (0xb8, 0xbc, 0xbd)                      # popcnt, tzcnt, lzcnt
    else:
        good = False
    if not good:
        raise CannotMove('an instruction that is not known to be movable', offset)


# A call is moved as `push return address` and `jmp`, and push takes no 64-bit constant:
#   68 imm32                     push low half, sign-extended
#   c7 44 24 04 imm32            mov dword [rsp+4], high half        (no flag, no register changes)
#   e9 rel32                     jmp
# So the callee returns into the function itself, behind the replaced bytes; no frame points into the copy.
_MOVED_CALL_SIZE = 5 + 8 + 5


def _moved_size(instruction):
    branch = instruction.branch
    if branch == JCC:
        return 6
    if branch == JMP:
        return 5
    if branch == CALL:
        return _MOVED_CALL_SIZE
    return instruction.length


def _rel32(target, next_address, offset):
    distance = target - next_address
    if not -0x80000000 <= distance <= 0x7fffffff:
        raise CannotMove('farther than 2 GB away', offset, target)
    return _PACK_S32(distance)


Moved = namedtuple('Moved', 'bytes offsets falls_through')
Moved.__doc__ = """Instructions moved to another address.

bytes: the code for the new address
offsets: dict, offset of each instruction in the old code -> offset in the new code
falls_through: False where nothing gets behind the last instruction (jmp, ret, a call)
"""


def move(code, from_address, to_address):
    """The instructions `code` from from_address, rewritten to do the same at to_address -> Moved.

    Displacements from rip are adjusted, jumps get 32-bit displacements. A call may only be the last
    instruction: it becomes a push of the address behind the original call and a jump, see above. A branch
    to the first byte stays in the copy.
    CannotMove: an instruction that is not known to be movable, a branch into the code, a target farther
    than 2 GB away, ret, jmp or call before the end.
    """
    code = bytes(code)
    size = len(code)
    moved = bytearray()
    offsets = {}
    position = 0
    falls_through = True
    while position < size:
        if not falls_through:
            raise CannotMove('more code behind an instruction that does not go on', position)
        instruction = decode(code, position)
        _movable(instruction, position)
        offsets[position] = len(moved)
        end = position + instruction.length
        branch = instruction.branch
        target = instruction.target
        if target is not None:
            if 0 < target < size:
                raise CannotMove('a branch into the moved code', position)
            target = (to_address if target == 0 and branch != CALL else from_address + target)
        if branch == JCC:
            condition = instruction.opcode & 0xf
            moved += bytes((0x0f, 0x80 | condition))
            moved += _rel32(target, to_address + len(moved) + 4, position)
        elif branch == JMP or branch == CALL:
            if branch == CALL:
                back = struct.pack('<Q', (from_address + end) & 0xffffffffffffffff)
                moved += b'\x68' + back[:4] + b'\xc7\x44\x24\x04' + back[4:]
            moved += b'\xe9'
            moved += _rel32(target, to_address + len(moved) + 4, position)
            falls_through = False
        elif instruction.rip_relative:
            start = position + instruction.disp_offset
            target = from_address + end + _S32(code, start)[0]
            moved += code[position:start]
            new_end = to_address + offsets[position] + instruction.length
            moved += _rel32(target, new_end, position)
            moved += code[start + 4:end]
            falls_through = branch is None
        else:
            moved += code[position:end]
            falls_through = branch is None
        position = end
    return Moved(bytes(moved), offsets, falls_through)


def jump(from_address, to_address):
    """The 5 bytes of a `jmp` at from_address to to_address; CannotMove if that is farther than 2 GB."""
    return b'\xe9' + _rel32(to_address, from_address + JUMP_SIZE, None)


# --- planning ---

Prologue = namedtuple('Prologue', 'length skip boundaries moved_size ends_with')
Prologue.__doc__ = """The instructions that a hook takes from a function's entry. Offsets count from there.

length: bytes taken, from offset `skip` on: whole instructions (in a function shorter than the jump,
    padding too)
skip: bytes of an endbr64 that stays in front of them, 0 or 4
boundaries: tuple, offset of each instruction taken; the first is `skip`
moved_size: size in bytes of these instructions moved, without the jump back
ends_with: JMP, INDIRECT_JMP, RET or CALL if that is the last of them, else None. CALL: the copy pushes the
    return address itself, which a thread with a shadow stack (CET, "shstk" in /proc/PID/status) does not
    survive
"""


def plan_prologue(code, function_size, jump_size=JUMP_SIZE, padding=b''):
    """Which instructions have to go to make room for a jump of jump_size bytes -> Prologue.

    code: the function from its entry on, function_size bytes at least
    function_size: in bytes, as the symbol says
    jump_size: 5 for a jump; 1 for a plain breakpoint: the first instruction alone, wherever branches go
    padding: the bytes between this function and the next; a function that is shorter than the jump and
        does not go on behind its end may use them if they are int3 or nop instructions
    Raises CannotMove: function too short, an instruction that is not known to be movable, a branch of the
    function into the replaced bytes behind their first, a call or a return before their end.
    """
    if len(code) < function_size:
        raise CannotMove('only %d of the function\'s %d bytes are there' % (len(code), function_size))
    code = bytes(code[:function_size])
    skip = len(ENDBR64) if code.startswith(ENDBR64) else 0
    end = skip + jump_size
    position = skip
    boundaries = []
    moved_size = 0
    branch = None
    while position < end:
        if branch in _ENDS or branch == CALL:
            if position == function_size and branch in _ENDS and _is_padding(padding, end - position):
                position = end
                break
            raise CannotMove('a %s before the end of the replaced bytes' % branch, boundaries[-1])
        if position >= function_size:
            raise CannotMove('the function is shorter than the jump', position)
        instruction = decode(code, position)
        _movable(instruction, position)
        boundaries.append(position)
        moved_size += _moved_size(instruction)
        branch = instruction.branch
        position += instruction.length
    if jump_size > TRAP_SIZE:
        culprit = _branch_into(code, skip, position)
        if culprit is not None:
            raise CannotMove('a branch into the replaced bytes', culprit)
    return Prologue(position - skip, skip, tuple(boundaries), moved_size, _end_of(branch))


def _end_of(branch):
    return branch if branch in _ENDS or branch == CALL else None


def _is_padding(padding, size):
    position = 0
    padding = bytes(padding[:size + MAX_LENGTH])
    while position < size:
        try:
            instruction = decode(padding, position)
        except CannotMove:
            return False
        what = (instruction.opcode_map, instruction.opcode)
        if what not in ((0, INT3), (0, NOP), (1, 0x1f)) or instruction.rex:
            return False
        position += instruction.length
    return True


_SHORT_BRANCH = frozenset(list(range(0x70, 0x80)) + [0xe0, 0xe1, 0xe2, 0xe3, 0xeb])
_LAST_OPCODE_BYTE = re.compile(b'[\x80-\x8f\xe8\xe9\xf8]')


def _branch_into(code, start, end):
    # Offset of a branch in `code` that goes behind `start` and before `end`, or None. First every byte is
    # taken for an opcode: a function where nothing turns up, as in most, need not be decoded. What turns up
    # counts if the decoded function has a branch there, or if it stands behind a place that can't be decoded.
    size = len(code)
    suspects = set()
    for position in range(max(0, start - 0x81), min(size - 1, end + 0x7f)):
        if code[position] in _SHORT_BRANCH:
            distance = code[position + 1]
            if start < position + 2 + distance - ((distance & 0x80) << 1) < end:
                suspects.add(position + 2)
    last = size - 4
    for found in _LAST_OPCODE_BYTE.finditer(code):
        position = found.end()
        if position > last:
            break
        if start < position + 4 + _S32(code, position)[0] < end:
            opcode = code[position - 1]
            if opcode >= 0xe8 or position > 1 and code[position - 2] == (0xc7 if opcode == 0xf8 else 0x0f):
                suspects.add(position + 4)
    if not suspects:
        return None
    behind = max(suspects)
    position = 0
    while position < behind:
        try:
            instruction = decode(code, position)
        except CannotMove:
            return min((suspect for suspect in suspects if suspect > position), default=None)
        if instruction.target is not None and start < instruction.target < end:
            return position
        position += instruction.length
    return None


def branches_into(code, code_address, ranges):
    """Branches from anywhere in a module into bytes that hooks would replace -> list of (address, target).

    code: a whole executable segment, standing at code_address
    ranges: (start, end) addresses of replaced bytes
    Finds calls and jumps with a 32-bit displacement (others can't come from another function's section) to
    any address behind a range's start and before its end. Every byte is taken for a possible opcode: four
    bytes that are no branch hit one of a dozen such ranges by chance less than once in a thousand modules
    of libc's size, so nothing is decoded. 30 ms for a megabyte.
    """
    wanted = {}
    for start, end in ranges:
        for address in range(start + 1, end):
            wanted[address - code_address] = address
    found = []
    if not wanted:
        return found
    lowest, highest = min(wanted), max(wanted)
    unpack = _S32
    last = len(code) - 4
    for match in re.finditer(b'[\xe8\xe9]|\x0f[\x80-\x8f]', code):
        position = match.end()
        if position > last:
            break
        target = position + 4 + unpack(code, position)[0]
        if lowest <= target <= highest and target in wanted:
            found.append((code_address + match.start(), wanted[target]))
    return found


# --- stubs ---

Stub = namedtuple(
    'Stub', 'kind address code entry prologue by_trap traps moved offsets jump_back frame cfi')
Stub.__doc__ = """The code of one hook. All addresses are absolute.

kind: AFTER, BEFORE or BOTH         address: of its first byte       code: bytes
entry: of the hooked function       prologue: the Prologue it was built for
by_trap: False if the entry gets a jump, True if it gets an int3 (build_entry_trap_stub)
traps: dict, address of each int3 -> BEFORE, AFTER, or ENTRY. A thread that hit one has pc = that address + 1.
    BEFORE: all registers are as the caller left them, sp points to the return address
    AFTER: rax is the result; at sp, sp+8, sp+16, sp+24: rdi, rsi, rdx of the call, the return address
    ENTRY: nothing to be noted. A trap at the entry itself, of whatever kind: go on with pc = `address`
moved: (start, end) of the moved prologue, without the jump back
offsets: dict, offset from the entry of each replaced instruction -> its address in the copy
jump_back: address of the jump behind the moved prologue; None if the prologue ends in a jump, return or
    call
frame: (start, end) of the pcs after the call of the moved prologue at which cfa = sp + 32; its start is
    what stands on the stack as return address while the function runs. None for BEFORE
cfi: list of (start, end, cfa offset) for the instructions before the moved prologue: for start <= pc < end,
    cfa = sp + offset and the return address is at cfa - 8. In the moved prologue the function's own rules
    hold, see original()
"""

_ENTER = b'\x52\x56\x57'             # push rdx; push rsi; push rdi
_LEAVE = b'\x48\x83\xc4\x18\xc3'     # add rsp, 24; ret
_FRAME_SIZE = 32                     # the three words and the return address


def _fixed_size(kind, by_trap):
    frame = len(_ENTER) + 5 + 1 + len(_LEAVE)
    if kind == BEFORE:
        return 0 if by_trap else 1
    if kind == AFTER or by_trap:
        return frame
    return 1 + frame


def stub_size(kind, prologue, by_trap=False):
    """Most bytes that a stub can take, wherever it is put."""
    return _fixed_size(kind, by_trap) + prologue.moved_size + JUMP_SIZE


def build_stub(kind, stub_address, entry_address, prologue_code, prologue):
    """The stub of a function whose entry (behind an endbr64) gets a jump -> Stub.

    kind: AFTER, BEFORE or BOTH
    prologue_code: the function's bytes from the entry on, as before any change
    prologue: what plan_prologue() said of them
    At the moved prologue registers, flags and the stack's alignment are as the caller left them.
    CannotMove: something is farther than 2 GB from the stub.

        AFTER    push rdx; push rsi; push rdi; call moved; int3; add rsp, 24; ret; moved: ...; jmp back
        BEFORE   int3; moved: ...; jmp back
        BOTH     int3, then as AFTER
    """
    return _build(kind, stub_address, entry_address, prologue_code, prologue, False)


def build_entry_trap_stub(kind, stub_address, entry_address, prologue_code, prologue):
    """The stub of a function whose entry can only get an int3 in place of its first byte -> Stub.

    prologue: of plan_prologue(..., jump_size=1): the first instruction alone
    The int3 at the entry is one of the Stub's traps: BEFORE itself for the kinds BEFORE and BOTH (so they
    need no other trap in front of the call), ENTRY for AFTER. Who handles it sends the
    thread on with pc = stub.address.
    """
    return _build(kind, stub_address, entry_address, prologue_code, prologue, True)


def _build(kind, stub_address, entry_address, prologue_code, prologue, by_trap):
    if kind not in (AFTER, BEFORE, BOTH):
        raise ValueError(kind)
    skip = prologue.skip
    replaced = entry_address + skip
    traps = {}
    cfi = []
    frame = None
    code = bytearray()
    if by_trap:
        traps[replaced] = ENTRY if kind == AFTER else BEFORE
    elif kind != AFTER:
        traps[stub_address] = BEFORE
        cfi.append((stub_address, stub_address + 1, 8))
        code.append(INT3)
    if kind != BEFORE:
        position = stub_address + len(code)
        for step in range(3):
            cfi.append((position, position + 1, 8 + 8 * step))
            position += 1
        trap = position + 5
        add_end = trap + 1 + 4
        # call, int3, add: one rule, so that it also holds for whoever looks up a return address minus 1
        cfi.append((position, add_end, _FRAME_SIZE))
        cfi.append((add_end, add_end + 1, 8))
        frame = (trap, add_end)
        traps[trap] = AFTER
        code += _ENTER
        code += b'\xe8' + _PACK_S32(1 + len(_LEAVE))
        code.append(INT3)
        code += _LEAVE

    moved_address = stub_address + len(code)
    last = prologue.boundaries[-1]
    end = last + instruction_length(prologue_code, last)
    try:
        moved = move(prologue_code[skip:end], replaced, moved_address)
    except CannotMove as problem:
        offset = skip + (problem.offset or 0)
        raise CannotMove(problem.problem, offset, entry_address + offset) from None
    code += moved.bytes
    moved_end = stub_address + len(code)
    jump_back = None
    if moved.falls_through:
        jump_back = moved_end
        code += jump(jump_back, replaced + prologue.length)
    if not by_trap:
        jump(replaced, stub_address)           # raises where the entry can't reach the stub
    offsets = {skip + old: moved_address + new for old, new in moved.offsets.items()}
    return Stub(kind, stub_address, bytes(code), entry_address, prologue, by_trap, traps,
                (moved_address, moved_end), offsets, jump_back, frame, cfi)


def entry_patch(stub):
    """What has to be written to make the hook work, once the stub is in place: (address, bytes)."""
    address = stub.entry + stub.prologue.skip
    return address, bytes((INT3,)) if stub.by_trap else jump(address, stub.address)


def neutralise(stub):
    """What lets threads run through a stub that has to stay: list of (address, bytes), each int3 a nop."""
    start, end = stub.address, stub.address + len(stub.code)
    return [(address, bytes((NOP,))) for address in sorted(stub.traps) if start <= address < end]


def away(stub, pc):
    """Where a thread at `pc`, inside the bytes that the hook replaces, has to go on in the copy; or None.

    For a pc behind the first of the replaced bytes; a thread at the first simply runs into the jump.
    """
    offset = pc - stub.entry
    if offset == stub.prologue.skip:
        return None
    return stub.offsets.get(offset)


def home(stub, pc):
    """Where a thread at `pc` in the stub can go on in the function, its entry restored; an address or None.

    An address at the stub's first byte, behind a leading int3, at each instruction of the moved prologue
    and at the jump back: wherever the stack is as it would be in the function. None elsewhere.
    """
    first = stub.entry + stub.prologue.skip
    if pc == stub.address or (stub.code[:1] == b'\xcc' and pc == stub.address + 1):
        return first
    if pc == stub.jump_back:
        return first + stub.prologue.length
    if stub.moved[0] <= pc < stub.moved[1]:
        for offset, address in stub.offsets.items():
            if address == pc:
                return stub.entry + offset
    return None


WayOut = namedtuple('WayOut', 'pc sp_change')


def way_out(stub, pc):
    """How to get a thread at `pc` out of the stub at once -> WayOut, or None in the middle of a moved call.

    sp_change: bytes to add to sp first
    pc: where to go on, once the entry has its old bytes again; or None: the function has returned, the new
        pc is the word at (new) sp - 8, the return address
    Where home() has an answer, this is it. A thread on its way into the call goes back to the entry, one
    on its way out returns; the latter at the int3 itself has not reported its event yet.
    """
    address = home(stub, pc)
    if address is not None:
        return WayOut(address, 0)
    for start, end, offset in stub.cfi:
        if start <= pc < end:
            if stub.frame is not None and pc >= stub.frame[0]:
                return WayOut(None, offset)
            return WayOut(stub.entry + stub.prologue.skip, offset - 8)
    return None


def original(stub, pc):
    """The address in the function that `pc` in the moved prologue or the jump back stands for, or None.

    For rules of the function's own unwind table: any pc inside a moved instruction counts as that
    instruction. (In the three instructions of a moved call behind the first, sp is 8 lower than at the
    call they stand for.)
    """
    if stub.jump_back is not None and stub.jump_back <= pc < stub.jump_back + JUMP_SIZE:
        return stub.entry + stub.prologue.skip + stub.prologue.length
    if not stub.moved[0] <= pc < stub.moved[1]:
        return None
    best = None
    for offset, address in stub.offsets.items():
        if address <= pc and (best is None or offset > best):
            best = offset
    return stub.entry + best


# --- the area of stubs ---

# The area that holds stubs opens with a header and a table, to tell a later run what an earlier one left:
#   magic, 8 bytes; version, 1; number of stubs, 1; size of the area in bytes, 2; crc32 of the table, 4
#   for each stub: kind, with the bit 0x80 if by trap, 1; size of its code, 1; length and skip of the
#   prologue, 1 and 1; entry minus the area's address, 4, signed
# The stubs follow without a gap, in the order of the table. All little-endian.
AREA_MAGIC = b'memleax\0'
AREA_VERSION = 1
_AREA = struct.Struct('<8sBBHI')
_AREA_STUB = struct.Struct('<BBBBi')
_KINDS = (None, AFTER, BEFORE, BOTH)

Area = namedtuple('Area', 'address version size hooks')
Area.__doc__ = """An area found. size: in bytes; version: that wrote it; hooks: tuple of AreaHook.

hooks is None where the version is not ours or the table is damaged: the size may still be true.
"""
AreaHook = namedtuple('AreaHook', 'kind by_trap address size entry length skip')


def area_header_size(stubs):
    """Bytes of the header and table for so many stubs; the first stub stands that far in."""
    return _AREA.size + stubs * _AREA_STUB.size


def area_header(area_address, area_size, stubs):
    """The header and table of an area -> bytes.

    stubs: of Stub, in the order of their addresses, without a gap from area_address +
        area_header_size(len(stubs)) on
    area_size: bytes in use, header included, under 64 KB
    CannotMove: a function farther than 2 GB from the area's start
    """
    table = b''.join(bytes((
        _KINDS.index(stub.kind) | (0x80 if stub.by_trap else 0), len(stub.code), stub.prologue.length,
        stub.prologue.skip)) + _rel32(stub.entry, area_address, None) for stub in stubs)
    return _AREA.pack(AREA_MAGIC, AREA_VERSION, len(stubs), area_size, zlib.crc32(table) & 0xffffffff) + table


def parse_area_header(data, area_address=0):
    """What area_header() wrote at area_address -> Area, or None if `data` is no such thing.

    data: bytes from the area's start on. May be anything: nothing is believed that does not fit.
    """
    data = bytes(data[:area_header_size(255)])
    if len(data) < _AREA.size or not data.startswith(AREA_MAGIC):
        return None
    _, version, count, size, checksum = _AREA.unpack_from(data)
    table = data[_AREA.size:area_header_size(count)]
    position = area_header_size(count)
    if (version != AREA_VERSION or len(table) != count * _AREA_STUB.size
            or zlib.crc32(table) & 0xffffffff != checksum):
        return Area(area_address, version, size, None)
    hooks = []
    for kind, stub_size_, length, skip, entry in _AREA_STUB.iter_unpack(table):
        number = kind & 0x7f
        if not 1 <= number < len(_KINDS) or skip not in (0, len(ENDBR64)):
            return Area(area_address, version, size, None)
        hooks.append(AreaHook(_KINDS[number], bool(kind & 0x80), area_address + position, stub_size_,
                              area_address + entry, length, skip))
        position += stub_size_
    if position > size:
        return Area(area_address, version, size, None)
    return Area(area_address, version, size, tuple(hooks))


def rebuild_stub(hook, code):
    """The Stub that an AreaHook speaks of -> Stub.

    code: bytes of its function from the entry on, as in the file (16 + skip will do)
    CannotMove: these bytes can't have given such a stub.
    """
    end = hook.skip + hook.length
    if hook.skip and not code.startswith(ENDBR64):
        raise CannotMove('not the function that was hooked', 0, hook.entry)
    position = hook.skip
    boundaries = []
    moved_size = 0
    instruction = None
    while position < end and not (boundaries and instruction.branch in _ENDS):
        instruction = decode(code, position)
        boundaries.append(position)
        moved_size += _moved_size(instruction)
        position += instruction.length
    if not boundaries or position > end:
        raise CannotMove('not the function that was hooked', 0, hook.entry)
    prologue = Prologue(hook.length, hook.skip, tuple(boundaries), moved_size, _end_of(instruction.branch))
    stub = _build(hook.kind, hook.address, hook.entry, code, prologue, hook.by_trap)
    if len(stub.code) != hook.size:
        raise CannotMove('not the function that was hooked', 0, hook.entry)
    return stub


def same_code(stub, data):
    """Whether `data`, read at stub.address, is that stub, its traps in place or made nops."""
    data = bytearray(data[:len(stub.code)])
    if len(data) != len(stub.code):
        return False
    for address, _ in neutralise(stub):
        offset = address - stub.address
        if data[offset] == NOP:
            data[offset] = INT3
    return bytes(data) == stub.code
