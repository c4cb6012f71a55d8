"""
Live processes with --engine recorder: exact counts, nothing harmed, the target untraced in between.

Stacks that were cut short while the recorder was still learning are stacks of their own, so counts are compared by the
function that called the allocator.
"""
import os
import signal
import subprocess
import sys
import unittest

import support
from platform_linux import mappings
from support import Memleax, Target, assert_unharmed, compile_program, take_snapshot
from test_live_exact import LiveTest, wait_for


# memleax whose monitor is killed at its so many-th request to ptrace while the target makes a call for it.
KILLED_WHILE_INJECTING = '''
import os
import signal
import sys
sys.path.insert(0, {folder!r})
import memleax
import platform_linux as platform

left = [int(sys.argv.pop(1))]
inside = [False]


def counted(function):
    def call(*arguments):
        result = function(*arguments)
        if inside[0]:
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
        return result
    return call


def inject(*arguments, inject=platform.Tracer.inject):
    inside[0] = True
    try:
        return inject(*arguments)
    finally:
        inside[0] = False


platform.Tracer.inject = inject
platform.ptrace = counted(platform.ptrace)
platform._ptrace = counted(platform._ptrace)
memleax.main()
'''

# memleax as on a program whose segments' tails have no room for the recorder's code; without a file for it, where asked.
WITHOUT_ROOM = '''
import sys
sys.path.insert(0, {folder!r})
import memleax
import monitor
import platform_linux as platform

monitor.HookPlan.place_code = lambda *arguments: None
if sys.argv.pop(1) == 'anonymous':
    platform.Tracer._code_file = lambda *arguments: None
memleax.main()
'''


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
            before = take_snapshot(target.pid)
            for _ in range(support.scaled(3)):
                run = self.attach(target, '-e', '100')
                wait_for(target, 1000)
                os.kill(support.monitor_of(run), signal.SIGKILL)
                report = run.wait()
                self.assertEqual(report.status, 1, run.transcript())
                wait_for(target, 1000)
                self.assertEqual(target.ask('count', r'^count \d+ (\d+)').group(1), '0', run.transcript())
            # what the last one left is taken out, by whoever comes next
            run = support.run_memleax('--heal', target.pid)
            self.assertEqual(run.report.status, 0, run.transcript())
            assert_unharmed(target.pid, before, run, tails=False)
            self.assertEqual(target.ask('count', r'^count \d+ (\d+)').group(1), '0', run.transcript())

    def test_monitor_killed_while_the_target_makes_a_call_for_it(self):
        """Whoever made the call goes on where it was, with all its registers and its signal mask."""
        script = os.path.join(support.temporary_directory(), 'killed_while_injecting.py')
        with open(script, 'w') as f:
            f.write(KILLED_WHILE_INJECTING.format(folder=support.ROOT))
        for program, arguments in (('loop.c', (1,)), ('loop.c', (2, 1000)), ('sleepers.c', ('plain',))):
            with Target(compile_program(program), *arguments) as target:
                before = take_snapshot(target.pid)
                for step in range(1, 22, 4 if support.SCALE <= 1 else 1):
                    process = subprocess.Popen([sys.executable, script, str(step), '-e', '30', '--engine', 'recorder',
                                                str(target.pid)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                    text = process.communicate(timeout=30)[0].decode()
                    self.assertIn('monitor ended', text, 'step {}'.format(step))
                    self.assertIsNone(target.process.poll(), 'step {}'.format(step))
                    if program == 'loop.c':
                        wait_for(target, 20)
                        self.assertEqual(target.ask('count', r'^count \d+ (\d+)').group(1), '0', step)
                run = support.run_memleax('--heal', target.pid)
                self.assertEqual(run.report.status, 0, run.transcript())
                assert_unharmed(target.pid, before, run, tails=False)

    def test_mapped_code(self):
        """Where there is no room in segments' tails."""
        script = os.path.join(support.temporary_directory(), 'without_room.py')
        with open(script, 'w') as file:
            file.write(WITHOUT_ROOM.format(folder=support.ROOT))
        with Target(compile_program('loop.c'), 2) as target:
            before = take_snapshot(target.pid)
            for kind in ('file', 'anonymous', 'file'):
                with Memleax(kind, '-e', '30', '--force', '--verbose', '--engine', 'recorder', target.pid,
                             program=script) as run:
                    run.begin()
                    wait_for(target, 1000)
                    start = int(run.expect(r'the code of the recorder: \d+ bytes mapped at 0x([0-9a-f]+)')
                                .group(1), 16)
                    mapped = [item for item in mappings(target.pid) if item.start == start]
                    self.assertEqual([(item.permissions, item.path.split(' ')[0]) for item in mapped],
                                     [('r-xp', '/memfd:code.memleax' if kind == 'file' else '')], run.transcript())
                    self.check_end(run, run.finish())
                self.assertEqual([item for item in mappings(target.pid) if 'memfd' in item.path or item.start == start],
                                 [], run.transcript())
                self.assertEqual([fd for fd in os.listdir('/proc/%d/fd' % target.pid)
                                  if 'memfd' in os.readlink('/proc/%d/fd/%s' % (target.pid, fd))], [])
                self.assertEqual(target.ask('count', r'^count \d+ (\d+)').group(1), '0', run.transcript())
                assert_unharmed(target.pid, before, run, tails=False)


if __name__ == '__main__':
    unittest.main()
