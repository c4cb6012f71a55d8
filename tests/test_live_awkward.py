"""
Live processes in awkward moments: a child that is not born yet, a stop under load, a first thread that has
ended, a process that inherits the memory, a handler on a stack of its own.  The target may not notice any.

Judges: the target's own counts, the wait status of its children, /proc/PID/status, the text in memory against
the text in the file.

Facts: ptrace(2), signal(7), sigaltstack(2), clone(2) (CLONE_VM), epoll_wait(2), proc(5).
"""

import ctypes
import os
import signal
import unittest

import support
from support import Memleax, Target, assert_unharmed, compile_program, scaled, take_snapshot, until
from test_live_harmless import LiveTest, wait_for_pairs


def numbers_of(target, question='count'):
    """The numbers of the answer "count ..." as ints."""
    return [int(word) for word in target.ask(question, r'^count (.*)').group(1).split()]


# memleax whose tracer hears of a forked child only a while after that was there, as on a busy machine.
LATE_BIRTHS = '''
import ctypes
import os
import sys
import time
sys.path.insert(0, {folder!r})
import memleax
import platform_linux as platform

LATE = 0.15
target = int(sys.argv[-1])
kept, known = dict(), set()


def deliver_late(waitpid):
    def wait(pid, status, options):
        number = getattr(status, '_obj', None)              # byref(), or an address
        if number is None:
            number = ctypes.c_int.from_address(status)
        while True:
            for tid, (due, value) in kept.items():
                if pid in (-1, tid) and time.monotonic() >= due:
                    number.value = value
                    del kept[tid]
                    return tid
            tid = waitpid(pid, status, options | os.WNOHANG if kept else options)
            if tid > 0 and tid not in known:
                known.add(tid)
                if not os.path.exists('/proc/%d/task/%d' % (target, tid)) and number.value & 0xff == 0x7f:
                    kept[tid] = time.monotonic() + LATE, number.value
                    continue
            if tid == 0 and not options & os.WNOHANG:
                time.sleep(0.001)
            return tid
    return wait


platform._waitpid = deliver_late(platform._waitpid)
platform._fast_waitpid = deliver_late(platform._fast_waitpid)
memleax.main()
'''


def calm_snapshot(pid):
    """take_snapshot() of a program in which nothing but the C library blocks signals, for a moment in fork or
    posix_spawn.
    """
    snapshot = take_snapshot(pid)
    for row in snapshot.signals.values():
        row['SigBlk'] = '0' * 16
    return snapshot


class AwkwardTest(LiveTest):

    def attached(self, target, *options):
        return Memleax(*(('-e', '30', '--force') + options + (target.pid,)))

    def round(self, target, before, meanwhile=lambda: None):
        """Attach, `meanwhile()`, detach: no word of a problem, and the target as it was."""
        with self.attached(target) as run:
            run.begin()
            meanwhile()
            self.check_end(run, run.finish())
        self.assertIsNone(target.process.poll(), run.transcript())
        assert_unharmed(target.pid, before, run, tails=False)
        return run


@support.skip_unless_compiler
@support.skip_unless_ptrace
class Stacks(AwkwardTest):

    def test_handler_on_a_stack_of_its_own_stands_on_a_call(self):
        """The return address into the stub lies on the other stack: the stub has to stay."""
        with Target(compile_program('altstack.c')) as target:
            before = take_snapshot(target.pid)
            with self.attached(target) as run:
                run.begin()
                start = numbers_of(target)[0]
                until(lambda: numbers_of(target)[0] > start + 3, 10, 'calls with the hooks')
                if target.ask('interrupt', '^(inside|outside)').group(1) == 'outside':
                    self.skipTest('calloc clears nothing here')
                report = run.finish()
                self.check_end(run, report)
                self.assertIn('stub areas stay', '\n'.join(report.proof), run.transcript())
            target.ask('release', '^released')
            self.assertEqual(numbers_of(target)[1], 0, run.transcript())
            assert_unharmed(target.pid, before, run, tails=False)


