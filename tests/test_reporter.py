"""memleax.py's inside: messages -> lines, addresses -> names, and the reporter's loop over a pipe."""
import collections
import json
import os
import re
import shutil
import subprocess
import unittest

import support

import elfreader
import memleax

Symbol = collections.namedtuple('Symbol', 'name file_address')
LIBC = [0x7fd322b50000, 0x7fd322d00000, 0x7fd322b50000, '/lib/libc.so.6', 'fe:01', 11, 'aa']
PROGRAM = [0x400000, 0x402000, 0, '/home/me/test', 'fe:01', 12, 'bb']
FRAMES = [0x7fd322bd8220, 0x40084e, 0x400875, 0x400acb, 0x7fd322b73d0a]

SHEET_STACK = """\
    0x00007fd322bd8220  malloc()+0  [libc.so.6]
    0x000000000040084e  foo()+14  foo.c:12
    0x0000000000400875  bar()+37  xxxxx.c:20
    0x0000000000400acb  main()+364  test.c:80""".splitlines()


class FakeCode(object):
    """Symbols and lines from tables: {first file address: name}, {file address: (path, line)}."""

    def __init__(self, symbols, lines):
        self.symbols = symbols
        self.lines = lines
        self.asked = []

    def symbol(self, file_address):
        self.asked.append(file_address)
        below = [address for address in self.symbols if address <= file_address]
        return Symbol(self.symbols[max(below)], max(below)) if below else None

    def line(self, file_address):
        return self.lines.get(file_address)


def sheet_stacks():
    """The process of the sheet's example."""
    def no_file(*arguments):
        raise OSError('no file is opened here')
    stacks = memleax.Stacks(4711, no_file, '/home/me/test')
    stacks.update([LIBC, PROGRAM])
    program = FakeCode({0x400840: 'foo', 0x400850: 'bar', 0x40095f: 'main'},
                       {0x40084d: ('foo.c', 12, ''), 0x400874: ('xxxxx.c', 20, ''), 0x400aca: ('test.c', 80, '')})
    libc = FakeCode({0x23c80: '__libc_start_main', 0x88220: 'malloc'}, {})
    stacks.codes = {('/lib/libc.so.6', 'fe:01', 11, b'\xaa'): libc,
                    ('/home/me/test', 'fe:01', 12, b'\xbb'): program}
    return stacks


def sheet_entry(**more):
    entry = dict(stack=3, expired=20, expired_bytes=2020, free_expired=0, free_expired_bytes=0, alloc=20,
                 alloc_bytes=2020, free=0, free_bytes=0, free_min=0, free_max=0, free_average=0,
                 unfreed_max=20, frames=FRAMES, exact=[0], ending='end')
    entry.update(more)
    return entry


