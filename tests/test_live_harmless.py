"""
Live processes: what memleax may never do to a target, whatever happens to it, to its children or to memleax
itself.

Judges: the target's own checks of its data, its counts of EINTR and signals, /proc/PID/status, and the text
in memory against the text in the file.
"""

import fcntl
import os
import pty
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
import unittest

import support
from support import (Memleax, Target, assert_unharmed, compile_program, run_memleax, scaled, take_snapshot,
                     until)

LONGEST_STANDSTILL = 100000         # microseconds
IDLE = "import sys; print('ready 0', flush=True); sys.stdin.read()"


def pairs_of(target):
    return int(target.ask('count', r'^count (\d+)').group(1))


def wait_for_pairs(target, number, timeout=30):
    """Until the target has made so many more pairs."""
    start = pairs_of(target)
    until(lambda: pairs_of(target) >= start + number, timeout, '{} pairs of the target'.format(number))


class LiveTest(unittest.TestCase):

    def check_end(self, run, report, status=0):
        text = run.transcript()
        self.assertEqual(report.status, status, text)
        for line in report.lines + report.errors:
            self.assertFalse(line.startswith('!!!'), text)
            self.assertNotIn('Traceback (most recent call last)', line, text)

    def give_back(self, target, run, timeout=5):
        """Wait until no thread of the target has a tracer, and no hook is left."""
        def free():
            return all(support.read_status(target.pid, tid)['TracerPid'] == '0'
                       for tid in support.thread_ids(target.pid)) \
                and not support.text_differences(target.pid, tails=False)
        try:
            until(free, timeout, 'the target to be given back')
        except AssertionError as problem:
            raise AssertionError('{}\n{}'.format(problem, run.transcript()))


@support.skip_unless_compiler
@support.skip_unless_ptrace
class BlockingCalls(LiveTest):
    """Threads in every blocking system call, four dispositions of SIGTRAP: no EINTR, no early return."""

    def report_of(self, target):
        target.say('report')
        calls, trap = {}, None
        for line in target.lines_until('^end$'):
            fields = line.split()
            if fields[0] == 'trap':
                trap = fields[1:]
            elif fields[0] == 'pairs':
                calls['pairs'] = (int(fields[1]), int(fields[2]))
            else:
                calls[fields[0]] = tuple(map(int, fields[1:]))
        return calls, trap

    def check_mode(self, mode):
        with Target(compile_program('sleepers.c', flags=['-lrt']), mode) as target:
            try:
                before = take_snapshot(target.pid)
                _, trap = self.report_of(target)
                for i in range(scaled(3)):
                    with Memleax('-e', '30', '--force', target.pid) as run:
                        run.begin()
                        start = self.report_of(target)[0]['pairs'][0]
                        until(lambda: self.report_of(target)[0]['pairs'][0] >= start + 20, 20,
                              'pairs of the target')
                        report = run.finish()
                        self.check_end(run, report)
                        assert_unharmed(target.pid, before, run, tails=False)
                    calls, trap_now = self.report_of(target)
                    bad = dict((name, row) for name, row in calls.items()
                               if name != 'pairs' and (row[1] or row[2] or row[3]))
                    self.assertEqual(bad, {}, 'round {}: {{call: (calls, EINTR, early, other errors)}}\n{}'
                                     .format(i, run.transcript()))
                    self.assertEqual(trap_now, trap, 'disposition of SIGTRAP\n' + run.transcript())
                    self.assertEqual(calls['pairs'][1], 0)
            finally:
                target.close()              # its System V queues go with it

    def test_plain(self):
        self.check_mode('plain')

    def test_all_signals_blocked(self):
        self.check_mode('block')

    def test_sigtrap_ignored(self):
        self.check_mode('ignore')

    def test_sigtrap_handled(self):
        self.check_mode('handler')