@support.skip_unless_compiler
@support.skip_unless_ptrace
class Births(AwkwardTest):

    def rounds(self, number, *arguments):
        with Target(compile_program('forkers.c'), *arguments) as target:
            before = calm_snapshot(target.pid)
            for _ in range(number):
                start = numbers_of(target)[0]
                run = self.round(target, before, lambda: until(
                    lambda: numbers_of(target)[0] > start + 4, 30, 'children'))
                start = numbers_of(target)[0]
                until(lambda: numbers_of(target)[0] > start + 8, 30, 'children')
                self.assertEqual(numbers_of(target)[1:3], [0, 0], run.transcript())

    def test_fork_storm(self):
        self.rounds(scaled(4), 4, 1)

    def test_children_not_born_yet_at_the_detach(self):
        """The creator has reported a child that has not run yet when all others are stopped."""
        path = os.path.join(support.temporary_directory(), 'late_births.py')
        with open(path, 'w') as file:
            file.write(LATE_BIRTHS.format(folder=os.path.dirname(os.path.abspath(support.PROGRAM))))
        program, support.PROGRAM = support.PROGRAM, path
        try:
            self.rounds(scaled(2), 2, 1)
        finally:
            support.PROGRAM = program


@support.skip_unless_compiler
@support.skip_unless_ptrace
class JobControl(AwkwardTest):

    def all_in(self, target, states):
        return all(support.state_of(target.pid, tid) in states for tid in support.thread_ids(target.pid))

    def traps_due(self, target):
        """The threads that have executed an int3 whose SIGTRAP has not been reported to the tracer."""
        return [tid for tid in support.thread_ids(target.pid)
                if int(support.read_status(target.pid, tid)['SigPnd'], 16) >> signal.SIGTRAP - 1 & 1]

    def test_stopped_under_load_and_detached(self):
        """SIGSTOP that comes between an int3 and its SIGTRAP: left pending, that would kill after SIGCONT."""
        with Target(compile_program('loop.c'), 6) as target:
            before = take_snapshot(target.pid)
            for _ in range(scaled(2)):
                with self.attached(target) as run:
                    run.begin()
                    for i in range(30):                     # until it has happened, once in twenty times
                        if i:
                            os.kill(target.pid, signal.SIGCONT)
                        wait_for_pairs(target, 20)
                        os.kill(target.pid, signal.SIGSTOP)
                        until(lambda: self.all_in(target, 'Tt'), 10, 'the target to stop')
                        if self.traps_due(target):
                            break
                    self.check_end(run, run.finish())
                self.assertIsNone(target.process.poll(), run.transcript())
                until(lambda: self.all_in(target, 'T'), 10, 'the target to stay stopped')
                self.assertEqual(self.traps_due(target), [], run.transcript())
                os.kill(target.pid, signal.SIGCONT)
                wait_for_pairs(target, 1000)
                assert_unharmed(target.pid, before, run, tails=False)
            self.assertEqual(int(target.ask('count', r'^count \d+ (\d+)').group(1)), 0)


@support.skip_unless_compiler
@support.skip_unless_ptrace
class FirstThread(AwkwardTest):
    """The first thread has ended (pthread_exit in main): /proc/PID/{maps,mem} are empty, the others go on."""

    def leave(self, target):
        target.ask('leave', '^ok')
        until(lambda: support.state_of(target.pid) == 'Z', 5, 'the first thread to end')

    def check_leak(self, target, run, blocks):
        """The others are still looked after: each lost block is reported, with its function."""
        target.ask('leak {}'.format(blocks), '^ok')
        run.expect('with 71 bytes, {} times again'.format(blocks))
        report = run.finish()
        self.check_end(run, report)
        # pthread_exit() loads libgcc_s, which stays: blocks of other functions
        found = [(stack.may_leak, stack.may_leak_bytes) for stack in report.stacks
                 if any(frame.name == 'leak_some' for frame in stack.frames)]
        self.assertEqual(found, [(blocks, blocks * 71)], run.transcript())

    def check_target(self, target, before, run, spawns):
        """As assert_unharmed, asked of a thread that lives; its children are well and more are made."""
        alive = [tid for tid in support.thread_ids(target.pid) if tid != target.pid][0]
        self.assertIsNone(target.process.poll(), run.transcript())
        start = numbers_of(target)
        pairs, errors, spawned, bad = until(
            lambda: [now for now in [numbers_of(target)]
                     if now[0] > start[0] + 100 and now[2] >= start[2] + spawns], 20, 'pairs and children')[0]
        self.assertEqual((errors, bad), (0, 0), run.transcript())
        assert_unharmed(alive, before, run, tails=False, states='RSDZ')

    def test_ended_before_the_attach(self):
        with Target(compile_program('leaderless.c'), 2, 0) as target:
            self.leave(target)
            alive = [tid for tid in support.thread_ids(target.pid) if tid != target.pid][0]
            before = take_snapshot(alive)
            for _ in range(scaled(2)):
                with Memleax('-e', '0.5', '--force', target.pid) as run:
                    run.begin()
                    self.check_leak(target, run, 7)
                self.check_target(target, before, run, 0)

    def test_ends_while_others_spawn_programs(self):
        with Target(compile_program('leaderless.c'), 3, 2) as target:
            before = calm_snapshot(target.pid)
            with Memleax('-e', '0.5', '--force', target.pid) as run:
                run.begin()
                start = numbers_of(target)[2]
                until(lambda: numbers_of(target)[2] > start + 2, 20, 'children')
                self.leave(target)
                start = numbers_of(target)[2]
                until(lambda: numbers_of(target)[2] > start + scaled(20), 40, 'children')
                self.check_leak(target, run, 11)
            self.check_target(target, before, run, 5)


