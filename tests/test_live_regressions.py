"""
Live processes: what once went wrong, each in the smallest form that shows it.

Judges: the target's own counts and checks, /proc/PID/status, the text in memory against the text in the file.

Facts: dlclose(3), ptrace(2), seccomp(2), sigaltstack(2), epoll_wait(2), fifo(7).
"""

import errno
import os
import re
import signal
import subprocess
import time
import unittest

import support
from support import Memleax, Target, assert_unharmed, compile_program, run_memleax, take_snapshot, until
from test_live_harmless import LiveTest, elf32_program

# A full pipe and a full buffer of the monitor: one megabyte and more of messages.
MANY_BLOCKS = 32000

# memleax that cannot write to the target at the nth entry, once.
FAULT = '''
import sys
sys.path.insert(0, {folder!r})
import memleax
import monitor

platform = monitor.platform
write, entries = platform.Tracer.write, []


def failing(self, address, data):
    if len(data) == 5 and data[:1] == b'\\xe9':
        entries.append(address)
        if len(entries) == {number}:
            raise platform.PlatformError('writing to the memory of process %d' % self.pid, self.pid, {error})
    return write(self, address, data)


platform.Tracer.write = failing
memleax.main()
'''


def numbers_of(target):
    """The numbers of the answer "count ..." as ints."""
    try:
        return [int(word) for word in target.ask('count', r'^count (.*)').group(1).split()]
    except OSError:
        raise AssertionError('the target is dead: exit status {}'.format(target.process.wait(5)))


def wait_for_more(target, number, timeout=20):
    """Until each thread that counts (the last number is of errors) has made so many more pairs."""
    start = numbers_of(target)[:-1]
    until(lambda: all(now >= then + number for now, then in zip(numbers_of(target), start)), timeout,
          '{} more pairs of the target'.format(number))


class RegressionTest(LiveTest):

    def attached(self, target, *options):
        return Memleax(*(('-e', '30', '--force') + options + (target.pid,)))

    def check_target(self, target, before, run):
        """It goes on, has seen no error, and is as it was."""
        self.assertIsNone(target.process.poll(), run.transcript())
        wait_for_more(target, 10)
        self.assertEqual(numbers_of(target)[-1], 0, run.transcript())
        assert_unharmed(target.pid, before, run, tails=False)


@support.skip_unless_compiler
@support.skip_unless_ptrace
class Unloading(RegressionTest):
    """A library with a malloc and a free of its own that comes or goes while we are attached."""

    def library(self):
        return compile_program('ownalloc.c', flags=['-shared', '-fPIC'])

    def begun(self, target):
        """A run that has hooked the library's functions as well as the C library's."""
        run = self.attached(target, '--verbose')
        self.addCleanup(run.kill)
        run.begin()
        self.assertRegex(run.transcript(), r'hook: .*malloc.* ownalloc', run.transcript())
        wait_for_more(target, 5)
        return run

    def test_unloaded(self):
        """Its hooks are gone with it; all the others have to be taken out nevertheless."""
        with Target(compile_program('unloader.c'), self.library(), 'load') as target:
            before = take_snapshot(target.pid)
            run = self.begun(target)
            target.ask('unload', '^unloaded')
            wait_for_more(target, 5)
            self.check_end(run, run.finish())
            self.check_target(target, before, run)

    def test_child_forked_after_it_was_unloaded(self):
        with Target(compile_program('unloader.c'), self.library(), 'load') as target:
            before = take_snapshot(target.pid)
            run = self.begun(target)
            target.ask('unload', '^unloaded')
            for _ in range(3):
                status = int(target.ask('fork', r'^child (-?\d+)').group(1))
                self.assertEqual(status, 7 << 8, run.transcript())
            self.check_end(run, run.finish())
            self.check_target(target, before, run)

    def test_other_memory_in_its_place(self):
        with Target(compile_program('unloader.c'), self.library(), 'load') as target:
            before = take_snapshot(target.pid)
            run = self.begun(target)
            target.ask('unload', '^unloaded')
            if target.ask('occupy', '^(occupied|failed)').group(1) == 'failed':
                self.skipTest('the place of the library was not to be had')
            status = int(target.ask('fork', r'^child (-?\d+)').group(1))
            self.assertEqual(status, 7 << 8, run.transcript())
            self.check_end(run, run.finish())
            self.assertEqual(target.ask('changed', r'^changed (\d+)').group(1), '0', run.transcript())
            self.check_target(target, before, run)

    def test_loaded_later(self):
        """It is not hooked, which one line says, and says only once."""
        library = self.library()
        with Target(compile_program('unloader.c'), library) as target:
            before = take_snapshot(target.pid)
            with self.attached(target) as run:
                run.begin()
                for _ in range(2):
                    target.ask('load', '^loaded')
                    run.expect(re.escape(os.path.basename(library)), 5)
                    target.ask('unload', '^unloaded')
                    wait_for_more(target, 700)              # time for a look or two at what is loaded
                self.check_end(run, run.finish())
                said = [line for line in run.out.lines + run.err.lines if os.path.basename(library) in line]
                self.assertEqual(len(said), 1, run.transcript())
                self.assertRegex(said[0], r'malloc.*not hooked', run.transcript())
            self.check_target(target, before, run)


