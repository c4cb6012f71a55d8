"""
Live processes: what memleax counts is what the program itself counted, block by block, from a handshake on.

The targets (tests/targets) leak prime numbers of blocks from known functions while their threads allocate in
every way; valgrind's memcheck is the judge of one of them.
"""

import os
import re
import signal
import subprocess
import time
import unittest

import support
from support import Memleax, Target, assert_unharmed, compile_program, scaled, take_snapshot


def by_function(stacks):
    """{name of the function that called the allocator: CallStack}; two stacks must not share one."""
    found = {}
    for stack in stacks:
        names = [frame.name for frame in stack.frames[1:]] or ['?']
        name = names[0]
        if name in found:
            raise AssertionError('two CallStacks of {}'.format(name))
        found[name] = stack
    return found


def wait_for(target, number):
    """Until the target has made so many more operations."""
    def count():
        return int(target.ask('count', r'^count (\d+)').group(1))
    start = count()
    support.until(lambda: count() >= start + number, 30, '{} operations of the target'.format(number))


class LiveTest(unittest.TestCase):
    maxDiff = None

    def check_end(self, run, report, stop='== Terminate monitoring.'):
        """The run ended well: reason, status 0, a proof in which nothing is wrong, not one frees missed."""
        text = run.transcript()
        self.assertEqual(report.status, 0, text)
        self.assertTrue(any(line.startswith(stop) for line in report.stop), text)
        self.assertTrue(report.proof, 'no proof at the end:\n' + text)
        for line in report.lines + report.errors:
            self.assertFalse(line.startswith('!!!'), text)
            self.assertNotIn('Traceback (most recent call last)', line, text)
        missed = re.search(r'(\d+) frees? missed|frees? missed[:=]? *(\d+)', '\n'.join(report.proof))
        if missed:
            self.assertEqual(int(missed.group(1) or missed.group(2)), 0, text)


