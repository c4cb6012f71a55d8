"""FreeBSD amd64: attach, wait, registers, memory, mappings, detach.

Everything the program knows of FreeBSD is here, behind the same public names as in platform_linux.py. It knows nothing
of allocators or leaks. The module can be imported on any system: nothing of FreeBSD's is called before it is needed.

What differs from Linux: a stop is one of the whole process, and only one thread reports at a time; others keep their
trap until the process goes on. A tracer that ends without detaching kills its target. A process's memory can be read
only while it stands in a stop, so before the attach read() gives what the mapped files hold.

Sources: ptrace(2), sysctl(3), procctl(2), kinfo_getvmmap(3); <sys/ptrace.h>, <sys/user.h>, <sys/sysctl.h>,
<sys/signal.h>, <sys/elf_common.h>, <machine/reg.h>, <machine/ucontext.h> of FreeBSD 10.4 to 15.0; where these are
silent, sys/kern/sys_process.c, kern_sig.c and kern_prot.c of the kernel, and what 12.1 and 15.0 were seen to do.
"""
import contextlib
import ctypes
import errno
import os
import re
import struct
import time
from collections import namedtuple

NAME = 'FreeBSD'
END_KILLS = True            # what a tracer holds when it ends is killed
FIND_PROCESS = 'pgrep -l NAME'
OTHER_BREAKPOINTS = 'a probe of DTrace'
PAGE_SIZE = os.sysconf('SC_PAGE_SIZE')

# <sys/ptrace.h>
PT_CONTINUE = 7
PT_ATTACH = 10
PT_DETACH = 11
PT_IO = 12
PT_LWPINFO = 13
PT_GETNUMLWPS = 14
PT_GETLWPLIST = 15
PT_SUSPEND = 18
PT_RESUME = 19
PT_FOLLOW_FORK = 23
PT_GET_EVENT_MASK = 25
PT_SET_EVENT_MASK = 26
PT_GETREGS = 33
PT_SETREGS = 34
PT_GETFSBASE = 71           # <machine/ptrace.h>
PTRACE_EXEC = 1
PTRACE_SCX = 4
PTRACE_FORK = 8
PIOD_READ_D = 1
PIOD_WRITE_D = 2
PL_EVENT_SIGNAL = 1
PL_FLAG_SCE = 0x04
PL_FLAG_SCX = 0x08
PL_FLAG_EXEC = 0x10
PL_FLAG_SI = 0x20
PL_FLAG_FORKED = 0x40
PL_FLAG_CHILD = 0x80
PL_FLAG_BORN = 0x100
PL_FLAG_EXITED = 0x200
PL_FLAGS_OF_EVENTS = (PL_FLAG_SCE | PL_FLAG_SCX | PL_FLAG_EXEC | PL_FLAG_FORKED | PL_FLAG_CHILD | PL_FLAG_BORN
                      | PL_FLAG_EXITED)
EVENTS = PTRACE_EXEC | PTRACE_FORK

# <sys/wait.h>, <sys/signal.h>
WNOHANG = 1
TRAP_STATUS = 5 << 8 | 0x7f     # stopped by SIGTRAP
SIGTRAP = 5
SIGSTOP = 17
SIGCONT = 19
SIGKILL = 9
STOP_SIGNALS = (17, 18, 21, 22)     # SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU
TRAP_BRKPT = 1
SI_LWP = 0x10007
SI_USER = 0x10001
SIG_SETMASK = 3

# <sys/sysctl.h>
CTL_KERN = 1
KERN_PROC = 14
KERN_OSRELDATE = 24
KERN_PROC_PID = 1
KERN_PROC_PROC = 8
KERN_PROC_PATHNAME = 12
KERN_PROC_INC_THREAD = 16
KERN_PROC_VMMAP = 32
KERN_PROC_AUXV = 36
KERN_PROC_RLIMIT = 37
RLIMIT_STACK = 3            # <sys/resource.h>

# <sys/user.h>, <sys/proc.h>
KVME_TYPE_VNODE = 2
KVME_PROT_READ = 1
KVME_PROT_WRITE = 2
KVME_PROT_EXEC = 4
KVME_FLAG_COW = 1
KVME_FLAG_NOCOREDUMP = 4
KINFO_PROC_SIZE = 1088
KVE_PATH = 136              # offset of kve_path: the least a record has
P_PPWAIT = 0x10
P_SYSTEM = 0x200
P_TRACED = 0x800
P_WEXIT = 0x2000            # it is ending: its memory may be gone already
P_STOPPED_SIG = 0x20000
P2_NOTRACE = 2
P2_NOTRACE_EXEC = 4
SRUN = 2
SSLEEP = 3
SSTOP = 4
SZOMB = 5
PID_MAX = 99999             # larger numbers are threads' (lwp) ids

# <sys/elf_common.h>
AT_NULL = 0
AT_ENTRY = 9
AT_CANARY = 16              # lies on the first thread's stack
AT_TIMEKEEP = 22            # lies in the page that the kernel shares with all processes
AT_KPRELOAD = 34

# <sys/procctl.h>, <sys/wait.h>, <sys/cpuset.h>
PROC_TRACE_STATUS = 8
P_PID = 0
CPU_LEVEL_WHICH = 3
CPU_WHICH_PID = 2

# <sys/syscall.h>, <sys/mman.h>
SYS_MMAP = 477
SYS_MUNMAP = 73
SYS_CLOSE = 6
SYS_MINHERIT = 250
SYS_SHM_OPEN2 = 571         # since 13; before, and with COMPAT_FREEBSD12, what follows
SYS_SHM_OPEN_12 = 482
SYS_SHM_UNLINK = 483
SYS_SIGSUSPEND = 341
# never made again: sigsuspend shows EINTR in the registers while it still waits; syscall and __syscall hide what they
# call
UNMENDABLE_CALLS = (SYS_SIGSUSPEND, 0, 198)
SIGSUSPEND_MESSAGES = ('pause', 'sigsusp')      # ki_wmesg of a thread in sigsuspend: 12.1, 15.0
SYS_SIGACTION = 416
SYS_SIGPROCMASK = 340
PROT_READ = 1
PROT_WRITE = 2
PROT_EXEC = 4
MAP_SHARED = 1
MAP_PRIVATE = 2
MAP_FIXED = 0x10
CODE_PATH = '\0'                # of mappings for stubs: they have no path here
MAP_ANON = 0x1000
MAP_EXCL = 0x4000
MAP_NOCORE = 0x20000
INHERIT_ZERO = 3            # 12 and later

# struct reg of <machine/reg.h>: 22 words of 8 bytes; two of these hold smaller members (trapno, fs, gs; err, es, ds)
(R15, R14, R13, R12, R11, R10, R9, R8, RDI, RSI, RBP, RBX, RDX, RCX, RAX, TRAPNO, ERR, RIP, CS, RFLAGS, RSP,
 SS) = range(22)
# the same in the order of DWARF's register numbers (psABI figure 3.36): rax rdx rcx rbx rsi rdi rbp rsp r8..r15 pc
DWARF_ORDER = (RAX, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R8, R9, R10, R11, R12, R13, R14, R15, RIP)
Registers = ctypes.c_ulonglong * 22
CARRY = 1                   # of rflags: set when a system call failed
SYSCALL_CODE = b'\x0f\x05'

# struct sigframe (<machine/sigframe.h>): the handler, then the ucontext_t: uc_sigmask (16 bytes), then mcontext_t, in
# which mc_rip lies at 160, followed by mc_cs, mc_rflags, mc_rsp, mc_ss and mc_len, the size of mcontext_t
MCONTEXT_RIP = 160
MCONTEXT_SIZE = 800
USER_CS = 0x43
USER_SS = 0x3b

# Kinds of what wait() returns
TRAP = 'trap'               # an int3 was executed; value: the pc behind it
SIGNAL = 'signal'           # a signal is about to be delivered; value: its number
STOP = 'stop'               # a stop that we asked for; value: 0
NEW = 'new'                 # a new process, stopped at its birth; value: its process id
FORKED = 'forked'           # the process created another (reported by NEW as well)
EXEC = 'exec'               # the process runs another program now; value: the tid that called exec
GONE = 'gone'               # the process ended; value: its wait status

STOP_TAKEN = 0.5            # seconds that a process gets to take a stop that it is left with
ATTACH_PATIENCE = 0.02      # seconds that a process gets to answer a stop before another of its threads is asked
STOP_PATIENCE = 5.0         # seconds after which a process is said not to answer
MEND_PATIENCE = 0.25        # seconds in which a system call that we broke off comes to its end
ALONE = 0.002               # seconds for which a thread of a stopped process runs, to get out of a stub
MAPS_AGE = 0.1              # seconds for which the mappings of a process that is not held are gone by

libc = ctypes.CDLL(None, use_errno=True)
# int ptrace(int, pid_t, caddr_t, int): the data argument is an int, not a pointer
_ptrace = libc.ptrace
_waitpid = libc.waitpid
_waitpid.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
_waitpid.restype = ctypes.c_int

# the same for the hot path: PyDLL keeps the interpreter's lock (there is one thread) and does not save errno
_fast = ctypes.PyDLL(None)
_fast_ptrace = _fast.ptrace
_fast.waitpid.argtypes = _waitpid.argtypes
for _function in (_ptrace, _fast_ptrace):
    _function.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
    _function.restype = ctypes.c_int

Mapping = namedtuple('Mapping', 'start end permissions offset device inode path')


class PlatformError(Exception):
    """A request to the system failed.

    operation: what was tried (for people); pid: on whom; errno: the system's number, or 0;
    problem: text where there is no errno; hint: what the user can do, or ''.
    """

    def __init__(self, operation, pid, number=0, problem='', hint=''):
        text = problem or os.strerror(number)
        Exception.__init__(self, '%s: %s' % (operation, text) if operation else text)
        self.operation = operation
        self.pid = pid
        self.errno = number
        self.hint = hint


# -- the kernel's records, as bytes ---------------------------------------------------------------------------------

Process = namedtuple('Process', 'pid ppid uid start flags flags2 state name emulation threads tid tracer cpu '
                                'thread_name wait_message blocked pending ignored caught vmspace group session')
Lwp = namedtuple('Lwp', 'tid event flags blocked pending signal code sender address child syscall')

_U32 = struct.Struct('<I')
_VMENTRY = struct.Struct('<iiQQQQII')           # structsize type start end offset fileid fsid(old) flags
_PROC_START = struct.Struct('<qq')


def _text(data):
    return data.split(b'\0', 1)[0].decode('utf-8', 'surrogateescape')


def parse_mappings(data):
    """The records of KERN_PROC_VMMAP -> list of Mapping."""
    return [item for item, flags in _mappings_and_flags(data)]


def _mappings_and_flags(data):
    """The records of KERN_PROC_VMMAP (struct kinfo_vmentry of <sys/user.h>) -> list of (Mapping, kve_flags).

    Each record is as long as its first word says (kve_structsize); a damaged rest is left out. The device is text:
    kve_vn_fsid lies at 88 since FreeBSD 12, before at 40 (4 bytes).
    """
    result = []
    position, length = 0, len(data)
    while position + KVE_PATH <= length:
        size, kind, start, end, offset, inode, device, flags = _VMENTRY.unpack_from(data, position)
        if size < KVE_PATH or position + size > length or start > end:
            break
        wide = struct.unpack_from('<Q', data, position + 88)[0]
        protection = _U32.unpack_from(data, position + 56)[0]
        path = _text(bytes(data[position + KVE_PATH:position + size]))
        device = '%x' % (wide or device) if kind == KVME_TYPE_VNODE else '0'
        # 15.0 keeps the highest protection allowed in the upper bits
        permissions = '%s%s%s%s' % ('r' if protection & KVME_PROT_READ else '-',
                                    'w' if protection & KVME_PROT_WRITE else '-',
                                    'x' if protection & KVME_PROT_EXEC else '-',
                                    'p' if flags & KVME_FLAG_COW or kind != KVME_TYPE_VNODE else 's')
        if start < end:
            result.append((Mapping(start, end, permissions, offset, device, inode, path), flags))
        position += size
    return result


