#!/usr/bin/env python3
"""memleax: the command. Arguments, starting the monitor, the reporter's loop, messages and statistics.

Two processes: monitor.py traces the target and sends what happened through a pipe; what stands here is the
reporter, the process that the user started. It names and prints. When it ends, for whatever reason, the
monitor gives the target back.

The options, the messages and the statistics are those of the original memleax, in its words. A return address
is printed as it is, while its name and line are looked up one byte before, inside the call; the first frame
and those which a signal interrupted are looked up as they are.

This file is read by interpreters as old as 2.7, so that they can say which one is needed: it keeps to the
syntax that all of them share.
"""
from __future__ import print_function

import os
import sys

__version__ = '0.1.0'

LOWEST_PYTHON = (3, 6)


def _where_is_python():
    """What to say about an interpreter that would do: paths of those that are known to be new enough."""
    found = []
    for folder in os.environ.get('PATH', '/usr/local/bin:/usr/bin').split(os.pathsep):
        for minor in range(30, LOWEST_PYTHON[1] - 1, -1):
            path = os.path.join(folder, 'python3.%d' % minor)
            if os.access(path, os.X_OK):
                found.append(path)
    # the one that Red Hat's own tools run with, there where no python3 is installed
    if os.path.exists('/usr/libexec/platform-python'):
        found.append('/usr/libexec/platform-python')
    return found


def _refuse_old_python():
    found = _where_is_python()
    sys.stderr.write('memleax: needs Python %d.%d or newer, this is %s%s\n' % (
        LOWEST_PYTHON + ('.'.join(str(n) for n in sys.version_info[:3]),
                         ': try %s %s' % (found[0], sys.argv[0]) if found else ' (%s)' % sys.executable)))
    sys.exit(2)


if sys.version_info < LOWEST_PYTHON:
    _refuse_old_python()

try:
    import argparse
    import bisect
    import errno
    import json
    import re
    import select
    import selectors
    import shutil
    import signal
    import threading
    import time

    import monitor
    import elfreader
    import dwarfline
except ImportError as problem:
    # What a user meets who copied memleax.py alone, or has one of the distributions' minimal interpreters
    _here = os.path.dirname(os.path.abspath(__file__))
    if problem.name in ('monitor', 'platform_linux', 'platform_freebsd', 'trampoline', 'recorder', 'unwinder',
                        'elfreader', 'dwarfline'):
        sys.stderr.write('memleax: the file %s.py is missing: it belongs into %s, beside memleax.py\n'
                         % (problem.name, _here))
    else:
        sys.stderr.write('memleax: %s cannot load what it needs: %s (a minimal installation of Python? '
                         'install the whole one)\n' % (sys.executable, problem))
    sys.exit(1)

EXIT_DONE, EXIT_FAILED, EXIT_USAGE = 0, 1, 2

LONGEST_BACKTRACE = 200
DELETED = ' (deleted)'          # what the kernel adds to a path that no longer leads to the file
PENDING_LIMIT = 16 << 20        # bytes of messages that are taken in while others are being printed


# Why the unwinder stopped early, for people
CUT_SHORT = {
    'no rules': 'no unwind information for this code',
    'bad rules': 'damaged unwind information for this code',
    'memory': 'the next frame cannot be read',
    'loop': 'the frames lead in a circle',
}


# -- text

_UNPRINTABLE = re.compile('[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]')


def _escape(match):
    code = ord(match.group())
    if 0xdc80 <= code <= 0xdcff:        # a byte that was no UTF-8 (surrogateescape)
        code -= 0xdc00
    return '\\x%02x' % code if code < 256 else '\\u%04x' % code


def printable(text):
    """Text that may go to a terminal: names come from foreign files and could hold escape sequences."""
    return _UNPRINTABLE.sub(_escape, text)


def seconds(value):
    """A time in seconds as the report shows it: whole from 10 on, with the fraction that matters below."""
    if value >= 9.995:
        return '%d' % round(value)
    return ('%.2f' if value >= 1 else '%.3f').__mod__(value).rstrip('0').rstrip('.')


def amount(size):
    """A number of bytes for the status line: '1.2 MB'."""
    if size < 1000:
        return '%d bytes' % size
    for unit in ('kB', 'MB', 'GB'):
        size /= 1000.0
        if size < 999.5 or unit == 'GB':
            return ('%.1f %s' if size < 99.95 else '%.0f %s') % (size, unit)