class Messages(unittest.TestCase):
    def setUp(self):
        self.report = memleax.Report(sheet_stacks().lines)

    def lines(self, kind, **fields):
        return self.report.lines(dict(fields, type=kind))

    def test_first_expiry(self):
        self.assertEqual(
            self.lines('expired', stack=3, size=101, count=1, frames=FRAMES, exact=[0], ending='end'),
            ['CallStack[3]: memory expires with 101 bytes, backtrace:'] + SHEET_STACK)

    def test_expiry_again(self):
        self.assertEqual(self.lines('expired', stack=3, size=101, count=2),
                         ['CallStack[3]: memory expires with 101 bytes, 2 times again'])

    def test_backtrace_comes_late_when_the_first_message_was_lost(self):
        lines = self.lines('expired', stack=3, size=101, count=7, frames=FRAMES, exact=[0], ending='end')
        self.assertEqual(lines[0], 'CallStack[3]: memory expires with 101 bytes, backtrace:')

    def test_late_free(self):
        self.assertEqual(self.lines('freed', stack=6, after=10.0),
                         ['CallStack[6]: expired-memory frees after 10 seconds'])
        self.assertEqual(self.lines('freed', stack=6, after=0.25),
                         ['CallStack[6]: expired-memory frees after 0.25 seconds'])

    def test_too_many(self):
        self.assertEqual(self.lines('too-many', stack=6), [
            'Warning: too many expired-free at CallStack[6]. will not show this CallStack later'])

    def test_begin(self):
        begin = dict(pid=4711, program='x', threads=1, engine='trap', standstill=0.001)
        self.assertEqual(self.lines('begin', **begin), ['== Begin monitoring process 4711...'])
        self.assertEqual(self.lines('begin', where='main', **begin)[1:], ['-- from main on'])

    def test_stop_reasons(self):
        self.assertEqual(self.lines('stop', reason='user'), ['== Terminate monitoring.'])
        self.assertEqual(self.lines('stop', reason='exit'), ['== Target process exit.'])
        for status, words in ((0, ''), (3 << 8, ' (exit status 3)'), (11, ' (killed by SIGSEGV)'),
                              (11 | 128, ' (killed by SIGSEGV)'), (63, ' (killed by signal 63)')):
            self.assertEqual(self.lines('stop', reason='exit', status=status),
                             ['== Target process exit.' + words])
        self.assertEqual(self.lines('stop', reason='memory-block-max', limit=1000, stack=3),
                         ['== 1000 memory blocks leaked at CallStack[3].'])
        self.assertEqual(self.lines('stop', reason='call-stack-max', limit=1000), [
            '== 1000 CallStacks gets memory leak.', '-- Maybe you should set bigger expired time by `-e`.'])
        self.assertEqual(self.lines('stop', reason='brake', text='40 % of the time'),
                         ['== Monitoring stopped.', '-- 40 % of the time'])
        self.assertEqual(len(self.lines('stop', reason='error', text='told at the end')), 1)
        self.assertEqual(len(self.lines('stop', reason='what nobody knows')), 1)

    def test_statistics(self):
        lines = self.lines('statistics', stacks=[sheet_entry()])
        self.assertEqual(lines, ['', '== CallStack statistics: (in ascending order)', ''] + """\
CallStack[3]: may-leak=20 (2020 bytes)
    expired=20 (2020 bytes), free_expired=0 (0 bytes)
    alloc=20 (2020 bytes), free=0 (0 bytes)
    freed memory live time: min=0 max=0 average=0
    un-freed memory live time: max=20""".splitlines() + SHEET_STACK + [''])

    def test_statistics_in_several_messages(self):
        first = self.lines('statistics', stacks=[sheet_entry()], more=True)
        second = self.lines('statistics', stacks=[sheet_entry(
            stack=8, expired=7, expired_bytes=700, free_expired=2, free_expired_bytes=200, free_min=0.25,
            free_max=12.4, free_average=3.14159, frames=FRAMES[:2])])
        self.assertEqual(sum('statistics' in line for line in first + second), 1)
        self.assertEqual(second[0], 'CallStack[8]: may-leak=5 (500 bytes)')
        self.assertEqual(second[3], '    freed memory live time: min=0.25 max=12 average=3.14')

    def test_statistics_of_nothing(self):
        self.assertEqual(self.lines('statistics', stacks=[], more=True), [])
        self.assertEqual(self.lines('statistics', stacks=[]), ['== No expired memory blocks.'])
        self.assertEqual(memleax.Report(None).lines({'type': 'statistics', 'stacks': [], 'expired': 2}),
                         ['== All expired memory blocks were freed later.'])

    def test_statistics_use_the_stack_of_the_first_expiry(self):
        self.lines('expired', stack=3, size=101, count=1, frames=FRAMES, exact=[0], ending='end')
        lines = self.lines('statistics', stacks=[sheet_entry(frames=[])])
        self.assertEqual(lines[-5:-1], SHEET_STACK)

    def test_notes(self):
        self.assertEqual(self.lines('note', level='info', text='so\nmuch'), ['-- so', '-- much'])
        self.assertEqual(self.lines('note', level='warning', text='no frees'), ['Warning: no frees'])
        self.assertEqual(self.lines('note', level='verbose', text='malloc: jmp'), [])
        self.report.verbose = True
        self.assertEqual(self.lines('note', level='verbose', text='malloc: jmp'), ['-- malloc: jmp'])

    def test_proof(self):
        self.assertEqual(self.lines('proof', ok=True, text=['== fine']), ['== fine'])
        self.assertEqual(self.lines('proof', ok=False, text=['text differs', '!!! so']),
                         ['-- text differs', '!!! so'])
        self.assertEqual(self.lines('proof', ok=False, text=['text differs']), ['!!! text differs'])
        self.assertEqual(self.lines('proof', ok=True, text=['no tracer']), ['-- no tracer'])

    def test_unknown_type(self):
        self.assertEqual(self.lines('of tomorrow', stack=3), [])
        self.assertEqual(self.report.lines({}), [])

    def test_status_line(self):
        text = self.report.status(dict(elapsed=3725.5, calls_per_second=1234.5, blocks=10, bytes=1234567,
                                       stacks=1, stopped=2.345, lost=0))
        self.assertEqual(
            text, '1:02:05  1234 calls/s  10 blocks (1.2 MB)  1 stack expired  stopped 2.3%')
        self.assertIn('5 messages lost', self.report.status({'lost': 5}))