def parse_processes(data, release=1300000):
    """The records of KERN_PROC_PID and its kin (struct kinfo_proc of <sys/user.h>) -> list of Process.

    release: kern.osreldate. Each record is as long as ki_structsize says, which must be 1088 on amd64; a damaged rest
    is left out. start: microseconds since 1970. blocked, pending, ignored, caught: masks, bit n-1 is signal n.
    """
    result = []
    position, length = 0, len(data)
    while position + KINFO_PROC_SIZE <= length:
        size, = _U32.unpack_from(data, position)
        if size != KINFO_PROC_SIZE:
            break
        record = bytes(data[position:position + size])
        pid, ppid, group, _, session = struct.unpack_from('<5i', record, 72)
        vmspace, = struct.unpack_from('<Q', record, 56)
        pending, blocked, ignored, caught = (struct.unpack_from('<Q', record, offset)[0]
                                             for offset in (104, 120, 136, 152))
        uid, = _U32.unpack_from(record, 168)
        seconds, microseconds = _PROC_START.unpack_from(record, 336)
        flags, = struct.unpack_from('<q', record, 368)
        if release >= 1100000:
            cpu, last, tracer = struct.unpack_from('<iii', record, 568)
            cpu = cpu if cpu >= 0 else last
        else:
            cpu, last, tracer = record[392], record[393], 0
            cpu = cpu if cpu != 255 else last
        flags2, = struct.unpack_from('<i', record, 580)
        threads, tid = struct.unpack_from('<ii', record, 596)
        if flags & P_TRACED and not tracer:
            tracer = ppid
        result.append(Process(
            pid, ppid, uid, seconds * 1000000 + microseconds, flags & 0xffffffff, flags2 & 0xffffffff, record[388],
            _text(record[447:467]), _text(record[467:484]), threads, tid, tracer if flags & P_TRACED else 0, cpu,
            _text(record[394:411]) + _text(record[502:506]), _text(record[411:420]), blocked, pending, ignored, caught,
            vmspace, group, session))
        position += size
    return result


def parse_lwpinfo(data):
    """struct ptrace_lwpinfo of <sys/ptrace.h> (160 bytes on amd64) -> Lwp; None where it is too short.

    signal, code, sender, address: si_signo, si_code, si_pid, si_addr, 0 where there is no siginfo.
    """
    if len(data) < 160:
        return None
    tid, event, flags = struct.unpack_from('<iii', data, 0)
    blocked, = struct.unpack_from('<Q', data, 12)
    pending, = struct.unpack_from('<Q', data, 28)
    number = code = sender = address = 0
    if flags & PL_FLAG_SI:
        number, _, code, sender = struct.unpack_from('<iiii', data, 48)
        address, = struct.unpack_from('<Q', data, 72)
    child, syscall = struct.unpack_from('<iI', data, 148)
    return Lwp(tid, event, flags, blocked, pending, number, code, sender, address, child, syscall)


def parse_registers(data):
    """struct reg of <machine/reg.h> (176 bytes) -> registers in DWARF's order (17 ints); None where it is too short."""
    if len(data) < 176:
        return None
    words = struct.unpack_from('<22Q', data, 0)
    return [words[index] for index in DWARF_ORDER]


def parse_auxv(data):
    """The records of KERN_PROC_AUXV (Elf64_Auxinfo: type, value) -> {type: value}, up to AT_NULL."""
    result = {}
    for offset in range(0, len(data) - 15, 16):
        key, value = struct.unpack_from('<qQ', data, offset)
        if key == AT_NULL:
            break
        result.setdefault(key, value)
    return result


def parse_system_call(code):
    """The number of the system call made by the code before a pc (12 bytes or more), None where it is not sure.

    The stubs of FreeBSD's libc end in: mov $number, %eax or %rax; mov %rcx, %r10; syscall. The number that PT_LWPINFO
    names will not do: for syscall(2) it is that of the call meant, whose arguments stand elsewhere; 12.1 gives 0.
    """
    if len(code) < 12 or code[-5:] != b'\x49\x89\xca\x0f\x05':
        return None
    if code[-12:-9] == b'\x48\xc7\xc0' or code[-10:-9] == b'\xb8':
        return _U32.unpack_from(code, len(code) - 9)[0]
    return None


def parse_signal_frames(stack, stack_address, low, high):
    """Where signal frames on a stack (bytes at stack_address) hold a pc inside [low, high).

    Returns a list of (address of the word, pc). A frame is known by what follows its mc_rip: the user's code and
    stack selectors and mc_len, the size of mcontext_t.
    """
    found = []
    for value in {low >> 16, (high - 1) >> 16}:
        # the upper six bytes are common to all pcs of the range but where it crosses 64 KiB: both are looked for
        for match in re.finditer(re.escape(struct.pack('<Q', value << 16)[2:8]), stack):
            offset = match.start() - 2
            if offset < 8 or (stack_address + offset) & 7 or offset + 48 > len(stack):
                continue
            pc, cs, _, _, ss, size = struct.unpack_from('<6Q', stack, offset)
            if low <= pc < high and cs & 0xffff == USER_CS and ss & 0xffff == USER_SS \
                    and size & 0xffffffff == MCONTEXT_SIZE:
                found.append((stack_address + offset, pc))
    return found


# -- asking the kernel ----------------------------------------------------------------------------------------------


def ptrace(request, tid, address=None, data=None):
    """ptrace(2); raises PlatformError with errno."""
    result = _ptrace(request, tid, address, data or 0)
    if result == -1:
        raise PlatformError('ptrace request %d' % request, tid, ctypes.get_errno())
    return result


def _sysctl(*name):
    """sysctl(3) -> bytes, None where it fails (errno by ctypes.get_errno())."""
    function = getattr(libc, 'sysctl', None)
    if function is None:
        return None
    function.restype = ctypes.c_int
    mib = (ctypes.c_int * len(name))(*name)
    for _ in range(16):
        size = ctypes.c_size_t(0)
        if function(mib, ctypes.c_uint(len(name)), None, ctypes.byref(size), None, ctypes.c_size_t(0)) != 0:
            return None
        # what is asked for may grow meanwhile
        size.value += size.value // 4 + 4096
        buffer = ctypes.create_string_buffer(size.value)
        if function(mib, ctypes.c_uint(len(name)), buffer, ctypes.byref(size), None, ctypes.c_size_t(0)) == 0:
            return buffer.raw[:size.value]
        if ctypes.get_errno() != errno.ENOMEM:
            return None
    return None


def _sysctl_by_name(name):
    """An int of sysctlbyname(3), None where this kernel has no such one."""
    function = getattr(libc, 'sysctlbyname', None)
    if function is None:
        return None
    value = ctypes.c_int(0)
    size = ctypes.c_size_t(4)
    if function(name.encode('ascii'), ctypes.byref(value), ctypes.byref(size), None, ctypes.c_size_t(0)) != 0:
        return None
    if size.value == 1:             # a bool, as those of FreeBSD 14 and later
        return value.value & 0xff
    return value.value


def _shm_open_call():
    """The system call that opens shared memory by its name, and its arguments behind the flags."""
    return (SYS_SHM_OPEN2, (0o600, 0, 0)) if _osreldate() >= 1300048 else (SYS_SHM_OPEN_12, (0o600,))


def _shm_open(name, flags):
    """shm_open(2), O_CLOEXEC -> a descriptor, -1 where it fails. Not libc's: that may be of another release."""
    number, rest = _shm_open_call()
    arguments = [ctypes.c_long(value) for value in (flags,) + rest]
    return libc.syscall(ctypes.c_long(number), ctypes.c_char_p(name), *arguments)


_release = []


def _osreldate():
    """kern.osreldate, as 1500068 for 15.0."""
    if not _release:
        data = _sysctl(CTL_KERN, KERN_OSRELDATE) or b''
        _release.append(struct.unpack('<i', data[:4])[0] if len(data) >= 4 else 1300000)
    return _release[0]


def _processes(kind, argument=None):
    name = (CTL_KERN, KERN_PROC, kind) + (() if argument is None else (argument,))
    return parse_processes(_sysctl(*name) or b'', _osreldate())


def _process(pid):
    """The Process of a pid, None where there is none."""
    if not 0 < pid < 1 << 31:
        return None
    found = _processes(KERN_PROC_PID, pid)
    return found[0] if found and found[0].pid == pid else None


def _thread_records(pid):
    return [item for item in _processes(KERN_PROC_PID | KERN_PROC_INC_THREAD, pid) if item.pid == pid]


def allow_tracing():
    """Let any process of the same user trace this one: FreeBSD has nothing that would forbid it."""


def start_time(pid):
    """When the process began, in microseconds since 1970; None if there is none."""
    process = _process(pid)
    return process.start if process is not None and process.state != SZOMB and not process.flags & P_WEXIT else None


def process_name(pid):
    """The program's name for people."""
    process = _process(pid)
    return process.name if process is not None else '?'


def _executable(pid):
    return _text(_sysctl(CTL_KERN, KERN_PROC, KERN_PROC_PATHNAME, pid) or b'')


def _tracing_status(pid):
    """procctl(2), PROC_TRACE_STATUS: -1 tracing is turned off, 0 nobody traces, else the tracer; None unknown."""
    function = getattr(libc, 'procctl', None)
    if function is None:
        return None
    value = ctypes.c_int(0)
    if function(ctypes.c_int(P_PID), ctypes.c_longlong(pid), ctypes.c_int(PROC_TRACE_STATUS),
                ctypes.byref(value)) != 0:
        return None
    return value.value


Target = namedtuple('Target', 'pid name executable start_time threads seccomp tracer uid notes')


def check_target(pid):
    """Look at a process before anything is done to it.

    Returns a Target; raises PlatformError with a hint for each that cannot be traced: no such process, a thread's id,
    a zombie, a process of the kernel, this program itself, one that another tracer holds, a 32-bit or Linux program.
    """
    if pid > PID_MAX:
        owner = _owner_of(pid)
        if owner is not None:
            raise PlatformError('', pid, 0, '%d is a thread of process %d (%s)' % (pid, owner.pid, owner.name),
                                'Give the process: %d' % owner.pid)
    process = _process(pid)
    if process is None:
        raise PlatformError('', pid, errno.ESRCH, 'no process with the id %d' % pid,
                            'Look the id up with: ' + FIND_PROCESS)
    name = process.name
    if pid == os.getpid():
        raise PlatformError('', pid, 0, '%d is memleax itself' % pid, 'Give the id of another process.')
    if process.state == SZOMB:
        raise PlatformError('', pid, 0, 'process %d (%s) is a zombie: it has ended already' % (pid, name),
                            'Its parent, process %d, has not waited for it yet.' % process.ppid)
    if process.flags & P_SYSTEM:
        raise PlatformError('', pid, 0, '%d (%s) is a process of the kernel' % (pid, name),
                            'It has no memory of its own; only programs can be traced.')
    if process.tracer and process.tracer != os.getpid():
        raise PlatformError('', pid, errno.EBUSY, 'process %d (%s) is being traced already, by process %d (%s)'
                            % (pid, name, process.tracer, process_name(process.tracer)),
                            'Only one tracer can hold a process: stop that one first.')
    if process.emulation and process.emulation != 'FreeBSD ELF64':
        raise PlatformError('', pid, 0, 'process %d (%s) is no FreeBSD amd64 program (%s)'
                            % (pid, name, process.emulation), 'memleax can trace 64-bit FreeBSD programs only.')
    return Target(pid, name, _executable(pid), process.start, process.threads, 0, process.tracer, process.uid, [])