def clock(value):
    """Elapsed seconds as h:mm:ss."""
    value = int(value)
    return '%d:%02d:%02d' % (value // 3600, value // 60 % 60, value % 60)


def how_it_ended(status):
    """A wait status in words, in parentheses; '' for an end without a fault, or where it is not known."""
    if not status:
        return ''
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            return ' (killed by %s)' % signal.Signals(number).name
        except ValueError:
            return ' (killed by signal %d)' % number
    return ' (exit status %d)' % os.WEXITSTATUS(status)


class Report(object):
    """Messages of the monitor -> the lines of the report. Prints nothing, opens nothing.

    frame_lines(frames, exact, ending) -> list of lines for a stack; see Stacks.lines.
    """

    def __init__(self, frame_lines, verbose=False):
        self.frame_lines = frame_lines
        self.verbose = verbose
        self.stacks = {}                # stack's ID -> its lines, which come with its first expiry only
        self.statistics_begun = False
        self.statistics_shown = 0
        self.makers = {
            'begin': self.begin, 'note': self.note, 'expired': self.expired, 'freed': self.freed,
            'too-many': self.too_many, 'stop': self.stop, 'statistics': self.statistics, 'proof': self.proof,
            'dry-run': self.dry_run,
        }

    def lines(self, message):
        """The lines for one message (a dict with a 'type'), without line ends; [] where it prints nothing."""
        make = self.makers.get(message.get('type'))
        return make(message) if make else []

    def begin(self, message):
        lines = ['== Begin monitoring process %d...' % message['pid']]
        if message.get('where'):
            lines.append('-- from %s on' % message['where'])
        if self.verbose:
            lines.append('-- %s, %d thread%s, engine: %s; it stood still for %.1f ms' % (
                message.get('program') or '?', message.get('threads', 0),
                '' if message.get('threads') == 1 else 's', message.get('engine', '?'),
                message.get('standstill', 0) * 1000))
        return lines

    def note(self, message):
        level = message.get('level')
        if level == 'verbose' and not self.verbose:
            return []
        mark = 'Warning: ' if level == 'warning' else '-- '
        return [mark + line for line in message.get('text', '').splitlines()]

    def stack_lines(self, message):
        number = message['stack']
        lines = self.stacks.get(number)
        if lines is None and message.get('frames'):
            lines = self.stacks[number] = self.frame_lines(message['frames'], message.get('exact', ()),
                                                           message.get('ending', 'end'))
        return lines or []

    def expired(self, message):
        head = 'CallStack[%d]: memory expires with %d bytes, ' % (message['stack'], message['size'])
        if message.get('frames'):
            return [head + 'backtrace:'] + self.stack_lines(message)
        return [head + '%d times again' % message['count']]

    def freed(self, message):
        return ['CallStack[%d]: expired-memory frees after %s seconds' % (
            message['stack'], seconds(message['after']))]

    def too_many(self, message):
        return ['Warning: too many expired-free at CallStack[%d]. will not show this CallStack later'
                % message['stack']]

    def stop(self, message):
        reason = message.get('reason')
        text = message.get('text') or ''
        if reason == 'user':
            lines = ['== Terminate monitoring.']
        elif reason == 'exit':
            lines = ['== Target process exit.' + how_it_ended(message.get('status'))]
        elif reason == 'exec':
            lines = ['== Target process calls exec.']
        elif reason == 'memory-block-max':
            lines = ['== %d memory blocks leaked at CallStack[%d].' % (message['limit'], message['stack'])]
        elif reason == 'call-stack-max':
            lines = ['== %d CallStacks gets memory leak.' % message['limit'],
                     '-- Maybe you should set bigger expired time by `-e`.']
        elif reason == 'error':             # whose text comes at the very end
            return ['== Monitoring stopped by an error.']
        else:
            lines = ['== Monitoring stopped%s' % ('.' if text else ': %s.' % reason)]
        return lines + ['-- ' + line for line in text.splitlines()]

    def statistics(self, message):
        lines = []
        if not self.statistics_begun:
            self.statistics_begun = True
            self.statistics_head = ['', '== CallStack statistics: (in ascending order)', '']
        for entry in message.get('stacks', ()):
            if not self.statistics_shown:
                lines += self.statistics_head
            self.statistics_shown += 1
            lines += self.statistics_lines(entry)
        if not self.statistics_shown and not message.get('more'):
            lines.append('== All expired memory blocks were freed later.' if message.get('expired')
                         else '== No expired memory blocks.')
        return lines

    def statistics_lines(self, entry):
        """One CallStack of the statistics."""
        get = entry.get
        lines = [
            'CallStack[%d]: may-leak=%d (%d bytes)' % (
                entry['stack'], get('expired', 0) - get('free_expired', 0),
                get('expired_bytes', 0) - get('free_expired_bytes', 0)),
            '    expired=%d (%d bytes), free_expired=%d (%d bytes)' % (
                get('expired', 0), get('expired_bytes', 0),
                get('free_expired', 0), get('free_expired_bytes', 0)),
            '    alloc=%d (%d bytes), free=%d (%d bytes)' % (
                get('alloc', 0), get('alloc_bytes', 0), get('free', 0), get('free_bytes', 0)),
            '    freed memory live time: min=%s max=%s average=%s' % (
                seconds(get('free_min') or 0), seconds(get('free_max') or 0),
                seconds(get('free_average') or 0)),
            '    un-freed memory live time: max=%s' % seconds(get('unfreed_max') or 0),
        ]
        return lines + self.stack_lines(entry) + ['']

    def proof(self, message):
        lines = [line for text in message.get('text', ()) for line in text.splitlines()]
        bad = not message.get('ok') and not any(line.startswith('!!!') for line in lines)
        mark = '!!! ' if bad else '-- '
        return [line if line.startswith(('!!!', '==', '--')) else mark + line
                for line in lines or (['no proof of the end'] if bad else [])]

    def dry_run(self, message):
        return [line for text in message.get('text', ()) for line in text.splitlines()]

    def status(self, message):
        """The status line: one line of text."""
        get = message.get
        text = '%s  %d calls/s  %d block%s (%s)  %d stack%s expired  stopped %.1f%%' % (
            clock(get('elapsed', 0)), get('calls_per_second', 0), get('blocks', 0),
            '' if get('blocks') == 1 else 's', amount(get('bytes', 0)),
            get('stacks', 0), '' if get('stacks') == 1 else 's', get('stopped', 0))
        return text + ('  %d messages lost' % get('lost') if get('lost') else '')


# -- stacks: names and lines for addresses

class UsageError(Exception):
    """What the user gave cannot work: one line of text that says what and what to do."""


class RunError(Exception):
    """The run cannot go on: one line of text."""


class Code(object):
    """What is known about one file that the target has mapped: symbols and lines, read when asked for."""

    def __init__(self, elf, path, lines, debug_elf=None):
        self.elf = elf
        self.debug_elf = debug_elf
        self.symbol_files = [elf]
        self.line_table = None
        if debug_elf is None and elf.section('.symtab') is None:
            self.debug_elf = self._separate(elf, path)
        if self.debug_elf is not None:
            self.symbol_files.insert(0, self.debug_elf)
        if lines:
            for file in self.symbol_files:
                if file.section('.debug_line') or file.section('.zdebug_line'):
                    self.line_table = dwarfline.DebugLine(file)
                    break

    @staticmethod
    def _separate(elf, path):
        if elf.build_id is None:
            return None
        for candidate in elf.debug_file_candidates(path):
            try:
                debug = elfreader.ElfFile.open(candidate)
            except (OSError, elfreader.ElfError):
                continue
            if debug.build_id == elf.build_id:
                return debug
            debug.close()
        return None

    def symbol(self, file_address):
        for file in self.symbol_files:
            symbol = file.symbol_at(file_address)
            if symbol is not None:
                if symbol.name.startswith('_'):
                    # calloc is a weak alias of __libc_calloc: people know the name without underscores
                    start = symbol.file_address
                    for other in file.functions_between(start, start + 1):
                        if other.size == symbol.size and other.name and not other.name.startswith('_'):
                            return other
                return symbol
        return None

    def line(self, file_address):
        return self.line_table.locate(file_address) if self.line_table is not None else None


class Module(object):
    """One range of the target's memory that a file (or the kernel, for the vdso) stands behind."""

    def __init__(self, row):
        self.start, self.end, self.load_bias, self.path, self.device, self.inode, build_id = row[:7]
        try:
            self.build_id = bytes(bytearray.fromhex(build_id)) if build_id else None
        except ValueError:
            self.build_id = None
        path = self.path or ''
        if path.endswith(DELETED):
            path = path[:-len(DELETED)]
        self.plain_path = path
        self.name = os.path.basename(path) or '?'
        self.place = self.name if self.name.startswith('[') else '[%s]' % self.name


class Stacks(object):
    """Addresses of the target -> the lines of a backtrace.

    open_module(pid, start, end, path, device, inode) -> fd: the file as the target sees it (the platform's).
    program: path of the main executable, where known: a stack is shown down to its main().
    debug_file: an ElfFile that stands for the module of the same build-id (-d). lines: whether DWARF is read.
    trouble: list of texts about what could not be read.
    """

    def __init__(self, pid, open_module, program=None, debug_file=None, lines=True):
        self.pid = pid
        self.open_module = open_module
        self.program = program
        self.debug_file = debug_file
        self.with_lines = lines
        self.modules = []               # sorted by start, no two overlap
        self.starts = []
        self.codes = {}                 # (path, device, inode, build-id) -> Code or None
        self.described = {}             # (address, exact) -> (line, is main)
        self.trouble = []

    def update(self, rows):
        """A new list of modules. Older ones that none of these overlaps are kept: stacks still lead there."""
        new = sorted((Module(row) for row in rows), key=lambda module: module.start)
        starts = [module.start for module in new]
        old = []
        for module in self.modules:
            at = bisect.bisect_left(starts, module.end) - 1
            if at < 0 or new[at].end <= module.start:
                old.append(module)
        self.modules = sorted(new + old, key=lambda module: module.start)
        self.starts = [module.start for module in self.modules]
        self.described.clear()

    def find(self, address):
        """The Module at an address, or None."""
        at = bisect.bisect_right(self.starts, address) - 1
        if at >= 0 and address < self.modules[at].end:
            return self.modules[at]
        return None

    def code_of(self, module):
        """The Code of a module, opened when first asked for; None where there is no file to be trusted."""
        key = (module.path, module.device, module.inode, module.build_id)
        if key not in self.codes:
            code = None
            try:
                code = self._open(module)
            except (OSError, elfreader.ElfError) as error:
                self.trouble.append('%s: no names: %s' % (module.plain_path, error))
            except Exception as error:          # a damaged file costs names, never the run
                self.trouble.append('%s: no names: %s: %s' % (module.plain_path, type(error).__name__, error))
            self.codes[key] = code
        return self.codes[key]

    def _open(self, module):
        path = module.plain_path
        if not path.startswith('/'):            # the vdso and the like have no file
            return None
        fd = None
        try:
            try:
                fd = self.open_module(self.pid, module.start, module.end, module.path, module.device,
                                      module.inode)
            except OSError:
                # The target is gone. Its path is taken, if it still leads to the same file.
                fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
                if module.build_id is None and os.fstat(fd).st_ino != module.inode:
                    raise OSError(errno.ESTALE, 'the file was replaced after the program was started', path)
            elf = elfreader.ElfFile.from_fd(fd, path)
        finally:
            if fd is not None:
                os.close(fd)
        if module.build_id is not None and elf.build_id != module.build_id:
            elf.close()
            raise elfreader.ElfError(path, 'the build-id is another than in memory: the file was replaced')
        debug = self.debug_file
        if debug is not None:
            if debug.build_id and elf.build_id:
                same = debug.build_id == elf.build_id
            else:
                same = path == self.program
            debug = debug if same else None
        return Code(elf, path, self.with_lines, debug)

    def describe(self, address, exact):
        """(line of the backtrace, whether it is the program's main) for one frame.

        exact: the address is a pc; else a return address, which may lie behind the function that called.
        """
        known = self.described.get((address, exact))
        if known is None:
            known = self.described[(address, exact)] = self._describe(address, exact)
        return known

    def _describe(self, address, exact):
        head = '    0x%016x  ' % address
        inside = address if exact else address - 1
        module = self.find(inside)
        if module is None:
            return head + '?', False
        file_address = inside - module.load_bias
        code = self.code_of(module)
        symbol = place = None
        if code is not None:
            try:
                symbol = code.symbol(file_address)
                place = code.line(file_address)
            except Exception as error:          # a damaged file costs a name or a line, never the run
                self.trouble.append('%s: %s: %s' % (module.plain_path, type(error).__name__, error))
        if symbol is None:
            name = '%s+0x%x' % (module.name, address - module.load_bias)
            where = ''
        else:
            name = '%s+%d' % (called(symbol.name), address - module.load_bias - symbol.file_address)
            where = module.place
        if place is not None:
            where = '%s:%d' % (source_path(place[0], place[2]), place[1])
        is_main = (symbol is not None and symbol.name == 'main'
                   and (self.program is None or module.plain_path == self.program))
        return head + name + ('  ' + where if where else ''), is_main

    def lines(self, frames, exact=(), ending='end'):
        """The backtrace of a stack: a line a frame, innermost first, down to main; why it is cut short."""
        lines = []
        end = None
        for index, address in enumerate(frames):
            line, is_main = self.describe(address, index in exact)
            lines.append(line)
            if is_main:
                end = index + 1
        if end is not None:
            return lines[:end]                  # what lies behind main is the C library's
        if ending == 'limit':
            lines.append('    (the first %d frames: -l shows more)' % len(frames))
        elif ending != 'end':
            lines.append('    (stack cut short: %s)' % CUT_SHORT.get(ending, ending))
        return lines


CXX_RUNTIMES = ('libstdc++.so.6', 'libc++abi.so.1', 'libcxxrt.so.1')


def _open_demangler(cache=[]):
    """__cxa_demangle (Itanium C++ ABI) of whatever C++ runtime this machine has, or None."""
    if not cache:
        import ctypes
        cache.append(None)
        for name in CXX_RUNTIMES:
            try:
                function = ctypes.CDLL(name).__cxa_demangle
                free = ctypes.CDLL(None).free
            except (OSError, AttributeError):
                continue
            function.restype = ctypes.c_void_p
            function.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
            free.argtypes = [ctypes.c_void_p]

            def demangle(name):
                status = ctypes.c_int()
                text = function(name, None, None, ctypes.byref(status))
                if not text:
                    return None
                try:
                    return ctypes.string_at(text) if status.value == 0 else None
                finally:
                    free(text)

            cache[0] = demangle
            break
    return cache[0]


def called(name):
    """A function's name as people call it: `foo()`, or for C++ `ns::foo(int)`, where this machine can demangle it."""
    if name.startswith('_Z') and len(name) < 4096:
        demangle = _open_demangler()
        try:
            text = demangle(name.encode('utf-8', 'surrogateescape')) if demangle is not None else None
        except ValueError:                      # a NUL in the name
            text = None
        if text:
            text = text.decode('utf-8', 'replace')
            return text if text.endswith(')') or ')' in text else text + '()'
    return name + '()'


def source_path(path, folder):
    """A source file for the report: as the compiler was given it, where that was relative; else its last two parts.

    path: absolute, or relative where the debug information does not tell more; folder: where it was compiled, or ''.
    """
    if folder and path.startswith(folder.rstrip('/') + '/'):
        given = os.path.normpath(path[len(folder.rstrip('/')) + 1:])
        if not given.startswith('..'):
            return given
    return '/'.join(os.path.normpath(path).split('/')[-2:]).lstrip('/')


# -- where lines go

class Output(object):
    """Lines to a file descriptor, each written at once and whole.

    Not a file object: after a signal or a full disk nothing may be left in a buffer to be tried again at
    exit, and a terminal that another program set to non-blocking (ssh does) has to be waited for.
    """

    def __init__(self, fd, name, encoding='utf-8'):
        self.fd = fd
        self.name = name
        self.encoding = encoding
        self.broken = False

    def write(self, text):
        """Raises OSError."""
        data = memoryview(text.encode(self.encoding, 'backslashreplace'))
        while len(data):
            try:
                data = data[os.write(self.fd, data):]
            except BlockingIOError:
                select.select([], [self.fd], [], 1)


class StatusLine(object):
    """One line on stderr that is drawn again and again; does nothing where stderr is no terminal."""

    ERASE = '\r\x1b[K'

    def __init__(self, fd=2, report_fd=1):
        self.fd = fd
        self.text = ''
        self.drawn = False
        self.active = False
        self.shared = False
        try:
            self.active = os.isatty(fd) and os.environ.get('TERM', 'dumb') != 'dumb'
            self.shared = os.isatty(report_fd) and os.fstat(fd).st_rdev == os.fstat(report_fd).st_rdev
        except OSError:
            pass

    def draw(self, text):
        self.text = text
        if self.active:
            try:
                width = os.get_terminal_size(self.fd).columns or 80
            except OSError:
                width = 80
            self._write(self.ERASE + text[:max(width - 1, 0)])
            self.drawn = True

    def erase(self):
        """Take the line away."""
        if self.drawn:
            self._write(self.ERASE)
            self.drawn = False

    def make_way(self):
        """Erase it before lines of the report on the same terminal. Returns whether to draw it again."""
        if self.drawn and self.shared:
            self.erase()
            return True
        return False

    def draw_again(self):
        self.draw(self.text)

    def _write(self, text):
        try:
            Output(self.fd, 'stderr').write(text)
        except OSError:
            self.active = False


# -- the reporter

class Reporter(object):
    """Reads the monitor's messages to their end and prints them.

    session: what monitor.start() gave. outputs: list of Output; the first is stdout.
    watched: {fd: function(reporter)} of other descriptors, called when one can be read; the function says by
    False that it need not be called again.
    """

    def __init__(self, session, report, stacks, outputs, status_line, watched=None):
        self.session = session
        self.report = report
        self.stacks = stacks
        self.outputs = outputs
        self.status_line = status_line
        self.watched = dict(watched or {})
        self.on_begin = None            # called once when the hooks are in
        self.exit_status = EXIT_DONE
        self.failure = None             # replaces the monitor's own words about the end
        self.stop_asked = False
        self.begun = False
        self.recorded = None            # the process that has a recorder in it
        self.ended = False
        self.given_back = False
        self.troubles_told = 0

    # asking for the end

    def ask_stop(self):
        """Have the target given back. May be called from any thread, and more than once."""
        if not self.stop_asked:
            self.stop_asked = True
            try:
                os.write(self.session.control, b'q')
            except OSError:
                pass                    # the monitor has ended: its last messages are still in the pipe

    # printing

    def emit(self, lines):
        if not lines:
            return
        again = self.status_line.make_way()
        text = ''.join(printable(line) + '\n' for line in lines)
        for output in self.outputs:
            if not output.broken:
                try:
                    output.write(text)
                except OSError as error:
                    self.output_failed(output, error)
        if again:
            self.status_line.draw_again()

    def output_failed(self, output, error):
        """The target first, then the words: once, and the other outputs get the rest of the report."""
        output.broken = True
        self.ask_stop()
        self.exit_status = EXIT_FAILED
        if output is self.outputs[0] and error.errno == errno.EPIPE:
            return                      # `memleax PID | head`: nobody wants to hear of it
        self.complain('cannot write to %s: %s; stopping' % (output.name, error.strerror))

    def complain(self, text):
        self.status_line.erase()
        complain(text)

    # messages

    def handle(self, message):
        kind = message.get('type')
        if kind == 'status':
            if not self.given_back:
                self.status_line.draw(self.report.status(message))
            return
        if kind == 'modules':
            self.stacks.update(message.get('modules', ()))
            return
        if kind == 'error':
            self.exit_status = message.get('status') or EXIT_FAILED
            if self.failure is None:
                self.failure = one_line(message.get('text', '?'), message.get('advice'))
            return
        if kind == 'end':
            self.ended = True
            return
        if kind == 'begin':
            self.begun = True
            if message.get('engine') == 'recorder':
                self.recorded = message['pid']
        elif not self.begun and kind in ('stop', 'statistics', 'proof'):
            self.look_at_watched()
            if self.failure is not None:    # a command that could not be run: all else is of no interest
                return
        if kind == 'stop':
            self.given_back = True
            self.status_line.erase()
        elif kind == 'proof' and not message.get('ok'):
            self.exit_status = EXIT_FAILED
        self.emit(self.report.lines(message))
        self.tell_trouble()
        if kind == 'begin' and self.on_begin is not None:
            self.on_begin(self)

    def tell_trouble(self):
        trouble = self.stacks.trouble
        if self.report.verbose:
            self.emit(['-- ' + text for text in trouble[self.troubles_told:]])
        self.troubles_told = len(trouble)

    def run(self):
        """Read to the end. Returns the exit status."""
        selector = selectors.DefaultSelector()
        messages = self.session.messages
        os.set_blocking(messages, False)
        selector.register(messages, selectors.EVENT_READ)
        for fd in self.watched:
            selector.register(fd, selectors.EVENT_READ)
        pending = bytearray()
        open_ended = False
        try:
            while not open_ended:
                # As much as there is goes out of the pipe first: looking up a line may take a while, and what
                # does not fit into the pipe meanwhile is lost.
                for key, _ in selector.select():
                    fd = key.fd
                    if fd == messages:
                        open_ended = not self.fill(pending)
                    elif self.watched[fd](self) is False:
                        selector.unregister(fd)
                        del self.watched[fd]
                position = 0
                while True:
                    newline = pending.find(b'\n', position)
                    if newline < 0:
                        break
                    line = bytes(pending[position:newline])
                    position = newline + 1
                    try:
                        message = json.loads(line.decode('utf-8', 'surrogatepass'))
                    except ValueError:
                        continue
                    self.handle(message)
                    if not open_ended and len(pending) < PENDING_LIMIT:
                        open_ended = not self.fill(pending)
                del pending[:position]
                if len(pending) >= PENDING_LIMIT:
                    raise RunError('the monitor sent what makes no sense')
            self.look_at_watched()
        finally:
            selector.close()
            self.status_line.erase()
        self.close_outputs()
        return self.finish()

    def look_at_watched(self):
        for fd in select.select(list(self.watched), [], [], 0)[0]:
            self.watched[fd](self)

    def fill(self, pending):
        """Take what the pipe holds; False when the other side has closed it."""
        try:
            while len(pending) < PENDING_LIMIT:
                data = os.read(self.session.messages, 1 << 16)
                if not data:
                    return False
                pending += data
                if len(data) < 1 << 12:
                    break
        except BlockingIOError:
            pass
        return True

    def close_outputs(self):
        for output in self.outputs[1:]:
            try:
                os.close(output.fd)     # where a quota or a file server says so only now
            except OSError as error:
                if not output.broken:
                    self.output_failed(output, error)

    def finish(self):
        status = reap(self.session.pid)
        if self.failure is not None:
            self.complain(self.failure)
            return self.exit_status or EXIT_FAILED
        if not self.ended:
            what = 'look whether the target still runs'
            if self.recorded is not None and not self.given_back \
                    and monitor.platform.start_time(self.recorded) is not None:
                what = 'the target goes on, and the next run, or --heal %d, takes out what was left in it' % self.recorded
            self.complain('the monitor ended unexpectedly (%s): %s; please report this' % (status, what))
            return EXIT_FAILED
        return self.exit_status


def complain(text):
    """One line to stderr; where that is gone, too, there is nobody left to tell."""
    try:
        Output(2, 'stderr').write('memleax: %s\n' % printable(text))
    except OSError:
        pass


def one_line(text, advice):
    text = ' '.join(text.split())
    return '%s. %s' % (text.rstrip('.'), ' '.join(advice.split())) if advice else text


def reap(pid, patience=2.0):
    """Wait for a child that is about to end; says how it did."""
    limit = time.monotonic() + patience
    pause = 0.001
    while True:
        try:
            done, status = os.waitpid(pid, os.WNOHANG)
        except OSError:
            return 'not our child'
        if done:
            return how_it_ended(status).strip(' ()') or 'exit status 0'
        if time.monotonic() > limit:
            return 'it still runs, process %d' % pid
        time.sleep(pause)
        pause = min(pause * 2, 0.05)


class Signals(object):
    """Ctrl-C, kill, a lost terminal and Ctrl-Z all mean: give the target back and end.

    A thread passes them on, as the main one may be waiting for a terminal that somebody has stopped. What
    comes before there is a monitor to tell stays in the pipe until then.
    """

    def __init__(self):
        self.pipe, pipe_end = os.pipe()
        os.set_blocking(pipe_end, False)
        signal.set_wakeup_fd(pipe_end)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP):
            # who ignores the latter two has reasons: nohup, a shell without job control
            if number in (signal.SIGINT, signal.SIGTERM) or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda number, frame: None)

    def pass_on(self, reporter):
        def wait():
            os.read(self.pipe, 1)
            reporter.ask_stop()
        thread = threading.Thread(target=wait, daemon=True)
        thread.start()