class Texts(unittest.TestCase):
    def test_seconds(self):
        for value, text in ((0, '0'), (1, '1'), (10.0, '10'), (101.04, '101'), (99.96, '100'), (9.996, '10'),
                            (2.5, '2.5'), (1.004, '1'), (0.25, '0.25'), (0.0004, '0'), (0.9996, '1'),
                            (9.99, '9.99'), (20, '20'), (1000, '1000')):
            self.assertEqual(memleax.seconds(value), text)

    def test_amount(self):
        for value, text in ((0, '0 bytes'), (999, '999 bytes'), (1000, '1.0 kB'), (123456, '123 kB'),
                            (999999, '1.0 MB'), (5 * 10 ** 12, '5000 GB')):
            self.assertEqual(memleax.amount(value), text)

    def test_printable(self):
        self.assertEqual(memleax.printable('a\x1b[2Jb\n\x9b\u202e\udcff\u00e9'),
                         'a\\x1b[2Jb\\x0a\\x9b\\u202e\\xff\u00e9')

    def test_source_path(self):
        for path, folder, text in (
                ('foo.c', '', 'foo.c'), ('./src/foo.c', '', 'src/foo.c'), ('../lib/foo.c', '', 'lib/foo.c'),
                ('/home/me/project/src/foo.c', '', 'src/foo.c'), ('/foo.c', '', 'foo.c'),
                ('/home/me/project/build/../foo.c', '', 'project/foo.c'),
                ('/home/me/project/foo.c', '/home/me/project', 'foo.c'),
                ('/home/me/project/src/http/foo.c', '/home/me/project/', 'src/http/foo.c'),
                ('/home/me/project/./foo.c', '/home/me/project', 'foo.c'),
                ('/home/me/project/../lib/foo.c', '/home/me/project', 'lib/foo.c'),
                ('/usr/include/c++/12/bits/stl_vector.h', '/home/me', 'bits/stl_vector.h'),
                ('/home/me2/foo.c', '/home/me', 'me2/foo.c')):
            self.assertEqual(memleax.source_path(path, folder), text)