@support.skip_unless_compiler
@support.skip_unless_ptrace
class SignalsAndStops(LiveTest):

    def test_every_signal_arrives_once_and_in_order(self):
        number = scaled(1500)
        with Target(compile_program('signals.c')) as target:
            before = take_snapshot(target.pid)
            with Memleax('-e', '30', '--force', target.pid) as run:
                run.begin()
                sent, got, disorder, ticks, pairs, errors = map(
                    int, target.ask('go {}'.format(number), r'^done (.*)', 120).group(1).split())
                self.assertEqual((sent, got, disorder, errors), (number, number, 0, 0), run.transcript())
                self.assertGreater(ticks, 0)
                self.check_end(run, run.finish())
            assert_unharmed(target.pid, before, run, tails=False)
            # and with the attach and the detach amid the signals
            target.say('go {}'.format(number * 3))
            for _ in range(2):
                with Memleax('-e', '30', '--force', target.pid) as run:
                    run.begin()
                    self.check_end(run, run.finish())
            sent, got, disorder, _, _, errors = map(int, target.expect(r'^done (.*)', 120).group(1).split())
            self.assertEqual((sent, got, disorder, errors), (number * 3, number * 3, 0, 0), run.transcript())
            assert_unharmed(target.pid, before, run, tails=False)

    def all_in(self, pid, states):
        return all(support.state_of(pid, tid) in states for tid in support.thread_ids(pid))

    def test_stopped_before_stays_stopped(self):
        with Target(compile_program('loop.c'), 2, 100) as target:
            before = take_snapshot(target.pid)
            os.kill(target.pid, signal.SIGSTOP)
            until(lambda: self.all_in(target.pid, 'T'), 5, 'the target to stop')
            for _ in range(scaled(2)):
                with Memleax('-e', '30', '--force', target.pid) as run:
                    run.begin()
                    self.assertTrue(self.all_in(target.pid, 'Tt'), run.transcript())
                    self.check_end(run, run.finish())
                until(lambda: self.all_in(target.pid, 'T'), 5, 'the stopped target to be stopped again')
                assert_unharmed(target.pid, before, run, states='T')
            os.kill(target.pid, signal.SIGCONT)
            wait_for_pairs(target, 100)
            assert_unharmed(target.pid, before, run)

    def test_stopped_and_continued_while_traced(self):
        with Target(compile_program('loop.c'), 2, 100) as target:
            before = take_snapshot(target.pid)
            with Memleax('-e', '30', '--force', target.pid) as run:
                run.begin()
                wait_for_pairs(target, 20)
                os.kill(target.pid, signal.SIGSTOP)
                until(lambda: self.all_in(target.pid, 'Tt'), 5, 'the traced target to stop')
                os.kill(target.pid, signal.SIGCONT)
                wait_for_pairs(target, 20)
                os.kill(target.pid, signal.SIGSTOP)
                until(lambda: self.all_in(target.pid, 'Tt'), 5, 'the traced target to stop')
                self.check_end(run, run.finish())
            until(lambda: self.all_in(target.pid, 'T'), 5, 'the target to stay stopped after the detach')
            assert_unharmed(target.pid, before, run, tails=False, states='T')
            os.kill(target.pid, signal.SIGCONT)
            wait_for_pairs(target, 100)
            assert_unharmed(target.pid, before, run, tails=False)

    def test_seccomp_filter_that_kills(self):
        for arguments in ((), ('block',)):
            with Target(compile_program('confined.c'), *arguments) as target:
                if target.expect(r'^(confined|unable)').group(1) == 'unable':
                    self.skipTest('no seccomp filters here')
                before = take_snapshot(target.pid)
                for _ in range(scaled(2)):
                    with Memleax('-e', '30', '--force', target.pid) as run:
                        run.begin()
                        wait_for_pairs(target, 100)
                        report = run.finish()
                        self.assertIsNone(target.process.poll(), run.transcript())
                        self.check_end(run, report)
                        assert_unharmed(target.pid, before, run, tails=False)
                self.assertEqual(target.ask('count', r'^count \d+ (\d+)').group(1), '0')