@support.skip_unless_compiler
@support.skip_unless_ptrace
class SharedMemory(AwkwardTest):
    """Another process (CLONE_VM) outlives the target in its memory, where the hooks are."""

    def inherited(self, way, reason):
        with Target(compile_program('heir.c')) as target:
            heir = numbers_of(target)[2]
            before = take_snapshot(heir)
            with self.attached(target) as run:
                run.begin()
                until(lambda: numbers_of(target)[0] > 100, 10, 'pairs')
                target.say(way)
                report = run.wait()                 # it ends by itself
                self.check_end(run, report)
                self.assertRegex('\n'.join(report.stop), reason, run.transcript())
            start = numbers_of(target)
            self.assertEqual(start[1:], [0, heir], run.transcript())
            until(lambda: numbers_of(target)[0] > start[0] + 300, 10, 'pairs of the heir')
            assert_unharmed(heir, before, run, tails=False)
            if way == 'exec':
                assert_unharmed(target.pid, None, run)
            target.say('quit')
            until(lambda: not os.path.exists('/proc/{}/exe'.format(heir)) or support.state_of(heir) == 'Z', 5,
                  'the heir to end')
            target.kill()

    def test_first_process_exits(self):
        self.inherited('exit', 'exit|ended')

    def test_first_process_runs_another_program(self):
        self.inherited('exec', 'exec')


