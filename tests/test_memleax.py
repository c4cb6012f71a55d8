"""The command from outside: arguments, exit statuses, signals, terminals, packaging, --demo, -- COMMAND.

Most of it runs a copy of memleax.py beside scripted_monitor.py, which plays messages and traces nothing.
"""
import errno
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import zipapp

import support

MODULES = ['memleax', 'monitor', 'platform_linux', 'recorder', 'trampoline', 'unwinder', 'elfreader', 'dwarfline']

BEGIN = '{"type": "begin", "pid": $PID, "program": "x", "threads": 1, "engine": "trap", "standstill": 0.001}'
EXPIRED = ('{"type": "expired", "stack": 1, "size": 101, "count": 1, "frames": [4660], "exact": [0], '
           '"ending": "end"}')
STATUS = ('{"type": "status", "elapsed": 61, "calls_per_second": 7, "blocks": 1, "bytes": 5, "stacks": 1, '
          '"stopped": 1}')
STOP = '{"type": "stop", "reason": "user"}'
LAST = ['{"type": "statistics", "stacks": []}', '{"type": "proof", "ok": true, "text": ["fine"]}',
        '{"type": "end"}']


class Scripted(unittest.TestCase):
    """A folder with memleax.py, what it imports, and scripted_monitor.py as monitor.py."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=support.temporary_directory())
        for name in ('memleax.py', 'elfreader.py', 'dwarfline.py'):
            shutil.copy(os.path.join(support.ROOT, name), self.folder)
        shutil.copy(os.path.join(support.ROOT, 'tests', 'scripted_monitor.py'),
                    os.path.join(self.folder, 'monitor.py'))
        self.script = os.path.join(self.folder, 'script')

    def start(self, script, *arguments, **options):
        with open(self.script, 'w') as file:
            file.write('\n'.join(script) + '\n')
        environment = dict(os.environ, MEMLEAX_SCRIPT=self.script, TERM='vt100')
        environment.update(options.pop('environment', {}))
        options.setdefault('stdout', subprocess.PIPE)
        options.setdefault('stderr', subprocess.PIPE)
        options.setdefault('stdin', subprocess.DEVNULL)
        return subprocess.Popen([sys.executable, os.path.join(self.folder, 'memleax.py')] + list(arguments),
                                env=environment, **options)

    def finish(self, process):
        """(exit status, stdout, stderr) as text."""
        try:
            out, err = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError('did not end: %r' % (process.communicate(),))
        return process.returncode, (out or b'').decode(), (err or b'').decode()

    def run_script(self, script, *arguments, **options):
        return self.finish(self.start(script, *arguments, **options))

    def asked(self):
        with open(self.script + '.control', 'rb') as file:
            return file.read()

    def settings(self):
        with open(self.script + '.settings') as file:
            return json.load(file)


class Arguments(Scripted):
    def test_wrong_ones_are_told_in_one_line(self):
        for arguments, words in (
                ([], 'which process'),
                (['x'], "'x' is not a process id"), (['0'], 'not a process id'), (['-5'], 'not a process id'),
                (['99999999999999999999'], 'not a process id'),
                (['4711', '12'], 'unrecognized arguments: 12'),
                (['--frobnicate', '4711'], 'unrecognized arguments: --frobnicate'),
                (['-e', '0', '4711'], 'not a time'), (['-e', '-5', '4711'], 'not a time'),
                (['-e', 'nan', '4711'], 'not a time'), (['-e', 'inf', '4711'], 'not a time'),
                (['-e', 'soon', '4711'], 'not a time'), (['-e'], 'expected one argument'),
                (['-l', '0', '4711'], 'number from 1'), (['-l', '201', '4711'], 'number from 1'),
                (['-m', '0', '4711'], 'number above 0'), (['-c', '1.5', '4711'], 'number above 0'),
                (['--max-stopped', '0', '4711'], 'percentage'),
                (['--max-stopped', '101', '4711'], 'percentage'),
                (['--engine', 'steam', '4711'], 'invalid choice'),
                (['--demo', '4711'], 'only one'), (['4711', '--', 'ls'], 'only one'), (['--'], 'no command'),
                (['--demo', '-e', '5'], '-e'),
                (['-d', '/nowhere/x', '4711'], '/nowhere/x: No such file'),
                (['-d', '/dev/null', '4711'], 'ELF file'), (['-d', self.folder, '4711'], 'ELF file'),
                (['-d', os.path.join(self.folder, 'memleax.py'), '4711'], 'ELF file'),
                (['-o', '/nowhere/x', '4711'], '/nowhere/x: No such file'),
                (['-o', self.folder, '4711'], 'Is a directory')):
            status, out, err = self.run_script([], *arguments)
            self.assertEqual((status, out), (2, ''), arguments)
            self.assertRegex(err, r'\Amemleax: [^\n]+\n\Z', arguments)
            self.assertIn(words, err, arguments)
            self.assertFalse(os.path.exists(self.script + '.settings'), arguments)

    def test_itself(self):
        process = subprocess.Popen(
            ['sh', '-c', 'exec "$0" "$1" $$', sys.executable, os.path.join(self.folder, 'memleax.py')],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        status, _, err = self.finish(process)
        self.assertEqual(status, 2)
        self.assertIn('%d is memleax itself' % process.pid, err)

    def test_right_ones_reach_the_monitor(self):
        self.run_script([BEGIN, STOP] + LAST, '4711')
        self.assertEqual(self.settings(), dict(
            pid=4711, expire=100.0, backtrace_limit=50, memory_block_max=1000, call_stack_max=1000,
            max_stopped=25.0, force=False, verbose=False, dry_run=False, gate=None, engine='auto', heal=False))
        self.run_script([BEGIN, STOP] + LAST, '-e', '0.5', '-l10', '-m', '5', '--call-stack-max=6',
                        '--max-stopped', '99.5', '--force', '--verbose', '--engine', 'trap', '4711')
        self.assertEqual(self.settings(), dict(
            pid=4711, expire=0.5, backtrace_limit=10, memory_block_max=5, call_stack_max=6, max_stopped=99.5,
            force=True, verbose=True, dry_run=False, gate=None, engine='trap', heal=False))

    def test_help(self):
        status, out, err = self.run_script([], '--help')
        self.assertEqual((status, err), (0, ''))
        self.assertLess(max(len(line) for line in out.splitlines()), 80)
        self.assertIn('memleax', out.rstrip().splitlines()[-1])         # ends with an example
        for option in ('-e', '-d', '-l', '-m', '-c', '-o', '--no-debug-line', '--dry-run', '--demo', '--heal'):
            self.assertIn(option, out)

    def test_version(self):
        status, out, _ = self.run_script([], '-v')
        self.assertEqual(status, 0)
        self.assertRegex(out, r'\Amemleax \d+\.\d+\S*\n\Z')

    def test_help_to_nobody(self):
        read, write = os.pipe()
        os.close(read)
        process = self.start([], '--help', stdout=write)
        os.close(write)
        self.assertEqual(self.finish(process)[2], 'memleax: cannot write to standard output: Broken pipe\n')

    def test_debug_file_of_another_program(self):
        sleep, shell = shutil.which('sleep'), shutil.which('sh')
        if not sleep or not shell or os.path.samefile(sleep, shell):
            self.skipTest('no two programs to compare')
        status, _, err = self.run_script([], '-d', shell, '4711', environment={'MEMLEAX_EXECUTABLE': sleep})
        self.assertEqual(status, 2)
        self.assertRegex(err, r'\Amemleax: \S+ does not belong to \S+: build-id [0-9a-f]+, the program')
        status, _, err = self.run_script([BEGIN, STOP] + LAST, '-d', sleep, '4711',
                                         environment={'MEMLEAX_EXECUTABLE': sleep})
        self.assertEqual((status, err), (0, ''))


class Runs(Scripted):
    def test_a_run(self):
        status, out, err = self.run_script([BEGIN, EXPIRED, STATUS, STOP] + LAST, '4711')
        self.assertEqual((status, err), (0, ''))
        self.assertEqual(out.splitlines(), [
            '== Begin monitoring process 4711...', 'CallStack[1]: memory expires with 101 bytes, backtrace:',
            '    0x0000000000001234  ?', '== Terminate monitoring.', '== No expired memory blocks.',
            '-- fine'])

    def test_lines_come_at_once(self):
        process = self.start([BEGIN, EXPIRED, 'WAIT', STOP] + LAST, '4711')
        lines = support.Lines(process.stdout, 0)
        self.assertIsNotNone(lines.wait('0x0000000000001234', 20))
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(20), 0)
        process.stderr.close()
        lines.join()

    def test_each_signal_is_passed_on_once(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP):
            process = self.start([BEGIN, 'WAIT', STOP] + LAST, '4711')
            lines = support.Lines(process.stdout, 0)
            self.assertIsNotNone(lines.wait('Begin', 20))
            for _ in range(3):
                process.send_signal(number)
            self.assertEqual(process.wait(20), 0, number)
            self.assertEqual(process.stderr.read(), b'')
            process.stderr.close()
            lines.join()
            self.assertEqual(lines.lines[-1], '-- fine')
            self.assertEqual(self.asked(), b'q')
            os.unlink(self.script + '.control')

    def test_nohup(self):
        process = self.start([BEGIN, 'WAIT', STOP] + LAST, '4711',
                             preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        lines = support.Lines(process.stdout, 0)
        self.assertIsNotNone(lines.wait('Begin', 20))
        if os.path.exists('/proc/self/status'):
            ignored = int(support.read_status(process.pid)['SigIgn'], 16)
            self.assertTrue(ignored & 1 << signal.SIGHUP - 1)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 0)
        process.stderr.close()
        lines.join()

    def test_while_the_terminal_is_stopped(self):
        # a reader that does not read stands for Ctrl-S; the request goes out although the report does not
        read, write = os.pipe()
        text = '{"type": "note", "level": "info", "text": "%s"}' % ('x' * 5000)
        process = self.start([BEGIN] + [text] * 14 + ['WAIT', STOP] + LAST, '4711', stdout=write)
        os.close(write)

        def blocked():
            with open('/proc/%d/wchan' % process.pid) as file:
                return 'pipe' in file.read()
        if os.path.exists('/proc/self/wchan'):
            support.until(blocked, 20, 'the reporter to be blocked in writing')
        process.send_signal(signal.SIGINT)
        support.until(lambda: os.path.exists(self.script + '.control') and self.asked(), 20,
                      'the request to stop')
        with os.fdopen(read, 'rb') as file:
            self.assertTrue(file.read().endswith(b'\n-- fine\n'))
        self.assertEqual(self.finish(process)[0], 0)

    def test_killed_reporter_closes_its_end(self):
        process = self.start([BEGIN, 'WAIT'], '4711')
        lines = support.Lines(process.stdout, 0)
        self.assertIsNotNone(lines.wait('Begin', 20))
        process.kill()
        process.wait()
        support.until(lambda: os.path.exists(self.script + '.control'), 20, 'the end of the control pipe')
        self.assertEqual(self.asked(), b'')
        process.stderr.close()
        lines.join()

    def test_monitors_death(self):
        for line, words in (('KILL', 'killed by SIGKILL'), ('EXIT 3', 'exit status 3')):
            status, out, err = self.run_script([BEGIN, line], '4711')
            self.assertEqual(status, 1)
            self.assertRegex(err, r'\Amemleax: the monitor ended unexpectedly \(%s\)[^\n]+\n\Z' % words)

    def test_error(self):
        status, out, err = self.run_script(
            ['{"type": "error", "text": "no process with the id 4711", "advice": "Use pgrep.", "status": 1}',
             '{"type": "end"}'], '4711')
        self.assertEqual((status, out, err), (1, '', 'memleax: no process with the id 4711. Use pgrep.\n'))

    def test_interrupted_before_there_is_a_monitor(self):
        code = ('import os, signal, sys; sys.path.insert(0, %r); import memleax\n'
                'memleax.executable_of = lambda pid: os.kill(os.getpid(), signal.SIGINT)\n'
                'sys.argv = ["memleax", "4711"]; memleax.main()' % support.ROOT)
        process = subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=30)
        self.assertEqual((process.returncode, out, err), (1, b'', b'memleax: interrupted before it began\n'))

    def test_dry_run(self):
        status, out, err = self.run_script(['{"type": "dry-run", "text": ["one", "two"]}', '{"type": "end"}'],
                                           '--dry-run', '4711')
        self.assertEqual((status, out, err), (0, 'one\ntwo\n', ''))
        self.assertTrue(self.settings()['dry_run'])

    def test_head(self):
        # `memleax 4711 | head -1`
        read, write = os.pipe()
        script = [BEGIN, 'WAIT', EXPIRED, STOP] + LAST
        process = self.start(script, '4711', stdout=write)
        os.close(write)
        os.read(read, 100)
        os.close(read)
        process.send_signal(signal.SIGTERM)
        status, _, err = self.finish(process)
        self.assertEqual((status, err), (1, ''))

    @unittest.skipUnless(os.path.exists('/dev/full'), 'no /dev/full')
    def test_full_disk(self):
        status, out, err = self.run_script([BEGIN, EXPIRED, 'WAIT', STOP] + LAST, '-o', '/dev/full', '4711')
        self.assertEqual(status, 1)
        self.assertTrue(out.endswith('\n-- fine\n'))
        self.assertRegex(err, r'\Amemleax: cannot write to /dev/full: No space left[^\n]*\n\Z')
        self.assertEqual(self.asked(), b'q')

    def test_closed_descriptors(self):
        path = os.path.join(self.folder, 'report')

        def close_all():
            os.close(0)
            os.close(1)
            os.close(2)
        process = self.start([BEGIN, EXPIRED, STOP] + LAST, '-o', path, '4711', preexec_fn=close_all)
        self.assertEqual(self.finish(process)[0], 0)
        with open(path) as file:
            self.assertEqual(file.read().splitlines()[-1], '-- fine')

    def test_names_that_the_locale_cannot_show(self):
        note = '{"type": "note", "level": "info", "text": "caf\\u00e9 \\udcff \\u001b[2J"}'
        status, out, err = self.run_script([BEGIN, note, STOP] + LAST, '4711',
                                           environment={'LC_ALL': 'C', 'PYTHONIOENCODING': 'ascii'})
        self.assertEqual((status, err), (0, ''))
        self.assertIn('-- caf\\xe9 \\xff \\x1b[2J\n', out)


class Terminal(Scripted):
    def read_terminal(self, master, process):
        data = b''
        while True:
            try:
                part = os.read(master, 4096)
            except OSError as error:
                if error.errno == errno.EIO:
                    break
                raise
            if not part:
                break
            data += part
        process.wait(20)
        os.close(master)
        return data.replace(b'\r\n', b'\n').decode()

    def test_status_line(self):
        master, slave = pty.openpty()
        script = [BEGIN, STATUS, EXPIRED, STATUS, STOP] + LAST
        process = self.start(script, '4711', stdout=slave, stderr=slave)
        os.close(slave)
        text = self.read_terminal(master, process)
        line = '\r\x1b[K0:01:01  7 calls/s  1 block (5 bytes)  1 stack expired  stopped 1.0%'
        self.assertEqual(text, '== Begin monitoring process 4711...\n' + line + (
            '\r\x1b[KCallStack[1]: memory expires with 101 bytes, backtrace:\n'
            '    0x0000000000001234  ?\n') + line + line + (
            '\r\x1b[K== Terminate monitoring.\n== No expired memory blocks.\n-- fine\n'))

    def test_a_narrow_terminal(self):
        import fcntl
        import struct
        import termios
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 20, 0, 0))
        process = self.start([BEGIN, STATUS, STOP] + LAST, '4711', stderr=slave)
        os.close(slave)
        text = self.read_terminal(master, process)
        out = process.stdout.read().decode()
        process.stdout.close()
        self.assertEqual(text, '\r\x1b[K0:01:01  7 calls/s \r\x1b[K')
        self.assertNotIn('\x1b', out)


class Commands(Scripted):
    def test_command(self):
        status, out, err = self.run_script(
            [BEGIN, 'GATE', 'CHILD', STOP] + LAST, '-e', '5', '--',
            sys.executable, '-c', 'import sys; print(sys.argv)', '--', '-e')
        self.assertEqual((status, err), (0, ''))
        self.assertIn("['-c', '--', '-e']\n", out)
        self.assertEqual(self.settings()['expire'], 5)

    def test_command_gets_no_descriptor_of_ours_and_default_signals(self):
        # without 32 and 33, which are the C library's own and ignored after subprocess of Python 3.13
        program = ("import os; print([fd for fd in range(3, 50) if os.path.exists('/dev/fd/%d' % fd)], int("
                   "open('/proc/self/status').read().split('SigIgn:')[1].split()[0], 16) & 0x7fffffff)")
        if not os.path.exists('/proc/self/status'):
            self.skipTest('no /proc/self/status')
        direct = subprocess.check_output(['sh', '-c', 'exec "$@"', 'sh', sys.executable, '-c', program],
                                         stdin=subprocess.DEVNULL).decode()
        status, out, _ = self.run_script([BEGIN, 'GATE', 'CHILD', STOP] + LAST, '--',
                                         'sh', '-c', 'exec "$@"', 'sh', sys.executable, '-c', program)
        self.assertIn(direct, out)

    def test_command_that_cannot_be_run(self):
        exit_127 = '{"type": "stop", "reason": "exit", "status": 32512}'
        for command, words in (('/nowhere/x', 'No such file'), (self.folder, 'Permission denied')):
            status, out, err = self.run_script(['GATE', 'CHILD', exit_127] + LAST, '--', command)
            self.assertEqual((status, out), (1, ''))
            self.assertRegex(err, r'\Amemleax: cannot run %s: %s[^\n]*\n\Z' % (re.escape(command), words))

    def test_a_monitor_that_dies_leaves_no_command_behind(self):
        mark = os.path.join(self.folder, 'mark')
        status, _, err = self.run_script(['KILL'], '--', 'touch', mark)
        self.assertEqual(status, 1)
        self.assertFalse(os.path.exists(mark))

    def test_command_that_goes_on(self):
        process = self.start([BEGIN, 'GATE', STOP] + LAST, '--', 'sh', '-c', 'read x; echo end of $x',
                             stdin=subprocess.PIPE)
        lines = support.Lines(process.stdout, 0)
        found = lines.wait(r'^-- sh \(process \d+\) goes on running', 20)
        self.assertIsNotNone(found)
        self.assertEqual(process.wait(20), 0)
        process.stdin.write(b'it\n')
        process.stdin.close()
        self.assertIsNotNone(lines.wait('^end of it$', 20))
        process.stderr.close()
        lines.join()

    def test_demo(self):
        status, out, err = self.run_script([BEGIN, 'WAIT', STOP] + LAST, '--demo')
        self.assertEqual((status, err), (0, ''))
        self.assertEqual(self.asked(), b'q')        # the demo asks when its part is played
        self.assertIn('-- The statistics at the end', out)
        self.assertFalse(os.path.exists('/proc/%d' % self.settings()['pid']))
        self.assertLess(max(len(line) for line in out.splitlines()), 80)

    def test_demo_that_is_interrupted(self):
        process = self.start([BEGIN, 'WAIT', STOP] + LAST, '--demo')
        lines = support.Lines(process.stdout, 0)
        self.assertIsNotNone(lines.wait('Begin', 20))
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(20), 0)
        process.stderr.close()
        lines.join()
        self.assertEqual(lines.lines[-1], '-- fine')

    def test_demo_ends_with_a_killed_reporter(self):
        process = self.start([BEGIN, 'WAIT'], '--demo')
        lines = support.Lines(process.stdout, 0)
        self.assertIsNotNone(lines.wait('Begin', 20))
        pid = self.settings()['pid']
        self.assertTrue(os.path.exists('/proc/%d' % pid) or not os.path.exists('/proc'))
        process.kill()
        process.wait()

        def gone():
            try:
                return support.state_of(pid) in 'ZX'
            except OSError:
                return True
        support.until(gone, 20, "the demo's end")
        process.stderr.close()
        lines.join()


class Installations(unittest.TestCase):
    def python(self, *names):
        for name in names:
            path = shutil.which(name)
            if path and subprocess.call([path, '-c', 'pass'], stderr=subprocess.DEVNULL) == 0:
                return path
        return None

    def test_old_interpreters_are_told(self):
        tried = 0
        for name in ('python2', 'python2.7', 'python3.3', 'python3.4', 'python3.5'):
            path = self.python(name)
            if path is None:
                continue
            tried += 1
            process = subprocess.Popen([path, support.PROGRAM, '--demo'], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE)
            out, err = process.communicate()
            self.assertEqual((process.returncode, out), (2, b''))
            self.assertRegex(err.decode(), r'\Amemleax: needs Python 3\.6 or newer, this is [^\n]+\n\Z')
        if not tried:
            self.skipTest('no Python older than 3.6 in PATH')

    def test_syntax_that_old_interpreters_read(self):
        # what of Python 3 would be a SyntaxError in 2.7: seen without having one
        import ast
        with open(os.path.join(support.ROOT, 'memleax.py'), 'rb') as file:
            source = file.read()
        source.decode('ascii')
        for node in ast.walk(ast.parse(source)):
            self.assertNotIsInstance(node, (ast.AnnAssign, ast.JoinedStr, ast.Nonlocal, ast.YieldFrom,
                                            ast.Starred, ast.AsyncFunctionDef, ast.MatMult))
            if isinstance(node, (ast.FunctionDef, ast.Lambda)):
                arguments = node.args
                self.assertEqual(arguments.kwonlyargs, [])
                self.assertEqual([a.annotation for a in arguments.args if a.annotation], [])
            if isinstance(node, ast.Raise):
                self.assertIsNone(node.cause)
            if isinstance(node, ast.ClassDef):
                self.assertEqual(node.keywords, [])

    def test_missing_files_are_named(self):
        for missing in MODULES[1:]:
            folder = tempfile.mkdtemp(dir=support.temporary_directory())
            for name in MODULES:
                if name != missing:
                    shutil.copy(os.path.join(support.ROOT, name + '.py'), folder)
            process = subprocess.Popen([sys.executable, os.path.join(folder, 'memleax.py'), '--demo'],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            out, err = process.communicate()
            self.assertEqual((process.returncode, out), (1, b''))
            self.assertEqual(err.decode(), 'memleax: the file %s.py is missing: it belongs into %s, '
                             'beside memleax.py\n' % (missing, folder))

    def test_modules_of_the_installation(self):
        import configparser
        settings = configparser.ConfigParser()
        settings.read(os.path.join(support.ROOT, 'setup.cfg'))
        listed = settings.get('options', 'py_modules').split()
        there = [name[:-3] for name in os.listdir(support.ROOT) if name.endswith('.py')]
        self.assertEqual(sorted(listed), sorted(there))
        self.assertEqual(settings.get('options.entry_points', 'console_scripts').strip(),
                         'memleax = memleax:main')

    def test_one_file(self):
        folder = tempfile.mkdtemp(dir=support.temporary_directory())
        source = os.path.join(folder, 'source')
        os.mkdir(source)
        for name in os.listdir(support.ROOT):
            if name.endswith('.py'):
                shutil.copy(os.path.join(support.ROOT, name), source)
        path = os.path.join(folder, 'memleax.pyz')
        zipapp.create_archive(source, path, main='memleax:main', interpreter='/usr/bin/env python3')
        shutil.rmtree(source)
        for arguments, expected in ((['--version'], 0), (['x'], 2)):
            process = subprocess.Popen([sys.executable, path] + arguments, cwd='/', stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE)
            out, err = process.communicate()
            self.assertEqual(process.returncode, expected, err)
        self.assertRegex(err, b'\\Amemleax: [^\n]*not a process id[^\n]*\n\\Z')


@support.skip_unless_ptrace
class Live(unittest.TestCase):
    def test_demo(self):
        before = time.monotonic()
        run = support.run_memleax('--demo', timeout=60)
        self.assertEqual(run.report.status, 0, run.transcript())
        self.assertLess(time.monotonic() - before, 20)
        text = '\n'.join(run.out.lines)
        for pattern in (r'^== Begin monitoring process \d+\.\.\.$',
                        r'^CallStack\[\d+\]: memory expires with 101 bytes, backtrace:\n'
                        r'    0x[0-9a-f]{16}  malloc\(\)\+0  ',
                        r'^CallStack\[\d+\]: memory expires with 101 bytes, 5 times again$',
                        r'^CallStack\[\d+\]: expired-memory frees after 1\.\d+ seconds$',
                        r'^Warning: too many expired-free at CallStack\[\d+\]\. '
                        r'will not show this CallStack later$',
                        r'^== Terminate monitoring\.$'):
            self.assertRegex(text, re.compile(pattern, re.M))
        leaks = [(stack.may_leak, stack.may_leak_bytes) for stack in run.report.stacks]
        self.assertEqual(leaks[-1:], [(5, 505)], run.transcript())


if __name__ == '__main__':
    unittest.main()