@support.skip_unless_compiler
@support.skip_unless_ptrace
class ExactCounts(LiveTest):
    """Threads at full speed: the tool's figures against the program's."""

    def one_round(self, target, operations, *arguments, **options):
        before = take_snapshot(target.pid)
        with Memleax(*('-e', '1', '--force') + arguments + (target.pid,), **options) as run:
            run.begin()
            target.say('go {}'.format(operations))
            lines = target.lines_until('^end$', 120)
            counted = dict((f[1], (int(f[2]), int(f[3])))
                           for f in (line.split() for line in lines) if f[0] == 'leak')
            total = [line for line in lines if line.startswith('total ')][0].split()
            total = dict(zip(total[1::2], map(int, total[2::2])))
            self.assertEqual(total['errors'], 0, run.transcript())
            leaks = sum(blocks for blocks, _ in counted.values())
            self.assertEqual(leaks, 71)
            run.expect_expired(leaks, 60)
            report = run.finish()
            text = 'the target said:\n{}\n{}'.format('\n'.join(lines), run.transcript())
            self.check_end(run, report)
            found = by_function(report.stacks)
            self.assertEqual(
                dict((name, (s.may_leak, s.may_leak_bytes)) for name, s in found.items()), counted, text)
            for name, stack in found.items():
                blocks, size = counted[name]
                self.assertEqual((stack.expired, stack.expired_bytes), (blocks, size), text)
                self.assertEqual((stack.free_expired, stack.free_expired_bytes), (0, 0), text)
                self.assertEqual((stack.alloc, stack.alloc_bytes), (blocks, size), text)
                self.assertEqual((stack.free, stack.free_bytes), (0, 0), text)
                self.assertGreaterEqual(float(stack.unfreed_max), 1 - 0.01, text)
                self.assertEqual(report.counts.get(stack.id), blocks, text)
            leaked = [s.may_leak for s in report.stacks]
            self.assertEqual(leaked, sorted(leaked), 'not in ascending order\n' + text)
            assert_unharmed(target.pid, before, run)
            return found, total, report, text

    def test_threads_at_full_speed(self):
        with Target(compile_program('exact.c'), 8) as target:
            for _ in range(scaled(2)):
                found, _, _, text = self.one_round(target, scaled(6000) if support.SCALE < 1 else 6000)
                for name in found:
                    frames = [frame.name for frame in found[name].frames]
                    self.assertEqual(frames[1:4], [name, 'leak', 'work'], text)
                self.assertIn('exact.c:', found['leak_malloc'].frames[1].location, text)

    def test_stacks_that_look_alike(self):
        # sp and the return address are the same for all 64 paths: only words further up the stack differ
        with Target(compile_program('twins.c'), 3) as target:
            before = take_snapshot(target.pid)
            with Memleax('-e', '1', '-m', '100000', '--force', target.pid) as run:
                run.begin()
                target.say('go {}'.format(scaled(12)))
                target.lines_until('^done$', 120)
                expected = dict((path, 3 * (path % 7)) for path in range(64) if path % 7)
                run.expect_expired(sum(expected.values()), 60)
                report = run.finish()
                text = run.transcript()
                self.check_end(run, report)
                found = {}
                for stack in report.stacks:
                    names = [frame.name for frame in stack.frames]
                    self.assertEqual(names[1:3] + names[15:16], ['leaf', 'step', 'walk'], text)
                    path = sum(1 << bit for bit, name in enumerate(names[3:15:2]) if name == 'right')
                    self.assertEqual((stack.alloc, stack.free), (3 * scaled(12), 3 * scaled(12) - expected[path]), text)
                    self.assertEqual(stack.alloc_bytes, stack.alloc * (16 + path), text)
                    self.assertNotIn(path, found, text)
                    found[path] = stack.may_leak
                self.assertEqual(found, expected, text)
                assert_unharmed(target.pid, before, run)

    def test_with_python_alone(self):
        # where a process may not run machine code of its own making, the monitor does without
        with Target(compile_program('exact.c'), 8) as target:
            self.one_round(target, 3000, '--engine', 'trap', env=dict(os.environ, MEMLEAX_NO_KEEPER='1'))

    def test_throttled(self):
        with Target(compile_program('exact.c'), 16, 300) as target:
            self.one_round(target, 4000)

    def test_wrapped_malloc_counts_once(self):
        for flags in ([], ['-DTAIL']):
            program = compile_program('exact.c', 'wrapper.c', flags=flags + ['-ldl'], name='wrapped')
            with Target(program, 6) as target:
                found, _, _, text = self.one_round(target, 3000)
                for name in found:
                    self.assertIn(name, [frame.name for frame in found[name].frames[:4]], text)

    def test_static_program(self):
        program = compile_program('exact.c', flags=['-static'], name='static', required=False)
        if program is None:
            self.skipTest('no static C library')
        with Target(program, 6) as target:
            self.one_round(target, 3000)