@support.skip_unless_compiler
@support.skip_unless_ptrace
class Children(LiveTest):

    def test_every_kind_of_child(self):
        # under the recorder a child keeps its copy of the hooks, switched off, until the end
        flags = ['-DHOOKS_STAY'] if support.RECORDER else []
        with Target(compile_program('forker.c', flags=flags)) as target:
            before = take_snapshot(target.pid)
            with Memleax('-e', '30', '--force', target.pid) as run:
                run.begin()
                for way in ('fork', 'nested', 'exec', 'vfork', 'spawn', 'system', 'clone'):
                    number = scaled(4)
                    found = target.ask('{} {}'.format(way, number),
                                       r'^{} ok=(\d+) bad=(\d+) last=(\d+)'.format(way), 60)
                    self.assertEqual(found.groups(), (str(number), '0', '0'), way + '\n' + run.transcript())
                self.assertEqual(target.ask('count', r'^count \d+ (\d+)').group(1), '0')
                self.check_end(run, run.finish())
                assert_unharmed(target.pid, before, run, tails=False)
            found = target.ask('fork 3', r'^fork ok=(\d+) bad=(\d+)')
            self.assertEqual(found.groups(), ('3', '0'))

    def test_forks_during_attach_and_detach(self):
        flags = ['-DHOOKS_STAY'] if support.RECORDER else []
        with Target(compile_program('forker.c', flags=flags)) as target:
            before = take_snapshot(target.pid)
            for _ in range(scaled(2)):
                target.say('fork 150')
                with Memleax('-e', '30', '--force', target.pid) as run:
                    run.begin()
                    self.check_end(run, run.finish())
                found = target.expect(r'^fork ok=(\d+) bad=(\d+) last=(\d+)', 60)
                self.assertEqual(found.groups(), ('150', '0', '0'), run.transcript())
                assert_unharmed(target.pid, before, run, tails=False)

    def test_vfork_parent_delays_nobody(self):
        with Target(compile_program('vforker.c')) as target:
            before = take_snapshot(target.pid)
            target.ask('vfork 2500', '^vforked')
            until(lambda: 'D' in [support.state_of(target.pid, tid)
                                  for tid in support.thread_ids(target.pid)], 5, 'the parent in vfork')
            target.ask('reset', '^ok')
            with Memleax('-e', '30', '--force', target.pid) as run:
                run.begin()
                self.assertIsNone(target.out.wait('^vforkdone', 0),
                                  'attached only when vfork was over\n' + run.transcript())
                wait_for_pairs(target, 50)
                self.assertIsNone(target.out.wait('^vforkdone', 0), run.transcript())
                longest = int(target.ask('count', r'^count \d+ \d+ (\d+)').group(1))
                self.assertLess(longest, 5 * LONGEST_STANDSTILL, 'microseconds\n' + run.transcript())
                self.assertEqual(target.expect(r'^vforkdone (-?\d+)').group(1), '7', run.transcript())
                wait_for_pairs(target, 50)
                target.ask('vfork 1500', '^vforked')        # and the detach while it waits
                wait_for_pairs(target, 50)
                self.check_end(run, run.finish())
            self.assertIsNone(target.out.wait('^vforkdone 7', 0, target._position), run.transcript())
            assert_unharmed(target.pid, before, run, tails=False)
            self.assertEqual(target.expect(r'^vforkdone (-?\d+)').group(1), '7', run.transcript())
            self.assertEqual(target.ask('count', r'^count \d+ (\d+)').group(1), '0')
            assert_unharmed(target.pid, before, run, tails=False)

    def test_another_process_in_the_same_memory(self):
        with Target(compile_program('sharer.c')) as target:
            there = int(target.ask('count', r'^count \d+ \d+ \d+ (\d+)').group(1))
            before, before_there = take_snapshot(target.pid), take_snapshot(there)
            with Memleax('-e', '30', '--force', target.pid) as run:
                found = run.out.wait(r'^== Begin monitoring', 20)
                if found:
                    wait_for_pairs(target, 100)
                    self.check_end(run, run.finish())
                else:
                    self.assertNotEqual(run.wait().status, 0)       # refused: as good
            here, over_there, errors, _ = map(int, target.ask('count', r'^count (.*)').group(1).split())
            self.assertEqual(errors, 0)
            until(lambda: int(target.ask('count', r'^count \d+ (\d+)').group(1)) > over_there + 10, 10,
                  'the other process to go on')
            assert_unharmed(target.pid, before, run, tails=False)
            assert_unharmed(there, before_there, run, tails=False)

    def test_threads_that_come_and_go(self):
        script = ("import sys, threading\n"
                  "print('ready 0', flush=True)\n"
                  "for line in sys.stdin:\n"
                  "    if line.strip() == 'quit': break\n"
                  "    made = [0]\n"
                  "    def work():\n"
                  "        made[0] += len(bytearray(3000))\n"
                  "    for i in range(int(line)):\n"
                  "        batch = [threading.Thread(target=work) for _ in range(5)]\n"
                  "        [t.start() for t in batch]\n"
                  "        [t.join() for t in batch]\n"
                  "    print('made', made[0], flush=True)\n")
        with Target(sys.executable, '-c', script) as target:
            target.ask('1', '^made')            # the C library sets up what it needs for threads
            before = take_snapshot(target.pid)
            for _ in range(scaled(2)):
                target.say('100')
                with Memleax('-e', '30', '--force', target.pid) as run:
                    run.begin()
                    target.expect('^made 1500000$', 60)
                    self.assertTrue(target.ask('10', '^made 150000$', 60))
                    self.check_end(run, run.finish())
                assert_unharmed(target.pid, before, run, tails=False)