# -- targets of our own

class Child(object):
    """A target that this program starts; it stands at a gate until it is monitored."""

    pid = 0

    def start(self, body):
        """Fork; the child runs body(), which does not return."""
        self.pid = os.fork()
        if self.pid == 0:
            try:
                for number in (signal.SIGPIPE, signal.SIGXFSZ):     # Python ignores these, also past exec
                    signal.signal(number, signal.SIG_DFL)
                monitor.platform.allow_tracing()
                body()
            except Exception as error:
                complain('the started process: %s' % error)
            finally:
                os._exit(127)


class Command(Child):
    """-- COMMAND ARGS: forked, waits at the gate for one byte, then becomes the command."""

    def __init__(self, arguments):
        self.arguments = arguments
        gate, self.gate = os.pipe()
        self.failed, failed = os.pipe()

        def body():
            os.close(self.gate)
            os.close(self.failed)
            if os.read(gate, 1):
                try:
                    os.execvp(arguments[0], arguments)
                except OSError as error:
                    os.write(failed, b'%d' % error.errno)
                except ValueError:
                    os.write(failed, b'%d' % errno.EINVAL)

        self.start(body)
        os.close(gate)
        os.close(failed)

    def after_start(self):
        os.close(self.gate)             # the monitor has its own: the child sees if that ends

    def watched(self):
        def failed(reporter):
            data = os.read(self.failed, 16)
            if data:
                reporter.failure = 'cannot run %s: %s' % (self.arguments[0], os.strerror(int(data)))
                reporter.exit_status = EXIT_FAILED
            return False
        return {self.failed: failed}

    def on_begin(self, reporter):
        pass

    def finish(self):
        try:
            done, _ = os.waitpid(self.pid, os.WNOHANG)
        except OSError:
            done = True
        return [] if done else ['-- %s (process %d) goes on running.' % (self.arguments[0], self.pid)]