def _owner_of(tid):
    """The Process that a thread's id belongs to, or None."""
    for item in _processes(KERN_PROC_PROC | KERN_PROC_INC_THREAD):
        if item.tid == tid:
            return item
    return None


def permission_hint(pid):
    """Why attaching was refused, and what to do about it: for PlatformErrors with EPERM, EBUSY or ENOSYS."""
    process = _process(pid)
    if process is not None and process.tracer and process.tracer != os.getpid():
        return 'It is being traced by process %d (%s): stop that one first.' % (process.tracer,
                                                                                process_name(process.tracer))
    if _sysctl_by_name('security.bsd.allow_ptrace') == 0:
        return 'This system forbids all tracing (sysctl security.bsd.allow_ptrace is 0).'
    if process is not None and os.geteuid() != 0 and process.uid != os.geteuid():
        return 'It belongs to another user (uid %d): run memleax as root.' % process.uid
    if process is not None and process.flags2 & (P2_NOTRACE | P2_NOTRACE_EXEC) and os.geteuid() != 0:
        return 'The program turned tracing off for itself (procctl PROC_TRACE_CTL): run memleax as root.'
    if _sysctl_by_name('security.bsd.unprivileged_proc_debug') == 0 and os.geteuid() != 0:
        return ('Only root may trace here (sysctl security.bsd.unprivileged_proc_debug is 0): run memleax as root.')
    if os.geteuid() != 0:
        return ('The process has more rights than you (set-user-id, another jail, other groups): run memleax as root.')
    return 'Even root is refused: the process runs in another jail, a raised securelevel or a MAC policy forbids it.'


def what_could_forbid(pid):
    """Lines on what the system says about tracing this process, for --dry-run."""
    process = _process(pid)
    lines = []
    for name in ('security.bsd.unprivileged_proc_debug', 'security.bsd.allow_ptrace', 'kern.kill_on_debugger_exit',
                 'debug.ptrace_attach_transparent'):
        value = _sysctl_by_name(name)
        lines.append('%s: %s' % (name, 'not in this kernel' if value is None else value))
    lines.append('memleax runs as uid %d, the target as %s' % (os.geteuid(), process.uid if process else '?'))
    status = _tracing_status(pid)
    if status is not None:
        lines.append('tracing of the target: %s' % ('turned off by itself' if status < 0 else 'allowed'))
    tracer = process.tracer if process else 0
    lines.append('tracer of the target: %s' % (
        'process %d (%s)' % (tracer, process_name(tracer)) if tracer else 'none'))
    return lines


def threads(pid):
    """The ids of a process's threads, ascending; [] when it is gone."""
    return sorted(item.tid for item in _thread_records(pid) if item.state != SZOMB)


def mappings(pid):
    """The mappings of a process. The shared page's ELF file (AT_KPRELOAD, FreeBSD 14 and later) is called [vdso], the
    first thread's stack [stack]."""
    found = parse_mappings(_sysctl(CTL_KERN, KERN_PROC, KERN_PROC_VMMAP, pid) or b'')
    if not found:
        return found
    executable = None
    auxv = _auxv(pid)
    vdso = auxv.get(AT_KPRELOAD, 0)
    stack = _first_stack(found, auxv)
    result = []
    for item in found:
        if item is stack:
            item = item._replace(path='[stack]')
        if not item.path and item.inode and 'x' in item.permissions:
            # the name cache has lost the path; the program's own is kept elsewhere
            if executable is None:
                executable = _executable(pid)
                try:
                    if os.stat(executable).st_ino != item.inode:
                        executable = ''
                except OSError:
                    executable = ''
            item = item._replace(path=executable)
        if vdso and item.start <= vdso < item.end and not item.path:
            if item.start < vdso:
                result.append(item._replace(end=vdso))
            item = item._replace(start=vdso, path='[vdso]')
        result.append(item)
    return result


def _shared_page(maps, auxv):
    """The mapping of the page that the kernel shares with all processes, where signal handlers return to; or None.

    maps: of parse_mappings(); auxv: of parse_auxv(), of the same process. Where it lies is random since FreeBSD 14.
    """
    place = auxv.get(AT_TIMEKEEP, 0)
    return next((item for item in maps if item.start <= place < item.end and 'x' in item.permissions
                 and 'w' not in item.permissions and not item.path), None)


def _first_stack(maps, auxv):
    """The mapping of the first thread's stack, as far as it has grown; or None. maps, auxv: see _shared_page()."""
    place = auxv.get(AT_CANARY, 0)
    return next((item for item in maps if item.start <= place < item.end and 'w' in item.permissions
                 and not item.path), None)


def _copy_of_shared_page(pid):
    """(address of the shared page in a process, its bytes as they are in ours); (0, b'') where it cannot be found."""
    found = [_shared_page(parse_mappings(_sysctl(CTL_KERN, KERN_PROC, KERN_PROC_VMMAP, number) or b''), _auxv(number))
             for number in (pid, os.getpid())]
    if None in found or found[0].end - found[0].start != found[1].end - found[1].start:
        return 0, b''
    return found[0].start, ctypes.string_at(found[1].start, found[1].end - found[1].start)


def _auxv(pid):
    return parse_auxv(_sysctl(CTL_KERN, KERN_PROC, KERN_PROC_AUXV, pid) or b'')


def open_module(pid, start, end, path, device, inode):
    """A file descriptor of the file that the target has mapped at [start, end).

    By its path; only if the inode agrees (the caller's build-id check decides on the rest). Raises OSError.
    """
    if not path.startswith('/'):
        raise OSError(errno.ENOENT, 'the system does not know its path', path)
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not inode or os.fstat(fd).st_ino == inode:
        return fd
    os.close(fd)
    raise OSError(errno.ESTALE, 'the file was replaced after the program was started', path)


def entry_point(pid):
    """Where the program of a process begins: AT_ENTRY of its auxiliary vector; 0 if it cannot be read."""
    return _auxv(pid).get(AT_ENTRY, 0)


RUN_TIME = ''


def run_time(pid, tid, cache={}):
    """(nanoseconds that a thread has run, how often it was given a processor): not told exactly enough here, so None."""
    return None


def last_cpu(pid, tid, cache={}):
    """The processor that a thread runs on or ran on last, or None."""
    for item in _thread_records(pid):
        if item.tid == tid:
            return item.cpu if 0 <= item.cpu < 1024 else None
    return None


def become_prompt():
    """Ask for the processor ahead of others, where that is allowed: the target waits while the monitor does."""
    try:
        os.nice(-10)
    except OSError:
        pass


def run_on_cpu(cpu):
    """Move this process to one processor. Only our own affinity is ever changed. False where that is forbidden."""
    function = getattr(libc, 'cpuset_setaffinity', None)
    if function is None or not 0 <= cpu < 1024:
        return False
    for size in (32, 128):          # sizeof(cpuset_t) before FreeBSD 14, and since
        if cpu >= size * 8:
            continue
        mask = (ctypes.c_ubyte * size)()
        mask[cpu >> 3] = 1 << (cpu & 7)
        if function(ctypes.c_int(CPU_LEVEL_WHICH), ctypes.c_int(CPU_WHICH_PID), ctypes.c_longlong(-1),
                    ctypes.c_size_t(size), ctypes.byref(mask)) == 0:
            return True
    return False


def current_cpu():
    """The number of the processor that this process runs on; a number that none has if unknown.

    The recorder cannot tell its own here and says all ones. Where there are others, a thread of the target may wait for
    the monitor a little (recorder.c, wait_for_monitor) although both may be on the same one: that costs a process 50 ms
    at most in all its life, and else its first stacks are cut short.
    """
    return (1 << 64) - (1 if os.cpu_count() == 1 else 2)


def keeper_clock():
    """None: keeper_traps (recorder.c) makes the calls of another system."""
    return None


def signal_state(pid, tid):
    """(blocked, pending) signal masks of a thread: bit n-1 is signal n. (0, 0) when it is gone."""
    for item in _thread_records(pid):
        if item.tid == tid:
            return item.blocked, item.pending
    return 0, 0


def signal_actions(pid):
    """(ignored, caught) signal masks of a process."""
    process = _process(pid)
    return (process.ignored, process.caught) if process is not None else (0, 0)


def tracer_of(pid):
    """The process that traces pid, 0 if none."""
    process = _process(pid)
    return process.tracer if process is not None else 0


# processes that we hold -> whether they were job-stopped when we came: attaching lifts that stop
_stopped_before = {}


def is_stopped(pid):
    """Whether the process is job-stopped, or was when we attached to it."""
    if pid in _stopped_before:
        return _stopped_before[pid]
    process = _process(pid)
    return process is not None and bool(process.flags & P_STOPPED_SIG)


_STATE_LETTERS = {SRUN: 'R', SSLEEP: 'S', SSTOP: 'T', SZOMB: 'Z'}


def thread_states(pid):
    """{tid: letter}: R runs, S sleeps, T stopped, Z ended, ? anything else."""
    states = {}
    for item in _thread_records(pid):
        stopped = item.flags & P_STOPPED_SIG or item.state == SSTOP
        states[item.tid] = 'T' if stopped else _STATE_LETTERS.get(item.state, '?')
    return states


def blocked_at(pid, tid):
    """(pc, sp) of a thread that sleeps in the kernel: FreeBSD tells that to a tracer only, so None."""
    return None


def code_signature(pid):
    """A value that changes when the executable mappings of a process do."""
    found = parse_mappings(_sysctl(CTL_KERN, KERN_PROC, KERN_PROC_VMMAP, pid) or b'')
    return hash(tuple(item[:4] + item[5:] for item in found if 'x' in item.permissions))


def same_trap_action(before, after):
    """Whether two results of signal_actions() agree about SIGTRAP."""
    bit = 1 << (SIGTRAP - 1)
    return before[0] & bit == after[0] & bit and before[1] & bit == after[1] & bit


def sharing_processes(pid, own=None):
    """Other processes (not threads) that share this one's memory: vfork children, rfork(RFMEM).

    own: the number of a thread to compare with instead of pid; on FreeBSD the process's memory outlives its threads.
    """
    process = _process(pid)
    if process is None or not process.vmspace:
        return []
    return [item.pid for item in _processes(KERN_PROC_PROC)
            if item.vmspace == process.vmspace and item.pid != pid and item.state != SZOMB]


def shares_memory(one, other):
    """Whether two tasks share their memory (ki_vmspace); None where that cannot be told."""
    records = []
    for number in (one, other):
        process = _process(number) if number <= PID_MAX else _owner_of(number)
        if process is None or not process.vmspace:
            return None
        records.append(process)
    return records[0].vmspace == records[1].vmspace


def stack_limit(pid):
    """How far a process's first stack may grow, in bytes (RLIMIT_STACK)."""
    data = _sysctl(CTL_KERN, KERN_PROC, KERN_PROC_RLIMIT, pid, RLIMIT_STACK) or b''
    return min(struct.unpack_from('<Q', data)[0], 1 << 30) if len(data) >= 8 else 8 << 20