class Names(unittest.TestCase):
    def test_a_return_address_is_looked_up_one_byte_before(self):
        stacks = sheet_stacks()
        # the last instruction of foo() is a call: the return address is the first of bar()
        self.assertEqual(stacks.describe(0x400850, False)[0], '    0x0000000000400850  foo()+16  [test]')
        self.assertEqual(stacks.describe(0x400850, True)[0], '    0x0000000000400850  bar()+0  [test]')

    def test_no_symbol_no_module(self):
        stacks = sheet_stacks()
        self.assertEqual(stacks.describe(0x400123, True)[0], '    0x0000000000400123  test+0x400123')
        self.assertEqual(stacks.describe(0x7fd322b50123, True)[0], '    0x00007fd322b50123  libc.so.6+0x123')
        self.assertEqual(stacks.describe(0x1234, False)[0], '    0x0000000000001234  ?')
        # behind the last byte of a module, where a call that does not return would lead
        self.assertIn('main()', stacks.describe(0x402000, False)[0])
        self.assertEqual(stacks.describe(0x402000, True)[0], '    0x0000000000402000  ?')

    def test_down_to_main(self):
        stacks = sheet_stacks()
        self.assertEqual(len(stacks.lines(FRAMES)), 4)
        # a main() that calls itself is shown to its first call; one of a library is no end
        self.assertEqual(len(stacks.lines(FRAMES[:4] + FRAMES[3:])), 5)
        stacks.program = '/usr/bin/other'
        stacks.described.clear()
        self.assertEqual(len(stacks.lines(FRAMES)), 5)

    def test_why_a_stack_is_short(self):
        stacks = sheet_stacks()
        self.assertEqual(len(stacks.lines(FRAMES[:2], ending='end')), 2)
        self.assertEqual(stacks.lines(FRAMES[:2], ending='limit')[2],
                         '    (the first 2 frames: -l shows more)')
        self.assertRegex(stacks.lines(FRAMES[:2], ending='memory')[2], r'^    \(stack cut short: \w')
        self.assertEqual(stacks.lines(FRAMES[:2], ending='new')[2], '    (stack cut short: new)')
        self.assertEqual(len(stacks.lines(FRAMES, ending='memory')), 4)

    def test_every_early_ending_of_the_unwinder_has_words(self):
        import unwinder
        self.assertEqual(set(memleax.CUT_SHORT),
                         set(unwinder.ENDINGS) - {unwinder.END_OF_STACK, unwinder.LIMIT})

    def test_modules_that_were_unloaded_are_remembered(self):
        stacks = sheet_stacks()
        stacks.update([PROGRAM])
        self.assertEqual(stacks.find(LIBC[0]).name, 'libc.so.6')
        stacks.update([PROGRAM, [LIBC[0] + 4096, LIBC[1], 0, '/lib/other.so', 'fe:01', 13, '']])
        self.assertIsNone(stacks.find(LIBC[0]))
        self.assertEqual(stacks.find(LIBC[0] + 4096).name, 'other.so')

    def test_special_modules(self):
        stacks = sheet_stacks()
        stacks.update([[0x7ff000, 0x801000, 0x7ff000, '[vdso]', '00:00', 0, ''],
                       [0x900000, 0x901000, 0x900000, '/tmp/gone.so (deleted)', 'fe:01', 14, 'zz']])
        self.assertEqual(stacks.describe(0x7ff123, True)[0], '    0x00000000007ff123  [vdso]+0x123')
        self.assertEqual(stacks.describe(0x900123, True)[0], '    0x0000000000900123  gone.so+0x123')
        self.assertEqual(len(stacks.trouble), 1)

    def test_a_fault_in_a_file_costs_the_name(self):
        stacks = sheet_stacks()

        class Broken(object):
            def symbol(self, file_address):
                raise ValueError('damaged')
        stacks.codes[('/home/me/test', 'fe:01', 12, b'\xbb')] = Broken()
        self.assertEqual(stacks.describe(0x400acb, False)[0], '    0x0000000000400acb  test+0x400acb')
        self.assertIn('damaged', stacks.trouble[0])


