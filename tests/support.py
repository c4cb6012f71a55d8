"""
What the tests share: the repo root on sys.path, target programs compiled once a run, targets and memleax as
child processes whose lines are read as they come, and the checks that a target was left as it was found.

Facts: proc(5) (/proc/PID/{status,stat,maps,mem,map_files}), elf(5), ptrace(2),
Documentation/admin-guide/LSM/Yama.rst.

Environment: MEMLEAX_TEST_SCALE multiplies rounds and sizes of the live tests (default 1; 10 and more for a
long run); MEMLEAX_TEST_PROGRAM is another program to test in memleax.py's place.
"""

import atexit
import collections
import ctypes
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)
TARGETS = os.path.join(ROOT, 'tests', 'targets')
PROGRAM = os.environ.get('MEMLEAX_TEST_PROGRAM', os.path.join(ROOT, 'memleax.py'))
try:
    SCALE = float(os.environ.get('MEMLEAX_TEST_SCALE', '1'))
except ValueError:
    SCALE = 1.0

C_FLAGS = ['-O2', '-g', '-fomit-frame-pointer', '-fno-builtin', '-pthread']

# Under nohup, or in a shell's background, these are ignored, which every process that we start would inherit.
for _number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_temporary = None
_compiled = {}


# which engine the live tests use where they do not say: as in --engine
ENGINE = os.environ.get('MEMLEAX_TEST_ENGINE', 'auto')
# whether that is the recorder
RECORDER = ENGINE != 'trap'


def scaled(number, least=1):
    """`number` of rounds or operations times MEMLEAX_TEST_SCALE."""
    return max(least, int(number * SCALE))


def temporary_directory():
    """One directory for the whole test run, removed at its end."""
    global _temporary
    if _temporary is None:
        _temporary = tempfile.mkdtemp(prefix='memleax-tests-')
        os.chmod(_temporary, 0o755)             # a target run as another user must get in
        atexit.register(shutil.rmtree, _temporary, True)
    return _temporary


def open_to_all(path):
    """Whether every folder that leads to a file lets any user through."""
    path = os.path.dirname(os.path.realpath(path))
    while os.stat(path).st_mode & 1:
        if path == os.path.dirname(path):
            return True
        path = os.path.dirname(path)
    return False


# --- compiling ---

def find_compiler(language='c'):
    """Path of a C (or 'c++') compiler, or None."""
    names = {'c': ('gcc', 'cc', 'clang'), 'c++': ('g++', 'c++', 'clang++')}[language]
    for name in ((os.environ.get('CC'),) if language == 'c' and os.environ.get('CC') else ()) + names:
        path = shutil.which(name)
        if path:
            return path
    return None


def compile_program(*sources, **options):
    """
    Path of the program compiled from files of tests/targets (or absolute paths), once a run for each set of
    arguments. options: flags (list added to C_FLAGS), name, required (False: None instead of a skip where the
    compiler refuses). Raises unittest.SkipTest where there is no compiler.
    """
    flags = list(options.get('flags', ()))
    required = options.get('required', True)
    key = (sources, tuple(flags), options.get('name'))
    if key not in _compiled:
        language = 'c++' if any(s.endswith(('.cpp', '.cc')) for s in sources) else 'c'
        compiler = find_compiler(language)
        if compiler is None:
            raise unittest.SkipTest('no {} compiler (gcc, clang) in PATH'.format(language.upper()))
        stem = options.get('name') or os.path.splitext(os.path.basename(sources[0]))[0]
        output = os.path.join(temporary_directory(), '{}-{}'.format(stem, len(_compiled)))
        if '-shared' in flags:
            output += '.so'
        paths = [os.path.join(TARGETS, source) for source in sources]
        libraries = [flag for flag in flags if flag.startswith('-l')]
        command = [compiler] + C_FLAGS + [f for f in flags if f not in libraries] + ['-o', output]
        command += paths + libraries
        done = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)
        text = done.communicate()[0].decode('utf-8', 'replace')
        _compiled[key] = (output, None) if done.returncode == 0 else (None, ' '.join(command) + '\n' + text)
    output, problem = _compiled[key]
    if output is None:
        if not required:
            return None
        raise AssertionError('a test program does not compile:\n' + problem)
    return output