@support.skip_unless_compiler
@support.skip_unless_ptrace
class Commands(RegressionTest):
    """-- COMMAND whose constructor, before main, does something that takes time or has children."""

    def end_before_main(self, flags):
        """SIGTERM before main is reached: it ends at once, and the command goes on as if nothing had been."""
        path = os.path.join(support.temporary_directory(), 'fifo-{}'.format(len(flags)))
        os.mkfifo(path)
        program = compile_program('slowstart.c', flags=flags)

        def heard():
            try:
                return os.read(inlet, 16)
            except BlockingIOError:
                return b''

        def opened():
            try:
                return [os.open(path, os.O_WRONLY | os.O_NONBLOCK)]
            except OSError as error:
                if error.errno != errno.ENXIO:          # it does not wait for that yet
                    raise
                return None
        inlet = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            with Memleax('--force', '--', program, 'wait', path) as run:
                until(heard, 10, 'the constructor')
                os.close(inlet)
                inlet = None
                run.process.send_signal(signal.SIGTERM)
                try:
                    run.process.wait(5)
                except subprocess.TimeoutExpired:
                    self.fail('it does not end before main\n' + run.transcript())
                finally:
                    os.close(until(opened, 10, 'the constructor to wait')[0])
                run.expect('^main ended 0$', 10)
                self.check_end(run, run.wait())
        finally:
            if inlet is not None:
                os.close(inlet)

    def test_ended_in_a_slow_constructor(self):
        self.end_before_main([])

    def test_ended_in_a_slow_constructor_of_a_stripped_program(self):
        self.end_before_main(['-s'])

    def comes_to_main(self, way, flags=()):
        run = run_memleax('--force', '--', compile_program('slowstart.c', flags=flags), way)
        self.check_end(run, run.report)
        self.assertIn('main ended 0', run.out.lines, run.transcript())
        self.assertIn('== Begin monitoring process ', '\n'.join(run.out.lines), run.transcript())
        calls = re.search(r'(\d+) calls seen', '\n'.join(run.report.proof))
        self.assertGreaterEqual(int(calls.group(1)), 100, run.transcript())     # all that main makes

    def test_constructor_runs_a_program(self):
        self.comes_to_main('spawn')

    def test_constructor_runs_a_program_in_a_stripped_program(self):
        self.comes_to_main('spawn', ['-s'])

    def test_constructor_forks(self):
        self.comes_to_main('fork')

    def test_dry_run_has_nothing_to_look_at(self):
        run = run_memleax('--dry-run', '--', '/bin/true')
        self.assertEqual(run.report.status, 2, run.transcript())
        self.assertIn('--dry-run', '\n'.join(run.err.lines), run.transcript())

    def test_32_bit_command(self):
        path = os.path.join(support.temporary_directory(), 'command32')
        elf32_program(path)
        try:
            probe = subprocess.Popen([path])
        except OSError as error:
            self.skipTest('no 32-bit programs here: {}'.format(error))
        try:
            until(lambda: support.state_of(probe.pid) == 'S' or probe.poll() is not None, 5, 'the program')
            if probe.poll() is not None:
                self.skipTest('the 32-bit program does not run here')
        finally:
            probe.kill()
            probe.wait()
        with Memleax('--', path) as run:
            try:
                run.process.wait(15)
                self.assertEqual(run.process.returncode, 1, run.transcript())
                run.expect('32-bit', 5, stream='err')
            finally:
                for name in os.listdir('/proc'):            # it waits for ever, and nobody waits for it
                    try:
                        if name.isdigit() and os.readlink('/proc/{}/exe'.format(name)) == path:
                            os.kill(int(name), signal.SIGKILL)
                    except OSError:
                        pass