@support.skip_unless_compiler
class RealFiles(unittest.TestCase):
    SOURCE = """
#include <stdlib.h>
void *volatile sink;
__attribute__((noinline)) static void foo(int n)
{
    sink = malloc(n);
    sink = 0;
}
int main(int argc, char **argv)
{
    foo(argc);
    free(sink);
    return 0;
}
"""

    def compile(self, *flags):
        source = os.path.join(support.temporary_directory(), 'reporter_target.c')
        with open(source, 'w') as file:
            file.write(self.SOURCE)
        return support.compile_program(source, flags=list(flags) + ['-Wl,--build-id'])

    def stacks(self, path, build_id=None, **options):
        with elfreader.ElfFile.open(path) as elf:
            if build_id is None:
                build_id = elf.build_id.hex()
        self.bias = 0x555555554000

        def open_module(pid, start, end, file, device, inode):
            if options.get('gone'):
                raise OSError(2, 'no such process')
            return os.open(file, os.O_RDONLY)
        stacks = memleax.Stacks(1, open_module, path, options.get('debug_file'), options.get('lines', True))
        stacks.update([[self.bias, self.bias + 0x10000, self.bias, path, 'fe:01', os.stat(path).st_ino,
                        build_id]])
        return stacks

    @support.skip_unless_program('objdump', 'addr2line')
    def test_names_and_lines_are_those_of_addr2line(self):
        path = self.compile()
        stacks = self.stacks(path)
        text = subprocess.check_output(['objdump', '-d', '--no-show-raw-insn', path]).decode()
        with elfreader.ElfFile.open(path) as elf:
            functions = elf.find_functions(['foo', 'main'])
        inside = [int(address, 16) for address in re.findall(r'^ +([0-9a-f]+):', text, re.M)
                  if any(0 <= int(address, 16) - f.file_address < f.size for f in functions)]
        self.assertGreater(len(inside), 8)
        judged = subprocess.check_output(['addr2line', '-f', '-e', path] + [hex(a) for a in inside])
        judged = judged.decode().split('\n')
        for index, file_address in enumerate(inside):
            name, place = judged[2 * index], judged[2 * index + 1].split(' ')[0]
            line = stacks.describe(file_address + self.bias, True)[0]
            self.assertRegex(line, r'^    0x%016x  %s\(\)\+\d+  \S*reporter_target\.c:%s$' % (
                file_address + self.bias, name, place.rpartition(':')[2]))

    def test_no_debug_line(self):
        path = self.compile()
        with elfreader.ElfFile.open(path) as elf:
            main = elf.find_functions(['main'])[0].file_address
        line = self.stacks(path).describe(main + 0x555555554000, True)[0]
        self.assertRegex(line, r'main\(\)\+0  \S+\.c:\d+$')
        line = self.stacks(path, lines=False).describe(main + 0x555555554000, True)[0]
        self.assertTrue(line.endswith('  main()+0  [%s]' % os.path.basename(path)), line)

    def test_another_build_id_gives_no_names(self):
        path = self.compile()
        stacks = self.stacks(path, build_id='00' * 20)
        self.assertIn('+0x1234', stacks.describe(self.bias + 0x1234, True)[0])
        self.assertIn('replaced', stacks.trouble[0])

    def test_after_the_targets_end_the_path_is_taken(self):
        path = self.compile()
        stacks = self.stacks(path, gone=True)
        with elfreader.ElfFile.open(path) as elf:
            main = elf.find_functions(['main'])[0].file_address
        self.assertIn('main()+0', stacks.describe(self.bias + main, True)[0])
        self.assertEqual(stacks.describe(self.bias + main, True)[1], True)

    @support.skip_unless_program('objcopy', 'strip')
    def test_debug_information_in_another_file(self):
        path = self.compile()
        folder = support.temporary_directory()
        stripped, debug = os.path.join(folder, 'stripped'), os.path.join(folder, 'symbols.of.it')
        subprocess.check_call(['objcopy', '--only-keep-debug', path, debug])
        subprocess.check_call(['strip', '-o', stripped, path])
        with elfreader.ElfFile.open(path) as elf:
            main = elf.find_functions(['main'])[0].file_address
        self.assertNotIn('main()', self.stacks(stripped).describe(main + 0x555555554000, True)[0])
        stacks = self.stacks(stripped, debug_file=elfreader.ElfFile.open(debug))
        self.assertRegex(stacks.describe(main + self.bias, True)[0],
                         r'  main\(\)\+0  \S*reporter_target\.c:\d+$')
        # the same, found by the link in the file
        subprocess.check_call(['objcopy', '--add-gnu-debuglink=' + debug, stripped, stripped + '2'])
        self.assertRegex(self.stacks(stripped + '2').describe(main + self.bias, True)[0],
                         r'  main\(\)\+0  \S*reporter_target\.c:\d+$')

    def test_damaged_file(self):
        path = os.path.join(support.temporary_directory(), 'damaged')
        shutil.copy(self.compile(), path)
        with open(path, 'r+b') as file:
            file.seek(64)
            file.write(b'\xff' * 4000)
        stacks = self.stacks(path, build_id='')
        self.assertIn('0x', stacks.describe(self.bias + 0x1150, True)[0])