@support.skip_unless_compiler
@support.skip_unless_ptrace
class Signals(AwkwardTest):

    def test_signals_to_the_monitor(self):
        """What ends a program by default would take the target with it: the monitor ignores it."""
        numbers = [signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU, signal.SIGXFSZ, signal.SIGVTALRM,
                   signal.SIGPROF, signal.SIGALRM, signal.SIGIO, signal.SIGPWR, signal.SIGPIPE, signal.SIGHUP,
                   signal.SIGINT, signal.SIGQUIT, signal.SIGRTMIN + 1, signal.SIGRTMAX]
        with Target(compile_program('loop.c'), 3) as target:
            before = take_snapshot(target.pid)
            with self.attached(target) as run:
                run.begin()
                monitor = support.monitor_of(run)
                self.assertNotIn(monitor, (0, run.process.pid))
                for number in numbers:
                    os.kill(monitor, number)
                    wait_for_pairs(target, 50)
                    self.assertIn(support.state_of(monitor), tuple('RSD'), run.transcript())
                    self.assertEqual(support.tracer_of(target.pid), 0 if support.RECORDER else monitor,
                                     'after signal {}\n{}'.format(int(number), run.transcript()))
                self.check_end(run, run.finish())
            assert_unharmed(target.pid, before, run, tails=False)

    def test_ignored_signals_disturb_no_wait(self):
        """A traced thread is woken by signals that it ignores: no EINTR, and the time-out keeps its end."""
        timeout = 150                                       # ms, of epoll_wait
        with Target(compile_program('disturbed.c'), timeout, 4000) as target:
            before = calm_snapshot(target.pid)

            def wait_for(number):
                start = numbers_of(target)[0]
                until(lambda: numbers_of(target)[0] >= start + number, 20 + number * timeout / 100,
                      'epoll_wait to come to its end')
            for _ in range(scaled(1)):
                self.round(target, before, lambda: wait_for(scaled(10)))
            waits, eintr, least, longest, signals = numbers_of(target)
            self.assertEqual(eintr, 0, '{} waits, {} signals'.format(waits, signals))
            self.assertGreaterEqual(least, (timeout - 3) * 1000)
            self.assertLess(longest, timeout * 3000)        # else: again and again from its beginning

    def queued_signals(self, mode):
        """SIGTRAP's action is asked for and put back by calls that the target's thread is led through."""
        with Target(compile_program('queued.c'), mode) as target:
            # a handler blocks its own signal while it runs: what is blocked in all of many looks is blocked for good
            before = take_snapshot(target.pid)
            for _ in range(100):
                for tid, row in take_snapshot(target.pid).signals.items():
                    known = before.signals[tid]
                    known['SigBlk'] = '{:016x}'.format(int(known['SigBlk'], 16) & int(row['SigBlk'], 16))
            for _ in range(scaled(2)):
                start = numbers_of(target)[0]
                run = self.round(target, None, lambda: until(
                    lambda: numbers_of(target)[0] > start + 100, 20, 'signals'))
                # a handler may run at the moment of the comparison: what stays is what counts
                try:
                    until(lambda: not support.harm_done(target.pid, before, tails=False), 5, 'it to be as before')
                except AssertionError:
                    assert_unharmed(target.pid, before, run, tails=False)
                got, wrong, faults, caught, traps, pairs, errors = numbers_of(target)
                self.assertEqual((wrong, faults - caught, traps, errors), (0, 0, 0, 0), run.transcript())

    def test_queued_signals_with_sigtrap_handled(self):
        self.queued_signals('handle')

    def test_queued_signals_with_sigtrap_ignored(self):
        self.queued_signals('ignore')

    def test_all_blocked_for_a_moment(self):
        """int3 makes the kernel unblock SIGTRAP; it is blocked again only where it was."""
        with Target(compile_program('masks.c')) as target:
            def wait_for(number):
                start = numbers_of(target)[0]
                until(lambda: numbers_of(target)[0] >= start + number, 30, 'rounds')
            for _ in range(scaled(2)):
                run = self.round(target, None, lambda: wait_for(60))
                wait_for(20)
                self.assertEqual(numbers_of(target)[1], 0, run.transcript())

    def test_all_blocked_after_a_while(self):
        """Also where frees and allocations take turns, and nothing else happens."""
        for variables in ({}, {'MEMLEAX_NO_KEEPER': '1'}):
            with Target(compile_program('latemask.c')) as target:
                with Memleax('-e', '30', '--force', '--engine', 'trap', target.pid,
                             env=dict(os.environ, **variables)) as run:
                    run.begin()
                    lost = int(target.ask('go', r'^lost (\d+)').group(1))
                    self.assertLessEqual(lost, 20, run.transcript())
                    report = run.finish()
                    self.assertEqual(report.status, 0, run.transcript())
                target.ask('mask', '^there$')


@support.skip_unless_compiler
@support.skip_unless_ptrace
class Reporter(AwkwardTest):

    def test_vfork_parent_is_let_go_though_nobody_reads_the_report(self):
        """A thread asleep in vfork is let go by the monitor's end, which may not wait for the reporter."""
        blocks = 2503                   # more messages than the pipe holds
        with Target(compile_program('vfleaker.c')) as target:
            before = take_snapshot(target.pid)
            with Memleax('-e', '0.1', '-m', '1000000', '--force', target.pid) as run:
                run.begin()
                monitor = support.monitor_of(run)
                run.process.send_signal(signal.SIGSTOP)
                target.ask('leak {}'.format(blocks), '^ok', 60)
                target.ask('vfork 1500', '^vforked')
                until(lambda: 'D' in [support.state_of(target.pid, tid)
                                      for tid in support.thread_ids(target.pid)], 5, 'the parent in vfork')
                start = numbers_of(target)[0]       # a pair takes half a millisecond and more
                until(lambda: numbers_of(target)[0] > start + 500, 10, 'the blocks to expire')
                os.kill(monitor, signal.SIGTERM)
                self.assertIsNone(target.out.wait('^vforkdone', 0), 'too early\n' + run.transcript())
                target.expect('^vforkdone', 15)
                self.give_back(target, run)
                assert_unharmed(target.pid, before, run, tails=False)
                run.process.send_signal(signal.SIGCONT)
                report = run.wait()
                self.check_end(run, report)
                self.assertEqual([stack.alloc for stack in report.stacks], [blocks], run.transcript())
                self.assertGreater(report.stacks[0].expired, 1500, run.transcript())
            self.assertEqual(numbers_of(target)[1], 0)