class Demo(Child):
    """--demo: a child of this interpreter that allocates through ctypes, on several threads."""

    BEFORE = """\
-- This demo watches a small process that leaks on purpose; blocks that live
-- longer than 1 second are reported. It does on four threads at once:
--   malloc   101 bytes, five times, never freed: the leak
--   calloc   freed in time: nothing to be seen of it
--   realloc  freed after 1.6 seconds: late, but freed
--   strdup   freed after 1.4 seconds, again and again: a cache, say, no leak""".splitlines()
    AFTER = """\
-- The statistics at the end name the leak: 5 blocks, 505 bytes, none freed.
-- What you see of stacks here is Python's own code; in your program these are
-- its functions. Now try it on a process of yours: memleax -e SECONDS PID""".splitlines()
    EXPIRE = 1.0

    def __init__(self):
        self.gate = None
        self.completed = False
        read, self.to_child = os.pipe()
        self.from_child, write = os.pipe()

        def body():
            os.close(self.to_child)
            os.close(self.from_child)
            demo_target(read, write)

        self.start(body)
        os.close(read)
        os.close(write)
        if os.read(self.from_child, 1) != b'r':
            self.finish()
            raise RunError('the demo process did not start')

    def after_start(self):
        pass

    def watched(self):
        def done(reporter):
            self.completed = os.read(self.from_child, 1) == b'd'
            reporter.ask_stop()         # also when it died: then there is nothing to stop
            return False
        return {self.from_child: done}

    def on_begin(self, reporter):
        try:
            os.write(self.to_child, b'g')
        except OSError:
            reporter.ask_stop()

    def finish(self):
        os.close(self.to_child)         # ends it, wherever it stands
        os.close(self.from_child)
        os.kill(self.pid, signal.SIGKILL)
        reap(self.pid)
        return self.AFTER if self.completed else []