@support.skip_unless_compiler
@support.skip_unless_ptrace
class InTheMiddle(LiveTest):
    """Attach and detach while the threads run, again and again."""

    def test_nothing_false_when_attached_in_the_middle(self):
        with Target(compile_program('exact.c'), 8, 20) as target:
            target.say('go 0')
            for i in range(scaled(4)):
                before = take_snapshot(target.pid)
                with Memleax('-e', '30', '--force', target.pid) as run:
                    run.begin()
                    wait_for(target, 500)
                    report = run.finish(signal.SIGTERM if i % 2 else signal.SIGINT)
                    self.check_end(run, report)
                    self.assertEqual(report.stacks, [], run.transcript())
                    self.assertEqual(report.counts, {}, run.transcript())
                    assert_unharmed(target.pid, before, run, tails=False)
            target.say('stop')
            lines = target.lines_until('^end$', 60)
            self.assertIn('errors 0', lines[-1])
            self.assertEqual(target.close(), 0)

    def test_bare_loop(self):
        with Target(compile_program('loop.c'), 3) as target:
            before = take_snapshot(target.pid)
            for i in range(scaled(6)):
                with Memleax('-e', '30', '--force', target.pid) as run:
                    run.begin()
                    wait_for(target, 300)
                    parked = i % 2
                    if parked:                      # nobody inside: everything must be as in the file
                        target.ask('park', '^ok')
                    report = run.finish()
                    self.check_end(run, report)
                    self.assertEqual(report.stacks, [], run.transcript())
                    assert_unharmed(target.pid, before, run, tails=bool(parked))
                    if parked:
                        target.ask('run', '^ok')
                self.assertEqual(target.ask('count', r'^count \d+ (\d+)').group(1), '0', run.transcript())
            target.ask('park', '^ok')
            with Memleax('-e', '30', '--force', target.pid) as run:
                run.begin()
                self.check_end(run, run.finish())
                assert_unharmed(target.pid, before, run)

    @unittest.skipUnless(os.path.exists('/proc/self/schedstat'), 'a kernel without schedstat')
    def test_the_share_of_standstill(self):
        """A thread that does nothing but allocate stands still nearly all the time; that is what has to be said."""
        with Target(compile_program('loop.c'), 1) as target:
            with Memleax('-e', '30', '--force', '--verbose', '--engine', 'trap', target.pid) as run:
                run.begin()
                begin = time.monotonic()
                wait_for(target, 20000)
                elapsed = time.monotonic() - begin
                report = run.finish()
                elapsed_at_most = time.monotonic() - begin
            still = float(re.search('stood still ([0-9.]+) s in all', '\n'.join(report.proof)).group(1))
            self.assertGreater(still, 0.3 * elapsed, run.transcript())
            self.assertLess(still, elapsed_at_most + 0.1, run.transcript())
            served = re.search(r'machine code served (\d+) of (\d+) stops', run.transcript())
            if served:                          # elsewhere it is Python alone, which the run says
                self.assertGreater(int(served.group(1)), 0.9 * int(served.group(2)), run.transcript())
            else:
                self.assertIn('the loop over traps is Python alone', run.transcript())

    def test_loop_in_a_static_program(self):
        program = compile_program('loop.c', flags=['-static'], name='static-loop', required=False)
        if program is None:
            self.skipTest('no static C library')
        with Target(program, 2) as target:
            before = take_snapshot(target.pid)
            with Memleax('-e', '30', '--force', target.pid) as run:
                run.begin()
                wait_for(target, 300)
                target.ask('park', '^ok')
                self.check_end(run, run.finish())
                assert_unharmed(target.pid, before, run)