# Where map_shared() has mapped memory. Mappings bear no name here, so the address serves as one: these bits of it are the
# same each time, the others are drawn. And it is kept out of core dumps, as little else is.
_shared = set()
SHARED_BITS = 0xf0000ffff000
SHARED_MARK = 0x60000da00000          # so that pages of 2 MB can be used


def processes_that_map(fd):
    """Ids of the processes that have a file of make_shared_file() mapped, as far as this memleax let it be mapped."""
    return [process.pid for process in _processes(KERN_PROC_PROC)
            if process.pid != os.getpid() and any(address in _shared for address, _ in shared_memory_of(process.pid))]


def unreadable_children(pid, since):
    """Ids of the processes that descend from one, began after `since` (as start_time() says) and do not let us look at
    their mappings: another user's."""
    parents = {process.pid: process for process in _processes(KERN_PROC_PROC)}
    found = []
    for child, process in sorted(parents.items()):
        parent, passed = process.ppid, {child}
        while parent != pid and parent in parents and parent not in passed:
            passed.add(parent)
            parent = parents[parent].ppid
        if parent == pid and process.start >= since and _sysctl(CTL_KERN, KERN_PROC, KERN_PROC_VMMAP, child) is None \
                and ctypes.get_errno() == errno.EPERM:
            found.append(child)
    return found


def shared_memory_of(pid):
    """Where a process has mapped files of make_shared_file(), as far as the mappings show that -> [(address, size)]."""
    found = []
    for item, flags in _mappings_and_flags(_sysctl(CTL_KERN, KERN_PROC, KERN_PROC_VMMAP, pid) or b''):
        # FreeBSD 14 and later call shared memory without a name "anon"
        if item.path[:1] != '/' and flags & KVME_FLAG_NOCOREDUMP:
            if item.start & SHARED_BITS == SHARED_MARK:
                found.append((item.start, item.end - item.start))
            elif found and item.start == sum(found[-1]):
                found[-1] = found[-1][0], item.end - found[-1][0]
    return found


def address_space_left(pid):
    """(bytes that a process may still map or None: no limit; whether it locks what it maps)."""
    return None, False


def command_hint():
    """What to do when a command could not be traced."""
    return permission_hint(os.getpid())


# -- holding a process ----------------------------------------------------------------------------------------------


class _Held(object):
    """A traced process.

    stopped: in a ptrace stop; reporter: the thread that reported it (0: none did, as right after an attach of
    FreeBSD 15); way: the thread that requests to go on pass through; asked: SIGSTOPs of ours that were sent and not
    seen yet; sent: there were such; mending: threads whose system call we broke off; parked: it is to stand still, as
    a job-control stop would make it.
    """

    __slots__ = ('pid', 'stopped', 'reporter', 'way', 'asked', 'sent', 'mending', 'mend_until', 'events', 'parked')

    def __init__(self, pid):
        self.pid = pid
        self.stopped = False
        self.reporter = 0
        self.way = pid
        self.asked = 0
        self.sent = False
        self.mending = set()
        self.mend_until = 0.0
        self.events = EVENTS
        self.parked = False


class Task(object):
    """A traced thread. signal: what to deliver when its process goes on; masked: it blocks SIGTRAP; last: the pc of
    its last trap."""

    __slots__ = ('tid', 'pid', 'held', 'signal', 'group', 'mask', 'masked', 'last', 'interrupted', 'traps',
                 'next_mask', 'next_cpu', 'silent')

    def __init__(self, tid, pid):
        self.tid = tid
        self.pid = pid
        self.held = None
        self.signal = 0
        self.group = 0
        self.mask = None
        self.masked = False
        self.last = 0
        self.interrupted = False
        self.traps = self.next_mask = self.next_cpu = 0
        self.silent = False

    @property
    def stopped(self):
        return self.held is not None and self.held.stopped


class _IoDescription(ctypes.Structure):
    """struct ptrace_io_desc of <sys/ptrace.h>."""

    _fields_ = [('op', ctypes.c_int), ('offset', ctypes.c_void_p), ('address', ctypes.c_void_p),
                ('size', ctypes.c_size_t)]