@support.skip_unless_compiler
@support.skip_unless_ptrace
class Ends(AwkwardTest):
    """The target is killed, or runs another program, in the middle of the attach or of the detach."""

    DELAYS = (0, 300, 700, 1500, 3000, 6000)    # microseconds after it was seized: which moment of the attach

    def check_run(self, run):
        """It ended by itself, or refused with the true reason; no defect, no problem left."""
        report = run.wait(15)
        text = run.transcript()
        self.assertIn(report.status, (0, 1), text)
        if report.status == 1:
            self.assertRegex('\n'.join(report.errors), 'called exec|ended', text)
            self.assertNotIn('permit', '\n'.join(report.errors), text)
        for line in report.lines + report.errors:
            self.assertFalse(line.startswith('!!!'), text)
            self.assertNotRegex(line, 'Traceback|defect', text)

    def runs_anew(self, way, preexec_fn=None):
        with Target(compile_program('wary.c'), preexec_fn=preexec_fn) as target:
            for delay in self.DELAYS * scaled(1):
                target.ask('{} {}'.format(way, delay), '^ok')
                with self.attached(target) as run:
                    self.check_run(run)
                    target.expect('^execed', 10)
                self.give_back(target, run)
                self.assertEqual(target.ask('well?', r'^alive \d+ (\d+)').group(1), '0')
                assert_unharmed(target.pid, None, run)

    def test_exec_during_the_attach(self):
        self.runs_anew('exec')

    def test_exec_by_another_thread_during_the_attach(self):
        self.runs_anew('thread')

    def test_exec_to_the_same_addresses_during_the_attach(self):
        """What is meant for the old program must not be written to the new one."""
        libc, fixed = ctypes.CDLL(None), 0x0040000          # ADDR_NO_RANDOMIZE of <sys/personality.h>
        self.runs_anew('exec', lambda: libc.personality(fixed))

    def test_killed_during_the_attach(self):
        for delay in self.DELAYS * scaled(1):
            with Target(compile_program('wary.c')) as target:
                target.ask('kill {}'.format(delay), '^ok')
                with self.attached(target) as run:
                    self.check_run(run)
                self.assertEqual(target.process.wait(10), -signal.SIGKILL)

    def during_the_detach(self, target, then):
        """`then()` while the monitor waits for a thread to leave a stub: the entries are in order already."""
        with self.attached(target) as run:
            run.begin()
            start = numbers_of(target)[0]
            until(lambda: numbers_of(target)[0] > start + 3, 10, 'calls with the hooks')
            self.assertNotEqual(support.text_differences(target.pid, tails=False), [], run.transcript())
            if target.ask('interrupt', '^(inside|outside)').group(1) == 'outside':
                self.skipTest('calloc clears nothing here')
            run.process.send_signal(signal.SIGINT)
            until(lambda: not support.text_differences(target.pid, tails=False), 10, 'the old entries')
            then()
            self.check_run(run)
        return run

    def test_exec_during_the_detach(self):
        with Target(compile_program('altstack.c'), 'plain') as target:
            run = self.during_the_detach(target, lambda: target.ask('exec', '^execed'))
            self.give_back(target, run)
            target.ask('count', '^count')
            assert_unharmed(target.pid, None, run)

    def test_killed_during_the_detach(self):
        with Target(compile_program('altstack.c'), 'plain') as target:
            self.during_the_detach(target, target.process.kill)
            self.assertEqual(target.process.wait(10), -signal.SIGKILL)

    def test_released_during_the_detach(self):
        with Target(compile_program('altstack.c'), 'plain') as target:
            before = take_snapshot(target.pid)
            run = self.during_the_detach(target, lambda: target.ask('release', '^released'))
            self.assertEqual(numbers_of(target)[1], 0, run.transcript())
            assert_unharmed(target.pid, before, run)


if __name__ == '__main__':
    unittest.main()
