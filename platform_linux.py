"""Linux x86_64: attach, wait, registers, memory, mappings, detach.

Everything the program knows of Linux is here, behind the same public names as in platform_freebsd.py. It knows nothing
of allocators or leaks.

Sources: ptrace(2), wait(2), proc(5), kcmp(2), seccomp(2) of man-pages; <linux/ptrace.h>, <asm/ptrace.h>,
<asm/unistd_64.h>, <linux/kcmp.h>, <linux/prctl.h>; where these are silent, kernel/signal.c, kernel/ptrace.c and
arch/x86/kernel/signal.c of the kernel.
"""
import ctypes
import errno
import os
import re
import signal
import struct
import threading
import time
from collections import namedtuple

NAME = 'Linux'
END_KILLS = False           # what a tracer holds when it ends goes on
FIND_PROCESS = 'pgrep -a NAME'
OTHER_BREAKPOINTS = 'a uprobe (perf, bpftrace, SystemTap)'
PAGE_SIZE = os.sysconf('SC_PAGE_SIZE')

# <linux/ptrace.h>
PTRACE_POKEDATA = 5
PTRACE_CONT = 7
PTRACE_SINGLESTEP = 9
PTRACE_GETREGS = 12
PTRACE_SETREGS = 13
PTRACE_DETACH = 17
PTRACE_SYSCALL = 24
PTRACE_SETOPTIONS = 0x4200
PTRACE_GETEVENTMSG = 0x4201
PTRACE_GETSIGINFO = 0x4202
PTRACE_GETREGSET = 0x4204
PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207
PTRACE_LISTEN = 0x4208
PTRACE_GETSIGMASK = 0x420A
PTRACE_GET_RSEQ_CONFIGURATION = 0x420F
PTRACE_SETSIGMASK = 0x420B
PTRACE_O_TRACESYSGOOD = 0x01
PTRACE_O_TRACEFORK = 0x02
PTRACE_O_TRACEVFORK = 0x04
PTRACE_O_TRACECLONE = 0x08
PTRACE_O_TRACEEXEC = 0x10
PTRACE_O_SUSPEND_SECCOMP = 1 << 21
PTRACE_EVENT_FORK = 1
PTRACE_EVENT_VFORK = 2
PTRACE_EVENT_CLONE = 3
PTRACE_EVENT_EXEC = 4
PTRACE_EVENT_STOP = 128
OPTIONS = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC

# <linux/wait.h>
WNOHANG = 1
WALL = 0x40000000
TRAP_STATUS = 5 << 8 | 0x7f     # stopped by SIGTRAP, no event

# <asm/unistd_64.h>, <linux/kcmp.h>, <linux/prctl.h>
SYS_KCMP = 312
SYS_MMAP = 9
SYS_MUNMAP = 11
SYS_CLOSE = 3
SYS_MADVISE = 28
SYS_MEMFD_CREATE = 319
MFD_CLOEXEC = 1
MFD_EXEC = 0x10
# how files of memory are called (memfd_create(2)), and how proc(5) shows them
SHARED_FILE = 'memleax'
SHARED_PATH = '/memfd:memleax'
CODE_FILE = 'code.memleax'
CODE_PATH = '/memfd:code.memleax'
MADV_DONTDUMP = 16
MADV_WIPEONFORK = 18
SYS_RT_SIGACTION = 13
KCMP_VM = 1
PR_SET_PTRACER = 0x59616d61
PR_SET_PTRACER_ANY = ctypes.c_ulong(-1).value

# struct user_regs_struct of <asm/ptrace.h> (sys/user.h): 27 unsigned longs, in this order
(R15, R14, R13, R12, RBP, RBX, R11, R10, R9, R8, RAX, RCX, RDX, RSI, RDI, ORIG_RAX, RIP, CS, EFLAGS, RSP, SS, FS_BASE,
 GS_BASE, DS, ES, FS, GS) = range(27)
# the same in the order of DWARF's register numbers (psABI figure 3.36): rax rdx rcx rbx rsi rdi rbp rsp r8..r15 pc
DWARF_ORDER = (RAX, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R8, R9, R10, R11, R12, R13, R14, R15, RIP)
Registers = ctypes.c_ulonglong * 27

SIGTRAP = 5
EINTR_RESULT = (1 << 64) - errno.EINTR
# include/linux/errno.h: restart the call when no handler runs, else EINTR
ERESTARTNOHAND_RESULT = (1 << 64) - 514
# <asm/unistd_64.h>: the calls that signal(7) lists as failing with EINTR, all without effect then
# read readv recvfrom recvmsg recvmmsg write writev sendto sendmsg sendmmsg accept accept4 connect rt_sigtimedwait
# epoll_wait epoll_pwait epoll_pwait2 msgrcv msgsnd semop semtimedop io_getevents io_pgetevents futex io_uring_enter
RESTARTABLE = frozenset((0, 19, 45, 47, 299, 1, 20, 44, 46, 307, 43, 288, 42, 128, 232, 281, 441, 70, 69, 65, 220, 208,
                         333, 202, 426))
SI_KERNEL = 0x80            # <asm-generic/siginfo.h>: sent by the kernel, as for int3

# struct rt_sigframe (arch/x86/include/asm/sigframe.h): pretcode, then struct ucontext: the saved rip lies at
# 8 + 40 (uc_flags, uc_link, uc_stack) + 16 * 8 (r8..r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp)
SIGFRAME_PC = 8 + 40 + 16 * 8
_SEGMENTS_WORD = re.compile(b'\x33\0\0\0\0\0(?:\\+\0|\0\0)')
# mov $15, %rax; syscall: what pretcode points at (rt_sigreturn)
SIGRETURN_CODE = b'\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05'

# struct rt_sigframe again: ucontext at 8, its uc_sigmask at 296; fpstate and its software bytes of
# arch/x86/include/uapi/asm/sigcontext.h (FP_XSTATE_MAGIC1, _MAGIC2, struct _fpx_sw_bytes)
UC_FP_XSTATE, UC_SIGCONTEXT_SS = 1, 2
FP_XSTATE_MAGIC1, FP_XSTATE_MAGIC2 = 0x46505853, 0x46505845
NT_X86_XSTATE = 0x202
SYSCALL_CODE = b'\x0f\x05\xc3'     # syscall; ret

# Kinds of what wait() returns
TRAP = 'trap'               # an int3 was executed; value: the pc behind it
SIGNAL = 'signal'           # a signal is about to be delivered; value: its number
STOP = 'stop'               # our interrupt, or a job-control stop (value: the stopping signal, else 0)
NEW = 'new'                 # a new task, stopped at its birth; value: its process id
FORKED = 'forked'           # the task created another (reported by NEW as well)
EXEC = 'exec'               # the process runs another program now; value: the tid that called exec
GONE = 'gone'               # the task ended; value: its wait status

ATTACH_PATIENCE = 0.02      # seconds that a task in the kernel gets to answer an interrupt
MOST_RESTARTS = 4           # of one epoll_wait, each with the whole time-out
REAP_EVERY = 0.005          # seconds between looks for ended tasks while seizing

libc = ctypes.CDLL(None, use_errno=True)
_ptrace = libc.ptrace
_ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
_ptrace.restype = ctypes.c_long
_waitpid = libc.waitpid
_waitpid.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
_waitpid.restype = ctypes.c_int
_syscall = libc.syscall
_syscall.restype = ctypes.c_long

# The same for the hot path. PyDLL keeps the interpreter's lock (there is one thread) and does not save errno; without
# argtypes, and with byref objects for pointers, a call takes 0.3 us less.
_fast = ctypes.PyDLL(None)
_fast_ptrace = _fast.ptrace
_fast_waitpid = _fast.waitpid
_fast_getcpu = _fast.sched_getcpu

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


def ptrace(request, tid, address=None, data=None):
    """ptrace(2); raises PlatformError with errno."""
    result = _ptrace(request, tid, address, data)
    if result == -1:
        raise PlatformError('ptrace request %#x' % request, tid, ctypes.get_errno())
    return result


def _slurp(path, size=1 << 20):
    """The first `size` bytes of a small file, None where it cannot be read."""
    try:
        with open(path, 'rb') as file:
            return file.read(size)
    except (OSError, ValueError):
        return None


def allow_tracing():
    """Let any process of the same user trace this one, where Yama would forbid it (prctl(2), PR_SET_PTRACER)."""
    libc.prctl(PR_SET_PTRACER, ctypes.c_ulong(PR_SET_PTRACER_ANY), 0, 0, 0)


def _status(pid, tid=None):
    """/proc/PID/status (or a task's) as a dict of strings; None where there is no such task."""
    path = '/proc/%d/status' % pid if tid is None else '/proc/%d/task/%d/status' % (pid, tid)
    data = _slurp(path)
    if not data:
        return None
    fields = {}
    for line in data.decode('utf-8', 'replace').splitlines():
        key, colon, value = line.partition(':')
        if colon:
            fields[key] = value.strip()
    return fields