class Loop(unittest.TestCase):
    """Reporter.run() over pipes, with this test at their other ends."""

    class Session(object):
        pid = 0

    def play(self, script, chunk=None, second=None, stdout=None, watched=None):
        """Runs the reporter on a list of messages (dicts or bytes). Returns (status, stdout, control)."""
        data = b''.join(m if isinstance(m, bytes) else json.dumps(m).encode() + b'\n' for m in script)
        session = self.Session()
        session.messages, messages = os.pipe()
        control, session.control = os.pipe()
        out, out_end = os.pipe()
        child = session.pid = os.fork()
        if child == 0:
            for fd in (session.messages, session.control, out, out_end):
                os.close(fd)
            step = chunk or len(data) or 1
            for at in range(0, len(data), step):
                os.write(messages, data[at:at + step])
            os._exit(0)
        os.close(messages)
        outputs = [memleax.Output(out_end if stdout is None else stdout, 'standard output')]
        if second is not None:
            outputs.append(memleax.Output(second, 'leaks.txt'))
        stacks = sheet_stacks()
        status_line = memleax.StatusLine(out_end, out_end)
        reporter = memleax.Reporter(session, memleax.Report(stacks.lines), stacks, outputs, status_line,
                                    watched)
        self.complaints = []
        saved, memleax.complain = memleax.complain, self.complaints.append
        try:
            status = reporter.run()
        finally:
            memleax.complain = saved
        os.close(out_end)
        os.close(session.control)
        with os.fdopen(out, 'rb') as file:
            text = file.read().decode()
        with os.fdopen(control, 'rb') as file:
            asked = file.read()
        os.close(session.messages)
        return status, text, asked

    SCRIPT = [
        {'type': 'begin', 'pid': 5},
        {'type': 'status', 'elapsed': 1},
        {'type': 'unheard of'},
        {'type': 'expired', 'stack': 3, 'size': 101, 'count': 1, 'frames': FRAMES, 'exact': [0],
         'ending': 'end'},
        {'type': 'stop', 'reason': 'exit'},
        {'type': 'statistics', 'stacks': []},
        {'type': 'proof', 'ok': True, 'text': ['== fine']},
        {'type': 'end'},
    ]
    TEXT = '\n'.join(['== Begin monitoring process 5...',
                      'CallStack[3]: memory expires with 101 bytes, backtrace:'] + SHEET_STACK
                     + ['== Target process exit.', '== No expired memory blocks.', '== fine', ''])

    def test_a_run(self):
        self.assertEqual(self.play(self.SCRIPT), (0, self.TEXT, b''))
        self.assertEqual(self.complaints, [])

    def test_messages_in_pieces(self):
        self.assertEqual(self.play(self.SCRIPT, chunk=7), (0, self.TEXT, b''))

    def test_a_broken_line_is_passed_over(self):
        script = self.SCRIPT[:3] + [b'{"type": "exp\n', b'\xff\xfe\n'] + self.SCRIPT[3:]
        self.assertEqual(self.play(script)[:2], (0, self.TEXT))

    def test_bad_proof(self):
        script = self.SCRIPT[:-2] + [{'type': 'proof', 'ok': False, 'text': ['differs']}, {'type': 'end'}]
        status, text, _ = self.play(script)
        self.assertEqual(status, 1)
        self.assertTrue(text.endswith('!!! differs\n'))

    def test_error(self):
        script = [{'type': 'error', 'text': 'no process with the id 5', 'advice': 'Use pgrep.', 'status': 1},
                  {'type': 'end'}]
        self.assertEqual(self.play(script)[:2], (1, ''))
        self.assertEqual(self.complaints, ['no process with the id 5. Use pgrep.'])

    def test_no_end(self):
        status, text, _ = self.play(self.SCRIPT[:-1])
        self.assertEqual((status, text), (1, self.TEXT))
        self.assertRegex(self.complaints[0], 'ended unexpectedly .*: look whether the target still runs')

    def test_no_end_of_a_recorder(self):
        begin = dict(self.SCRIPT[0], engine='recorder', pid=os.getpid())
        self.assertEqual(self.play([begin])[0], 1)
        self.assertRegex(self.complaints.pop(), r'the target goes on, .* --heal %d, takes out' % os.getpid())
        self.assertEqual(self.play([begin, {'type': 'stop', 'reason': 'user'}])[0], 1)
        self.assertNotRegex(self.complaints.pop(), 'heal')
        self.assertEqual(self.play([dict(begin, pid=1 << 30)])[0], 1)
        self.assertNotRegex(self.complaints.pop(), 'heal|goes on')

    def test_report_to_a_file(self):
        path = os.path.join(support.temporary_directory(), 'leaks.txt')
        self.assertEqual(self.play(self.SCRIPT, second=memleax.open_output(path))[:2], (0, self.TEXT))
        with open(path) as file:
            self.assertEqual(file.read(), self.TEXT)

    @unittest.skipUnless(os.path.exists('/dev/full'), 'no /dev/full')
    def test_full_disk(self):
        status, text, asked = self.play(self.SCRIPT, second=os.open('/dev/full', os.O_WRONLY))
        self.assertEqual((status, text, asked), (1, self.TEXT, b'q'))
        self.assertEqual(len(self.complaints), 1)
        self.assertRegex(self.complaints[0], '^cannot write to leaks.txt: No space left')

    @unittest.skipUnless(os.path.exists('/dev/full'), 'no /dev/full')
    def test_full_disk_under_stdout(self):
        path = os.path.join(support.temporary_directory(), 'leaks2.txt')
        full = os.open('/dev/full', os.O_WRONLY)
        status, _, asked = self.play(self.SCRIPT, second=memleax.open_output(path), stdout=full)
        os.close(full)
        self.assertEqual((status, asked, len(self.complaints)), (1, b'q', 1))
        with open(path) as file:
            self.assertEqual(file.read(), self.TEXT)

    def test_nobody_reads(self):
        out, out_end = os.pipe()
        os.close(out)
        status, _, asked = self.play(self.SCRIPT, stdout=out_end)
        os.close(out_end)
        self.assertEqual((status, asked, self.complaints), (1, b'q', []))

    def test_a_reader_that_set_the_pipe_to_non_blocking(self):
        out, out_end = os.pipe()
        os.set_blocking(out_end, False)
        count = 4000
        child = os.fork()
        if child == 0:
            os.close(out_end)
            size = 0
            while True:
                data = os.read(out, 4096)
                if not data:
                    break
                size += len(data)
            os._exit(0 if size == count * 64 else 1)
        os.close(out)
        output = memleax.Output(out_end, 'x')
        for _ in range(count // 100):
            output.write(('y' * 63 + '\n') * 100)
        os.close(out_end)
        self.assertEqual(os.waitpid(child, 0)[1], 0)

    def test_something_else_is_watched(self):
        read, write = os.pipe()
        os.write(write, b'1')
        seen = []

        def called(reporter):
            seen.append(os.read(read, 1))
            return False
        self.assertEqual(self.play(self.SCRIPT, watched={read: called})[0], 0)
        self.assertEqual(seen, [b'1'])
        os.close(read)
        os.close(write)


class CxxNames(unittest.TestCase):
    def test_c_names_are_left_alone(self):
        self.assertEqual(memleax.called('foo'), 'foo()')
        self.assertEqual(memleax.called('_start'), '_start()')

    def test_what_is_no_mangled_name_is_left_alone(self):
        self.assertEqual(memleax.called('_Znonsense'), '_Znonsense()')
        self.assertEqual(memleax.called('_Z' + '\udcff'), '_Z\udcff()')

    def test_names_are_demangled_where_a_cxx_runtime_is_there(self):
        if memleax._open_demangler() is None:
            self.skipTest('no C++ runtime on this machine')
        self.assertEqual(memleax.called('_ZN2ns3fooEiPKc'), 'ns::foo(int, char const*)')
        self.assertEqual(memleax.called('_ZNK1A3getEv'), 'A::get() const')


if __name__ == '__main__':
    unittest.main()