@support.skip_unless_compiler
@support.skip_unless_ptrace
class Messages(LiveTest):
    """Each message and each reason to stop, from a program that does one thing on command."""

    def attach(self, target, *options):
        run = Memleax(*(options + ('--force', target.pid)))
        self.addCleanup(run.__exit__, None, None, None)
        return run.begin()

    def test_late_frees(self):
        with Target(compile_program('blocks.c')) as target:
            run = self.attach(target, '-e', '1')
            target.ask('get 7 40', '^ok')
            target.ask('other 3 90', '^ok')
            run.expect_expired(10)
            target.ask('put 5', '^ok')
            run.expect(r'^Warning: too many expired-free at CallStack\[\d+\]\. '
                       r'will not show this CallStack later')
            report = run.finish()
            text = run.transcript()
            self.check_end(run, report)
            late = [line for line in report.lines if 'expired-memory frees after' in line]
            self.assertTrue(2 <= len(late) <= 3, text)
            for line in late:
                self.assertRegex(
                    line, r'^CallStack\[\d+\]: expired-memory frees after \d+(\.\d+)? seconds$', text)
            found = by_function(report.stacks)
            self.assertEqual(sorted(found), ['get_blocks', 'other_blocks'], text)
            s = found['get_blocks']
            self.assertEqual((s.may_leak, s.may_leak_bytes), (2, 80), text)
            self.assertEqual((s.expired, s.free_expired, s.free_expired_bytes), (7, 5, 200), text)
            self.assertEqual((s.alloc, s.alloc_bytes, s.free, s.free_bytes), (7, 280, 5, 200), text)
            self.assertTrue(1 <= float(s.free_min) <= float(s.free_average) <= float(s.free_max) < 20, text)
            s = found['other_blocks']
            self.assertEqual((s.may_leak, s.expired, s.free_expired, s.free), (3, 3, 0, 0), text)
            self.assertEqual([report.stacks[0].may_leak, report.stacks[1].may_leak], [2, 3], text)
            first = [line for line in report.lines if line.endswith('bytes, backtrace:')]
            again = [line for line in report.lines if re.search(r'bytes, \d+ times? again$', line)]
            self.assertEqual((len(first), len(again)), (2, 8), text)

    def test_freed_in_time(self):
        with Target(compile_program('blocks.c')) as target:
            run = self.attach(target, '-e', '2')
            target.ask('get 11 40', '^ok')
            target.ask('put 11', '^ok')
            target.ask('other 2 64', '^ok')
            run.expect_expired(2)
            report = run.finish()
            self.check_end(run, report)
            self.assertEqual([s.may_leak for s in report.stacks], [2], run.transcript())
            self.assertEqual(report.counts, {report.stacks[0].id: 2}, run.transcript())

    def test_all_freed_late_is_no_leak(self):
        with Target(compile_program('blocks.c')) as target:
            run = self.attach(target, '-e', '0.3')
            target.ask('get 2 40', '^ok')
            run.expect_expired(2)
            target.ask('put 2', '^ok')
            run.expect('expired-memory frees after')
            report = run.finish()
            self.check_end(run, report)
            self.assertEqual(report.stacks, [], run.transcript())
            self.assertIn('== All expired memory blocks were freed later.', report.lines, run.transcript())

    def test_stops_at_memory_block_max(self):
        with Target(compile_program('blocks.c')) as target:
            before = take_snapshot(target.pid)
            run = self.attach(target, '-e', '0.5', '-m', '5')
            target.ask('other 9 90', '^ok')
            report = run.wait()
            self.check_end(run, report, '== 5 memory blocks leaked at CallStack[')
            self.assertEqual([s.alloc for s in report.stacks], [9], run.transcript())
            assert_unharmed(target.pid, before, run)

    def test_stops_at_call_stack_max(self):
        with Target(compile_program('blocks.c')) as target:
            before = take_snapshot(target.pid)
            run = self.attach(target, '-e', '0.5', '-c', '7')
            target.ask('places 12', '^ok')
            report = run.wait()
            self.check_end(run, report, '== 7 CallStacks gets memory leak.')
            self.assertIn('-- Maybe you should set bigger expired time by `-e`.', report.lines,
                          run.transcript())
            assert_unharmed(target.pid, before, run)

    def test_target_exits(self):
        for order, status in (('exit 5', 5), ('abort', -signal.SIGABRT)):
            with Target(compile_program('execer.c')) as target:
                run = self.attach(target, '-e', '0.5')
                target.ask('leak', '^leaked')
                run.expect_expired(3)
                target.say(order)
                report = run.wait()
                self.check_end(run, report, '== Target process exit.')
                self.assertEqual([(s.may_leak, s.may_leak_bytes) for s in report.stacks], [(3, 231)],
                                 run.transcript())
                self.assertEqual(target.process.wait(10), status, run.transcript())

    def test_target_is_killed(self):
        with Target(compile_program('execer.c')) as target:
            run = self.attach(target, '-e', '0.5')
            target.ask('leak', '^leaked')
            run.expect_expired(3)
            target.process.kill()
            report = run.wait()
            self.check_end(run, report, '== Target process exit.')
            self.assertEqual([s.may_leak for s in report.stacks], [3], run.transcript())

    def test_target_execs(self):
        for order in ('exec', 'execthread'):
            with Target(compile_program('execer.c')) as target:
                run = self.attach(target, '-e', '0.5')
                target.ask('leak', '^leaked')
                run.expect_expired(3)
                target.ask(order, r'^execed {}$'.format(target.pid))
                report = run.wait()
                self.check_end(run, report, '== Target process calls exec.')
                self.assertEqual([s.may_leak for s in report.stacks], [3], run.transcript())
                target.ask('hello', '^alive')
                assert_unharmed(target.pid, None, run)

    def test_depth_and_limit(self):
        with Target(compile_program('deep.c')) as target:
            for options, depth, expected in (((), 40, 42), (('-l', '10'), 40, 10), (('-l', '1'), 5, 1),
                                             (('-l', '200'), 150, 152)):
                run = self.attach(target, '-e', '0.3', *options)
                target.ask('leak {} 3'.format(depth), '^leaked')
                run.expect_expired(3)
                report = run.finish()
                self.check_end(run, report)
                self.assertEqual([s.may_leak for s in report.stacks], [3], run.transcript())
                names = [f.name for f in report.stacks[0].frames]
                self.assertEqual(names, (['malloc'] + ['down'] * depth + ['main'])[:expected],
                                 run.transcript())

    def test_output_file(self):
        path = support.os.path.join(support.temporary_directory(), 'report.txt')
        with Target(compile_program('blocks.c')) as target:
            run = self.attach(target, '-e', '0.3', '-o', path)
            target.ask('other 3 90', '^ok')
            run.expect_expired(3)
            report = run.finish()
            self.check_end(run, report)
        with open(path) as f:
            self.assertEqual(f.read().splitlines(), report.lines, run.transcript())