@support.skip_unless_compiler
@support.skip_unless_ptrace
class Faults(RegressionTest):

    def fault(self, number, error):
        """An error while the hooks go in: those that are in come out again, and the run says what it was."""
        path = os.path.join(support.temporary_directory(), 'fault.py')
        with open(path, 'w') as file:
            file.write(FAULT.format(folder=os.path.dirname(os.path.abspath(support.PROGRAM)), number=number,
                                    error=int(error)))
        with Target(compile_program('habits.c')) as target:
            before = take_snapshot(target.pid)
            program, support.PROGRAM = support.PROGRAM, path
            try:
                run = run_memleax('-e', '30', '--force', target.pid)
            finally:
                support.PROGRAM = program
            self.assertEqual(run.report.status, 1, run.transcript())
            self.assertRegex('\n'.join(run.err.lines), 'writing to the memory', run.transcript())
            self.assertNotIn('Traceback', '\n'.join(run.err.lines), run.transcript())
            self.assertNotIn('!!!', '\n'.join(run.out.lines), run.transcript())
            self.check_target(target, before, run)

    def test_no_permission_at_the_first_entry(self):
        self.fault(1, errno.EPERM)

    def test_no_memory_at_a_later_entry(self):
        self.fault(5, errno.ENOMEM)


@support.skip_unless_compiler
@support.skip_unless_ptrace
class Threads(RegressionTest):

    def test_one_thread_has_a_filter_of_system_calls(self):
        """What we have to ask the kernel for is asked for by a thread that may."""
        with Target(compile_program('filtered.c')) as target:
            before = take_snapshot(target.pid)
            for _ in range(2):
                with self.attached(target) as run:
                    run.begin()
                    # the filter may have taken the thread alone: the tracer has kept the process
                    self.assertEqual(support.thread_ids(target.pid), sorted(before.signals), run.transcript())
                    wait_for_more(target, 20)
                    self.check_end(run, run.finish())
                self.check_target(target, before, run)

    def test_handler_without_unwind_tables_on_a_stack_of_its_own(self):
        """It cannot be unwound, but what it interrupted is in its signal frame: there, a stub is in use."""
        with Target(compile_program('unwindless.c')) as target:
            before = take_snapshot(target.pid)
            with self.attached(target) as run:
                run.begin()
                wait_for_more(target, 5)
                target.ask('interrupt', '^inside')
                report = run.finish()
                self.check_end(run, report)
                self.assertIn('stub areas stay', '\n'.join(report.proof), run.transcript())
            target.ask('release', '^released', 5)
            self.check_target(target, None, run)
            with self.attached(target) as run:              # which takes out what had to stay
                run.begin()
                self.check_end(run, run.finish())
            self.check_target(target, before, run)

    def test_time_out_that_is_kept_in_a_register(self):
        """epoll_wait is restarted behind each stop; r10 is its argument and the program's variable."""
        timeout = 400
        with Target(compile_program('rawwait.c'), timeout) as target:
            before = take_snapshot(target.pid)
            for _ in range(2):
                with self.attached(target) as run:
                    run.begin()
                    start = numbers_of(target)
                    until(lambda: numbers_of(target)[2] > start[2] + 20, 10, 'pairs')
                    self.check_end(run, run.finish())
                assert_unharmed(target.pid, before, run, tails=False)
                self.assertEqual(numbers_of(target)[1], timeout, run.transcript())
            start = numbers_of(target)
            until(lambda: numbers_of(target)[0] > start[0] + 1, 10, 'epoll_wait to come to its end')
            self.assertEqual(numbers_of(target)[1], timeout, run.transcript())

    def test_handler_for_sigtrap_comes_while_we_watch(self):
        with Target(compile_program('habits.c')) as target:
            with self.attached(target) as run:
                run.begin()
                wait_for_more(target, 5)
                target.ask('handle', '^ok')
                self.assertEqual(target.ask('trap', r'^traps (\d+)').group(1), '1', run.transcript())
                before = take_snapshot(target.pid)
                self.check_end(run, run.finish())
            self.assertEqual(target.ask('trap', r'^traps (\d+)').group(1), '2', run.transcript())
            self.check_target(target, before, run)