class Tracer(object):
    """Holds one process: its threads, and those of processes that share its memory.

    tasks: {tid: Task} of everything held. unread: events that were seen while the process was being stopped and that
    wait() returns first. All addresses are the target's.
    """

    def __init__(self, pid):
        self.pid = pid
        self.tasks = {}
        self.processes = {}         # {pid: _Held}
        self.unread = []
        self.memory = -1
        self.reads_untraced = False
        self.proc = pid
        self.registers_buffer = Registers()
        self._registers = ctypes.addressof(self.registers_buffer)
        self._status = ctypes.c_int()
        self._status_address = ctypes.addressof(self._status)
        self._info = ctypes.create_string_buffer(160)
        self._info_address = ctypes.addressof(self._info)
        self._io = _IoDescription()
        self._io_address = ctypes.addressof(self._io)
        self._buffer = ctypes.create_string_buffer(1 << 16)
        self._buffer_address = ctypes.addressof(self._buffer)
        self._files = {}            # path -> descriptor or None, while the process is not held
        self._kept = []             # (start, bytes): of keep()
        self._maps = ()
        self._maps_until = 0.0      # when they are too old to go by
        self._page = 0, b''         # the shared page: its address and bytes
        self._written = set()       # threads that were written through while they slept
        self._syscall_place = None
        self._known = 0             # tasks when the threads were counted last
        self.lost_tasks = 0
        self.first_stop = None
        self.wait = self._make_wait()

    # -- attaching

    def open(self):
        """Look at the target's mappings, so that read() can give what the mapped files hold: the memory itself can
        be read only once it is attached to. Raises PlatformError with a hint."""
        self._look_at_mappings()
        if not self._maps:
            number = ctypes.get_errno() or errno.ESRCH
            raise PlatformError('attaching to process %d (%s)' % (self.pid, process_name(self.pid)), self.pid, number,
                                hint=permission_hint(self.pid))

    def reopen(self):
        """After exec: the memory is another one."""
        self._forget_files()

    def seize(self):
        """Attach to the process, and to those that share its memory; all of them stand in a stop then.

        Raises PlatformError (with a hint) where the system refuses; what was seized until then is let go.
        """
        try:
            self._seize_process(self.pid)
            for pid in sharing_processes(self.pid):
                if pid not in self.processes:
                    self._seize_process(pid)
        except BaseException:
            # what is held when this process ends would be killed
            self.close()
            raise
        self._forget_files()

    def living(self):
        """A number that names the target: its process id, whichever of its threads have ended."""
        return self.pid

    def shares(self, tid):
        """Whether a task shares the target's memory; None where that cannot be told."""
        return shares_memory(self.pid, tid)

    def _seize_process(self, pid):
        before = {item.tid: item for item in _thread_records(pid)}
        process = _process(pid)
        if _ptrace(PT_ATTACH, pid, None, 0) != 0:
            number = ctypes.get_errno()
            if number == errno.ESRCH:
                raise PlatformError('', pid, number, 'process %d ended before it could be attached to' % pid)
            raise PlatformError('attaching to process %d (%s)' % (pid, process_name(pid)), pid, number,
                                hint=permission_hint(pid))
        held = self.processes[pid] = _Held(pid)
        _stopped_before[pid] = stopped = process is not None and bool(process.flags & P_STOPPED_SIG)
        held.parked = stopped
        deadline = time.monotonic() + STOP_PATIENCE
        while True:
            # any request before the stop was waited for is refused with EBUSY
            if self._wait_for(pid, deadline) is None:
                raise PlatformError('attaching to process %d' % pid, pid, 0, 'it does not stop')
            status = self._status.value
            if status & 0xff != 0x7f:
                self._drop(pid)
                raise PlatformError('', pid, errno.ESRCH, 'process %d ended while it was being attached to' % pid)
            held.stopped = True
            info = self._lwpinfo(pid)
            held.reporter = info.tid if info is not None and info.event else 0
            if status >> 8 & 0xff == SIGSTOP:
                break
            # something else came first: it is taken before the SIGSTOP that the attach has sent
            held.stopped = False
            _ptrace(PT_CONTINUE, pid, 1, status >> 8 & 0xff)
        self._set_events(held, EVENTS)
        self._refresh(held)
        for task in self.tasks.values():
            if task.pid == pid and task.tid in before:
                task.mask = before[task.tid].blocked
                task.masked = bool(task.mask >> (SIGTRAP - 1) & 1)
        if held.reporter:
            held.way = held.reporter
            if held.reporter in before and before[held.reporter].state == SSLEEP:
                if not self._restart_call(held, info) and self.in_system_call(held.reporter):
                    self._mend(held, held.reporter, before[held.reporter])
        else:
            # nobody reports: no sleep was disturbed
            held.way = self._way_on(held)
        self.unread.append((held.way, STOP, 0))

    def _set_events(self, held, events):
        mask = ctypes.c_int(events)
        if _ptrace(PT_SET_EVENT_MASK, held.way, ctypes.addressof(mask), 4) != 0:
            _ptrace(PT_FOLLOW_FORK, held.way, None, 1)
        held.events = events

    def _wait_for(self, pid, deadline):
        """waitpid of one process until `deadline` -> its pid; None when nothing came. The status is in _status."""
        pause = 0.00005
        while True:
            got = _waitpid(pid, self._status_address, WNOHANG)
            if got == pid:
                return pid
            if got < 0 and ctypes.get_errno() == errno.ECHILD:
                self._status.value = 0
                return pid
            if time.monotonic() > deadline:
                return None
            time.sleep(pause)
            pause = min(pause * 2, 0.001)

    def _lwpinfo(self, tid):
        if _ptrace(PT_LWPINFO, tid, self._info_address, 160) != 0:
            return None
        return parse_lwpinfo(self._info.raw)

    def _refresh(self, held):
        """Bring tasks up to date with the threads of a stopped process."""
        count = _ptrace(PT_GETNUMLWPS, held.pid, None, 0)
        if count <= 0:
            return
        numbers = (ctypes.c_int * (count + 16))()
        count = _ptrace(PT_GETLWPLIST, held.pid, ctypes.addressof(numbers), count + 16)
        if count <= 0:
            return
        alive = set(numbers[:count])
        for tid in [tid for tid, task in self.tasks.items() if task.pid == held.pid and tid not in alive]:
            del self.tasks[tid]
        for tid in alive:
            if tid not in self.tasks:
                self._add_task(tid, held)
        held.mending &= alive
        self._known = len(self.tasks)

    def _add_task(self, tid, held):
        task = self.tasks[tid] = Task(tid, held.pid)
        task.held = held
        return task

    def _drop(self, pid):
        """Forget a process."""
        for tid in [tid for tid, task in self.tasks.items() if task.pid == pid]:
            del self.tasks[tid]
        self.processes.pop(pid, None)
        _stopped_before.pop(pid, None)

    # -- waiting

    def _make_wait(self):
        """wait(), with all that it needs in its cells: it is called at every stop."""
        unread, tasks, registers, status = self.unread, self.tasks, self.registers_buffer, self._status
        status_address, registers_address, info_address = (self._status_address, self._registers, self._info_address)
        waitpid, ptrace_call = _fast.waitpid, _fast_ptrace
        processes, get_task = self.processes, tasks.get
        # pl_lwpid, pl_event, pl_flags; pl_siginfo.si_code
        unpack = struct.Struct('<iii44xi').unpack_from
        info = self._info
        plain = PL_FLAG_SI | PL_FLAG_SCE | 3    # PL_FLAG_SA and PL_FLAG_BOUND are of no interest

        def take(block):
            pid = waitpid(-1, status_address, 0 if block else WNOHANG)
            if pid > 0:
                if status.value == TRAP_STATUS:
                    # one stop in a thousand is anything else; decode() does the same for it, more slowly
                    held = processes.get(pid)
                    if held is not None and not ptrace_call(PT_LWPINFO, pid, info_address, 160):
                        tid, event, flags, code = unpack(info)
                        if event == 1 and flags | plain == plain and code == TRAP_BRKPT and tid in tasks \
                                and not ptrace_call(PT_GETREGS, tid, registers_address, 0):
                            held.stopped = True
                            held.reporter = held.way = tid
                            tasks[tid].signal = 0
                            return tid, TRAP, registers[RIP]
                return self.decode(pid, status.value)
            if pid < 0:
                pid = _waitpid(-1, status_address, WNOHANG)
                if pid < 0 and ctypes.get_errno() == errno.ECHILD:
                    raise ChildProcessError(errno.ECHILD, 'nothing left to wait for')
                if pid > 0:
                    return self.decode(pid, status.value)
            self._look_at_parked()
            return None

        def wait(block=True):
            """The next event: (tid, kind, value), or None (nothing there with block=False; interrupted by a signal).

            Raises ChildProcessError when nothing is left to wait for. The process of the event stays stopped until
            resume(). At a TRAP its registers are in registers_buffer.
            """
            if unread:
                event = unread.pop(0)
                if event[1] is TRAP and not (event[0] in tasks and self.fetch(event[0])):
                    return None             # it ended meanwhile
                return event
            return take(block)

        def gather():
            """Nothing to do: one thread of a process reports at a time, and the kernel lets each have its turn."""

        def resume(tid, number=0):
            """Let the process of a stopped task go on, delivering signal `number` (0: none). False when it is gone."""
            task = get_task(tid)
            if task is None or not task.held.stopped:
                return False
            held = task.held
            if number or held.parked or held.mending or held.events != EVENTS:
                return self._resume_otherwise(held, number)
            held.stopped = False
            return not ptrace_call(PT_CONTINUE, held.way, 1, 0)

        self.gather = gather
        self.take = take
        self.resume = resume
        return wait

    def decode(self, tid, status):
        """A wait status (wait(2) names the process), decoded once with what PT_LWPINFO says of the reporting thread.

        Returns the event; None for a stop of our own making, after which the process goes on.
        """
        pid = tid
        held = self.processes.get(pid)
        if status & 0xff != 0x7f:
            if status == 0xffff or held is None:
                return None
            self._drop(pid)
            return pid, GONE, status
        number = status >> 8 & 0xff
        if held is None:
            # a child that a traced process has made: it is traced as well
            held = self.processes[pid] = _Held(pid)
        held.stopped = True
        info = self._lwpinfo(pid)
        if info is None:
            return None
        tid = held.reporter = held.way = info.tid
        if not info.event:
            held.reporter = 0
            held.way = self._way_on(held, tid)
        task = self.tasks.get(tid)
        if task is None:
            task = self._add_task(tid, held)
            if len(self.tasks) > 2 * self._known + 64:
                self._refresh(held)
                task = self.tasks.get(tid) or self._add_task(tid, held)
        task.signal = 0
        flags = info.flags
        if flags & PL_FLAG_CHILD:
            return tid, NEW, pid
        if flags & PL_FLAG_EXEC:
            self._refresh(held)
            held.mending.clear()
            return tid, EXEC, tid
        if flags & PL_FLAG_FORKED:
            return tid, FORKED, info.child
        if number == SIGTRAP and flags & PL_FLAG_SCX and not flags & PL_FLAG_SI:
            # PL_FLAG_SCE is set all through a call that began while the process was traced, whatever it stops for
            return self._at_system_call(held, task, info)
        if flags & (PL_FLAG_BORN | PL_FLAG_EXITED):
            return tid, STOP, 0
        if number == SIGTRAP and info.code in (0, TRAP_BRKPT):
            if _ptrace(PT_GETREGS, tid, self._registers, 0) != 0:
                return tid, STOP, 0
            pc = self.registers_buffer[RIP]
            # a process with many queued signals has no room for siginfo: the code tells then what it was
            if info.code == TRAP_BRKPT or self._peek(tid, pc - 1, 1) == b'\xcc':
                return tid, TRAP, pc
        if held.asked and number == SIGSTOP:
            # a SIGSTOP does not tell who sent it
            held.asked -= 1
            # with its pc on the syscall instruction the kernel makes the call again by itself (ERESTART)
            if self._restart_call(held, info) or not self.in_system_call(tid):
                held.mending.discard(tid)
            elif tid not in held.mending and self._may_come_out(held, tid):
                # asking for stops at the ends of calls would make sigsuspend return, for no signal at all
                self._mend(held, tid)
            return tid, STOP, 0
        if not info.event and number == SIGSTOP:
            return tid, STOP, 0
        task.signal = number
        return tid, SIGNAL, number

    def is_stray_trap(self, tid):
        """Whether the SIGTRAP that a task stands at was sent by somebody rather than raised by an int3: these are
        told apart by decode() already."""
        return False

    # -- system calls that a stop of ours broke off

    def _mend(self, held, tid, record=None):
        """Remember that the sleep of a thread was broken off by us: where its system call comes back with EINTR,
        it is made again. The stop at its end is asked for when the process goes on. record: its Process, if known.

        sigsuspend is left alone: it goes on waiting by itself, and must return once a handler has run.
        """
        if record is None:
            record = next((item for item in _thread_records(held.pid) if item.tid == tid), None)
        if record is None or record.wait_message in SIGSUSPEND_MESSAGES:
            return
        held.mending.add(tid)
        held.mend_until = 0.0           # its time begins when the process goes on

    def _still_mending(self, held):
        """Whether calls that we broke off have still to come back.

        A thread that sleeps again when its time is over (sigsuspend) is given up. One that does not sleep was not
        given the processor yet: it has STOP_PATIENCE more.
        """
        late = time.monotonic() - held.mend_until
        if held.mending and late > 0:
            lost = set(held.mending)
            if late < STOP_PATIENCE:
                lost &= {item.tid for item in _thread_records(held.pid) if item.wait_message}
            held.mending -= lost
        return bool(held.mending)

    def _at_system_call(self, held, task, info):
        """A stop at a system call's end, wanted for threads in `mending`."""
        if task.tid in held.mending:
            held.mending.discard(task.tid)
            self._restart_call(held, info)
        return task.tid, STOP, 0

    def _restart_call(self, held, info):
        """Let the reporting thread make the system call again that has just ended with EINTR, if nothing but our stop
        can have ended it. True if that was so.

        The kernel tells of a signal that ended a sleep in the call (PL_FLAG_SCE is set then) or on its way out of it,
        where the result stands in the registers. They become what the kernel makes of ERESTART
        (cpu_set_syscall_retval): pc back on the syscall instruction, rax its number, r10 the fourth argument.
        """
        tid = info.tid
        buffer = self.registers_buffer
        if info.flags & PL_FLAG_SCE or _ptrace(PT_GETREGS, tid, self._registers, 0) != 0:
            return False
        if not buffer[RFLAGS] & CARRY or buffer[RAX] != errno.EINTR or self._signal_waits(held, info) \
                or info.flags & PL_FLAGS_OF_EVENTS & ~PL_FLAG_SCX:
            return False
        number = parse_system_call(self._peek(tid, buffer[RIP] - 12, 12))
        if number is None or number in UNMENDABLE_CALLS:
            return False
        buffer[RIP] -= 2
        buffer[RAX] = number
        buffer[R10] = buffer[RCX]
        buffer[RFLAGS] &= ~CARRY
        return _ptrace(PT_SETREGS, tid, self._registers, 0) == 0

    def _signal_waits(self, held, info):
        """Whether a signal that the thread does not block is waiting: EINTR is that one's doing then."""
        process = _process(held.pid)
        pending = info.pending | (process.pending if process is not None else 0)
        return bool(pending & ~info.blocked & ~(1 << (SIGSTOP - 1)))

    # -- registers and memory

    def fetch(self, tid):
        """Fetch a stopped task's registers into registers_buffer; False when it is gone."""
        return _ptrace(PT_GETREGS, tid, self._registers, 0) == 0

    def registers(self, tid):
        """A stopped task's registers in DWARF's order (17 ints), or None when it is gone."""
        if _ptrace(PT_GETREGS, tid, self._registers, 0) != 0:
            return None
        buffer = self.registers_buffer
        return [buffer[index] for index in DWARF_ORDER]

    def set_pc(self, tid, pc, sp=None):
        """Let a stopped task go on elsewhere."""
        if _ptrace(PT_GETREGS, tid, self._registers, 0) != 0:
            return False
        buffer = self.registers_buffer
        buffer[RIP] = pc
        if sp is not None:
            buffer[RSP] = sp
        return _ptrace(PT_SETREGS, tid, self._registers, 0) == 0

    def _peek(self, tid, address, size):
        """PT_IO fails as a whole where its range crosses unmapped memory -> all of it, or b''."""
        if not 0 <= address <= (1 << 64) - size:
            return b''
        io = self._io
        io.op = PIOD_READ_D
        io.offset = address
        if size > len(self._buffer):
            self._buffer = ctypes.create_string_buffer(size)
            self._buffer_address = ctypes.addressof(self._buffer)
        io.address = self._buffer_address
        io.size = size
        if _fast_ptrace(PT_IO, tid, self._io_address, 0) != 0:
            return b''
        return ctypes.string_at(self._buffer_address, min(io.size, size))

    def _peek_pages(self, tid, address, size):
        """As much as can be read: by pages, up to the first that is not there."""
        data = self._peek(tid, address, size)
        if data or size <= 0:
            return data
        pieces = []
        end = address + size
        while address < end:
            piece = self._peek(tid, address, min(end - address, PAGE_SIZE - address % PAGE_SIZE))
            if not piece:
                break
            pieces.append(piece)
            address += len(piece)
        return b''.join(pieces)

    def read(self, address, size):
        """Bytes of the target's memory; fewer where the range ends in unmapped memory."""
        held = self.processes.get(self.pid)
        if held is None:
            for start, data in self._kept:
                if start <= address < start + len(data):
                    return data[address - start:address - start + size]
            return self._read_files(address, size)
        io = self._io
        if size <= 65536:
            io.op = PIOD_READ_D
            io.offset = address & (1 << 64) - 1
            io.address = self._buffer_address
            io.size = size
            if not _fast_ptrace(PT_IO, held.way, self._io_address, 0):
                return ctypes.string_at(self._buffer_address, min(io.size, size))
        return self._peek_pages(held.way, address, size)

    def _read_files(self, address, size):
        """While the process is not held: what the files hold that are mapped there, and the page that all processes
        share; b'' for other memory."""
        if time.monotonic() > self._maps_until:
            self._look_at_mappings()
        start, page = self._page
        if start <= address < start + len(page):
            return page[address - start:address - start + size]
        pieces = []
        while size > 0:
            item = next((item for item in self._maps if item.start <= address < item.end), None)
            if item is None or not item.path.startswith('/') or 'w' in item.permissions:
                break
            if item.path not in self._files:
                try:
                    self._files[item.path] = open_module(self.pid, item.start, item.end, item.path, item.device,
                                                         item.inode)
                except OSError:
                    self._files[item.path] = None
            fd = self._files[item.path]
            if fd is None:
                break
            count = min(size, item.end - address)
            try:
                data = os.pread(fd, count, item.offset + address - item.start)
            except OSError:
                break
            # behind the file's end the last page is zero
            data += bytes(count - len(data))
            pieces.append(data)
            address += count
            size -= count
        return b''.join(pieces)

    def _look_at_mappings(self):
        """What read() goes by while the process is not held; a library can come and go meanwhile."""
        self._maps = mappings(self.pid)
        self._page = _copy_of_shared_page(self.pid)
        self._maps_until = time.monotonic() + MAPS_AGE

    def _forget_files(self):
        for fd in self._files.values():
            if fd is not None:
                os.close(fd)
        self._files = {}
        self._maps_until = 0.0

    def _writer(self, held):
        """The thread that a write passes through: FreeBSD 15 ends the sleep of a thread that was written through when
        the process goes on through the same one, be it after it was let go and attached to again. So it is always the
        same one."""
        if held.reporter:
            return held.reporter
        others = [tid for tid, task in self.tasks.items() if task.pid == held.pid and tid != held.way]
        if others:
            tid = min([tid for tid in others if tid in self._written] or others)
            self._written.add(tid)
            return tid
        # there is but one thread: its system call will be made again
        self._mend(held, held.way)
        return held.way

    def _way_on(self, held, best=0):
        """The thread through which a stopped process goes on while none of its threads reports: one that was not
        written through, see _writer(), best a certain one."""
        mine = [tid for tid, task in self.tasks.items() if task.pid == held.pid]
        clean = [tid for tid in mine if tid not in self._written]
        return best if best in clean or not mine else max(clean or mine)

    def write(self, address, data):
        """Write to the target's memory, text included. Raises PlatformError."""
        held = self.processes.get(self.pid)
        if held is None:
            raise PlatformError('writing to the memory of process %d' % self.pid, self.pid, errno.ESRCH)
        self._write(held, address, data)

    def _write(self, held, address, data):
        data = bytes(data)
        buffer = ctypes.create_string_buffer(data, len(data))
        io = self._io
        io.op = PIOD_WRITE_D
        io.offset = address
        io.address = ctypes.addressof(buffer)
        io.size = len(data)
        if _ptrace(PT_IO, self._writer(held), self._io_address, 0) != 0:
            raise PlatformError('writing to the memory of process %d' % held.pid, held.pid, ctypes.get_errno())
        if io.size != len(data):
            raise PlatformError('writing to the memory of process %d' % held.pid, held.pid, errno.EFAULT)

    def _held_of(self, pid):
        """The _Held of a process, which may be named by one of its threads."""
        task = self.tasks.get(pid)
        return task.held if task is not None else self.processes.get(pid)

    def read_other(self, pid, address, size):
        """read() in another process that is traced (a forked child)."""
        held = self._held_of(pid)
        return self._peek_pages(held.way, address, size) if held is not None else b''

    def write_other(self, pid, address, data):
        """write() in another process that is traced and stopped (a forked child)."""
        held = self._held_of(pid)
        if held is None:
            raise PlatformError('writing to the memory of process %d' % pid, pid, errno.ESRCH)
        self._write(held, address, data)

    # -- stopping and going on

    def _resume_otherwise(self, held, number):
        """resume() with a signal, of a process that is to stand still, or with system calls to be mended."""
        if number in STOP_SIGNALS and self._would_stop(held, number):
            held.parked = True
            number = 0
        if held.parked and not self._events_wait(held):
            return True
        return self._go_on(held, number)

    def _go_on(self, held, number):
        """PT_CONTINUE, with or without stops at the ends of system calls."""
        if held.mending or held.events != EVENTS:
            self._watch_system_calls(held)
        held.stopped = False
        return not _ptrace(PT_CONTINUE, held.way, 1, number)

    # The kernel ignores the stop signals of a traced process (sigprocess): such a one is left in its ptrace stop until
    # SIGCONT or SIGKILL waits for it, which do not end that stop by themselves.

    def _would_stop(self, held, number):
        """Whether a stop signal would stop the process if nobody traced it."""
        if number == SIGSTOP:
            return True
        process = _process(held.pid)
        if process is None or (process.ignored | process.caught) >> (number - 1) & 1:
            return False
        # the terminal's stops pass an orphaned process group by
        parent = _process(process.ppid)
        return parent is not None and parent.session == process.session and parent.group != process.group

    def _look_at_parked(self):
        """Let those parked go on for which SIGCONT or SIGKILL waits."""
        for held in list(self.processes.values()):
            if held.parked and held.stopped:
                process = _process(held.pid)
                if process is None or process.pending & (1 << (SIGCONT - 1) | 1 << (SIGKILL - 1)):
                    held.parked = False
                    self._go_on(held, 0)

    def _last_trap(self, tid, pc):
        """A trap that is reported as we leave: one that is no longer there is forgotten, any other the target's own."""
        if self._peek(tid, pc - 1, 1) != b'\xcc':
            self.set_pc(tid, pc - 1)
        else:
            self.tasks[tid].signal = SIGTRAP

    def _events_wait(self, held):
        """Whether another thread than the reporter has an event that it could not report yet."""
        for task in self.tasks.values():
            if task.pid == held.pid and task.tid != held.reporter:
                info = self._lwpinfo(task.tid)
                if info is not None and info.event:
                    return True
        return False

    def _watch_system_calls(self, held):
        """Ask for stops at the ends of system calls while there are some to be mended, and no longer."""
        if held.mending:
            if not held.mend_until:
                held.mend_until = time.monotonic() + MEND_PATIENCE
            else:
                self._still_mending(held)
        events = EVENTS | PTRACE_SCX if held.mending else EVENTS
        if events != held.events:
            self._set_events(held, events)

    def resume_all(self):
        """Let every stopped process go on with the signal that it stood at."""
        for held in list(self.processes.values()):
            if not held.stopped or any(self._pid_of(event[0]) == held.pid for event in self.unread):
                continue
            reporter = self.tasks.get(held.reporter) or self.tasks.get(held.way)
            if reporter is not None:
                self.resume(reporter.tid, reporter.signal if held.reporter else 0)

    def let_out(self, tids):
        """Let threads of a process that is to stand still, as a job-control stop makes it, run for a moment each: they
        are inside of what is to be taken out. That process ran for a moment when it was let go, too."""
        for tid in tids:
            task = self.tasks.get(tid)
            if task is not None and task.stopped and task.held.parked and not task.signal \
                    and not any(self._pid_of(event[0]) == task.pid for event in self.unread):
                self._run_alone(task.held, tid)

    def _run_alone(self, held, tid):
        """Let one thread of a stopped process run for a moment, all others suspended; it is stopped afterwards."""
        with self._others_suspended(held, tid):
            held.way = self._way_on(held, tid)
            self._go_on(held, 0)
            got = self._wait_for(held.pid, time.monotonic() + ALONE)
            if got is None:
                record = next((item for item in _thread_records(held.pid) if item.tid == tid), None)
                if self._ask_thread(held, tid):
                    if record is not None and record.state == SSLEEP:
                        self._mend(held, tid, record)
                got = self._wait_for(held.pid, time.monotonic() + STOP_PATIENCE)
            if got is None:
                self._stop(held, ATTACH_PATIENCE)
            else:
                self._keep_event(held)

    @contextlib.contextmanager
    def _others_suspended(self, held, tid):
        """Only this thread of a process runs when it goes on; all do again once it is stopped."""
        others = [other.tid for other in self.tasks.values() if other.pid == held.pid and other.tid != tid]
        for other in others:
            _ptrace(PT_SUSPEND, other, None, 0)
        try:
            yield
        finally:
            if held.stopped:
                for other in others:
                    _ptrace(PT_RESUME, other, None, 0)

    def _keep_event(self, held):
        """What a process has just reported is kept in `unread`, unless it is a stop that was asked for."""
        event = self.decode(held.pid, self._status.value)
        if event is not None and event[1] is not STOP:
            self.unread.append(event)

    def _pid_of(self, tid):
        task = self.tasks.get(tid)
        return task.pid if task is not None else tid

    def still_running(self):
        """The tasks that are not stopped: a stop here is one of the whole process."""
        return [task for task in self.tasks.values() if not task.stopped]

    def stop_all(self, patience=ATTACH_PATIENCE):
        """Stop every process. Returns the tasks of those that did not answer (all their threads are in the kernel).

        What is reported meanwhile (traps, signals, births) is kept in `unread`.
        """
        self.unread[:] = [event for event in self.unread if event[1] != STOP]
        for held in list(self.processes.values()):
            if not held.stopped:
                self._stop(held, max(patience, ATTACH_PATIENCE))
            if held.stopped:
                self._refresh(held)
        return [task for task in self.tasks.values() if not task.stopped]

    def _stop(self, held, patience):
        """Bring one process to a stop: a SIGSTOP to a thread of it, best to one that does not sleep."""
        pid = held.pid
        deadline = time.monotonic() + STOP_PATIENCE
        asked = []
        while not held.stopped and pid in self.processes:
            got = _waitpid(pid, self._status_address, WNOHANG)
            if got == 0:
                asked = self._ask(held, asked)
                if self._wait_for(pid, min(deadline, time.monotonic() + patience)) is None:
                    if time.monotonic() > deadline:
                        return
                    continue
            elif got < 0:
                if ctypes.get_errno() == errno.ECHILD:
                    self._drop(pid)
                    return
                continue
            event = self.decode(pid, self._status.value)
            if event is None:
                continue
            if event[1] != STOP:
                self.unread.append(event)

    def _ask(self, held, asked):
        """Send the next SIGSTOP -> the threads asked so far."""
        records = _thread_records(held.pid)
        records = [item for item in records if item.tid not in asked]
        records.sort(key=lambda item: item.state == SSLEEP)
        for item in records:
            if self._ask_thread(held, item.tid):
                if item.state == SSLEEP:
                    self._mend(held, item.tid, item)
                return asked + [item.tid]
        return asked

    def _ask_thread(self, held, tid):
        """_send_stop(), and remember that it has to be seen."""
        done = self._send_stop(held, tid)
        if done:
            held.asked += 1
            held.sent = True
        return done

    @staticmethod
    def _send_stop(held, tid):
        """A SIGSTOP to one thread, thr_kill2(2). False where that fails."""
        function = getattr(libc, 'thr_kill2', None)
        return function is not None and function(ctypes.c_int(held.pid), ctypes.c_long(tid), ctypes.c_int(SIGSTOP)) == 0

    def blocked_at(self, task):
        """blocked_at() of a task."""
        return None

    def in_system_call(self, tid):
        """Whether a stopped task stands in a system call rather than in its own code: behind a syscall instruction,
        and not at an event of its own."""
        task = self.tasks.get(tid)
        if task is None or not self.fetch(tid):
            return True
        return self._peek(tid, self.registers_buffer[RIP] - 2, 2) == SYSCALL_CODE

    def pending_trap(self, task):
        """Whether a trap of the task has not been reported yet: another thread's was first."""
        if task.tid == task.held.reporter:
            return False
        info = self._lwpinfo(task.tid)
        return info is not None and info.event == PL_EVENT_SIGNAL

    def saved_pcs(self, stack, stack_address, low, high):
        """Where signal frames on a stack hold a pc inside [low, high): list of (address of the word, pc)."""
        return parse_signal_frames(stack, stack_address, low, high)

    @staticmethod
    def may_hold_signal_frame(stack, stack_address):
        """False if no signal frame lies on this piece of stack; nothing tells that here without a search."""
        return True

    @staticmethod
    def interrupted(stack, stack_address):
        """What signal frames on a piece of stack say of the code that was interrupted: list of (pc, sp)."""
        found = []
        for match in re.finditer(re.escape(struct.pack('<I', MCONTEXT_SIZE)), stack):
            offset = match.start() - 40             # mc_rip, mc_cs, mc_rflags, mc_rsp, mc_ss, mc_len
            if offset >= 0 and not (stack_address + offset) & 7:
                pc, cs, _, sp, ss = struct.unpack_from('<5Q', stack, offset)
                if pc and cs & 0xffff == USER_CS and ss & 0xffff == USER_SS and not sp & 7 and 4096 <= sp < 1 << 47:
                    found.append((pc, sp))
        return found

    def saved_sp(self, place):
        """The sp that belongs to a pc found by saved_pcs(): mc_rip is followed by mc_cs, mc_rflags, mc_rsp."""
        return struct.unpack('<Q', self.read(place + 24, 8))[0]

    def set_saved(self, place, pc, sp):
        """Let the handler's return lead to another pc and sp than saved_pcs() found."""
        self.write(place, struct.pack('<Q', pc))
        self.write(place + 24, struct.pack('<Q', sp))

    # -- signal masks: the kernel unblocks SIGTRAP in a thread that executes int3 while it blocks it

    def note_trap_mask(self, task):
        """After a trap: put SIGTRAP back into the mask of a thread that blocked it.

        The kernel took it out before we could see it (trapsignal). That a thread blocks it is known from its mask at
        attach; where the mask changed since, a thread that blocks all but SIGTRAP blocked SIGTRAP as well. There is
        no request to set a mask: the thread makes the system call for us.
        """
        info = self._lwpinfo(task.tid)
        if info is None:
            return
        value = info.blocked
        bit = 1 << (SIGTRAP - 1)
        if value & bit:
            task.mask = value
            task.masked = True
            return
        if task.mask is None or (task.mask & ~bit) != value:
            # all that sigfillset gives but SIGTRAP, KILL, STOP and what libthr keeps open
            everything = ~(1 << 8 | 1 << 16 | 1 << 31 | bit) & (1 << 32) - 1
            task.masked = value & everything == everything or (task.masked and value != 0)
            task.mask = value
        if task.masked and task.tid == task.held.reporter:
            self._set_mask(task, value | bit)

    def _set_mask(self, task, value):
        if self._syscall_place is None:
            self._syscall_place = self._find_syscall_instruction()
        if not self._syscall_place:
            return
        kept = Registers()
        ctypes.memmove(kept, self.registers_buffer, ctypes.sizeof(kept))
        try:
            if not self.fetch(task.tid):
                return
            place = (self.registers_buffer[RSP] - 512) & ~15
            old = self.read_other(task.tid, place, 16)
            info = self._lwpinfo(task.tid)
            mask = bytearray(self._info.raw[12:28]) if info is not None else bytearray(16)
            struct.pack_into('<Q', mask, 0, value)
            if len(old) != 16:
                return
            self._write(task.held, place, mask)
            self.inject(task.tid, SYS_SIGPROCMASK, (SIG_SETMASK, place, 0), self._syscall_place)
            self._write(task.held, place, old)
        except PlatformError:
            pass
        finally:
            ctypes.memmove(self.registers_buffer, kept, ctypes.sizeof(kept))

    def _find_syscall_instruction(self):
        for item in sorted(mappings(self.pid), key=lambda item: not os.path.basename(item.path).startswith('libc.')):
            if 'x' in item.permissions and item.path:
                position = self.read(item.start, min(item.end - item.start, 1 << 21)).find(SYSCALL_CODE)
                if position >= 0:
                    return item.start + position
        return 0

    # -- running to a place, injected calls

    def run_until(self, tid, address, tick):
        """Plant a trap at `address`, let the task run there and take the trap out. The task stands at `address` then.

        For the start of a command only. tick: called after each event; it may raise. Returns False when the command
        ended or called exec before it came there.
        """
        old = self.read(address, 1)
        if len(old) != 1:
            return False
        self.write(address, b'\xcc')
        try:
            self.resume(tid)
            while True:
                try:
                    event = self.wait()
                except ChildProcessError:
                    return False
                tick()
                if event is None:
                    continue
                who, kind, value = event
                if kind == TRAP and value == address + 1:
                    self.write(address, old)
                    return self.set_pc(who, address)
                if kind == EXEC or kind == GONE and who == self.pid:
                    return False
                if kind == NEW and value != self.pid and not self.shares(who):
                    self.write_other(who, address, old)
                    self.release(who)
                elif kind != GONE:
                    self.resume(who, value if kind == SIGNAL else SIGTRAP if kind == TRAP else 0)
        except BaseException:
            self.stop_all()
            self.write(address, old)
            raise

    def inject(self, tid, number, arguments, syscall_address, seccomp=False, data=b''):
        """Let a stopped process make one system call. Returns its result (signed); raises PlatformError.

        tid makes it if it stands in its own code, in a stop that it reported itself; else another thread that does, or is
        brought there. It keeps standing, its registers as before. syscall_address: where the two bytes of a syscall
        instruction lie in the target. The other threads are suspended meanwhile.
        """
        tid = self._bring_out(tid)
        held = self.tasks[tid].held
        saved = Registers()
        ptrace(PT_GETREGS, tid, ctypes.addressof(saved))
        work = Registers()
        ctypes.memmove(work, saved, ctypes.sizeof(saved))
        work[RIP] = syscall_address
        work[RAX] = number
        work[RSP] = (saved[RSP] - 1024) & ~15
        for register, value in zip((RDI, RSI, RDX, R10, R8, R9), arguments):
            work[register] = value & (1 << 64) - 1
        others = [other.tid for other in self.tasks.values() if other.pid == held.pid and other.tid != tid]
        signals = []
        for other in others:
            _ptrace(PT_SUSPEND, other, None, 0)
        try:
            ptrace(PT_SETREGS, tid, ctypes.addressof(work))
            self._set_events(held, EVENTS | PTRACE_SCX)
            deadline = time.monotonic() + STOP_PATIENCE
            while True:
                held.stopped = False
                ptrace(PT_CONTINUE, tid, 1, 0)
                if self._wait_for(held.pid, deadline) is None:
                    raise PlatformError('injecting a system call', tid, errno.ETIMEDOUT)
                status = self._status.value
                if status & 0xff != 0x7f:
                    self.unread.append(self.decode(held.pid, status))
                    raise PlatformError('injecting a system call', tid, errno.ESRCH)
                held.stopped = True
                info = self._lwpinfo(held.pid)
                if info is None:
                    raise PlatformError('injecting a system call', tid, errno.ESRCH)
                held.reporter = held.way = info.tid
                if info.tid == tid and info.flags & PL_FLAG_SCX and not info.flags & PL_FLAG_SI:
                    break
                if held.asked and status >> 8 & 0xff == SIGSTOP:
                    held.asked -= 1
                    if self._restart_call(held, info):
                        held.mending.discard(info.tid)
                elif info.flags & PL_FLAG_SCX and not info.flags & PL_FLAG_SI:
                    if info.tid in self.tasks:
                        # suspended threads still come to the ends of their calls
                        self._at_system_call(held, self.tasks[info.tid], info)
                elif status >> 8 & 0xff != SIGTRAP:
                    signals.append(status >> 8 & 0xff)
            ptrace(PT_GETREGS, tid, ctypes.addressof(work))
            result = ctypes.c_longlong(work[RAX]).value
            return -result if work[RFLAGS] & CARRY else result
        finally:
            if held.stopped:
                _ptrace(PT_SETREGS, tid, ctypes.addressof(saved), 0)
                for other in others:
                    _ptrace(PT_RESUME, other, None, 0)
                self._set_events(held, EVENTS)
            for late in signals:
                os.kill(held.pid, late)

    def _bring_out(self, tid):
        """Let a stopped process go on until a thread stands in its own code, in a stop that it reported -> its number.

        A thread that sleeps in the kernel is woken by a SIGSTOP; its system call comes to its end then, and is to be made
        again. All others are suspended meanwhile. Its stack is no place to write to before that. Raises PlatformError.
        """
        task = self.tasks.get(tid)
        if task is None or not task.stopped:
            raise PlatformError('injecting a system call', tid, errno.ESRCH)
        held = task.held
        for attempt in range(8):
            reporter = held.reporter
            if reporter in self.tasks and self._is_out(held, reporter):
                held.mending.discard(reporter)
                return reporter
            if any(self._pid_of(event[0]) == held.pid and event[1] is not STOP for event in self.unread):
                break
            # one whose call was broken off already comes out by itself
            chosen = next((number for number in [reporter] + sorted(held.mending) + [tid] + sorted(self.tasks)
                           if number in held.mending or (not held.mending and self._may_come_out(held, number))), None)
            if chosen is None:
                break
            record = next((item for item in _thread_records(held.pid) if item.tid == chosen), None)
            if record is None:
                break
            asking = chosen not in held.mending
            if asking and record.wait_message:
                self._mend(held, chosen, record)
            with self._others_suspended(held, chosen):
                self.unread[:] = [event for event in self.unread if self._pid_of(event[0]) != held.pid]
                held.way = self._way_on(held, chosen)
                if asking:
                    # a signal that comes while the process stands still wakes no sleeper: none of the others may stop it
                    # before, as they would at the ends of their system calls
                    self._set_events(held, EVENTS)
                    held.stopped = False
                    _ptrace(PT_CONTINUE, held.way, 1, 0)
                    self._ask_thread(held, chosen)
                else:
                    self._go_on(held, 0)
                if self._wait_for(held.pid, time.monotonic() + STOP_PATIENCE) is None:
                    self._stop(held, ATTACH_PATIENCE)
                else:
                    self._keep_event(held)
        raise PlatformError('injecting a system call', tid, errno.EBUSY, 'no thread comes out of the kernel')

    def _may_come_out(self, held, tid):
        """Whether a thread can be brought out of the kernel: it runs its own code, or a call that can be made again."""
        task = self.tasks.get(tid)
        if task is None or task.pid != held.pid or not self.fetch(tid):
            return False
        code = self._peek(tid, self.registers_buffer[RIP] - 12, 12)
        number = parse_system_call(code)
        return code[-2:] != SYSCALL_CODE or number is not None and number not in UNMENDABLE_CALLS

    def _is_out(self, held, tid):
        """Whether the thread that reported the present stop is done with its system call, if it was in one."""
        if not self.in_system_call(tid):
            return True
        info = self._lwpinfo(tid)
        if info is None or info.tid != tid:
            return False
        if info.flags & PL_FLAG_SCX and not info.flags & PL_FLAG_SI:
            return True
        # broken off in its sleep it still has what it waits for; sigsuspend looks finished while it still waits
        record = next((item for item in _thread_records(held.pid) if item.tid == tid), None)
        return record is not None and not record.wait_message and not info.flags & PL_FLAG_SCE \
            and self._may_come_out(held, tid)

    def confined(self, tid):
        """Whether a task is under a filter of system calls that would kill it: FreeBSD has none (capsicum(4) refuses)."""
        return False

    def injection_rank(self, task):
        """How good a stopped task is for a system call on our behalf -> a tuple, the least the best; None: not at all."""
        if not task.stopped or task.signal:
            return None
        return bool(task.group), self.in_system_call(task.tid)

    def leave_sequence(self, task):
        """Whether a task was led out of a critical section of rseq(2): there is no such thing here."""
        return False

    # Memory shared with the target: an object that we make by a name (shm_open(2)), that the target opens by it, and that
    # has no name any more a moment later

    def make_shared_file(self, tid, syscall_address, seccomp):
        """Memory that the target has opened, too -> (our descriptor of it, the target's number)."""
        process = _process(self.pid)
        tid = self._bring_out(tid)
        if process is None or not self.fetch(tid):
            raise PlatformError('', self.pid, errno.ESRCH)
        name = b'/memleax.%d.%s\0' % (self.pid, os.urandom(8).hex().encode('ascii'))
        fd = _shm_open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        if fd < 0:
            raise PlatformError('shm_open', self.pid, ctypes.get_errno())
        try:
            if process.uid != os.geteuid():
                os.fchown(fd, process.uid, -1)
            place = (self.registers_buffer[RSP] - 512) & ~15
            kept = self.read(place, len(name))
            if len(kept) != len(name):
                raise PlatformError('', self.pid, errno.EFAULT)
            try:
                self.write(place, name)
                call, rest = _shm_open_call()
                number = self.inject(tid, call, (place, os.O_RDWR) + rest, syscall_address, seccomp)
            finally:
                self.write(place, kept)
            if number < 0:
                raise PlatformError('shm_open in process %d' % self.pid, self.pid, -number)
        except BaseException:
            os.close(fd)
            raise
        finally:
            libc.syscall(ctypes.c_long(SYS_SHM_UNLINK), ctypes.c_char_p(name))
        return fd, number

    def close_file(self, tid, number, syscall_address, seccomp):
        """Let the target close a descriptor."""
        self.inject(tid, SYS_CLOSE, (number,), syscall_address, seccomp)

    def _map(self, tid, size, flags, number, syscall_address, seccomp, address=0):
        result = self.inject(tid, SYS_MMAP, (address, size, PROT_READ | PROT_WRITE, flags, number, 0), syscall_address,
                             seccomp)
        if -4096 < result < 0:
            raise PlatformError('mapping memory in process %d' % self.pid, self.pid, -result)
        return result

    def map_shared(self, tid, number, size, syscall_address, seccomp):
        """Let the target map a file of make_shared_file() and keep it out of core dumps -> the address."""
        flags = MAP_SHARED | MAP_NOCORE | MAP_FIXED | MAP_EXCL
        for attempt in range(4):
            address = SHARED_MARK | int.from_bytes(os.urandom(2), 'little') << 28
            try:
                self._map(tid, size, flags, number, syscall_address, seccomp, address)
            except PlatformError:
                if attempt == 3:
                    raise
            else:
                break
        _shared.add(address)
        return address

    def map_gate(self, tid, syscall_address, seccomp):
        """Map a page that is full of zeros in a forked child (INHERIT_ZERO, FreeBSD 12) -> its address."""
        result = self._map(tid, PAGE_SIZE, MAP_PRIVATE | MAP_ANON, (1 << 64) - 1, syscall_address, seccomp)
        done = self.inject(tid, SYS_MINHERIT, (result, PAGE_SIZE, INHERIT_ZERO), syscall_address, seccomp)
        if done < 0:
            self.inject(tid, SYS_MUNMAP, (result, PAGE_SIZE), syscall_address, seccomp)
            raise PlatformError('minherit in process %d' % self.pid, self.pid, -done)
        return result

    def is_mapped(self, address):
        """Whether there is memory at an address, traced or not."""
        found = parse_mappings(_sysctl(CTL_KERN, KERN_PROC, KERN_PROC_VMMAP, self.pid) or b'')
        return any(item.start <= address < item.end for item in found)

    def thread_pointer(self, tid):
        """fs:0's address of a stopped task: its TCB (psABI, ELF TLS); 0 when it is gone."""
        base = ctypes.c_ulonglong(0)
        return base.value if _ptrace(PT_GETFSBASE, tid, ctypes.addressof(base), 0) == 0 else 0

    def map_page(self, tid, start, end, syscall_address, seccomp, size=PAGE_SIZE):
        """Map memory, readable and executable, within 2 GB of [start, end) by an injected mmap -> its address."""
        taken = sorted((item.start, item.end) for item in mappings(self.pid))
        candidates = []
        last = 65536
        for low, high in taken + [(1 << 47, 1 << 47)]:
            if low - last >= size + 4 * PAGE_SIZE:
                candidates += [low - size - PAGE_SIZE, last + PAGE_SIZE]
            last = max(last, high)
        candidates = [address for address in candidates
                      if abs(address - start) < 0x7ff00000 and abs(address - end) < 0x7ff00000 and address > 65536]
        candidates.sort(key=lambda address: abs(address - start))
        problem = errno.ENOMEM
        for address in candidates[:8]:
            result = self.inject(tid, SYS_MMAP, (address, size, PROT_READ | PROT_EXEC,
                                                 MAP_PRIVATE | MAP_ANON | MAP_FIXED | MAP_EXCL, (1 << 64) - 1, 0),
                                 syscall_address, seccomp)
            if result == address:
                return address
            if 0 < -result < 4096:
                problem = -result
        raise PlatformError('mapping a page in process %d' % self.pid, self.pid, problem)

    def unmap_page(self, tid, address, syscall_address, seccomp, size=PAGE_SIZE):
        """Undo map_page()."""
        result = self.inject(tid, SYS_MUNMAP, (address, size), syscall_address, seccomp)
        if result < 0:
            raise PlatformError('unmapping a page in process %d' % self.pid, self.pid, -result)

    def trap_action(self, tid, syscall_address, seccomp):
        """The process's action for SIGTRAP as struct sigaction (32 bytes)."""
        return self._sigaction(tid, b'', syscall_address, seccomp)

    def set_trap_action(self, tid, action, syscall_address, seccomp):
        """Put the action for SIGTRAP back to what trap_action() gave."""
        if action is None:
            raise PlatformError('', self.pid, 0, 'what it was could not be asked')
        self._sigaction(tid, action, syscall_address, seccomp)

    def _sigaction(self, tid, action, syscall_address, seccomp):
        """sigaction(2) by injection; the struct lies below the red zone of the thread's stack meanwhile."""
        tid = self._bring_out(tid)
        if not self.fetch(tid):
            raise PlatformError('', self.pid, errno.ESRCH)
        place = (self.registers_buffer[RSP] - 512) & ~15
        kept = self.read(place, 32)
        if len(kept) != 32:
            raise PlatformError('', self.pid, errno.EFAULT)
        try:
            if action:
                self.write(place, action)
            result = self.inject(tid, SYS_SIGACTION, (SIGTRAP, place if action else 0, 0 if action else place),
                                 syscall_address, seccomp)
            if result < 0:
                raise PlatformError('sigaction in process %d' % self.pid, self.pid, -result)
            return self.read(place, 32)
        finally:
            self.write(place, kept)

    # -- leaving

    def release(self, tid):
        """Detach the process of a stopped task, delivering the signal that it stood at."""
        task = self.tasks.get(tid)
        held = task.held if task is not None else self.processes.get(tid)
        if held is not None and held.pid == self.pid:
            self._let_go(held)
        elif held is not None:
            self._detach(held, task.signal if task is not None and task.tid == held.reporter else 0)

    def _detach(self, held, number):
        stopped = held.parked or number == SIGSTOP
        self._set_events(held, EVENTS)
        if held.sent and self._pending_stops(held)[0]:
            held.asked = held.asked or 1
        done = _ptrace(PT_DETACH, held.way, 1, 0 if number == SIGSTOP else number) == 0
        if done and (stopped or held.asked):
            # at once: it runs. A SIGSTOP given with PT_DETACH can be lost; one of ours that was not seen yet would stop
            # the process
            try:
                os.kill(held.pid, SIGSTOP if stopped else SIGCONT)
                if stopped:
                    self._wait_until_stopped(held.pid)
            except OSError:
                pass
        self._drop(held.pid)
        return done

    @staticmethod
    def _wait_until_stopped(pid):
        """Until a process has taken the SIGSTOP that it was left with: who attaches next has to see that it stands."""
        deadline = time.monotonic() + STOP_TAKEN
        while time.monotonic() < deadline:
            process = _process(pid)
            if (process is None or process.state == SZOMB or process.flags & P_STOPPED_SIG
                    or process.pending & 1 << (SIGCONT - 1)):
                break
            time.sleep(0.001)

    def keep(self, spans):
        """Copy spans of memory, (start, end), for read() to give after detach_all(): memory can be read only while the
        process is held."""
        self._kept = [(start, self.read(start, end - start)) for start, end in spans]

    def detach_all(self):
        """Detach every stopped process. Returns how many threads could not be let go.

        Before that, every trap and signal that a thread was stopped for and has not reported is taken: a process that
        is let go with one of these dies of SIGTRAP. So is our own SIGSTOP, which would stop it.
        """
        silent = 0
        for held in list(self.processes.values()):
            if not self._let_go(held):
                silent += sum(task.pid == held.pid for task in self.tasks.values()) or 1
        return silent

    def _let_go(self, held):
        """Detach one process, once all that its threads were stopped for is settled. False where it can't be done."""
        number = 0
        deadline = time.monotonic() + STOP_PATIENCE
        while held.stopped and held.pid in self.processes:
            reporter = self.tasks.get(held.reporter)
            number = reporter.signal if reporter is not None else 0
            if held.mending and held.mend_until:
                self._still_mending(held)
            # two that were sent to a thread can be one, or one that was thought seen can be there still
            waiting, in_line = self._pending_stops(held) if held.sent else ((), 0)
            held.asked = len(waiting) + min(in_line, max(held.asked - len(waiting), 0))
            if not self._unsettled(held) or time.monotonic() > deadline:
                break
            if reporter is not None:
                reporter.signal = 0
            self._go_on(held, number)
            for tid in waiting:
                # one that was sent at the moment of another stop has not woken its thread; should that have taken it by
                # now, this is another one
                if reporter is None or tid != reporter.tid:
                    self._ask_thread(held, tid)
            if self._wait_for_mending(held, deadline) is None:
                self._stop(held, ATTACH_PATIENCE)
                self.unread[:] = [event for event in self.unread if self._pid_of(event[0]) != held.pid]
                continue
            event = self.decode(held.pid, self._status.value)
            if event is not None and event[1] == TRAP and event[0] in self.tasks:
                self._last_trap(event[0], event[2])
        if held.pid not in self.processes:
            return True
        if not held.stopped:
            self._stop(held, ATTACH_PATIENCE)
        return held.stopped and self._detach(held, number)

    def _pending_stops(self, held):
        """-> (the threads of a stopped process for which a SIGSTOP waits, how many have taken theirs but not reported
        it yet, as another one was first)."""
        found = []
        in_line = 0
        for task in self.tasks.values():
            info = self._lwpinfo(task.tid) if task.pid == held.pid else None
            if info is None:
                continue
            if info.pending >> (SIGSTOP - 1) & 1:
                found.append(task.tid)
            elif task.tid != held.reporter and info.event == PL_EVENT_SIGNAL and info.signal == SIGSTOP:
                in_line += 1
        return found, in_line

    def _wait_for_mending(self, held, deadline):
        """_wait_for() a process that goes on once more before it is let go; None also when no call has to come back."""
        if held.asked:
            return self._wait_for(held.pid, deadline)
        while True:
            limit = max(held.mend_until, time.monotonic() + ATTACH_PATIENCE)
            got = self._wait_for(held.pid, min(limit, deadline))
            if got is not None or time.monotonic() > deadline or not self._still_mending(held):
                return got

    def _unsettled(self, held):
        """Whether the process must go on once more before it can be let go."""
        return bool(held.asked or held.mending) or self._events_wait(held)

    def close(self):
        """Let go of everything, however long that takes: a process that is still held would die with us."""
        self._forget_files()
        while self.processes:
            for held in list(self.processes.values()):
                if not held.stopped:
                    self._stop(held, ATTACH_PATIENCE)
            self.detach_all()