def demo_target(commands, answers):
    """The demo's process. commands, answers: pipes. Ends when `commands` is closed: when the reporter ends.

    All that Python itself allocates is allocated before the answer 'r'.
    """
    import ctypes

    for number in (signal.SIGINT, signal.SIGTSTP):      # these are for the reporter, whose end is ours
        signal.signal(number, signal.SIG_IGN)
    libc = ctypes.CDLL(None)
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    for name, arguments in (('malloc', (size,)), ('calloc', (size, size)), ('realloc', (pointer, size)),
                            ('strdup', (ctypes.c_char_p,)), ('free', (pointer,))):
        function = getattr(libc, name)
        function.argtypes = arguments
        function.restype = None if name == 'free' else pointer
    free = libc.free
    sleep = time.sleep
    go = threading.Event()

    def leak(rounds, pause):
        malloc = libc.malloc
        for _ in range(rounds):
            malloc(101)
            sleep(pause)

    def in_time(rounds, pause):
        calloc = libc.calloc
        for _ in range(rounds):
            block = calloc(16, 16)
            sleep(pause)
            free(block)

    def late(rounds, pause):
        realloc = libc.realloc
        for _ in range(rounds):
            block = realloc(None, 2000)
            sleep(pause)
            free(block)

    def cache(rounds, pause):
        strdup = libc.strdup
        kept = []
        for _ in range(rounds):
            kept.append(strdup(b'a copy that is kept for a while'))
            sleep(pause)
        for block in kept:
            sleep(pause)
            free(block)

    def work(part, rounds, pause):
        part(1, 0)                      # whatever Python sets up at a first time
        warm.release()
        go.wait()
        part(rounds, pause)
        busy.pop()
        if not busy:
            os.write(answers, b'd')
        forever.acquire()               # to end would free what nobody saw allocated

    warm, go, forever = threading.Semaphore(0), threading.Event(), threading.Lock()
    forever.acquire()
    threads = [threading.Thread(target=work, args=arguments, daemon=True) for arguments in (
        (leak, 5, 0.25), (in_time, 60, 0.04), (late, 1, 1.6), (cache, 6, 0.2))]
    busy = list(threads)
    for thread in threads:
        thread.start()
    for thread in threads:
        warm.acquire()
    os.write(answers, b'r')
    while os.read(commands, 1) == b'g':
        go.set()
    os._exit(0)


