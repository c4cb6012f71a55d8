"""
Live processes with --engine recorder: exact counts, nothing harmed, the target untraced in between.

Stacks that were cut short while the recorder was still learning are stacks of their own, so counts are compared by the
function that called the allocator.
"""
import os
import signal
import unittest

import support
from support import Memleax, Target, assert_unharmed, compile_program, take_snapshot
from test_live_exact import LiveTest, wait_for


@support.skip_unless_compiler
@support.skip_unless_ptrace
class Recorder(LiveTest):
    def attach(self, target, *options):
        run = Memleax('--engine', 'recorder', *(options + (target.pid,)))
        self.addCleanup(run.kill)
        run.begin()
        self.assertNotIn('the recorder cannot be used', run.transcript())
        return run

    def exact_round(self, target, operations):
        before = take_snapshot(target.pid)
        run = self.attach(target, '-e', '1.5', '--verbose')
        target.say('go {}'.format(operations))
        lines = target.lines_until('^end$', 120)
        counted = dict((f[1], (int(f[2]), int(f[3])))
                       for f in (line.split() for line in lines) if f[0] == 'leak')
        run.expect_expired(sum(blocks for blocks, _ in counted.values()), 60)
        self.assertEqual(support.tracer_of(target.pid), 0, 'traced while the recorder runs')
        report = run.finish()
        text = '\n'.join(lines) + '\n' + run.transcript()
        self.check_end(run, report)
        found = {}
        for stack in report.stacks:
            name = ([frame.name for frame in stack.frames[1:]] or ['?'])[0]
            blocks, size = found.get(name, (0, 0))
            found[name] = blocks + stack.may_leak, size + stack.may_leak_bytes
        self.assertEqual(found, counted, text)
        self.assertIn('errors 0', [line for line in lines if line.startswith('total ')][0], text)
        assert_unharmed(target.pid, before, run)
        return text

    def test_exact_counts(self):
        with Target(compile_program('exact.c'), 8) as target:
            for operations in [40000] * support.scaled(2):
                self.exact_round(target, operations)

    def test_static_program(self):
        program = compile_program('exact.c', flags=['-static'], name='static-exact', required=False)
        if program is None:
            self.skipTest('no static C library')
        with Target(program, 4) as target:
            self.exact_round(target, 20000)

    def test_attached_again_and_again_at_full_speed(self):
        with Target(compile_program('exact.c'), 8) as target:
            target.say('go 0')
            before = take_snapshot(target.pid)
            for _ in range(support.scaled(10)):
                run = self.attach(target, '-e', '100')
                wait_for(target, 20000)
                report = run.finish()
                self.assertEqual(report.status, 0, run.transcript())
                assert_unharmed(target.pid, before, run, tails=False)
            target.say('stop')
            lines = target.lines_until('^end$', 120)
            self.assertIn('errors 0', [line for line in lines if line.startswith('total ')][0], '\n'.join(lines))

    def test_late_frees(self):
        with Target(compile_program('blocks.c')) as target:
            before = take_snapshot(target.pid)
            run = self.attach(target, '-e', '0.5')
            target.ask('other 7 90', '^ok')
            run.expect_expired(7)
            report = run.finish()
            self.check_end(run, report)
            self.assertEqual(sum(stack.may_leak for stack in report.stacks), 7, run.transcript())
            self.assertEqual(sum(stack.may_leak_bytes for stack in report.stacks), 630, run.transcript())
            assert_unharmed(target.pid, before, run)

    def test_monitor_killed_the_target_runs_on(self):
        with Target(compile_program('loop.c'), 3) as target:
            for _ in range(support.scaled(3)):
                run = self.attach(target, '-e', '100')
                wait_for(target, 1000)
                children = support.read_children(run.process.pid)
                self.assertEqual(len(children), 1, run.transcript())
                os.kill(children[0], signal.SIGKILL)
                report = run.wait()
                self.assertEqual(report.status, 1, run.transcript())
                wait_for(target, 1000)
                self.assertEqual(target.ask('count', r'^count \d+ (\d+)').group(1), '0', run.transcript())
                break                               # the hooks of a killed run are refused by the next attach


if __name__ == '__main__':
    unittest.main()