@support.skip_unless_compiler
@support.skip_unless_ptrace
class Reports(RegressionTest):

    def test_reader_that_stands_still(self):
        """More is queued than the monitor keeps, which may cost lines of blocks, but never the end."""
        with Target(compile_program('blocks.c')) as target:
            before = take_snapshot(target.pid)
            with Memleax('-e', '0.1', '-m', '1000000', '--force', target.pid) as run:
                run.begin()
                run.out.hold(True)
                target.ask('other {} 71'.format(MANY_BLOCKS), '^ok', 30)
                time.sleep(1)                   # they expire, and what says so stays in the pipes
                run.process.send_signal(signal.SIGINT)
                until(lambda: not support.text_differences(target.pid, tails=False), 10, 'the old entries')
                self.give_back(target, run)
                assert_unharmed(target.pid, before, run, tails=False)
                run.out.hold(False)
                report = run.wait()
                self.check_end(run, report)
                self.assertEqual([stack.alloc for stack in report.stacks], [MANY_BLOCKS], run.transcript())
                self.assertGreater(report.stacks[0].expired, 0, run.transcript())
                self.assertRegex('\n'.join(report.proof), 'hooks taken out', run.transcript())

    def test_namesake_of_an_allocator(self):
        """A local function with the name of an allocator in a program without malloc and free of its own."""
        with Target(compile_program('namesake.c')) as target:
            before = take_snapshot(target.pid)
            with self.attached(target, '--verbose') as run:
                run.begin()
                wait_for_more(target, 50)
                report = run.finish()
                self.check_end(run, report)
                self.assertNotRegex(run.transcript(), r'hook: .*calloc.* namesake', run.transcript())
                self.assertEqual(report.stacks, [], run.transcript())
            self.check_target(target, before, run)

    def reallocarray(self, limit):
        """It calls realloc, which is hooked as well: one block, however few frames are looked at."""
        with Target(compile_program('habits.c')) as target:
            with self.attached(target, '--engine', 'trap', '-l', limit) as run:
                run.begin()
                for _ in range(3):
                    target.ask('grow 50', '^ok')
                report = run.finish()
                self.check_end(run, report)
                self.assertRegex('\n'.join(report.proof), r'\b0 frees missed', run.transcript())
                self.assertEqual(report.stacks, [], run.transcript())

    def test_reallocarray_with_one_frame(self):
        self.reallocarray(1)

    def test_reallocarray_with_two_frames(self):
        self.reallocarray(2)


if __name__ == '__main__':
    unittest.main()