# -- the command line

EXAMPLES = """\
A block that lives longer than SECONDS counts as leaked: set -e to more than
your program keeps a block for a good reason, say the longest connection.
Ctrl-C ends it: the process is given back first, then come the statistics.

examples:
  memleax --demo                          see it work, without a target
  sudo memleax 4711                       blocks older than 100 seconds
  sudo memleax -e 360 "$(pgrep -o nginx)" keepalive connections of 5 minutes
  memleax -e 2.5 -o leaks.txt -- ./server --port 8080
  sudo memleax --dry-run 4711             what would be done, changing nothing
"""


class Parser(argparse.ArgumentParser):
    """argparse, but an error is one line."""

    def error(self, message):
        raise UsageError('%s (see memleax --help)' % message)


def _number(convert, low, high, what):
    def parse(text):
        try:
            value = convert(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise argparse.ArgumentTypeError('%r is not %s' % (text, what))
        return value
    return parse


def make_parser():
    parser = Parser(
        prog='memleax', usage='memleax [options] PID | --demo | -- COMMAND [ARGS]', add_help=False,
        description='Find the memory leak of a running process, without restarting it.', epilog=EXAMPLES,
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=27,
                                                                          width=79))
    add = parser.add_argument
    add('pid', metavar='PID', nargs='?', help='the process to monitor',
        type=_number(int, 1, (1 << 31) - 1, 'a process id: look it up with ' + monitor.platform.FIND_PROCESS))
    add('--demo', action='store_true', help='monitor a small leaking process made for it')
    add('-e', '--expire', metavar='SECONDS',
        type=_number(float, 1e-3, 1e9, 'a time in seconds above 0 (0.001 at least)'),
        help='report blocks that live longer (default 100; fractions allowed)')
    add('-d', '--debug-info', metavar='FILE', help="the program's debug information, if in a file of its own")
    add('-l', '--backtrace-limit', metavar='N', default=50,
        type=_number(int, 1, LONGEST_BACKTRACE, 'a number from 1 to %d' % LONGEST_BACKTRACE),
        help='frames of a backtrace at most (default 50)')
    counter = _number(int, 1, 1 << 31, 'a number above 0')
    add('-m', '--memory-block-max', metavar='N', type=counter, default=1000,
        help='stop at so many expired blocks on one CallStack (default 1000)')
    add('-c', '--call-stack-max', metavar='N', type=counter, default=1000,
        help='stop at so many CallStacks with expired blocks (default 1000)')
    add('--no-debug-line', action='store_true', help='no file names and line numbers')
    add('-o', '--output', metavar='FILE', help='write the report to FILE, too')
    add('--dry-run', action='store_true', help='show what would be done; change nothing')
    add('--max-stopped', metavar='PERCENT', default=25.0,
        type=_number(float, 0.01, 100.0, 'a percentage above 0, up to 100'),
        help='end if the process stands still for more of the time (default 25)')
    add('--force', action='store_true', help='go on nevertheless')
    add('--engine', choices=('auto', 'trap', 'recorder'), default='auto',
        help='how calls are seen: noted by code that is put into the process (recorder), or by stopping each '
             'caller (trap); auto: recorder where it can be used')
    add('--heal', action='store_true', help='take out what a memleax that was killed left in the process')
    add('--verbose', action='store_true', help='tell how each function is hooked, and more')
    add('-h', '--help', action='store_true', help='show this')
    add('-v', '--version', action='store_true', help='show the version')
    return parser