def skip_unless_compiler(thing):
    """Decorator: skip where there is no C compiler."""
    return unittest.skipUnless(find_compiler(), 'no C compiler (gcc, cc, clang) in PATH')(thing)


def skip_unless_program(*names):
    """Decorator: skip where one of these programs is not in PATH."""
    missing = [name for name in names if find_program(name) is None]
    return unittest.skipIf(missing, 'not installed: ' + ', '.join(missing))


def find_program(name):
    """As shutil.which, with the sbin directories that an ordinary user's PATH lacks."""
    return shutil.which(name) or shutil.which(name, path='/usr/sbin:/sbin:/usr/local/sbin:/usr/local/bin')


# --- permission ---

_PR_SET_PTRACER = 0x59616d61            # linux/prctl.h
_PTRACE_SEIZE = 0x4206                  # linux/ptrace.h
_refusal = []


def ptrace_refusal():
    """None where this user may trace a process that is no descendant (as the targets are), else why not."""
    if not sys.platform.startswith('linux'):
        return 'live tests are for Linux'
    if os.uname().machine != 'x86_64':
        return 'live tests are for x86_64'
    if not _refusal:
        target = ("import ctypes,sys; ctypes.CDLL(None).prctl({}, ctypes.c_ulong(-1), 0, 0, 0);"
                  "print('ready', flush=True); sys.stdin.read()").format(_PR_SET_PTRACER)
        tracer = ("import ctypes,sys; c=ctypes.CDLL(None, use_errno=True);"
                  "r=c.ptrace({}, {{}}, ctypes.c_void_p(0), ctypes.c_void_p(0));"
                  "sys.exit(ctypes.get_errno() if r else 0)").format(_PTRACE_SEIZE)
        one = subprocess.Popen([sys.executable, '-c', target], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            one.stdout.readline()
            code = subprocess.call([sys.executable, '-c', tracer.format(one.pid)], stderr=subprocess.DEVNULL)
        finally:
            one.communicate()
        why = os.strerror(code) if 0 < code < 200 else code
        _refusal.append(None if code == 0 else 'no permission to ptrace ({}); run the live tests as root or '
                        'with kernel.yama.ptrace_scope=0'.format(why))
    return _refusal[0]


def skip_unless_ptrace(thing):
    """Decorator for a test class or function: skip, with the reason, where processes can't be traced."""
    reason = ptrace_refusal()
    return unittest.skipIf(reason is not None, reason)(thing)


# --- children and their lines ---

def until(condition, timeout=10.0, what='a condition'):
    """Poll `condition()` until it is true and return its value; AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError('waited {} s in vain for {}'.format(timeout, what))
        time.sleep(0.005)


class Lines(object):
    """The lines of a stream, collected by a thread as they come, each with the time it came."""

    def __init__(self, stream, started):
        self.lines = []
        self.times = []
        self.ended = False
        self._started = started
        self._changed = threading.Condition()
        self._held = threading.Event()
        self._held.set()
        self._thread = threading.Thread(target=self._collect, args=(stream,))
        self._thread.daemon = True
        self._thread.start()

    def _collect(self, stream):
        for line in iter(stream.readline, b''):
            self._held.wait()
            with self._changed:
                self.lines.append(line.decode('utf-8', 'surrogateescape').rstrip('\n'))
                self.times.append(time.monotonic() - self._started)
                self._changed.notify_all()
        with self._changed:
            self.ended = True
            self._changed.notify_all()
        stream.close()

    def hold(self, held):
        """Stop reading (True) or go on: a reader that stalls."""
        (self._held.clear if held else self._held.set)()

    def wait(self, pattern, timeout, start=0):
        """(index, match) of the first line from `start` on that the pattern finds; None at end or timeout."""
        regex = re.compile(pattern)
        deadline = time.monotonic() + timeout
        index = start
        with self._changed:
            while True:
                while index < len(self.lines):
                    match = regex.search(self.lines[index])
                    if match:
                        return index, match
                    index += 1
                left = deadline - time.monotonic()
                if self.ended or left <= 0:
                    return None
                self._changed.wait(left)

    def join(self, timeout=10):
        self._held.set()
        self._thread.join(timeout)


class Target(object):
    """A target program: started, its "ready" awaited, spoken to by lines.  A context manager."""

    def __init__(self, *argv, **options):
        self.argv = [str(a) for a in argv]
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=options.get('stderr'),
            env=options.get('env'), cwd=options.get('cwd'), preexec_fn=options.get('preexec_fn'))
        self.pid = self.process.pid
        self.out = Lines(self.process.stdout, self.started)
        self._position = 0
        try:
            self.expect(options.get('ready', r'^ready (\d+)'), options.get('timeout', 20))
        except AssertionError:
            self.kill()
            raise

    def say(self, line):
        self.process.stdin.write(line.encode() + b'\n')
        self.process.stdin.flush()

    def expect(self, pattern, timeout=30):
        """The match of the next line that `pattern` finds; the lines up to it are consumed."""
        found = self.out.wait(pattern, timeout, self._position)
        if found is None:
            raise AssertionError('{} did not say {!r} within {} s; exit status {}; it said:\n{}'.format(
                self.argv, pattern, timeout, self.process.poll(), '\n'.join(self.out.lines[-40:])))
        self._position = found[0] + 1
        return found[1]

    def ask(self, line, pattern, timeout=30):
        self.say(line)
        return self.expect(pattern, timeout)

    def lines_until(self, pattern, timeout=60):
        """The lines after those consumed before, up to the one that `pattern` finds (not included)."""
        start = self._position
        self.expect(pattern, timeout)
        return self.out.lines[start:self._position - 1]

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._finish()

    def _finish(self):
        try:
            self.process.stdin.close()
        except OSError:
            pass
        self.out.join()

    def close(self, timeout=10):
        """Say quit; the exit status.  A target that does not end is killed and None returned."""
        if self.process.poll() is None:
            try:
                self.say('quit')
                self.process.stdin.close()
            except OSError:
                pass
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                return None
        self._finish()
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.close()
        else:
            self.kill()


Frame = collections.namedtuple('Frame', 'address name offset location')
CallStack = collections.namedtuple(
    'CallStack', 'id may_leak may_leak_bytes expired expired_bytes free_expired free_expired_bytes '
    'alloc alloc_bytes free free_bytes free_min free_max free_average unfreed_max frames')
# status: exit status; stop: the "== ..." line(s) that said why; stacks: list of CallStack as printed;
# proof: the lines behind the statistics; counts: {stack id: "expires" lines seen}
Report = collections.namedtuple('Report', 'status stop stacks proof counts lines errors')

_NUMBER = r'([0-9][0-9.eE+-]*)'
_FRAME = re.compile(r'^ +0x([0-9a-f]{8,16})  (\S.*)$')
_EXPIRES = re.compile(
    r'^CallStack\[(\d+)\]: memory expires with (\d+) bytes, (?:backtrace:|(\d+) times? again)$')
_HEAD = re.compile(r'^CallStack\[(\d+)\]: may-leak=(\d+) \((\d+) bytes\)$')
_BODY = (
    re.compile(r'^ +expired=(\d+) \((\d+) bytes\), free_expired=(\d+) \((\d+) bytes\)$'),
    re.compile(r'^ +alloc=(\d+) \((\d+) bytes\), free=(\d+) \((\d+) bytes\)$'),
    re.compile(r'^ +freed memory live time: min={0} max={0} average={0}$'.format(_NUMBER)),
    re.compile(r'^ +un-freed memory live time: max={}$'.format(_NUMBER)),
)


def parse_frame(line):
    """Frame of "0xADDRESS  name()+offset  file:line", "...  [module]" or "...  module+offset"; or None."""
    match = _FRAME.match(line)
    if not match:
        return None
    rest = match.group(2)
    named = re.match(r'^(.*)\(\)\+(0x[0-9a-f]+|\d+)(?:  (.*))?$', rest)
    if named:
        return Frame(int(match.group(1), 16), named.group(1), int(named.group(2), 0), named.group(3) or '')
    return Frame(int(match.group(1), 16), None, None, rest)


def parse_report(lines, status=None, errors=()):
    """Report of all the lines that memleax printed."""
    stop, stacks, proof, counts = [], [], [], {}
    in_statistics = False
    index = 0
    while index < len(lines):
        line = lines[index]
        index += 1
        match = _EXPIRES.match(line)
        if match and not in_statistics:
            counts[int(match.group(1))] = counts.get(int(match.group(1)), 0) + 1
            continue
        if line.startswith(('== CallStack statistics', '== No expired', '== All expired')):
            in_statistics = True
            continue
        match = _HEAD.match(line)
        if match and in_statistics:
            values = [int(g) for g in match.groups()]
            for body in _BODY:
                found = body.match(lines[index]) if index < len(lines) else None
                if not found:
                    raise AssertionError('not in the form of a statistics line ({}): {!r}'.format(
                        body.pattern, lines[index:index + 1]))
                values.extend(float(g) if '.' in g or 'e' in g else int(g) for g in found.groups())
                index += 1
            frames = []
            while index < len(lines):
                frame = parse_frame(lines[index])
                if frame is not None:
                    frames.append(frame)
                elif not lines[index].startswith('    ('):      # (stack cut short: ...)
                    break
                index += 1
            stacks.append(CallStack(*(values + [frames])))
            continue
        if in_statistics:
            if line.strip():
                proof.append(line)
        elif line.startswith('== ') and not line.startswith('== Begin'):
            stop.append(line)
    return Report(status, stop, stacks, proof, counts, lines, list(errors))


class Memleax(object):
    """
    `python memleax.py ARGUMENTS` with the interpreter of the test.  A context manager: leaving it ends the
    run. Failures show everything that it printed, with the time of each line.
    """

    def __init__(self, *arguments, **options):
        self.argv = [options.get('python', sys.executable), options.get('program', PROGRAM)] + [str(a) for a in arguments]
        if ENGINE != 'auto' and '--engine' not in arguments:
            self.argv[2:2] = ['--engine', ENGINE]
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=options.get('env'), cwd=options.get('cwd'), preexec_fn=options.get('preexec_fn'))
        self.out = Lines(self.process.stdout, self.started)
        self.err = Lines(self.process.stderr, self.started)

    def transcript(self):
        """All that was printed, for a failure's message."""
        rows = [(t, '  ', line) for t, line in zip(self.out.times, self.out.lines)]
        rows += [(t, 'E ', line) for t, line in zip(self.err.times, self.err.lines)]
        rows.sort(key=lambda row: row[0])
        if len(rows) > 400:
            rows = rows[:200] + [(0, '..', '({} lines left out)'.format(len(rows) - 400))] + rows[-200:]
        return '$ {}   (exit status {})\n{}'.format(
            ' '.join(self.argv), self.process.poll(),
            '\n'.join('{:8.3f} {}{}'.format(t, mark, line) for t, mark, line in rows))

    def expect(self, pattern, timeout=20, start=0, stream='out'):
        """The match of the first line (from index `start` on) that `pattern` finds."""
        found = getattr(self, stream).wait(pattern, timeout, start)
        if found is None:
            raise AssertionError('memleax did not print {!r} within {} s:\n{}'.format(
                pattern, timeout, self.transcript()))
        return found[1]

    def begin(self, timeout=30):
        """Wait until the hooks are in."""
        self.expect(r'^== Begin monitoring process \d+', timeout)
        return self

    def expect_expired(self, number, timeout=30):
        """Wait for `number` "memory expires" lines in all."""
        def enough():
            return (sum(1 for line in list(self.out.lines) if _EXPIRES.match(line)) >= number
                    or self.process.poll() is not None)
        try:
            until(enough, timeout, '{} expired blocks'.format(number))
        except AssertionError as problem:
            raise AssertionError('{}\n{}'.format(problem, self.transcript()))

    def wait(self, timeout=30):
        """Wait until it has ended by itself: Report."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            text = self.transcript()
            self.kill()
            raise AssertionError('memleax did not end within {} s:\n{}'.format(timeout, text))
        self.out.join()
        self.err.join()
        try:
            return parse_report(self.out.lines, status, self.err.lines)
        except AssertionError as problem:
            raise AssertionError('{}\n{}'.format(problem, self.transcript()))

    def finish(self, number=signal.SIGINT, timeout=30):
        """End it with a signal: Report."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait(timeout)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.out.join()
        self.err.join()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                pass
        self.kill()


def run_memleax(*arguments, **options):
    """Run to its end: Memleax with .report."""
    timeout = options.pop('timeout', 30)
    with Memleax(*arguments, **options) as run:
        run.report = run.wait(timeout)
        return run


# --- was the target harmed? ---

Mapping = collections.namedtuple('Mapping', 'start end permissions offset inode path')
Snapshot = collections.namedtuple('Snapshot', 'signals executable')


def read_status(pid, tid=None):
    """/proc/PID/task/TID/status as a dict of str."""
    with open('/proc/{}/task/{}/status'.format(pid, tid or pid), 'rb') as f:
        text = f.read().decode('utf-8', 'replace')
    return dict((key, value.strip()) for key, _, value in (line.partition(':') for line in text.splitlines()))


def read_children(pid):
    """Ids of a process's children."""
    found = []
    for name in os.listdir('/proc'):
        if name.isdigit():
            try:
                status = read_status(int(name))
            except OSError:                     # it has ended by now
                continue
            if status.get('PPid') == str(pid):
                found.append(int(name))
    return found


def thread_ids(pid):
    return sorted(int(name) for name in os.listdir('/proc/{}/task'.format(pid)))


def tracer_of(pid):
    """The pid of its tracer, 0 without one."""
    return int(read_status(pid)['TracerPid'])


def given_back(pid):
    """Whether nobody traces a process and no hook is left in it."""
    return tracer_of(pid) == 0 and not text_differences(pid, tails=False)


def monitor_of(run):
    """The monitor's pid of a Memleax that has begun: the reporter's child."""
    children = read_children(run.process.pid)
    if len(children) != 1:
        raise AssertionError('memleax has {} children\n{}'.format(len(children), run.transcript()))
    return children[0]


def state_of(pid, tid=None):
    """The state letter: R S D T t Z."""
    return read_status(pid, tid)['State'][:1]


def read_mappings(pid):
    found = []
    with open('/proc/{}/maps'.format(pid), 'rb') as f:
        text = f.read().decode('utf-8', 'surrogateescape')
    for line in text.splitlines():
        fields = line.split(None, 5)
        start, _, end = fields[0].partition('-')
        found.append(Mapping(int(start, 16), int(end, 16), fields[1], int(fields[2], 16), int(fields[4]),
                             fields[5] if len(fields) > 5 else ''))
    return found


def take_snapshot(pid):
    """What must be the same afterwards: each thread's signal masks, and the executable mappings."""
    signals = {}
    for tid in thread_ids(pid):
        try:
            status = read_status(pid, tid)
        except OSError:
            continue
        signals[tid] = dict((key, status[key]) for key in ('Name', 'SigBlk', 'SigIgn', 'SigCgt'))
    executable = [(m.start, m.end, m.permissions, m.path) for m in read_mappings(pid)
                  if 'x' in m.permissions and not m.path.startswith('[')]
    return Snapshot(signals, executable)


def _segment_end(data, offset):
    """Where in the file the executable segment ends whose mapping starts at file offset `offset`."""
    if data[:5] != b'\x7fELF\x02':
        return len(data)
    table, = struct.unpack_from('<Q', data, 32)
    entry_size, count = struct.unpack_from('<HH', data, 54)
    for i in range(count):
        kind, flags, start, _, _, size = struct.unpack_from('<IIQQQQ', data, table + i * entry_size)
        if kind == 1 and flags & 1 and start & ~0xfff <= offset < start + size:
            return start + size
    return len(data)


def text_differences(pid, tails=True):
    """
    Where executable mappings of files differ from the files: list of str.  The rest of the last page behind a
    segment holds what the file has there, and zero behind the file's end (`tails` False: it is not looked
    at, nor is code of our own that was left because a thread is inside).
    """
    problems = []
    with open('/proc/{}/mem'.format(pid), 'rb', 0) as memory:
        for m in read_mappings(pid):
            if 'x' not in m.permissions or not m.inode or not tails and m.path.startswith('/memfd:code.memleax'):
                continue
            try:
                f = open('/proc/{}/map_files/{:x}-{:x}'.format(pid, m.start, m.end), 'rb')
            except OSError:
                f = open(m.path, 'rb')
            with f:
                data = f.read()
            size = m.end - m.start
            if not tails:
                size = min(size, max(0, _segment_end(data, m.offset) - m.offset))
            expected = data[m.offset:m.offset + size]
            expected += bytes(size - len(expected))
            found = b''
            while len(found) < size:
                part = os.pread(memory.fileno(), min(size - len(found), 1 << 20), m.start + len(found))
                if not part:
                    break
                found += part
            if found == expected:
                continue
            if len(found) < size:
                problems.append('{}: only {} of {} bytes readable'.format(m.path, len(found), size))
                continue
            different = [i for i in range(size) if found[i] != expected[i]]
            first, last = different[0], different[-1]
            problems.append('{}: {} bytes differ from the file, {:#x} (file offset {:#x}) to {:#x}: '
                            '{} instead of {}'.format(
                                m.path, len(different), m.start + first, m.offset + first, m.start + last,
                                    found[first:first + 32].hex(), expected[first:first + 32].hex()))
    return problems


# Calls that swap the mask of blocked signals while they wait: the two moments can't be compared.
_MASK_SWAPPERS = frozenset(['sigtimedwait', 'ppoll', 'epoll_pwait', 'pselect'])


def harm_done(pid, before=None, tails=True, states='RSD'):
    """List of str: everything in which process `pid` is not as a process should be that was never traced."""
    problems = text_differences(pid, tails)
    for tid in thread_ids(pid):
        try:
            status = read_status(pid, tid)
        except OSError:
            continue
        if status['TracerPid'] != '0':
            problems.append('thread {} ({}) is traced by {}'.format(tid, status['Name'], status['TracerPid']))
        if status['State'][:1] not in states:
            problems.append('thread {} ({}) is in state {}'.format(tid, status['Name'], status['State']))
        if before and tid in before.signals and status['Name'] not in _MASK_SWAPPERS:
            for key in ('SigBlk', 'SigIgn', 'SigCgt'):
                if status[key] != before.signals[tid][key]:
                    problems.append('thread {} ({}): {} was {} and is {}'.format(
                        tid, status['Name'], key, before.signals[tid][key], status[key]))
    if before:
        now = take_snapshot(pid).executable
        known = set(before.executable)
        for start, end, permissions, path in now:
            if (start, end, permissions, path) not in known and not path:
                problems.append('a new executable mapping {:x}-{:x} {}'.format(start, end, permissions))
        for start, end, permissions, path in before.executable:
            if (start, end, permissions, path) not in set(now) and not path.endswith('.so'):
                problems.append('the mapping {:x}-{:x} {} {} is gone or changed'.format(
                    start, end, permissions, path))
    return problems


def assert_unharmed(pid, before=None, run=None, tails=True, states='RSD'):
    """
    AssertionError unless the process runs, no thread of it has a tracer, its text is the files', and (with a
    Snapshot) signal masks and executable mappings are as they were.  `run`: the Memleax whose output goes
    into the failure.
    """
    if not os.path.exists('/proc/{}'.format(pid)) or state_of(pid) in 'ZX':
        problems = ['the process is dead']
    else:
        problems = harm_done(pid, before, tails, states)
        # the C library blocks every signal for moments (in pthread_create, in fork): only what stays is harm, and of
        # several threads that do so one or the other is always seen at it
        deadline = time.monotonic() + 5
        while problems and all(': SigBlk was ' in problem for problem in problems) and time.monotonic() < deadline:
            time.sleep(0.01)
            now = harm_done(pid, before, tails, states)
            problems = [problem for problem in now if problem in problems or ': SigBlk was ' not in problem]
    if problems:
        raise AssertionError('process {} was harmed:\n  {}\n{}'.format(
            pid, '\n  '.join(problems), run.transcript() if run else ''))


def context_switches(pid):
    """Voluntary context switches of all threads: a thread makes one in each stop for a tracer."""
    return sum(int(read_status(pid, tid)['voluntary_ctxt_switches']) for tid in thread_ids(pid))


def libc_call(name, *arguments):
    """A C library function by ctypes: (result, errno)."""
    library = ctypes.CDLL(None, use_errno=True)
    result = getattr(library, name)(*arguments)
    return result, ctypes.get_errno()
