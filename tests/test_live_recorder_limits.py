"""
Live processes with the recorder at its limits: killed at any moment, in programs that have hardly any memory,
descriptors or system calls left, on stacks of every kind, with more blocks than it has room for.

The judges are the target's own counts and checks, and what is found in it afterwards: assert_unharmed, and no
memory of ours.  MEMLEAX_TEST_SCALE=20 makes a torture run of it.

Facts: getrlimit(2), mlockall(2), seccomp(2), makecontext(3), sigaltstack(2), rseq in glibc's manual,
proc(5) (/proc/PID/stat, /proc/PID/task/TID/children).
"""

import ctypes
import os
import random
import re
import resource
import signal
import time
import unittest

import support
import monitor
import recorder
from support import (Memleax, Target, assert_unharmed, compile_program, run_memleax, scaled, take_snapshot,
                     until)
from test_live_exact import LiveTest, wait_for
from test_live_regressions import numbers_of, wait_for_more

NOT_USED = 'the recorder cannot be used'
MEGABYTE = 1 << 20


def children_of(pid):
    """Its children, by what the kernel lists where it does: looking through /proc takes too long here."""
    try:
        with open('/proc/{0}/task/{0}/children'.format(pid)) as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def kill_both(run):
    """kill -9 of the monitor, and of the reporter before it can notice."""
    for pid in children_of(run.process.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    run.kill()


def shared_mappings(pid):
    return [mapping for mapping in support.read_mappings(pid) if mapping.path.startswith('/memfd:memleax')]


def cpu_seconds(pid):
    """User and system time that a process has used."""
    with open('/proc/{}/stat'.format(pid)) as file:
        fields = file.read().rpartition(')')[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf('SC_CLK_TCK')


def set_limit(pid, limit, value):
    resource.prlimit(pid, limit, (value, value))


def size_of(pid):
    return int(support.read_status(pid)['VmSize'].split()[0]) * 1024


class LimitsTest(LiveTest):

    def attach(self, target, *arguments, **options):
        run = Memleax('--engine', 'recorder', '--force', *(arguments + (target.pid,)), **options)
        self.addCleanup(run.kill)
        return run.begin()

    def recording(self, target, *arguments, **options):
        """A run that the recorder serves."""
        run = self.attach(target, *arguments, **options)
        self.assertNotIn(NOT_USED, run.transcript())
        return run

    def check_clean(self, pid, before, run):
        """As a process should be that was never watched, without memory of ours."""
        assert_unharmed(pid, before, run, tails=False)
        self.assertEqual(shared_mappings(pid), [], run.transcript())

    def check_target(self, target, before, run):
        """It goes on, has seen no error, and nothing of ours is in it."""
        self.assertIsNone(target.process.poll(), run.transcript())
        wait_for_more(target, 10)
        self.assertEqual(numbers_of(target)[-1], 0, run.transcript())
        self.check_clean(target.pid, before, run)

    def end(self, run):
        report = run.finish()
        self.check_end(run, report)
        return report

    def heal(self, pid):
        run = run_memleax('--heal', pid)
        self.assertEqual(run.report.status, 0, run.transcript())
        self.assertNotIn('!!!', run.transcript())
        return run


@support.skip_unless_compiler
@support.skip_unless_ptrace
class Killed(LimitsTest):
    """kill -9 of the reporter and of the monitor."""

    def worker(self):
        """exact.c, which checks all its data, running."""
        target = Target(compile_program('exact.c'), 8)
        self.addCleanup(target.kill)
        target.say('go 0')
        wait_for(target, 1000)
        return target

    def goes_on(self, target, run):
        """It works as before, and has seen no error."""
        self.assertIsNone(target.process.poll(), run.transcript())
        wait_for(target, 2000)
        self.assertEqual(target.ask('count', r'^count \d+ (\d+)').group(1), '0', run.transcript())

    def ends_well(self, target, run):
        target.say('stop')
        lines = target.lines_until('^end$', 60)
        self.assertIn('errors 0', [line for line in lines if line.startswith('total ')][0], run.transcript())
        self.assertEqual(target.close(), 0)

    def test_at_full_load(self):
        """Whoever attaches next takes over what was left."""
        target = self.worker()
        before = take_snapshot(target.pid)
        for number in range(scaled(2)):
            run = self.recording(target, '-e', '100')
            self.assertEqual('an earlier run' in run.transcript(), number > 0, run.transcript())
            wait_for(target, 2000)
            kill_both(run)
            self.goes_on(target, run)
            self.assertEqual(support.tracer_of(target.pid), 0)
        run = self.recording(target, '-e', '100')
        self.assertIn('an earlier run', run.transcript())
        wait_for(target, 2000)
        report = run.finish()
        self.check_end(run, report)
        self.check_clean(target.pid, before, run)
        self.ends_well(target, run)

    def test_taken_out_by_heal(self):
        target = self.worker()
        before = take_snapshot(target.pid)
        for _ in range(scaled(1)):
            run = self.recording(target, '-e', '100')
            kill_both(run)
            self.goes_on(target, run)
            self.assertTrue(shared_mappings(target.pid))
            run = self.heal(target.pid)
            self.assertIn('an earlier run', run.transcript())
            self.check_clean(target.pid, before, run)
            self.goes_on(target, run)
        self.ends_well(target, run)

    def test_at_any_moment_of_the_attach(self):
        """Whatever is in the target by then, it goes on; the next attach or --heal takes it out."""
        target = self.worker()
        before = take_snapshot(target.pid)
        for number in range(scaled(6)):
            run = Memleax('--engine', 'recorder', '-e', '100', '--force', target.pid)
            self.addCleanup(run.kill)
            # it takes a moment until there is a monitor, which differs from machine to machine
            until(lambda: children_of(run.process.pid) or run.process.poll() is not None, 60, 'the monitor')
            time.sleep(random.random() * 0.4)
            kill_both(run)
            self.goes_on(target, run)
            if number % 3 == 0:
                run = self.heal(target.pid)
                self.check_clean(target.pid, before, run)
        run = self.recording(target, '-e', '100')
        wait_for(target, 2000)
        self.check_end(run, run.finish())
        self.check_clean(target.pid, before, run)
        self.ends_well(target, run)


@support.skip_unless_compiler
@support.skip_unless_ptrace
class Limits(LimitsTest):
    """Programs that have nearly nothing left: served or refused, never harmed."""

    def test_no_file_may_grow(self):
        target = Target(compile_program('limited.c'), preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (0, 0)))
        with target:
            before = take_snapshot(target.pid)
            for _ in range(scaled(2)):
                run = self.recording(target, '-e', '30')
                wait_for_more(target, 50)
                self.end(run)
                self.check_target(target, before, run)

    def test_without_a_thread_pointer(self):
        flags = ['-nostdlib', '-static', '-no-pie', '-fno-stack-protector', '-fno-builtin', '-fcf-protection=none']
        with Target(compile_program('tlsless.c', flags=flags)) as target:
            for engine in 'auto', 'trap':
                run = Memleax('-e', '1', '--engine', engine, '--force', target.pid)
                self.addCleanup(run.kill)
                run.begin()
                wait_for_more(target, 20)
                target.ask('leak 3', '^leaked')
                run.expect_expired(3, 20)
                report = run.finish()
                self.assertIsNone(target.process.poll(), run.transcript())
                self.assertEqual([(stack.may_leak, stack.may_leak_bytes) for stack in report.stacks], [(3, 231)])
                self.assertEqual('no thread pointer' in run.transcript(), engine == 'auto', run.transcript())
                self.assertEqual(report.status, 0, run.transcript())
            wait_for_more(target, 20)
            self.assertEqual(numbers_of(target)[-1], 0)

    def address_space(self, headroom):
        with Target(compile_program('limited.c')) as target:
            before = take_snapshot(target.pid)
            set_limit(target.pid, resource.RLIMIT_AS, size_of(target.pid) + headroom * MEGABYTE)
            for _ in range(scaled(1)):
                run = self.attach(target, '-e', '30')
                self.assertEqual(target.ask('map 10', '^map (.*)').group(1), 'ok', run.transcript())
                wait_for_more(target, 50)
                self.assertEqual(target.ask('map 10', '^map (.*)').group(1), 'ok', run.transcript())
                self.end(run)
                self.check_target(target, before, run)
                self.assertEqual(target.ask('map 10', '^map (.*)').group(1), 'ok', run.transcript())

    def test_20_megabytes_of_address_space_left(self):
        self.address_space(20)

    def test_200_megabytes_of_address_space_left(self):
        self.address_space(200)

    def test_hardly_more_address_space_than_the_tables_take(self):
        for sizes in monitor.TABLE_SIZES:
            self.address_space(recorder.Tables.size_of(**sizes) // MEGABYTE + 11)

    def test_full_table_of_descriptors(self):
        with Target(compile_program('limited.c')) as target:
            before = take_snapshot(target.pid)
            number = 1 + max(map(int, os.listdir('/proc/{}/fd'.format(target.pid))))
            set_limit(target.pid, resource.RLIMIT_NOFILE, number)
            for _ in range(scaled(2)):
                run = self.attach(target, '-e', '30')
                self.assertIn(NOT_USED, run.transcript())
                wait_for_more(target, 50)
                self.end(run)
                self.check_target(target, before, run)

    def test_all_memory_is_locked(self):
        """What we map there is locked as well: nothing may be mapped that is not used."""
        with Target(compile_program('limited.c')) as target:
            if target.ask('lock', r'^lock (\d+)').group(1) != '0':
                self.skipTest('this user may not lock memory')
            before = take_snapshot(target.pid)

            def locked():
                return int(support.read_status(target.pid)['VmLck'].split()[0]) / 1024.0
            start = locked()
            for _ in range(scaled(2)):
                run = self.attach(target, '-e', '30')
                wait_for_more(target, 50)
                self.assertLess(locked() - start, 80, run.transcript())
                self.end(run)
                self.check_target(target, before, run)
                self.assertLess(locked() - start, 2, run.transcript())

    def test_filter_that_kills_the_process(self):
        for mode in ((), ('block',)):
            with Target(compile_program('confined.c'), *mode) as target:
                target.expect('^confined')
                before = take_snapshot(target.pid)
                for _ in range(scaled(1)):
                    run = self.attach(target, '-e', '30')
                    wait_for_more(target, 20)
                    self.end(run)
                    self.check_target(target, before, run)

    def test_filter_of_one_thread(self):
        """The others may make the calls that it must not."""
        with Target(compile_program('filtered.c')) as target:
            before = take_snapshot(target.pid)
            for _ in range(scaled(2)):
                run = self.recording(target, '-e', '30')
                wait_for_more(target, 20)
                self.end(run)
                self.check_target(target, before, run)


@support.skip_unless_compiler
@support.skip_unless_ptrace
class Stacks(LimitsTest):

    def test_every_kind(self):
        with Target(compile_program('stackful.c')) as target:
            for _ in range(scaled(1)):
                run = self.recording(target, '-e', '30')
                wait_for_more(target, 1500, 60)
                self.end(run)
                self.check_target(target, None, run)       # its masks and its code change all the time

    def test_libraries_that_come_and_go(self):
        plugin = compile_program('plugin.c', flags=['-shared', '-fPIC'])
        with Target(compile_program('dl.c', flags=['-ldl']), plugin) as target:
            before = take_snapshot(target.pid)
            for _ in range(scaled(1)):
                run = self.recording(target, '-e', '30')
                errors = target.ask('churn 3000', r'^churned \d+ (\d+)', 60).group(1)
                self.assertEqual(errors, '0', run.transcript())
                self.end(run)
                self.check_clean(target.pid, before, run)
            self.assertEqual(target.ask('churn 100', r'^churned \d+ (\d+)').group(1), '0')

    def test_restartable_sequences(self):
        """A thread inside of one leaves it before it makes a system call for us, and is not moved."""
        program = compile_program('rseq.c', required=False)
        if program is None:
            self.skipTest('this C library has no sys/rseq.h')
        with Target(program, ready='^(ready|unable)') as target:
            if target.out.lines[0] == 'unable':
                self.skipTest('no restartable sequences here')
            before = take_snapshot(target.pid)
            for _ in range(scaled(4)):
                run = self.recording(target, '-e', '30')
                wait_for_more(target, 50)
                self.end(run)
                self.check_target(target, before, run)

    def test_frame_pointers_at_full_speed(self):
        """With them the words above a thread that is inside look different: it must be seen there as well."""
        with Target(compile_program('dense.c', flags=['-fno-omit-frame-pointer']), 4) as target:
            before = take_snapshot(target.pid)
            for _ in range(scaled(6)):
                run = self.recording(target, '-e', '100')
                wait_for_more(target, 1000000, 60)
                self.end(run)
                self.check_target(target, before, run)

    def test_call_sites_that_nobody_can_unwind(self):
        """A million calls: stacks are cut short and counted; behind them the monitor has nothing to do."""
        calls = 1000000
        with Target(compile_program('made.c'), 3000) as target:
            before = take_snapshot(target.pid)
            run = self.recording(target, '-e', '30')
            self.assertEqual(target.ask('go {}'.format(calls), r'^done (\d+)', 60).group(1), '0')
            pid = support.monitor_of(run)
            shares = []
            for _ in range(6):                      # at first it still teaches other code ahead
                start, begin = cpu_seconds(pid), time.monotonic()
                time.sleep(2)
                shares.append((cpu_seconds(pid) - start) / (time.monotonic() - begin))
                if shares[-1] < 0.2:
                    break
            self.assertLess(shares[-1], 0.2, '{}\n{}'.format(shares, run.transcript()))
            report = self.end(run)
            cut = int(re.search(r'(\d+) stacks cut short', '\n'.join(report.proof)).group(1))
            self.assertGreater(cut, calls * 0.9, run.transcript())
            self.assertLessEqual(cut, calls, run.transcript())
            self.check_clean(target.pid, before, run)


@support.skip_unless_compiler
@support.skip_unless_ptrace
class Blocks(LimitsTest):

    def test_more_than_there_is_room_for(self):
        """What does not fit while the tables grow is counted; nothing else is missing."""
        blocks, size = 1200000, 48
        with Target(compile_program('blocks.c')) as target:
            before = take_snapshot(target.pid)
            run = self.recording(target, '-e', '1', '-m', '10000000')
            target.ask('other {} {}'.format(blocks, size), '^ok', 60)
            run.expect_expired(1)
            begin = time.monotonic()
            run.process.send_signal(signal.SIGINT)
            until(lambda: not shared_mappings(target.pid), 5, 'the target to be given back')
            report = run.wait(60)
            self.check_end(run, report)
            self.assertLess(time.monotonic() - begin, 5, run.transcript())
            found = re.search(r'(\d+) blocks not tracked', '\n'.join(report.proof))
            lost = int(found.group(1)) if found else 0
            self.assertEqual(sum(stack.alloc for stack in report.stacks) + lost, blocks, run.transcript())
            self.assertLess(lost, blocks * 0.3, run.transcript())
            self.check_clean(target.pid, before, run)

    def resized(self, frames):
        """However few frames are looked at, reallocarray's call of realloc is no block of its own."""
        with Target(compile_program('habits.c')) as target:
            run = self.recording(target, '-e', '30', '-l', frames)
            for _ in range(scaled(5)):
                target.ask('grow 50', '^ok')
            report = self.end(run)
            self.assertRegex('\n'.join(report.proof), r'\b0 frees missed', run.transcript())
            self.assertEqual(report.stacks, [], run.transcript())
        with Target(compile_program('exact.c'), 4) as target:
            run = self.recording(target, '-e', '0.5', '-l', frames)
            target.say('go 20000')
            lines = target.lines_until('^end$', 60)
            leaks = sum(int(line.split()[2]) for line in lines if line.startswith('leak '))
            run.expect_expired(leaks)
            report = self.end(run)
            self.assertRegex('\n'.join(report.proof), r'\b0 frees missed', run.transcript())
            self.assertEqual(sum(stack.may_leak for stack in report.stacks), leaks, run.transcript())

    def test_resized_with_one_frame(self):
        self.resized(1)

    def test_resized_with_two_frames(self):
        self.resized(2)

    def test_resized_with_three_frames(self):
        self.resized(3)


@support.skip_unless_compiler
@support.skip_unless_ptrace
class Children(LimitsTest):
    """Forked while the hooks are in, and alive when they are taken out."""

    def fork(self, target):
        return int(target.ask('fork', r'^child (\d+)').group(1))

    def test_get_their_code_back_at_the_end(self):
        with Target(compile_program('brood.c')) as target:
            before = take_snapshot(target.pid)
            run = self.recording(target, '-e', '30')
            children = [self.fork(target) for _ in range(scaled(3))][:50]
            wait_for_more(target, 20)
            report = self.end(run)
            self.assertIn('-- {} forked children got their code back'.format(len(children)), report.proof,
                          run.transcript())
            for pid in children:
                self.check_clean(pid, None, run)
            self.check_target(target, before, run)

    def hidden(self, rights):
        """A run without some capabilities, of a target that has a child which hides -> (report, run, the child)."""
        def limit():
            for number in rights if os.getuid() == 0 else ():
                ctypes.CDLL(None).prctl(24, ctypes.c_ulong(number), 0, 0, 0)        # PR_CAPBSET_DROP
        with Target(compile_program('brood.c'), preexec_fn=limit) as target:
            before = take_snapshot(target.pid)
            run = self.recording(target, '-e', '30', preexec_fn=limit)
            plain = self.fork(target)
            hidden = int(target.ask('hide', r'^child (\d+)').group(1))
            until(lambda: int(target.ask('count', r'^count (.*)').group(1).split()[2]), 10, 'the hidden child')
            report = run.finish()
            self.assertEqual(report.stop, ['== Terminate monitoring.'], run.transcript())
            self.check_clean(plain, None, run)
            self.check_target(target, before, run)
            return report, run, hidden

    def test_that_hide_are_named(self):
        report, run, hidden = self.hidden((19, 21, 38))             # CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_PERFMON
        self.assertEqual(report.status, 0, run.transcript())
        self.assertIn('-- 1 forked children got their code back', report.proof, run.transcript())
        self.assertRegex(run.transcript(), r'may keep the hooks, switched off, .*: {}\n'.format(hidden))

    def test_that_cannot_be_written_are_named(self):
        report, run, hidden = self.hidden((19,))
        if re.search(r'may keep the hooks, switched off, .*: {}\n'.format(hidden), run.transcript()):
            return                                                  # CAP_PERFMON did not let us look
        self.assertEqual(report.status, 1, run.transcript())
        self.assertIn('-- 1 forked children got their code back', report.proof, run.transcript())
        self.assertRegex(run.transcript(), r'the hooks stay in the child process {}, switched off'.format(hidden))

    def test_get_their_code_back_by_heal(self):
        """After a kill -9 each process has to be healed by itself: nobody else knows of them."""
        with Target(compile_program('brood.c')) as target:
            before = take_snapshot(target.pid)
            for _ in range(scaled(1)):
                run = self.recording(target, '-e', '30')
                children = [self.fork(target)]
                kill_both(run)
                children.append(self.fork(target))
                wait_for_more(target, 20)
                for pid in children:
                    self.assertTrue(shared_mappings(pid), run.transcript())
                    run = self.heal(pid)
                    self.assertIn('an earlier run', run.transcript())
                    self.check_clean(pid, None, run)
                self.assertTrue(shared_mappings(target.pid), run.transcript())
                run = self.heal(target.pid)
                self.check_target(target, before, run)
                for pid in children:
                    self.check_clean(pid, None, run)


if __name__ == '__main__':
    unittest.main()