@support.skip_unless_compiler
@support.skip_unless_ptrace
class OtherPrograms(LiveTest):

    def test_cxx(self):
        if support.find_compiler('c++') is None:
            self.skipTest('no C++ compiler')
        with Target(compile_program('cxx.cpp'), 3) as target:
            target.ask('go 5', '^done')                 # what the runtime allocates once
            before = take_snapshot(target.pid)
            with Memleax('-e', '1', '--force', target.pid) as run:
                run.begin()
                fields = target.ask('go 40', '^done (.*)', 120).group(1).split()
                self.assertEqual(fields[2], '0')
                run.expect_expired(8)
                report = run.finish()
                self.check_end(run, report)
                found = {}
                for stack in report.stacks:
                    names = ' '.join(str(f.name) for f in stack.frames)
                    kind = 'thing' if 'leak_thing' in names else 'row' if 'leak_row' in names else names
                    self.assertNotIn(kind, found, run.transcript())
                    found[kind] = stack
                self.assertEqual(dict((k, (s.may_leak, s.may_leak_bytes)) for k, s in found.items()),
                                 {'thing': (5, 600), 'row': (3, 792)}, run.transcript())
                assert_unharmed(target.pid, before, run)

    def test_library_loaded_and_unloaded(self):
        plugin = compile_program('plugin.c', flags=['-shared', '-fPIC'])
        with Target(compile_program('dl.c', flags=['-ldl']), plugin) as target:
            target.ask('churn 5', '^churned 5 0')       # the dynamic linker's own tables, which it keeps
            before = take_snapshot(target.pid)
            with Memleax('-e', '1', '--force', target.pid) as run:
                run.begin()
                count = scaled(15)
                self.assertEqual(target.ask('churn {}'.format(count), r'^churned (\d+ \d+)', 120).group(1),
                                 '{} 0'.format(count))
                target.ask('leak 5', '^leaked 5')
                run.expect_expired(5)
                report = run.finish()
                self.check_end(run, report)
                found = by_function(report.stacks)
                if support.RECORDER and len(found) == 1:
                    # it may have been unloaded before the monitor looked at the stack that led through it
                    found = {'plugin_leak': list(found.values())[0]}
                self.assertEqual(dict((k, (s.may_leak, s.may_leak_bytes)) for k, s in found.items()),
                                 {'plugin_leak': (5, 5105)}, run.transcript())
                assert_unharmed(target.pid, before, run)

    @support.skip_unless_program('valgrind')
    def test_same_as_valgrind(self):
        program = compile_program('exact.c')
        done = subprocess.Popen(
            ['valgrind', '--leak-check=full', '--show-leak-kinds=definite', '--num-callers=20', program, '2'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        lines = support.Lines(done.stdout, 0)
        done.stdin.write(b'go 1500\n')
        done.stdin.flush()
        self.assertTrue(lines.wait('^end$', 60))
        done.stdin.write(b'quit\n')
        done.stdin.close()
        said = done.stderr.read().decode()
        done.stderr.close()
        done.wait()
        lines.join()
        judged = {}
        for size, blocks, body in re.findall(
                r'==\d+== ([\d,]+) bytes in ([\d,]+) blocks are definitely lost.*\n'
                r'((?:==\d+== +(?:at|by) .*\n)+)', said):
            name = re.search(r'(leak_\w+) \(', body).group(1)
            judged[name] = (int(blocks.replace(',', '')), int(size.replace(',', '')))
        self.assertEqual(len(judged), 5, said)
        with Target(program, 2) as target, Memleax('-e', '1', '--force', target.pid) as run:
            run.begin()
            target.say('go 1500')
            target.lines_until('^end$')
            run.expect_expired(71)
            report = run.finish()
            self.check_end(run, report)
            found = by_function(report.stacks)
            self.assertEqual(dict((k, (s.may_leak, s.may_leak_bytes)) for k, s in found.items()), judged,
                             run.transcript())


if __name__ == '__main__':
    unittest.main()