def _stat_fields(data):
    """The fields of /proc/PID/stat from the third on (proc(5)); [] where it could not be read. The second, a name in
    parentheses, may hold anything."""
    return data[data.rindex(b')') + 2:].split() if data else []


def start_time(pid):
    """When the process began, in clock ticks since boot (proc(5), stat field 22); None if there is none."""
    data = _slurp('/proc/%d/stat' % pid)
    try:
        return int(_stat_fields(data)[19])
    except (ValueError, IndexError):
        return None


def process_name(pid):
    """The program's name for people: the command's first word, or what comm says."""
    data = _slurp('/proc/%d/comm' % pid)
    return data.decode('utf-8', 'replace').strip() if data else '?'


def _yama_scope():
    data = _slurp('/proc/sys/kernel/yama/ptrace_scope')
    try:
        return int(data)
    except (TypeError, ValueError):
        return 0


Target = namedtuple('Target', 'pid name executable start_time threads seccomp tracer uid notes')


def check_target(pid):
    """Look at a process before anything is done to it.

    Returns a Target; raises PlatformError with a hint for each that cannot be traced: no such process, a thread's id,
    a zombie, a kernel thread, this program itself, one that another tracer holds, a 32-bit program.
    """
    try:
        os.close(os.open('/proc/self/status', os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        raise PlatformError('reading /proc', pid, error.errno, hint='Is it mounted? Are there descriptors left '
                                                                    '(ulimit -n)?')
    status = _status(pid)
    if status is None:
        raise PlatformError('', pid, errno.ESRCH, 'no process with the id %d' % pid,
                            'Look the id up with: ' + FIND_PROCESS)
    name = status.get('Name', '?')
    tgid = int(status.get('Tgid', pid))
    if tgid != pid:
        raise PlatformError('', pid, 0, '%d is a thread of process %d (%s)' % (pid, tgid, name),
                            'Give the process: %d' % tgid)
    if pid in (os.getpid(), os.getppid()):
        raise PlatformError('', pid, 0, '%d is memleax itself' % pid, 'Give the id of another process.')
    tids = threads(pid)
    alive = [tid for tid in tids if not (_status(pid, tid) or {}).get('State', 'Z').startswith(('Z', 'X'))]
    if not alive:
        raise PlatformError('', pid, 0, 'process %d (%s) is a zombie: it has ended already' % (pid, name),
                            'Its parent, process %s, has not waited for it yet.' % status.get('PPid', '?'))
    if status.get('Kthread') == '1' or (int(status.get('PPid', 1)) in (0, 2) and 'VmSize' not in status
                                        and 'VmSize' not in (_status(pid, alive[0]) or {})):
        raise PlatformError('', pid, 0, '%d (%s) is a kernel thread' % (pid, name),
                            'It has no memory of its own; only programs can be traced.')
    tracer = int(status.get('TracerPid', 0) or 0)
    if tracer and tracer != os.getpid():
        raise PlatformError('', pid, errno.EPERM, 'process %d (%s) is being traced already, by process %d (%s)'
                            % (pid, name, tracer, process_name(tracer)),
                            'Only one tracer can hold a process: stop that one first.')
    try:
        executable = os.readlink('/proc/%d/exe' % pid)
    except OSError:
        executable = ''
    notes = []
    header = None
    try:
        with open('/proc/%d/exe' % pid, 'rb') as file:
            header = file.read(20)
    except OSError:
        pass
    if header is not None and header[:4] == b'\x7fELF' and (header[4:5] != b'\x02' or header[18:20] != b'\x3e\x00'):
        raise PlatformError('', pid, 0, 'process %d (%s) is no x86-64 program (%s)'
                            % (pid, name, '32-bit' if header[4:5] == b'\x01' else 'another machine'),
                            'memleax can trace 64-bit x86 programs only.')
    seccomp = int(status.get('Seccomp', 0) or 0)
    if seccomp:
        notes.append('seccomp is on (mode %d): no system call is injected but where the kernel suspends it for that'
                     % seccomp)
    uid = int((status.get('Uid') or '0').split()[0])
    return Target(pid, name, executable, start_time(pid), len(alive), seccomp, tracer, uid, notes)


def permission_hint(pid):
    """Why attaching was refused, and what to do about it: for PlatformErrors with EPERM or EACCES."""
    status = _status(pid) or {}
    tracer = int(status.get('TracerPid', 0) or 0)
    if tracer:
        return 'It is being traced by process %d (%s): stop that one first.' % (tracer, process_name(tracer))
    own = _status(os.getpid()) or {}
    uids = (status.get('Uid') or '').split()
    scope = _yama_scope()
    capable = int(own.get('CapEff', '0'), 16) >> 19 & 1
    if not capable and uids and any(uid != str(os.geteuid()) for uid in uids[:3]):
        return 'It belongs to another user (uid %s): run memleax with sudo.' % uids[0]
    if not capable and scope == 1:
        return ('Yama allows tracing of own children only (/proc/sys/kernel/yama/ptrace_scope is 1): '
                'run memleax with sudo.')
    if scope == 2 and not capable:
        return 'Yama allows tracing to administrators only (ptrace_scope is 2): run memleax with sudo.'
    if scope >= 3:
        return 'Yama forbids all tracing on this machine until the next boot (ptrace_scope is 3).'
    if not capable:
        return ('The process has more rights than you, or is marked as not dumpable (prctl PR_SET_DUMPABLE): '
                'run memleax with sudo.')
    return ('Even with CAP_SYS_PTRACE it is refused: a security module (SELinux deny_ptrace, AppArmor), a user '
            'namespace or a container without the capability forbids it.')


def what_could_forbid(pid):
    """Lines on what the system says about tracing this process, for --dry-run."""
    status = _status(pid) or {}
    own = _status(os.getpid()) or {}
    lines = []
    scope = _slurp('/proc/sys/kernel/yama/ptrace_scope')
    lines.append('Yama ptrace_scope: %s' % (scope.decode('ascii', 'replace').strip() if scope else 'not in this kernel'))
    lines.append('CAP_SYS_PTRACE of memleax: %s' % ('yes' if int(own.get('CapEff', '0'), 16) >> 19 & 1 else 'no'))
    mode = {'0': 'none', '1': 'strict', '2': 'filter'}.get(status.get('Seccomp'), '?')
    lines.append('seccomp of the target: ' + mode)
    tracer = int(status.get('TracerPid', 0) or 0)
    lines.append('tracer of the target: %s' % ('process %d (%s)' % (tracer, process_name(tracer)) if tracer else 'none'))
    return lines


def threads(pid):
    """The ids of a process's threads, ascending; [] when it is gone."""
    try:
        return sorted(int(name) for name in os.listdir('/proc/%d/task' % pid) if name.isdigit())
    except OSError:
        return []


_MAPS_LINE = re.compile(r'([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) ([0-9a-f]+:[0-9a-f]+) (\d+) *(.*)')


_EXECUTABLE_LINE = re.compile(br'^[0-9a-f]+-[0-9a-f]+ ..x.*$', re.MULTILINE)


def parse_mappings(text):
    """/proc/PID/maps as text -> list of Mapping (proc(5)); lines of another form are left out."""
    result = []
    for line in text.splitlines():
        match = _MAPS_LINE.match(line)
        if match:
            start, end, permissions, offset, device, inode, path = match.groups()
            if '\\' in path:            # proc(5): newlines are written as \012
                path = path.replace('\\012', '\n')
            result.append(Mapping(int(start, 16), int(end, 16), permissions, int(offset, 16), device, int(inode),
                                  path))
    return result


def mappings(pid):
    """The mappings of a process; pid may be a thread's id, as the first thread's are gone once it has ended."""
    data = _slurp('/proc/%d/maps' % pid, 1 << 26)
    if data is None:
        try:
            os.close(os.open('/proc/self/status', os.O_RDONLY | os.O_CLOEXEC))
        except OSError as error:
            raise PlatformError('reading the mappings of process %d' % pid, pid, error.errno,
                                hint='Are there descriptors left (ulimit -n)?')
    if not data:
        for tid in threads(pid):
            data = _slurp('/proc/%d/maps' % tid, 1 << 26)
            if data:
                break
    return parse_mappings((data or b'').decode('utf-8', 'surrogateescape'))


def open_module(pid, start, end, path, device, inode):
    """A file descriptor of the file that the target has mapped at [start, end).

    In the target's own view: /proc/PID/map_files (follows the mapping even if the path now leads elsewhere; needs
    CAP_CHECKPOINT_RESTORE), else the path under /proc/PID/root, else the plain path; the last two only if device and
    inode agree (mapping's device may differ on btrfs and overlayfs: there the caller's build-id check decides).
    Raises OSError.
    """
    try:
        return os.open('/proc/%d/map_files/%x-%x' % (pid, start, end), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        pass
    if path.endswith(' (deleted)'):
        raise OSError(errno.ENOENT, 'the file was deleted or replaced after the program was started', path)
    problem = None
    for candidate in ('/proc/%d/root%s' % (pid, path), path):
        try:
            fd = os.open(candidate, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            problem = problem or error
            continue
        if not inode or os.fstat(fd).st_ino == inode:
            return fd
        os.close(fd)
        problem = OSError(errno.ESTALE, 'the file was replaced after the program was started', path)
    raise problem


def entry_point(pid):
    """Where the program of a process begins: AT_ENTRY of /proc/PID/auxv (getauxval(3)); 0 if it cannot be read."""
    data = _slurp('/proc/%d/auxv' % pid) or b''
    for offset in range(0, len(data) - 15, 16):
        key, value = struct.unpack_from('<QQ', data, offset)
        if key == 9:            # <elf.h>: AT_ENTRY
            return value
    return 0


RUN_TIME = '/proc/%d/task/%d/schedstat'


def run_time(pid, tid, cache={}):
    """(nanoseconds that a thread has run, how often it was given a processor) (proc(5), schedstat), or None."""
    data = _read_kept(RUN_TIME % (pid, tid), cache)
    try:
        run, _, times = data.split()
        return int(run), int(times)
    except (AttributeError, ValueError):
        return None


def _read_kept(path, cache):
    """The first 1,024 bytes of a file that is kept open in `cache`; None where it cannot be read."""
    fd = cache.get(path)
    try:
        if fd is None:
            if len(cache) > 64:
                for old in cache.values():
                    os.close(old)
                cache.clear()
            fd = cache[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        return os.pread(fd, 1024, 0)
    except OSError:
        if fd is not None:
            os.close(cache.pop(path))
        return None


def last_cpu(pid, tid, cache={}):
    """The processor that a thread ran on last (proc(5), stat field 39), or None."""
    data = _read_kept('/proc/%d/task/%d/stat' % (pid, tid), cache)
    try:
        return int(_stat_fields(data)[36])
    except (ValueError, IndexError):
        return None


def become_prompt():
    """Ask for the processor ahead of others, and to be spared when memory runs out, where that is allowed: the target
    waits while the monitor does, and would not survive its end."""
    try:
        os.nice(-10)
    except OSError:
        pass
    try:
        with open('/proc/self/oom_score_adj', 'w') as file:
            file.write('-1000')
    except OSError:
        pass


def run_on_cpu(cpu):
    """Move this process to one processor. Only our own affinity is ever changed. False where that is forbidden."""
    try:
        os.sched_setaffinity(0, {cpu})
        return True
    except (OSError, ValueError):
        return False


def current_cpu():
    """The number of the processor that this process runs on (sched_getcpu(3)); a number that none has if unknown."""
    number = _fast_getcpu()
    return number if number >= 0 else (1 << 64) - 1


def keeper_clock():
    """The address of clock_gettime(2) for keeper_traps (recorder.c), which makes this system's calls; None: not here."""
    try:
        return ctypes.cast(libc.clock_gettime, ctypes.c_void_p).value
    except AttributeError:          # a C library older than glibc 2.17
        return None


def signal_state(pid, tid):
    """(blocked, pending) signal masks of a thread: bit n-1 is signal n. (0, 0) when it is gone."""
    status = _status(pid, tid) or {}
    return int(status.get('SigBlk', '0'), 16), int(status.get('SigPnd', '0'), 16)


def signal_actions(pid):
    """(ignored, caught) signal masks of a process."""
    status = _status(pid) or {}
    return int(status.get('SigIgn', '0'), 16), int(status.get('SigCgt', '0'), 16)


def tracer_of(pid):
    """The process that traces any thread of pid, 0 if none."""
    for tid in threads(pid):
        tracer = int((_status(pid, tid) or {}).get('TracerPid', 0) or 0)
        if tracer:
            return tracer
    return 0


def is_stopped(pid):
    """Whether the process is job-stopped (state T of proc(5))."""
    return (_status(pid) or {}).get('State', '').startswith('T')


def thread_states(pid):
    """{tid: letter of proc(5)'s State}."""
    return {tid: (_status(pid, tid) or {}).get('State', '?')[:1] for tid in threads(pid)}


def blocked_at(pid, tid):
    """(pc, sp) of a thread that sleeps in the kernel, from /proc/TID/syscall; None when it runs or cannot be told."""
    data = _slurp('/proc/%d/task/%d/syscall' % (pid, tid))
    try:
        words = data.split()
        return int(words[-1], 16), int(words[-2], 16)
    except (AttributeError, TypeError, ValueError, IndexError):
        return None


def code_signature(pid):
    """A value that changes when the executable mappings of a process do."""
    data = _slurp('/proc/%d/maps' % pid, 1 << 26) or b''
    return hash(tuple(_EXECUTABLE_LINE.findall(data)))


def same_trap_action(before, after):
    """Whether two results of signal_actions() agree about SIGTRAP."""
    bit = 1 << (SIGTRAP - 1)
    return before[0] & bit == after[0] & bit and before[1] & bit == after[1] & bit


def sharing_processes(pid, own=None):
    """Other processes (not threads) that share this one's memory: vfork children, CLONE_VM without CLONE_THREAD.

    pid: a thread that still has its memory; own: its process. By kcmp(2); [] where the kernel has none.
    """
    result = []
    try:
        names = os.listdir('/proc')
    except OSError:
        return []
    for name in names:
        if name.isdigit() and int(name) != (own or pid):
            # a process without memory (kernel threads) would look like a target that has just ended
            if shares_memory(pid, int(name)) and _slurp('/proc/%s/maps' % name, 16):
                result.append(int(name))
    return result


def shares_memory(one, other):
    """Whether two tasks share their memory (kcmp(2), KCMP_VM); None where that cannot be told."""
    result = _syscall(ctypes.c_long(SYS_KCMP), ctypes.c_long(one), ctypes.c_long(other), ctypes.c_long(KCMP_VM),
                      ctypes.c_long(0), ctypes.c_long(0))
    return None if result < 0 else result == 0


def stack_limit(pid):
    """How far a process's first stack may grow, in bytes (proc(5), limits)."""
    data = _slurp('/proc/%d/limits' % pid) or b''
    match = re.search(br'^Max stack size +(\d+)', data, re.MULTILINE)
    return min(int(match.group(1)), 1 << 30) if match else 8 << 20


def processes_that_map(fd):
    """Ids of the processes that have a file of memory mapped (by device and inode, proc(5))."""
    status = os.fstat(fd)
    found = []
    for name in os.listdir('/proc'):
        if name.isdigit() and int(name) != os.getpid():
            text = _slurp('/proc/%s/maps' % name, 1 << 24) or b''
            if SHARED_PATH.encode('ascii') in text and any(
                    item.inode == status.st_ino and item.path.startswith(SHARED_PATH)
                    for item in parse_mappings(text.decode('utf-8', 'replace'))):
                found.append(int(name))
    return found


def unreadable_children(pid, since):
    """Ids of the processes that descend from one, began after `since` (as start_time() says) and do not let us look at
    their mappings: another user's, or not dumpable."""
    parents = {}
    for name in os.listdir('/proc'):
        data = _slurp('/proc/%s/stat' % name) if name.isdigit() else None
        try:
            fields = _stat_fields(data)
            parents[int(name)] = int(fields[1]), int(fields[19])
        except (ValueError, IndexError):
            pass                                # it has ended
    found = []
    for child, (parent, start) in sorted(parents.items()):
        while parent != pid and parent in parents:
            parent = parents[parent][0]
        if parent == pid and start >= since:
            try:
                with open('/proc/%d/maps' % child, 'rb') as file:
                    file.read(1)
            except PermissionError:
                found.append(child)
            except OSError:
                pass
    return found


def shared_memory_of(pid):
    """Where a process has mapped files of make_shared_file() -> [(address, size)]."""
    text = _slurp('/proc/%d/maps' % pid, 1 << 26)
    if not text:                            # the first thread may have ended
        text = next(filter(None, (_slurp('/proc/%d/maps' % tid, 1 << 26) for tid in threads(pid))), b'')
    if SHARED_PATH.encode('ascii') not in text:
        return []
    files = {}
    for item in parse_mappings(text.decode('utf-8', 'replace')):
        if item.path.startswith(SHARED_PATH):
            start, _ = files.get(item.inode, (item.start, 0))
            files[item.inode] = start, item.end - start
    return sorted(files.values())


def address_space_left(pid):
    """(bytes that a process may still map or None: no limit; whether it locks what it maps): proc(5), mlockall(2)."""
    status = _status(pid) or {}
    locked = not status.get('VmLck', '0 kB').startswith('0 ')
    match = re.search(br'^Max address space +(\d+)', _slurp('/proc/%d/limits' % pid) or b'', re.MULTILINE)
    if not match:
        return None, locked
    used = int(status.get('VmSize', '0 kB').split()[0]) * 1024
    return max(int(match.group(1)) - used, 0), locked


def command_hint():
    """What to do when a command could not be traced."""
    return permission_hint(os.getpid())


class Task(object):
    """A traced thread. stopped: in a ptrace-stop; signal: what to deliver when it goes on; group: it is in a
    job-control stop and must be left so; masked: it blocks SIGTRAP; last: the pc of its last trap."""

    __slots__ = ('tid', 'pid', 'stopped', 'signal', 'group', 'mask', 'masked', 'last', 'interrupted', 'traps',
                 'next_mask', 'next_cpu', 'silent', 'unborn', 'waiting', 'home', 'in_event')

    def __init__(self, tid, pid):
        self.tid = tid
        self.pid = pid
        self.stopped = False
        self.signal = 0
        self.group = 0
        self.mask = None
        self.masked = False
        self.last = 0
        self.interrupted = False
        self.traps = self.next_mask = self.next_cpu = 0
        self.silent = False
        self.in_event = False       # its stop reports a fork, clone or exec, inside that system call
        self.waiting = None         # (time-out in ms, when it ends, how often) of an epoll_wait that was made again
        self.home = 0               # the mask at attach; of a new thread: its creator's
        self.unborn = False         # its creator has reported it, its own first stop is still to come


class Tracer(object):
    """Holds one process: its threads, and those of processes that share its memory.

    tasks: {tid: Task} of everything held. unread: events that were seen while all threads were being stopped and that
    wait() returns first. All addresses are the target's.
    """

    def __init__(self, pid):
        self.pid = pid
        self.tasks = {}
        self.unread = []
        self.memory = -1
        self.reads_untraced = True
        self.proc = pid             # a thread that is alive: /proc/PID/mem of an ended first thread is empty
        registers = Registers()
        self._registers = ctypes.addressof(registers)
        self._registers_reference = ctypes.byref(registers)
        self.registers_buffer = memoryview(registers).cast('B').cast('Q')      # read twice as fast as the ctypes array
        self._status = ctypes.c_int()
        self._status_address = ctypes.addressof(self._status)
        self._mask = ctypes.c_ulonglong()
        self.lost_tasks = 0
        self.early = set()          # tasks whose first stop came before their creator's report
        self.first_stop = None      # when the first thread stopped in the last stop_all()
        self.injected_data = b''
        self.restorer = None        # where rt_sigreturn is made, once looked for
        self.poke = False           # /proc/PID/mem refuses writes to text: by words
        self.wait = self._make_wait()

    # -- attaching

    def open(self):
        """Open the target's memory; before seize() it can be read only. Raises PlatformError with a hint."""
        self.proc = next((tid for tid in [self.pid] + threads(self.pid)
                          if _slurp('/proc/%d/maps' % tid, 64)), self.pid)
        try:
            self.memory = os.open('/proc/%d/mem' % self.proc, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise PlatformError('attaching to process %d (%s)' % (self.pid, process_name(self.pid)), self.pid,
                                error.errno, hint=permission_hint(self.pid))

    def reopen(self):
        """After exec: the memory is another one."""
        self.close()
        self.open()

    def seize(self):
        """Seize all threads without stopping them, again and again until no new one appears.

        Raises PlatformError (with a hint) where the system refuses; what was seized until then is let go by close().

        A thread that calls exec waits for the others to end, which takes somebody to wait for those that we hold; and
        PTRACE_SEIZE waits for it (both want cred_guard_mutex: de_thread() in fs/exec.c, ptrace_attach() in
        kernel/ptrace.c). So a second thread of ours reaps meanwhile.
        """
        reaped, done = [], threading.Event()

        def reap():
            status = ctypes.c_int()
            while not done.wait(REAP_EVERY):
                while True:
                    tid = _waitpid(-1, ctypes.addressof(status), WALL | WNOHANG)
                    if tid <= 0:
                        break
                    reaped.append((tid, status.value))

        reaper = threading.Thread(target=reap, daemon=True)
        reaper.start()
        try:
            self._seize_all()
        finally:
            done.set()
            reaper.join()
            for tid, status in reaped:
                event = self.decode(tid, status)
                if event is not None and event[1] != STOP:
                    self.unread.append(event)

    def _seize_all(self):
        self._seize_process(self.pid)
        living = self.living()
        if not _slurp('/proc/%d/maps' % living, 16):
            raise PlatformError('', self.pid, errno.ESRCH, 'process %d ended before it could be attached to' % self.pid)
        for pid in sharing_processes(living, self.pid):
            try:
                self._seize_process(pid)
            except PlatformError:
                if shares_memory(self.living(), pid):
                    raise               # else it has ended, or runs another program by now
            if not shares_memory(self.living(), pid):
                # it called exec between the two: what it is now is none of our business
                self._let_go(pid)

    def living(self):
        """A thread of the target that still has its memory: that of an ended first thread is gone (and the memory of
        kernel threads and zombies would look like the same one to kcmp)."""
        if not _slurp('/proc/%d/maps' % self.proc, 16):
            for tid in [task.tid for task in self.tasks.values() if task.pid == self.pid] or threads(self.pid):
                if _slurp('/proc/%d/maps' % tid, 16):
                    self.proc = tid
                    break
        return self.proc

    def _let_go(self, pid):
        """Stop and detach the tasks of a process that turned out not to share the target's memory."""
        for task in [task for task in self.tasks.values() if task.pid == pid]:
            if _ptrace(PTRACE_INTERRUPT, task.tid, None, None) == 0:
                deadline = time.monotonic() + ATTACH_PATIENCE
                seen = 0
                while seen == 0 and time.monotonic() < deadline:
                    seen = _waitpid(task.tid, self._status_address, WALL | WNOHANG)
                if seen == 0:
                    continue                # it stays ours, untouched, and is let go when it answers or we end
                status = self._status.value
                if seen > 0 and status & 0xff == 0x7f:
                    _ptrace(PTRACE_DETACH, task.tid, None, status >> 8 & 0xff if status >> 16 == 0 else 0)
            self.tasks.pop(task.tid, None)

    def shares(self, tid):
        """Whether a task shares the target's memory; None where that cannot be told."""
        while True:
            living = self.living()
            same = shares_memory(living, tid)
            if same or same is None or _slurp('/proc/%d/maps' % living, 16) or self.living() == living:
                return same
            # the thread that it was compared with has just ended, its memory gone: "not the same" means nothing

    def _seize_process(self, pid):
        for _ in range(1000):
            fresh = [tid for tid in threads(pid) if tid not in self.tasks]
            seized = 0
            for tid in fresh:
                if _ptrace(PTRACE_SEIZE, tid, None, OPTIONS) == 0:
                    task = self.tasks[tid] = Task(tid, pid)
                    blocked, pending = signal_state(pid, tid)
                    task.mask = task.home = blocked
                    task.masked = bool(blocked >> (SIGTRAP - 1) & 1)
                    seized += 1
                    continue
                number = ctypes.get_errno()
                state = (_status(pid, tid) or {}).get('State', 'X')[:1]
                if state in 'ZX' or number == errno.ESRCH:
                    continue
                if self.tasks.get(tid) is not None or tracer_of(pid) == os.getpid() and tid in self._traced(pid):
                    # its creator was seized before it was born: it came to us by itself
                    self.tasks[tid] = Task(tid, pid)
                    continue
                raise PlatformError('attaching to process %d (%s)' % (pid, process_name(pid)), pid, number,
                                    hint=permission_hint(pid))
            if not seized:
                break
        if not any(task.pid == pid for task in self.tasks.values()):
            raise PlatformError('', pid, errno.ESRCH, 'process %d ended before it could be attached to' % pid)

    @staticmethod
    def _traced(pid):
        own = str(os.getpid())
        return {tid for tid in threads(pid) if (_status(pid, tid) or {}).get('TracerPid') == own}

    # -- waiting

    def _make_wait(self):
        """wait(), with all that it needs in its cells: it is called at every stop."""
        unread, tasks, registers, status = self.unread, self.tasks, self.registers_buffer, self._status
        status_address, registers_address = ctypes.byref(status), self._registers_reference
        waitpid, ptrace_call = _fast_waitpid, _fast_ptrace
        get_task = tasks.get

        def take(block):
            tid = waitpid(-1, status_address, WALL if block else WALL | WNOHANG)
            if tid > 0:
                if status.value == TRAP_STATUS:
                    # one stop in a thousand is anything else; decode() does the same for it, more slowly
                    task = get_task(tid)
                    if task is not None and not ptrace_call(PTRACE_GETREGS, tid, 0, registers_address):
                        task.stopped = True
                        task.interrupted = False
                        task.signal = task.group = 0
                        return tid, TRAP, registers[RIP]
                return self.decode(tid, status.value)
            if tid < 0:
                tid = _waitpid(-1, self._status_address, WALL | WNOHANG)
                if tid < 0 and ctypes.get_errno() == errno.ECHILD:
                    raise ChildProcessError(errno.ECHILD, 'nothing left to wait for')
                if tid > 0:
                    return self.decode(tid, status.value)
            return None

        def wait(block=True):
            """The next event: (tid, kind, value), or None (nothing there with block=False; interrupted by a signal).

            Raises ChildProcessError when nothing is left to wait for. The task of the event stays stopped until
            resume(). At a TRAP its registers are in registers_buffer.
            """
            if unread:
                event = unread.pop(0)
                if event[1] is TRAP and not (event[0] in tasks and self.fetch(event[0])):
                    return None             # it ended meanwhile
                return event
            return take(block)

        def gather():
            """Take all that there is to wait for into `unread`, so that everybody gets a turn.

            The kernel hands out the first of its list that has stopped: a few busy threads at its head would be
            served again and again, and the others never.
            """
            while len(unread) < 1000:
                event = take(False)
                if event is None:
                    return
                unread.append(event)

        def resume(tid, number=0):
            """Let a stopped task go on, delivering signal `number` (0: none). False when it is gone."""
            task = get_task(tid)
            if task is None:
                return False
            task.stopped = False
            if not task.group:
                return not ptrace_call(PTRACE_CONT, tid, 0, number)
            # a job-control stop is kept: the task stays stopped, but SIGCONT and our interrupt get through
            task.group = 0
            return not ptrace_call(PTRACE_LISTEN, tid, 0, 0)

        self.gather = gather
        self.take = take
        self.resume = resume
        return wait

    def decode(self, tid, status):
        """A wait status, decoded once (wait(2), ptrace(2) "Stopped states")."""
        task = self.tasks.get(tid)
        if status & 0xff != 0x7f:
            self.tasks.pop(tid, None)
            return tid, GONE, status
        number = status >> 8 & 0xff
        event = status >> 16
        if task is None:
            task = self._adopt(tid)
            if task is None:
                return None
            if event == PTRACE_EVENT_STOP:
                task.stopped = True
                self.early.add(tid)
                return tid, NEW, task.pid
        task.stopped = True
        if task.unborn:
            task.unborn = False
            if event == PTRACE_EVENT_STOP:
                task.interrupted = False
                status = _status(tid) or {}
                task.pid = int(status.get('Tgid', tid))
                return tid, NEW, task.pid
        task.interrupted = False        # any stop takes a pending interrupt with it (ptrace_stop() in kernel/signal.c)
        task.signal = 0
        task.group = 0
        task.in_event = event not in (0, PTRACE_EVENT_STOP)
        if event == 0:
            if number == SIGTRAP:
                if _ptrace(PTRACE_GETREGS, tid, None, self._registers) == 0:
                    return tid, TRAP, self.registers_buffer[RIP]
                return tid, STOP, 0
            task.signal = number
            self._mend_interrupted_call(tid)
            return tid, SIGNAL, number
        if event == PTRACE_EVENT_STOP:
            if number in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
                task.group = number
            else:
                self._mend_interrupted_call(tid)
            return tid, STOP, task.group
        message = ctypes.c_ulong(0)
        if event in (PTRACE_EVENT_FORK, PTRACE_EVENT_VFORK, PTRACE_EVENT_CLONE):
            _ptrace(PTRACE_GETEVENTMSG, tid, None, ctypes.addressof(message))
            child = message.value
            if child in self.early:
                self.early.discard(child)
            elif child and child not in self.tasks:
                born = self.tasks[child] = Task(child, 0)
                born.home = task.home
                born.unborn = True
            return tid, FORKED, child
        if event == PTRACE_EVENT_EXEC:
            _ptrace(PTRACE_GETEVENTMSG, tid, None, ctypes.addressof(message))
            return tid, EXEC, message.value
        return tid, STOP, 0

    def _adopt(self, tid):
        """A task that came to us because its creator is traced."""
        status = _status(tid)
        if status is None:
            return None
        task = self.tasks[tid] = Task(tid, int(status.get('Tgid', tid)))
        return task

    def _mend_interrupted_call(self, tid):
        """Let a system call that our interrupt broke off with EINTR start anew.

        epoll_wait, semop, msgrcv, recv with a time-out and others return EINTR whenever their sleep is disturbed, even
        by a tracer. A program that never installs a handler does not expect that. Our stop lies inside get_signal():
        behind it the kernel looks at the result (arch_do_signal_or_restart), and ERESTARTNOHAND means there: a handler
        runs -> EINTR, else the call is made again.
        """
        registers = self.registers_buffer
        if _ptrace(PTRACE_GETREGS, tid, None, self._registers) != 0:
            return
        if registers[RAX] == EINTR_RESULT and registers[ORIG_RAX] in RESTARTABLE:
            registers[RAX] = ERESTARTNOHAND_RESULT
            task = self.tasks.get(tid)
            if registers[ORIG_RAX] in (232, 281) and task is not None and 0 < registers[R10] < 1 << 31:
                # epoll_wait: a restart waits the whole time-out again, which under a stream of signals would be for ever.
                # The time-out is the program's register, though, and may be meant for the next call, too: it is left
                # alone until the same wait has been restarted some times.
                now = time.monotonic()
                known = task.waiting
                if known and known[0] == registers[R10] and now < known[1] + known[0] / 1000.0:
                    count, end = known[2] + 1, known[1]
                else:
                    count, end = 1, now + registers[R10] / 1000.0
                if count > MOST_RESTARTS:
                    registers[R10] = max(1, int((end - now) * 1000))
                task.waiting = registers[R10], end, count
            _ptrace(PTRACE_SETREGS, tid, None, self._registers)

    def is_stray_trap(self, tid):
        """Whether the SIGTRAP that a task stands at was sent by somebody rather than raised by an int3."""
        info = (ctypes.c_int * 32)()
        if _ptrace(PTRACE_GETSIGINFO, tid, None, ctypes.addressof(info)) != 0:
            return False
        return info[2] != SI_KERNEL         # si_signo, si_errno, si_code

    # -- registers and memory

    def fetch(self, tid):
        """Fetch a stopped task's registers into registers_buffer; False when it is gone."""
        return _ptrace(PTRACE_GETREGS, tid, None, self._registers) == 0

    def registers(self, tid):
        """A stopped task's registers in DWARF's order (17 ints), or None when it is gone."""
        if _ptrace(PTRACE_GETREGS, tid, None, self._registers) != 0:
            return None
        buffer = self.registers_buffer
        return [buffer[index] for index in DWARF_ORDER]

    def set_pc(self, tid, pc, sp=None):
        """Let a stopped task go on elsewhere."""
        if _ptrace(PTRACE_GETREGS, tid, None, self._registers) != 0:
            return False
        buffer = self.registers_buffer
        buffer[RIP] = pc
        if sp is not None:
            buffer[RSP] = sp
        return _ptrace(PTRACE_SETREGS, tid, None, self._registers) == 0

    def read(self, address, size):
        """Bytes of the target's memory; fewer where the range ends in unmapped memory."""
        try:
            return os.pread(self.memory, size, address)
        except (OSError, OverflowError, ValueError):
            pass
        # pread fails as a whole only where nothing can be read at `address`; an address of 2^63 and more is no file
        # position either (the vsyscall page)
        return b''

    def write(self, address, data):
        """Write to the target's memory, text included. Raises PlatformError."""
        written = 0
        if not self.poke:
            try:
                while written < len(data):
                    count = os.pwrite(self.memory, data[written:], address + written)
                    if count <= 0:
                        break
                    written += count
            except (OSError, OverflowError) as error:
                if isinstance(error, OSError) and error.errno == errno.ESRCH:
                    raise PlatformError('writing to the memory of process %d' % self.pid, self.pid, error.errno)
        if written < len(data):
            # kernels with proc_mem.force_override=never refuse text by /proc/PID/mem
            self._poke(address + written, data[written:])
            self.poke = True

    def _poke(self, address, data, tid=None):
        tid = tid or next((task.tid for task in self.tasks.values() if task.stopped), None)
        if tid is None:
            raise PlatformError('writing to the memory of process %d' % self.pid, self.pid, errno.EIO)
        first = address & ~7
        last = (address + len(data) + 7) & ~7
        old = bytearray(self.read(first, last - first))
        if len(old) != last - first:
            raise PlatformError('writing to the memory of process %d' % self.pid, self.pid, errno.EFAULT)
        old[address - first:address - first + len(data)] = data
        for offset in range(0, len(old), 8):
            if _ptrace(PTRACE_POKEDATA, tid, first + offset, struct.unpack_from('<Q', old, offset)[0]) != 0:
                raise PlatformError('writing to the memory of process %d' % self.pid, self.pid, ctypes.get_errno())

    def read_other(self, pid, address, size):
        """read() in another process that is traced (a forked child)."""
        try:
            with open('/proc/%d/mem' % pid, 'rb', 0) as file:
                return os.pread(file.fileno(), size, address)
        except (OSError, OverflowError, ValueError):
            return b''

    def write_other(self, pid, address, data):
        """write() in another process that is traced and stopped (a forked child)."""
        try:
            with open('/proc/%d/mem' % pid, 'r+b', 0) as file:
                if os.pwrite(file.fileno(), data, address) == len(data):
                    return
        except (OSError, OverflowError):
            pass
        first = address & ~7
        last = (address + len(data) + 7) & ~7
        old = bytearray(self.read_other(pid, first, last - first))
        if len(old) != last - first:
            raise PlatformError('writing to the memory of process %d' % pid, pid, errno.EFAULT)
        old[address - first:address - first + len(data)] = data
        for offset in range(0, len(old), 8):
            ptrace(PTRACE_POKEDATA, pid, first + offset, struct.unpack_from('<Q', old, offset)[0])

    # -- stopping and going on

    def resume_all(self):
        """Let every stopped task go on with the signal that it stood at."""
        for tid, task in list(self.tasks.items()):
            if task.stopped and not any(event[0] == tid for event in self.unread):
                self.resume(tid, task.signal)

    def let_out(self, tids):
        """Let tasks of a job-stopped process run for a moment: nothing here, they stay as they are."""

    def stop_all(self, patience=ATTACH_PATIENCE):
        """Stop every task. Returns the tasks that did not answer within `patience` seconds (they are in the kernel).

        What the tasks report meanwhile (traps, signals, births) is kept in `unread`, and these stay stopped.
        """
        deadline = time.monotonic() + patience
        self.first_stop = None
        pause = 0.00005
        seen = self.unread
        while True:
            missing = 0
            for task in list(self.tasks.values()):
                if task.stopped:
                    continue
                missing += 1
                if not task.interrupted:
                    task.interrupted = True
                    task.silent = False
                    if _ptrace(PTRACE_INTERRUPT, task.tid, None, None) != 0:
                        if ctypes.get_errno() == errno.ESRCH:
                            task.interrupted = False
            if not missing and not self._reap(seen):
                break
            if not missing:
                continue
            if self._reap(seen):
                continue
            now = time.monotonic()
            if now > deadline and (now > deadline + 2 or not any(task.unborn for task in self.tasks.values())):
                break
            time.sleep(pause)
            pause = min(pause * 2, 0.001)
        return self.still_running()

    def still_running(self):
        """The tasks that are not stopped, those left out that have ended."""
        late = []
        for task in list(self.tasks.values()):
            if task.stopped:
                continue
            status = _status(task.pid or task.tid, task.tid)
            if status is None:
                # exec by another thread takes the others away without a word (ptrace(2), "execve(2) under ptrace")
                if not task.unborn:
                    self.tasks.pop(task.tid, None)
            elif status.get('TracerPid') == '0':
                # the first thread's id belongs to the thread that called exec now, which we did not hold
                self.tasks.pop(task.tid, None)
            elif not status.get('State', '').startswith(('Z', 'X')):
                task.silent = True
                late.append(task)
        return late

    def _reap(self, seen):
        """Take what there is to wait for, without blocking; True if there was anything."""
        any_event = False
        while True:
            tid = _waitpid(-1, self._status_address, WALL | WNOHANG)
            if tid <= 0:
                return any_event
            any_event = True
            if self.first_stop is None:
                self.first_stop = time.monotonic()
            event = self.decode(tid, self._status.value)
            if event is None:
                continue
            if event[1] != STOP:
                seen.append(event)

    def blocked_at(self, task):
        """blocked_at() of a task."""
        return blocked_at(task.pid, task.tid)

    def in_system_call(self, tid):
        """Whether a stopped task stands in a system call rather than in its own code."""
        return not self.fetch(tid) or self.registers_buffer[ORIG_RAX] < 1 << 63

    def pending_trap(self, task):
        """Whether an int3 that the task executed has not been reported yet (SIGTRAP is pending for the thread)."""
        return bool(signal_state(task.pid, task.tid)[1] >> (SIGTRAP - 1) & 1)

    def saved_pcs(self, stack, stack_address, low, high):
        """Where signal frames on a stack hold a pc inside [low, high): list of (address of the word, pc).

        A frame is recognised by its form: the word before the ucontext is the address of the sigreturn code.
        """
        found = []
        for match in re.finditer(re.escape(struct.pack('<Q', low)[2:8]), stack):
            # the upper six bytes are common to all pcs of the range but where it crosses 64 KiB: both are looked for
            self._signal_frame(stack, stack_address, match.start() - 2, low, high, found)
        if low >> 16 != (high - 1) >> 16:
            for match in re.finditer(re.escape(struct.pack('<Q', high - 1)[2:8]), stack):
                self._signal_frame(stack, stack_address, match.start() - 2, low, high, found)
        return found

    @staticmethod
    def may_hold_signal_frame(stack, stack_address):
        """False if no signal frame lies on this piece of stack.

        Looked for is the word of struct sigcontext with cs, gs, fs and ss: 0x33, 0, 0, 0x2b (ss is 0 before Linux 4.7).
        """
        return any((stack_address + match.start()) & 7 == 0 for match in _SEGMENTS_WORD.finditer(stack))

    @staticmethod
    def interrupted(stack, stack_address):
        """What signal frames on a piece of stack say of the code that was interrupted: list of (pc, sp); a guess, by
        their form alone."""
        found = []
        for match in _SEGMENTS_WORD.finditer(stack):
            # struct sigcontext: rsp, rip, eflags, then this word
            offset = match.start() - 24
            if offset >= 0 and (stack_address + match.start()) & 7 == 0:
                sp, pc = struct.unpack_from('<QQ', stack, offset)
                if pc and not sp & 7 and 4096 <= sp < 1 << 47:
                    found.append((pc, sp))
        return found

    def saved_sp(self, place):
        """The sp that belongs to a pc found by saved_pcs(); it is the word before (struct sigcontext)."""
        return struct.unpack('<Q', self.read(place - 8, 8))[0]

    def set_saved(self, place, pc, sp):
        """Let the handler's return lead to another pc and sp than saved_pcs() found."""
        self.write(place - 8, struct.pack('<QQ', sp, pc))

    def _signal_frame(self, stack, stack_address, offset, low, high, found):
        if offset < SIGFRAME_PC or (stack_address + offset) & 7 or offset + 8 > len(stack):
            return
        pc = struct.unpack_from('<Q', stack, offset)[0]
        if low <= pc < high:
            code = struct.unpack_from('<Q', stack, offset - SIGFRAME_PC)[0]
            if self.read(code, len(SIGRETURN_CODE)) == SIGRETURN_CODE:
                found.append((stack_address + offset, pc))

    # -- signal masks: the kernel unblocks SIGTRAP in a thread that executes int3 while it blocks it

    def note_trap_mask(self, task):
        """After a trap: put SIGTRAP back into the mask of a thread that blocked it.

        The kernel took it out before we could see it (force_sig). That a thread blocks it is known from its mask at
        attach; where the mask changed since, a thread that blocks all but SIGTRAP blocked SIGTRAP as well.
        """
        mask = self._mask
        if _ptrace(PTRACE_GETSIGMASK, task.tid, 8, ctypes.addressof(mask)) != 0:
            return
        value = mask.value
        bit = 1 << (SIGTRAP - 1)
        if value & bit:
            task.mask = value
            task.masked = True
            return
        if task.mask is None or (task.mask & ~bit) != value:
            # all that sigfillset gives but SIGTRAP: KILL and STOP cannot be blocked, 32 and 33 are glibc's own
            everything = ~((1 << 8) | (1 << 18) | (3 << 31) | bit) & (1 << 64) - 1
            task.masked = value & everything == everything or bool(task.home & bit) and value == task.home & ~bit
            task.mask = value
        if task.masked:
            mask.value = value | bit
            _ptrace(PTRACE_SETSIGMASK, task.tid, 8, ctypes.addressof(mask))

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
        in_memory = True
        try:
            self.resume(tid)
            while True:
                try:
                    event = self.wait()
                except ChildProcessError:
                    in_memory = False
                    return False
                if event is not None:
                    who, kind, value = event
                    if kind == TRAP and value == address + 1:
                        return self.set_pc(who, address)
                    if kind == EXEC:
                        if self.tasks[who].pid == self.pid:
                            in_memory = False       # another program, and other memory
                            return False
                        self.release(who)           # a vfork child runs another program now
                    elif kind == GONE:
                        if who == self.pid:
                            return False
                    elif kind == NEW and value != self.pid and not self.shares(who):
                        self.write_other(who, address, old)
                        self.release(who)
                    else:
                        self.resume(who, value if kind == SIGNAL else SIGTRAP if kind == TRAP else 0)
                tick()
        finally:
            if in_memory:
                self.stop_all()
                try:
                    self.write(address, old)
                except PlatformError:
                    pass                            # the last process that had this memory has ended
                for task in list(self.tasks.values()):
                    if task.stopped and self.fetch(task.tid) and self.registers_buffer[RIP] == address + 1:
                        self.set_pc(task.tid, address)
                self.unread[:] = [event for event in self.unread
                                  if not (event[1] == TRAP and event[2] == address + 1)]

    def _restorer_near(self, address):
        """Where the C library returns from a signal handler (rt_sigreturn), in the mapping of `address`; 0: not found."""
        if self.restorer is None:
            self.restorer = 0
            item = next((item for item in mappings(self.proc) if item.start <= address < item.end), None)
            if item is not None:
                code = self.read(item.start, min(item.end - item.start, 1 << 24))
                for pattern in (SIGRETURN_CODE, b'\xb8\x0f\0\0\0\x0f\x05'):
                    found = code.find(pattern)
                    if found >= 0:
                        self.restorer = item.start + found
                        break
        return self.restorer

    def _way_home(self, tid, saved, mask, syscall_address):
        """Lay out a signal frame that leads a task back to where it is, should we be killed while it makes a call for us.

        -> (address, the bytes that were there), the stack pointer to call with; None where that can't be had. The code
        at syscall_address is "syscall; ret": the ret leads to the C library's rt_sigreturn, and that takes all registers,
        the signal mask and the floating point state from the frame.
        """
        restorer = self._restorer_near(syscall_address)
        if not restorer or self.read(syscall_address, 3) != SYSCALL_CODE:
            return None
        state = ctypes.create_string_buffer(1 << 14)
        vector = (ctypes.c_size_t * 2)(ctypes.addressof(state), len(state))     # struct iovec
        flags, fpstate = UC_SIGCONTEXT_SS, b''
        if _ptrace(PTRACE_GETREGSET, tid, NT_X86_XSTATE, ctypes.addressof(vector)) == 0 and vector[1] > 576:
            fpstate = bytearray(state.raw[:vector[1]])
            features = struct.unpack_from('<Q', fpstate, 464)[0]        # what is enabled (XCR0)
            struct.pack_into('<IIQI28x', fpstate, 464, FP_XSTATE_MAGIC1, len(fpstate) + 4, features, len(fpstate))
            fpstate += struct.pack('<I', FP_XSTATE_MAGIC2)
            flags |= UC_FP_XSTATE
        # a number between 0 and 7 more than a multiple of 16, as after a call; the state at a multiple of 64
        state_address = (saved[RSP] - 128 - len(fpstate)) & ~63
        address = ((state_address - 8 - 304 - 128) & ~15) - 8
        rip, rax = saved[RIP], saved[RAX]
        if saved[ORIG_RAX] < 1 << 63 and (1 << 64) - 516 <= rax <= (1 << 64) - 512:
            if rax in ((1 << 64) - 516, (1 << 64) - 515):
                rax = EINTR_RESULT
            else:
                rip, rax = rip - 2, saved[ORIG_RAX]                     # it is made again
        frame = struct.pack('<Q', restorer)
        frame += struct.pack('<QQQIIQ', flags, 0, 0, 0x7fff, 0, 0)      # a uc_stack that sigaltstack() refuses: no change
        frame += struct.pack('<18Q', *[saved[register] for register in (
            R8, R9, R10, R11, R12, R13, R14, R15, RDI, RSI, RBP, RBX, RDX)] + [
                rax, saved[RCX], saved[RSP], rip, saved[EFLAGS]])
        frame += struct.pack('<4H', saved[CS], 0, 0, saved[SS])
        frame += struct.pack('<4Q', 0, 0, mask, 0) + struct.pack('<Q', state_address if fpstate else 0) + bytes(64)
        frame += struct.pack('<Q', mask)
        size = state_address + len(fpstate) - address
        kept = self.read(address, size)
        if len(kept) != size:
            return None
        try:
            self.write(address, frame.ljust(state_address - address, b'\0') + bytes(fpstate))
        except PlatformError:
            return None
        return (address, kept), address

    def inject(self, tid, number, arguments, syscall_address, seccomp=False, data=b''):
        """Let a stopped task make one system call. Returns its result (signed); raises PlatformError.

        data: up to 128 bytes that lie on the task's stack meanwhile, below the red zone; an argument that is None is
        their address. Afterwards `injected_data` is what they have become.

        tid stands in a ptrace-stop and keeps standing, its registers as before. syscall_address: where the two bytes
        of a syscall instruction lie in the target. Under seccomp (which belongs to a thread, and may have come since)
        only while PTRACE_O_SUSPEND_SECCOMP is granted.
        """
        task = self.tasks[tid]
        options = OPTIONS | PTRACE_O_TRACESYSGOOD
        if seccomp or self.confined(tid):
            options |= PTRACE_O_SUSPEND_SECCOMP
        if _ptrace(PTRACE_SETOPTIONS, tid, None, options) != 0:
            raise PlatformError('suspending seccomp in thread %d' % tid, tid, ctypes.get_errno())
        saved = Registers()
        way_home = None
        try:
            ptrace(PTRACE_GETREGS, tid, None, ctypes.addressof(saved))
            work = Registers()
            ctypes.memmove(work, saved, ctypes.sizeof(saved))
            work[RIP] = syscall_address
            work[RAX] = number
            work[ORIG_RAX] = (1 << 64) - 1
            work[RSP] = (saved[RSP] - 1024) & ~15
            result = None
            signals = []
            place, kept_data = work[RSP] - 512, b''
            # no signal may come in between: one that is held back and sent again would lose its siginfo
            mask = ctypes.c_ulonglong()
            held = _ptrace(PTRACE_GETSIGMASK, tid, 8, ctypes.addressof(mask)) == 0
            if held:
                way_home = self._way_home(tid, saved, mask.value, syscall_address)
                if way_home is not None:
                    work[RSP] = way_home[1]
                    place = way_home[1] + 8 + 304           # struct siginfo, which nobody reads
            if data:
                kept_data = self.read(place, len(data))
                if len(kept_data) != len(data):
                    raise PlatformError('', tid, errno.EFAULT)
                self.write(place, data)
            for register, value in zip((RDI, RSI, RDX, R10, R8, R9), arguments):
                work[register] = (place if value is None else value) & (1 << 64) - 1
            ptrace(PTRACE_SETREGS, tid, None, ctypes.addressof(work))
            if held:
                everything = ctypes.c_ulonglong((1 << 64) - 1)
                held = _ptrace(PTRACE_SETSIGMASK, tid, 8, ctypes.addressof(everything)) == 0
            try:
                for expected in ('entry', 'exit'):
                    while True:
                        ptrace(PTRACE_SYSCALL, tid, None, None)
                        if _waitpid(tid, self._status_address, WALL) != tid:
                            raise PlatformError('injecting a system call', tid, ctypes.get_errno())
                        status = self._status.value
                        if status & 0xff != 0x7f:
                            self.unread.append(self.decode(tid, status))
                            raise PlatformError('injecting a system call', tid, errno.ESRCH)
                        if status >> 8 == SIGTRAP | 0x80:
                            ptrace(PTRACE_GETREGS, tid, None, ctypes.addressof(work))
                            if expected == 'entry' and work[ORIG_RAX] != number:
                                raise PlatformError('', tid, 0, 'it stands in a system call of its own')
                            break
                        if status >> 16 == 0:
                            signals.append(status >> 8 & 0xff)      # delivered later
                result = ctypes.c_longlong(work[RAX]).value
            finally:
                # in this order: until it has its registers back, the frame would give it both
                if held:
                    _ptrace(PTRACE_SETSIGMASK, tid, 8, ctypes.addressof(mask))
                _ptrace(PTRACE_SETREGS, tid, None, ctypes.addressof(saved))
                if data:
                    self.injected_data = self.read(place, len(data))
                    self.write(place, kept_data)
                if way_home is not None:
                    self.write(*way_home[0])
            # The task stands behind a system call now: a restart that was due before (ERESTART in rax) happens only on
            # the way through get_signal(), so it is led through there once more
            ptrace(PTRACE_INTERRUPT, tid)
            ptrace(PTRACE_CONT, tid)
            if _waitpid(tid, self._status_address, WALL) == tid:
                event = self.decode(tid, self._status.value)
                if event is not None and event[1] != STOP:
                    self.unread.append(event)
            for number in signals:
                os.kill(tid, number)
            return result
        finally:
            _ptrace(PTRACE_SETOPTIONS, tid, None, OPTIONS)
            task.stopped = True

    def confined(self, tid):
        """Whether a task is under seccomp."""
        status = _status(tid, tid)
        return status is None or status.get('Seccomp', '0') != '0'

    def injection_rank(self, task):
        """How good a stopped task is for making a system call for us -> a tuple, the least the best; None: it must not.

        A task that reports a fork or clone stands in the middle of that call. One in a critical section of rseq(2) would
        go on with it unaware of the detour; one in a system call cannot be in such.
        """
        if not task.stopped or task.signal or task.in_event:
            return None                             # its signal would be lost
        inside = self.in_system_call(task.tid)
        if not inside and self._in_restartable_sequence(task.tid):
            return None
        return self.confined(task.tid), bool(task.group), not inside

    def _in_restartable_sequence(self, tid):
        config = (ctypes.c_ulonglong * 3)()         # struct ptrace_rseq_configuration: pointer, size, signature
        if _ptrace(PTRACE_GET_RSEQ_CONFIGURATION, tid, ctypes.sizeof(config), ctypes.addressof(config)) <= 0:
            return False                            # none registered, or a kernel that does not tell (before 5.13)
        if not config[0]:
            return False
        section = self.read(config[0] + 8, 8)       # struct rseq: cpu_id_start, cpu_id, rseq_cs
        return len(section) == 8 and section != bytes(8)

    def leave_sequence(self, task):
        """Let a stopped task leave a critical section of rseq(2), if it is in one and that can be had -> whether it did.

        The kernel aborts the section anyway, as our stop took the processor from the task: when it goes on, here by one
        instruction.
        """
        tid = task.tid
        if (not task.stopped or task.signal or task.in_event or task.group or self.in_system_call(tid)
                or not self._in_restartable_sequence(tid)):
            return False
        if _ptrace(PTRACE_GETSIGMASK, tid, 8, ctypes.addressof(self._mask)) < 0 or self._mask.value & 1 << SIGTRAP - 1:
            return False                            # the trap of the step would be forced upon it
        if _ptrace(PTRACE_SINGLESTEP, tid, None, None) < 0:
            return False
        task.stopped = False
        if _waitpid(tid, self._status_address, WALL) != tid:
            return False
        if self._status.value != TRAP_STATUS:
            event = self.decode(tid, self._status.value)
            if event is not None:
                self.unread.append(event)
            return False
        task.stopped = True
        return not self._in_restartable_sequence(tid)

    def make_shared_file(self, tid, syscall_address, seccomp):
        """A file of memory that the target has made (memfd_create(2)) -> (our descriptor of it, the target's number).

        Ours may be sized and filled without touching the target's limits and accounts.
        """
        return self._make_file(tid, SHARED_FILE, MFD_CLOEXEC, syscall_address, seccomp)

    def _make_file(self, tid, name, flags, syscall_address, seccomp):
        number = self.inject(tid, SYS_MEMFD_CREATE, (None, flags), syscall_address, seccomp, name.encode('ascii') + b'\0')
        if number < 0:
            raise PlatformError('memfd_create in process %d' % self.pid, self.pid, -number)
        try:
            return os.open('/proc/%d/fd/%d' % (self.tasks[tid].pid, number), os.O_RDWR | os.O_CLOEXEC), number
        except OSError as error:
            self.close_file(tid, number, syscall_address, seccomp)
            raise PlatformError('opening the shared memory', self.pid, error.errno)

    def close_file(self, tid, number, syscall_address, seccomp):
        """Let the target close a descriptor."""
        self.inject(tid, SYS_CLOSE, (number,), syscall_address, seccomp)

    def map_shared(self, tid, number, size, syscall_address, seccomp):
        """Let the target map a file of make_shared_file() and keep it out of core dumps -> the address."""
        result = self.inject(tid, SYS_MMAP, (0, size, 3, 1, number, 0), syscall_address, seccomp)
        if -4096 < result < 0:
            raise PlatformError('mapping shared memory in process %d' % self.pid, self.pid, -result)
        self.inject(tid, SYS_MADVISE, (result, size, MADV_DONTDUMP), syscall_address, seccomp)
        return result

    def map_gate(self, tid, syscall_address, seccomp):
        """Map a page that is full of zeros in a forked child (MADV_WIPEONFORK, Linux 4.14) -> its address."""
        result = self.inject(tid, SYS_MMAP, (0, PAGE_SIZE, 3, 0x22, (1 << 64) - 1, 0), syscall_address, seccomp)
        if -4096 < result < 0:
            raise PlatformError('mapping a page in process %d' % self.pid, self.pid, -result)
        done = self.inject(tid, SYS_MADVISE, (result, PAGE_SIZE, MADV_WIPEONFORK), syscall_address, seccomp)
        if done < 0:
            self.inject(tid, SYS_MUNMAP, (result, PAGE_SIZE), syscall_address, seccomp)
            raise PlatformError('MADV_WIPEONFORK in process %d' % self.pid, self.pid, -done)
        return result

    def is_mapped(self, address):
        """Whether there is memory at an address, traced or not."""
        return len(self.read(address, 1)) == 1

    def thread_pointer(self, tid):
        """fs:0's address of a stopped task: its TCB (psABI, ELF TLS)."""
        return self.registers_buffer[FS_BASE] if self.fetch(tid) else 0

    def map_page(self, tid, start, end, syscall_address, seccomp, size=PAGE_SIZE):
        """Map memory, readable and executable, within 2 GB of [start, end) by an injected mmap -> its address."""
        taken = sorted((item.start, item.end) for item in mappings(self.proc))
        candidates = []
        last = 65536
        for low, high in taken + [(1 << 47, 1 << 47)]:
            if low - last >= size + 4 * PAGE_SIZE:
                candidates += [low - size - PAGE_SIZE, last + PAGE_SIZE]
            last = max(last, high)
        candidates = [address for address in candidates
                      if abs(address - start) < 0x7ff00000 and abs(address - end) < 0x7ff00000 and address > 65536]
        candidates.sort(key=lambda address: abs(address - start))
        # A policy may forbid executable memory that is no file's (SELinux, execmem), or files of memory that are
        # executable (sysctl vm.memfd_noexec).
        number = self._code_file(tid, size, syscall_address, seccomp)
        try:
            problem = errno.ENOMEM
            for file in (number, None) if number is not None else (None,):
                for address in candidates[:8]:
                    # PROT_READ | PROT_EXEC; MAP_PRIVATE | MAP_FIXED_NOREPLACE (before Linux 4.17 only a hint) and
                    # MAP_ANONYMOUS
                    how = (0x100002, file) if file is not None else (0x100022, (1 << 64) - 1)
                    result = self.inject(tid, SYS_MMAP, (address, size, 5) + how + (0,), syscall_address, seccomp)
                    if result == address:
                        return address
                    if 0 < -result < 4096:
                        problem = -result
                        if problem in (errno.EACCES, errno.EPERM):
                            break
                    else:
                        self.inject(tid, SYS_MUNMAP, (result, size), syscall_address, seccomp)
            raise PlatformError('mapping a page in process %d' % self.pid, self.pid, problem)
        finally:
            if number is not None:
                self.close_file(tid, number, syscall_address, seccomp)

    def _code_file(self, tid, size, syscall_address, seccomp):
        """The target's number of a file of memory for code; None where there can be none."""
        for flags in (MFD_CLOEXEC | MFD_EXEC, MFD_CLOEXEC):         # before Linux 6.3 only the second
            try:
                file, number = self._make_file(tid, CODE_FILE, flags, syscall_address, seccomp)
            except PlatformError as error:
                if error.errno == errno.EINVAL:
                    continue
                return None
            try:
                os.ftruncate(file, size)
                return number
            except OSError:
                self.close_file(tid, number, syscall_address, seccomp)
                return None
            finally:
                os.close(file)
        return None

    def unmap_page(self, tid, address, syscall_address, seccomp, size=PAGE_SIZE):
        """Unmap what one of the others mapped."""
        result = self.inject(tid, SYS_MUNMAP, (address, size), syscall_address, seccomp)
        if result < 0:
            raise PlatformError('unmapping a page in process %d' % self.pid, self.pid, -result)

    def trap_action(self, tid, syscall_address, seccomp):
        """The process's action for SIGTRAP as the kernel's struct sigaction (32 bytes)."""
        return self._sigaction(tid, b'', syscall_address, seccomp)

    def set_trap_action(self, tid, action, syscall_address, seccomp):
        """Put the action for SIGTRAP back to what trap_action() gave."""
        if action is None:
            raise PlatformError('', self.pid, 0, 'what it was could not be asked')
        self._sigaction(tid, action, syscall_address, seccomp)

    def _sigaction(self, tid, action, syscall_address, seccomp):
        """rt_sigaction(2) by injection."""
        result = self.inject(tid, SYS_RT_SIGACTION, (SIGTRAP, None if action else 0, 0 if action else None, 8),
                             syscall_address, seccomp, action or bytes(32))
        if result < 0:
            raise PlatformError('rt_sigaction in process %d' % self.pid, self.pid, -result)
        return self.injected_data

    # -- leaving

    def release(self, tid):
        """Detach one stopped task, delivering the signal that it stood at."""
        task = self.tasks.pop(tid, None)
        if task is not None:
            _ptrace(PTRACE_DETACH, tid, None, task.signal)

    def keep(self, spans):
        """What read() shall give after detach_all() as it does now: it does so without help here."""

    def detach_all(self):
        """Detach every stopped task. One that sleeps in the kernel and did not answer is let go when this process
        ends (ptrace(2): a tracer's end detaches); returns how many these are."""
        silent = 0
        for tid, task in list(self.tasks.items()):
            if task.stopped:
                self.release(tid)
            else:
                silent += 1
        return silent

    def close(self):
        """Let go of the memory file."""
        self.restorer = None
        if self.memory >= 0:
            os.close(self.memory)
            self.memory = -1