def parse_arguments(arguments):
    """The command line as a namespace, with `command`: list after `--`, or None. Raises UsageError."""
    arguments = list(arguments)
    command = None
    if '--' in arguments:
        at = arguments.index('--')
        arguments, command = arguments[:at], arguments[at + 1:]
    parser = make_parser()
    options = parser.parse_args(arguments)
    options.command = command
    options.parser = parser
    if options.help or options.version:
        return options
    targets = (options.pid is not None) + options.demo + (command is not None)
    if targets == 0:
        raise UsageError('which process? Give its id (%s shows it), or --demo, or -- COMMAND (see memleax --help)'
                         % monitor.platform.FIND_PROCESS)
    if targets > 1:
        raise UsageError('give a process id, --demo or -- COMMAND, only one of them')
    if command is not None and not command:
        raise UsageError('no command after --')
    if options.dry_run and command is not None:
        raise UsageError('--dry-run needs a process that runs: give its id')
    if options.heal and options.pid is None:
        raise UsageError('--heal needs the id of a process')
    if options.demo and options.expire is not None:
        raise UsageError('--demo sets its own -e')
    if options.expire is None:
        options.expire = Demo.EXPIRE if options.demo else 100.0
    if options.pid == os.getpid():
        raise UsageError('%d is memleax itself: give the id of another process' % options.pid)
    return options