@support.skip_unless_compiler
@support.skip_unless_ptrace
class ReporterInTrouble(LiveTest):
    """Whatever becomes of the process that the user started: the target never stands still for 100 ms."""

    def longest(self, target):
        return int(target.ask('count', r'^count \d+ \d+ (\d+)').group(1))

    def stays_fluid(self, target, run, trouble):
        """`trouble()` while the target is traced; its longest pause after it, at best of three."""
        pauses = []
        for _ in range(3):                  # the machine itself makes pauses: other things run beside this
            target.ask('reset', '^ok')
            trouble()
            wait_for_pairs(target, 300)
            pauses.append(self.longest(target))
            if pauses[-1] < LONGEST_STANDSTILL:
                return
        self.fail('the target stood still for {} microseconds\n{}'.format(pauses, run.transcript()))

    def start(self):
        target = Target(compile_program('loop.c'), 2, 1000)
        self.addCleanup(target.kill)
        return target, take_snapshot(target.pid)

    def test_stopped_reporter(self):
        target, before = self.start()
        with Memleax('-e', '30', '--force', target.pid) as run:
            run.begin()
            self.stays_fluid(target, run, lambda: run.process.send_signal(signal.SIGSTOP))
            run.process.send_signal(signal.SIGCONT)
            self.check_end(run, run.finish())
            assert_unharmed(target.pid, before, run, tails=False)

    def test_killed_reporter(self):
        target, before = self.start()
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            with Memleax('-e', '30', '--force', target.pid) as run:
                run.begin()
                monitor = support.monitor_of(run)
                self.stays_fluid(target, run, lambda: run.process.send_signal(number))
                self.give_back(target, run)
                assert_unharmed(target.pid, before, run, tails=False)
                run.process.wait(10)
                until(lambda: not os.path.exists('/proc/{}'.format(monitor)), 5,
                      'the monitor to end')
                if number in (signal.SIGTERM, signal.SIGHUP):
                    self.check_end(run, run.wait())

    def test_killed_while_attaching(self):
        target, before = self.start()
        for i in range(scaled(4)):
            with Memleax('-e', '30', '--force', target.pid) as run:
                until(lambda: support.tracer_of(target.pid) or run.process.poll() is not None, 20, 'a tracer')
                run.process.send_signal(signal.SIGKILL if i % 2 else signal.SIGINT)
                self.give_back(target, run)
                run.process.wait(10)
                wait_for_pairs(target, 20)
                assert_unharmed(target.pid, before, run, tails=False)

    def test_control_z(self):
        target, before = self.start()
        with Memleax('-e', '30', '--force', target.pid) as run:
            run.begin()
            self.stays_fluid(target, run, lambda: run.process.send_signal(signal.SIGTSTP))
            self.give_back(target, run)
            assert_unharmed(target.pid, before, run, tails=False)
            run.process.send_signal(signal.SIGCONT)
            run.process.send_signal(signal.SIGINT)
            run.wait()
            assert_unharmed(target.pid, before, run, tails=False)

    def test_two_control_c(self):
        target, before = self.start()
        for _ in range(scaled(2)):
            with Memleax('-e', '30', '--force', target.pid) as run:
                run.begin()
                wait_for_pairs(target, 10)
                for _ in range(3):
                    try:
                        run.process.send_signal(signal.SIGINT)
                    except ProcessLookupError:
                        pass
                report = run.wait()
                self.check_end(run, report)
                self.assertIn('== Terminate monitoring.', report.lines, run.transcript())
                assert_unharmed(target.pid, before, run, tails=False)

    def test_reader_of_stdout_that_stalls(self):
        """More report than a pipe holds, and nobody reads it: Ctrl-S, a pager, a stalled SSH link."""
        loop, _ = self.start()
        with Target(compile_program('blocks.c')) as target:
            before = take_snapshot(target.pid)
            with Memleax('-e', '0.2', '-m', '1000000', '--force', target.pid) as run:
                run.begin()
                run.out.hold(True)
                start = time.monotonic()
                target.ask('drip 4000 100', '^ok', 60)
                first = time.monotonic() - start
                target.ask('drip 4000 100', '^ok', 60)          # by now the pipe is full
                second = time.monotonic() - start - first
                self.assertLess(second, first * 3 + 1, run.transcript())
                run.process.send_signal(signal.SIGINT)
                self.give_back(target, run)                     # before anybody reads again
                assert_unharmed(target.pid, before, run, tails=False)
                run.out.hold(False)
                report = run.wait()
                self.check_end(run, report)
                self.assertEqual([s.alloc for s in report.stacks], [8000], run.transcript())

    def test_reader_of_stdout_that_goes(self):
        """memleax ... | head -1"""
        with Target(compile_program('blocks.c')) as target:
            before = take_snapshot(target.pid)
            memleax = subprocess.Popen(
                [sys.executable, support.PROGRAM, '-e', '0.2', '--force', str(target.pid)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.addCleanup(memleax.stderr.close)
            try:
                while b'Begin' not in memleax.stdout.readline():
                    if memleax.poll() is not None:
                        self.fail(memleax.stderr.read())
                memleax.stdout.close()
                target.ask('other 50 20', '^ok')
                memleax.wait(15)
                until(lambda: support.given_back(target.pid), 5, 'the target to be given back')
                assert_unharmed(target.pid, before, tails=False)
            finally:
                if memleax.poll() is None:
                    memleax.kill()
                memleax.wait()

    def test_terminal_with_control_s(self):
        """On a terminal whose output is held, and that then goes away."""
        target, before = self.start()
        master, slave = pty.openpty()

        def lead_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        memleax = subprocess.Popen([sys.executable, support.PROGRAM, '-e', '30', '--force', str(target.pid)],
                                   stdin=slave, stdout=slave, stderr=slave, preexec_fn=lead_terminal)
        os.close(slave)
        try:
            shown = b''
            while b'Begin' not in shown:
                shown += os.read(master, 4096)
            os.write(master, b'\x13')               # Ctrl-S: the line discipline holds output from here on
            for _ in range(3):
                target.ask('reset', '^ok')
                wait_for_pairs(target, 1000)            # status lines come meanwhile
                if self.longest(target) < LONGEST_STANDSTILL:
                    break
            else:
                self.fail('the target stood still for {} microseconds'.format(self.longest(target)))
            os.close(master)                            # the terminal hangs up
            master = -1
            until(lambda: support.given_back(target.pid), 5, 'the target to be given back')
            assert_unharmed(target.pid, before, tails=False)
            memleax.wait(10)
        finally:
            if master >= 0:
                os.close(master)
            if memleax.poll() is None:
                memleax.kill()
            memleax.wait()

    def test_full_disk(self):
        if not os.path.exists('/dev/full'):
            self.skipTest('no /dev/full')
        with Target(compile_program('blocks.c')) as target:
            before = take_snapshot(target.pid)
            with Memleax('-e', '0.2', '--force', '-o', '/dev/full', target.pid) as run:
                found = run.out.wait(r'^== Begin monitoring', 20)
                if found:
                    target.ask('other 5 20', '^ok')
                    until(lambda: run.process.poll() is not None or run.err.lines, 10, 'a word on the disk')
                    report = run.finish()
                else:
                    report = run.wait()
                self.assertRegex('\n'.join(report.errors + report.lines), r'No space left|/dev/full',
                                 run.transcript())
                assert_unharmed(target.pid, before, run, tails=False)

    def test_stdout_on_full_disk(self):
        if not os.path.exists('/dev/full'):
            self.skipTest('no /dev/full')
        with Target(compile_program('blocks.c')) as target:
            before = take_snapshot(target.pid)
            with open('/dev/full', 'wb') as full:
                memleax = subprocess.Popen(
                    [sys.executable, support.PROGRAM, '-e', '0.2', '--force', str(target.pid)],
                    stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE)
            try:
                _, errors = memleax.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                memleax.kill()
                memleax.communicate()
                self.fail('goes on though nothing can be printed')
            self.assertNotEqual(memleax.returncode, 0)
            self.assertIn(b'No space left', errors)
            self.assertNotIn(b'Traceback', errors)
            until(lambda: support.given_back(target.pid), 5, 'the target to be given back')
            assert_unharmed(target.pid, before, tails=False)


def elf32_program(path):
    """A 32-bit i386 program that waits for ever (pause, again and again)."""
    code = bytes.fromhex('b81d000000' 'cd80' 'ebf7')        # mov eax, 29 (pause); int 0x80; jmp back
    base = 0x8048000
    header = struct.pack('<16sHHIIIIIHHHHHH', b'\x7fELF\x01\x01\x01', 2, 3, 1, base + 84, 52, 0, 0, 52, 32, 1,
                         0, 0, 0)
    segment = struct.pack('<IIIIIIII', 1, 0, base, base, 84 + len(code), 84 + len(code), 5, 4096)
    with open(path, 'wb') as f:
        f.write(header + segment + code)
    os.chmod(path, 0o755)


@support.skip_unless_ptrace
class BadInput(LiveTest):
    """One line that says what and what to do, the right exit status, the target unharmed."""

    def refused(self, arguments, pattern, status=None, **options):
        """memleax ends soon, with an error, without a trace of Python, saying what `pattern` finds."""
        run = run_memleax(*arguments, **options)
        text = run.transcript()
        said = '\n'.join(run.report.errors)
        self.assertNotEqual(run.report.status, 0, text)
        self.assertTrue(run.report.status is not None and 0 < run.report.status < 126, text)
        if status is not None:
            self.assertEqual(run.report.status, status, text)
        self.assertNotIn('Traceback', said + '\n'.join(run.report.lines), text)
        self.assertRegex(said, re.compile(pattern, re.IGNORECASE), text)
        self.assertLessEqual(len(run.report.errors), 8, text)
        self.assertFalse([line for line in run.report.lines if line.startswith('== Begin')], text)
        return run

    def test_pid_that_is_none(self):
        self.refused(['999999999'], 'no such process|no process|range|not a process')
        gone = subprocess.Popen([sys.executable, '-c', ''])
        gone.wait()
        self.refused([gone.pid], 'no such process|no process')

    def test_not_a_number(self):
        for word in ('nginx', '12x', '-5', '0', '', '1.5'):
            self.refused([word], r'pid|number|usage|option', 2 if word == 'nginx' else None)

    def test_no_arguments(self):
        self.refused([], 'usage|pid|which process')

    def test_own_pid(self):
        code = ("import os, sys, runpy; sys.argv = ['memleax.py', str(os.getpid())];"
                "sys.path.insert(0, {!r}); runpy.run_path({!r}, run_name='__main__')").format(
                    os.path.dirname(support.PROGRAM), support.PROGRAM)
        done = subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                stdin=subprocess.DEVNULL)
        _, errors = done.communicate(timeout=20)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(errors.decode(), re.compile('itself|own|myself', re.IGNORECASE))
        self.assertNotIn(b'Traceback', errors)

    def test_kernel_thread(self):
        pid = None
        for name in os.listdir('/proc'):
            try:
                if name.isdigit() and int(support.read_status(int(name)).get('PPid', '0')) == 2:
                    pid = int(name)
                    break
            except OSError:
                continue
        if pid is None:
            self.skipTest('no kernel thread to be seen')
        self.refused([pid], 'kernel')

    def test_zombie(self):
        zombie = subprocess.Popen([sys.executable, '-c', ''])
        until(lambda: support.state_of(zombie.pid) == 'Z', 10, 'a zombie')
        self.refused([zombie.pid], 'zombie|ended|exited|dead|terminated')
        zombie.wait()

    def test_bad_numbers(self):
        with Target(sys.executable, '-c', IDLE) as target:
            for arguments in (['-e', '0'], ['-e', '-1'], ['-e', 'x'], ['-e', 'nan'], ['-e', 'inf'],
                              ['-l', '0'], ['-l', 'x'], ['-m', '-3'], ['-c', '0'], ['--max-stopped', '-1'],
                              ['--no-such-option']):
                run = self.refused(arguments + [str(target.pid)],
                                   re.escape(arguments[0]) + '|number|recognized', 2)
                self.assertEqual(support.tracer_of(target.pid), 0, run.transcript())
            target.kill()

    def test_missing_debug_file(self):
        with Target(sys.executable, '-c', IDLE) as target:
            self.refused(['-d', '/nonexistent/file.debug', target.pid], r'/nonexistent/file\.debug')
            assert_unharmed(target.pid)
            target.kill()

    def test_output_that_cannot_be_made(self):
        with Target(sys.executable, '-c', IDLE) as target:
            self.refused(['-o', '/nonexistent/report.txt', target.pid], r'/nonexistent/report\.txt')
            assert_unharmed(target.pid)
            target.kill()

    @support.skip_unless_compiler
    def test_already_traced(self):
        with Target(compile_program('loop.c'), 1, 1000) as target:
            with Target(compile_program('tracer.c'), target.pid) as tracer:
                run = self.refused([target.pid], r'traced|tracer')
                self.assertIn(str(tracer.pid), '\n'.join(run.report.errors), run.transcript())
                self.assertIn('tracer', '\n'.join(run.report.errors))
                self.assertEqual(support.tracer_of(target.pid), tracer.pid)
            wait_for_pairs(target, 10)
            assert_unharmed(target.pid)

    @support.skip_unless_compiler
    def test_two_memleax_at_once(self):
        with Target(compile_program('loop.c'), 1, 1000) as target:
            before = take_snapshot(target.pid)
            with Memleax('-e', '30', '--force', target.pid) as first:
                first.begin()
                self.refused([target.pid], r'traced|tracer|memleax')
                wait_for_pairs(target, 20)
                self.check_end(first, first.finish())
            assert_unharmed(target.pid, before, first, tails=False)

    @support.skip_unless_compiler
    def test_no_permission(self):
        if os.getuid() != 0:
            self.refused(['1'], 'permission|permitted|root|sudo')
            return
        with Target(compile_program('loop.c'), 1, 1000) as target:
            # A copy that anybody can read: the checkout itself may lie where an ordinary user can't look.
            copy = os.path.join(support.temporary_directory(), 'copy')
            os.mkdir(copy)
            for name in os.listdir(os.path.dirname(support.PROGRAM)):
                if name.endswith('.py'):
                    shutil.copy(os.path.join(os.path.dirname(support.PROGRAM), name), copy)
            interpreter = sys.executable
            if not support.open_to_all(interpreter):
                interpreter = '/usr/bin/python3'
            if not os.path.exists(interpreter):
                self.skipTest('no interpreter that an ordinary user can run')

            def become_nobody():
                os.setgid(65534)
                os.setuid(65534)
            done = subprocess.Popen(
                [interpreter, os.path.join(copy, os.path.basename(support.PROGRAM)), str(target.pid)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                preexec_fn=become_nobody, cwd='/')
            out, errors = done.communicate(timeout=20)
            self.assertNotEqual(done.returncode, 0, out)
            self.assertRegex(errors.decode(), re.compile('permission|permitted|root|sudo', re.IGNORECASE))
            self.assertNotIn(b'Traceback', errors)
            assert_unharmed(target.pid)

    def test_32_bit_target(self):
        path = os.path.join(support.temporary_directory(), 'program32')
        elf32_program(path)
        try:
            target = subprocess.Popen([path])
        except OSError as error:
            self.skipTest('no 32-bit programs here: {}'.format(error))
        try:
            until(lambda: support.state_of(target.pid) in 'S' or target.poll() is not None, 5, 'the program')
            if target.poll() is not None:
                self.skipTest('the 32-bit program does not run here')
            self.refused([target.pid], '32-bit|32 bit|i386')
            self.assertIsNone(target.poll())
            self.assertEqual(support.tracer_of(target.pid), 0)
        finally:
            target.kill()
            target.wait()

    @support.skip_unless_compiler
    def test_no_allocator(self):
        """A program without a C library."""
        path = os.path.join(support.temporary_directory(), 'bare.c')
        with open(path, 'w') as f:
            f.write('void _start(void)\n'             # pause(), again and again
                    '{ for (;;) __asm__ volatile ("syscall" :: "a"(34L) : "rcx", "r11", "memory"); }\n')
        program = compile_program(path, flags=['-nostdlib', '-static', '-fno-stack-protector'], name='bare',
                                  required=False)
        if program is None:
            self.skipTest('no program without a C library can be linked here')
        target = subprocess.Popen([program])
        try:
            until(lambda: support.state_of(target.pid) == 'S', 5, 'the program')
            self.refused([target.pid], 'alloc|malloc')
            assert_unharmed(target.pid)
        finally:
            target.kill()
            target.wait()

    @support.skip_unless_compiler
    def test_file_replaced(self):
        """The package was upgraded under the program: attached to what runs, or refused; no wrong bytes."""
        original = compile_program('loop.c', flags=['-static'], name='replaced', required=False)
        if original is None:
            self.skipTest('no static C library')
        path = os.path.join(support.temporary_directory(), 'upgraded')
        other = compile_program('exact.c', flags=['-static'], name='other', required=False)
        for replacement in (other, None):
            shutil.copy(original, path)
            with Target(path, 1, 500) as target:
                before = take_snapshot(target.pid)
                if replacement:
                    shutil.copy(replacement, path + '.new')
                    os.rename(path + '.new', path)
                else:
                    os.unlink(path)
                with Memleax('-e', '30', '--force', target.pid) as run:
                    if run.out.wait('^== Begin monitoring', 15):
                        wait_for_pairs(target, 50)
                        self.check_end(run, run.finish())
                    else:
                        self.assertNotEqual(run.wait().status, 0)
                        self.assertRegex('\n'.join(run.err.lines),
                                         'replaced|deleted|changed|build-id|not the file')
                after = [row[:3] for row in take_snapshot(target.pid).executable]
                self.assertEqual(after, [row[:3] for row in before.executable], run.transcript())
                wait_for_pairs(target, 50)
                assert_unharmed(target.pid, None, run, tails=False)

    @support.skip_unless_compiler
    def test_dry_run_changes_nothing(self):
        with Target(compile_program('loop.c'), 2, 100) as target:
            before = take_snapshot(target.pid)
            run = run_memleax('--dry-run', target.pid)
            text = run.transcript()
            self.assertEqual(run.report.status, 0, text)
            self.assertRegex('\n'.join(run.report.lines), 'malloc', text)
            self.assertRegex('\n'.join(run.report.lines), 'libc', text)
            self.assertNotIn('== Begin', '\n'.join(run.report.lines), text)
            assert_unharmed(target.pid, before, run)
            wait_for_pairs(target, 100)

    @support.skip_unless_compiler
    def test_few_file_descriptors(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12))
        with Target(compile_program('loop.c'), 2, 100) as target:
            before = take_snapshot(target.pid)
            with Memleax('-e', '30', '--force', target.pid, preexec_fn=limit) as run:
                if run.out.wait('^== Begin monitoring', 15):
                    wait_for_pairs(target, 50)
                    run.finish()
                else:
                    self.assertNotEqual(run.wait().status, 0)
                self.assertNotIn('Traceback', run.transcript())
            until(lambda: support.given_back(target.pid), 5, 'the target to be given back')
            assert_unharmed(target.pid, before, run, tails=False)


if __name__ == '__main__':
    unittest.main()