def open_debug_file(path):
    """The ElfFile for -d. Raises UsageError."""
    try:
        return elfreader.ElfFile.open(path)
    except OSError as error:
        raise UsageError('%s: %s: give -d the file with the debug information' % (path, error.strerror))
    except elfreader.ElfError as error:
        raise UsageError('%s: %s: give -d an ELF file with debug information' % (path, error.problem))


def check_debug_file(debug, pid, executable):
    """Raises UsageError if -d's file is of another program: both have a build-id, and these differ."""
    try:
        fd = monitor.platform.open_module(pid, 0, 0, executable, None, 0)
    except OSError:
        return                          # the monitor will say what is wrong with the target
    try:
        program = elfreader.ElfFile.from_fd(fd, executable)
    except (OSError, elfreader.ElfError):
        return
    finally:
        os.close(fd)
    with program:
        if debug.build_id and program.build_id and debug.build_id != program.build_id:
            raise UsageError("%s does not belong to %s: build-id %s, the program's is %s" % (
                debug.name, executable, debug.build_id.hex(), program.build_id.hex()))


def open_output(path):
    """The descriptor for -o. Raises UsageError."""
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    except (OSError, ValueError) as error:
        problem = getattr(error, 'strerror', error)
        raise UsageError('cannot write to %s: %s: give -o another file' % (path, problem))


def executable_of(pid):
    """Path of the program that a process runs; None if it cannot be told."""
    try:
        path = monitor.platform.check_target(pid).executable
        return path[:-len(DELETED)] if path.endswith(DELETED) else path or None
    except Exception:                   # the monitor finds the same, and has the words for it
        return None


def ensure_standard_descriptors():
    """A pipe of ours must not become descriptor 0, 1 or 2 because somebody closed those."""
    while True:
        fd = os.open(os.devnull, os.O_RDWR)
        if fd > 2:
            os.close(fd)
            return
        os.set_inheritable(fd, True)


def run(arguments):
    """The whole program. Returns the exit status; raises UsageError and RunError."""
    options = parse_arguments(arguments)
    stdout = Output(1, 'standard output', getattr(sys.stdout, 'encoding', None) or 'utf-8')
    if options.help or options.version:
        try:
            stdout.write(options.parser.format_help() if options.help else 'memleax %s\n' % __version__)
        except OSError as error:
            raise RunError('cannot write to %s: %s' % (stdout.name, error.strerror))
        return EXIT_DONE

    debug_file = open_debug_file(options.debug_info) if options.debug_info else None
    executable = executable_of(options.pid) if options.pid else None
    if debug_file is not None:
        path = shutil.which(options.command[0]) if options.command else executable
        if path:
            check_debug_file(debug_file, options.pid or os.getpid(), path)
    outputs = [stdout]
    if options.output:
        outputs.append(Output(open_output(options.output), options.output))

    child = Demo() if options.demo else Command(options.command) if options.command else None
    signals = Signals()
    session = None
    try:
        pid = child.pid if child else options.pid
        settings = monitor.Settings(
            pid, expire=options.expire, backtrace_limit=options.backtrace_limit,
            memory_block_max=options.memory_block_max, call_stack_max=options.call_stack_max,
            max_stopped=options.max_stopped, force=options.force or options.demo, verbose=options.verbose,
            dry_run=options.dry_run, gate=child.gate if child else None, engine=options.engine, heal=options.heal)
        try:
            session = monitor.start(settings)
        except OSError as error:
            raise RunError('cannot start the monitor: %s' % error.strerror)
        stacks = Stacks(pid, monitor.platform.open_module, executable, debug_file, not options.no_debug_line)
        reporter = Reporter(session, Report(stacks.lines, options.verbose), stacks, outputs, StatusLine(),
                            child.watched() if child else None)
        if child:
            child.after_start()
            reporter.on_begin = child.on_begin
        signals.pass_on(reporter)
        if options.demo:
            reporter.emit(Demo.BEFORE)
        status = reporter.run()
    finally:
        if session is not None:
            os.close(session.control)   # however we came here: the target is given back
        last = child.finish() if child else []
    reporter.emit(last)
    return reporter.exit_status or status


def main():
    """The command. Does not return: the caller that zipapp makes would drop an exit status."""
    try:
        ensure_standard_descriptors()
        status = run(sys.argv[1:])
    except UsageError as error:
        complain(str(error))
        status = EXIT_USAGE
    except RunError as error:
        complain(str(error))
        status = EXIT_FAILED
    except KeyboardInterrupt:
        complain('interrupted before it began')         # from then on Signals takes them
        status = EXIT_FAILED
    except BrokenPipeError:
        status = EXIT_FAILED
    except Exception as error:
        # A fault of ours. By now the target has been given back.
        import traceback
        if '--verbose' in sys.argv:
            traceback.print_exc()
        place = traceback.extract_tb(sys.exc_info()[2])[-1]
        complain('a fault of memleax itself, please report it: %s: %s (%s:%d)' % (
            type(error).__name__, error, os.path.basename(place[0]), place[1]))
        status = EXIT_FAILED
    sys.exit(status)


if __name__ == '__main__':
    main()
