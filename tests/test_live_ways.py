"""
Live processes: the fallbacks of a hook, each forced, are as exact and as harmless as the usual way.
"""
import os
import unittest

import support
from support import Memleax, Target, assert_unharmed, compile_program, take_snapshot
from test_live_exact import LiveTest, by_function, wait_for

ALTERED = os.path.join(support.ROOT, 'tests', 'altered_program.py')


class Altered(object):
    """While it is entered, Memleax runs altered_program.py."""

    def __init__(self, way):
        self.way = way

    def __enter__(self):
        self.program, support.PROGRAM = support.PROGRAM, ALTERED
        os.environ['MEMLEAX_ALTERED'] = self.way

    def __exit__(self, *exception):
        support.PROGRAM = self.program
        del os.environ['MEMLEAX_ALTERED']


@support.skip_unless_compiler
@support.skip_unless_ptrace
class Ways(LiveTest):
    def exact_round(self, target, operations, *options):
        """As the exactness test's: counts and bytes of five places equal what the program counted."""
        before = take_snapshot(target.pid)
        with Memleax('-e', '2', '--force', '--verbose', *(options + (target.pid,))) as run:
            run.begin()
            target.say('go {}'.format(operations))
            lines = target.lines_until('^end$', 120)
            counted = dict((f[1], (int(f[2]), int(f[3])))
                           for f in (line.split() for line in lines) if f[0] == 'leak')
            run.expect_expired(sum(blocks for blocks, _ in counted.values()), 60)
            report = run.finish()
            text = '\n'.join(lines) + '\n' + run.transcript()
            self.check_end(run, report)
            found = by_function(report.stacks)
            self.assertEqual(dict((name, (s.may_leak, s.may_leak_bytes)) for name, s in found.items()), counted, text)
            self.assertIn('errors 0', [line for line in lines if line.startswith('total ')][0], text)
            assert_unharmed(target.pid, before, run)
            return text

    def test_traps_at_the_entries(self):
        with Altered('entry-traps'), Target(compile_program('exact.c'), 8) as target:
            text = self.exact_round(target, 3000)
            self.assertIn('a trap at the entry', text)
            self.assertNotIn(': jump to', text)
            self.exact_round(target, 1000)

    def test_traps_at_the_entries_attached_in_the_middle(self):
        with Altered('entry-traps'), Target(compile_program('loop.c'), 4) as target:
            before = take_snapshot(target.pid)
            for _ in range(support.scaled(5)):
                with Memleax('-e', '30', '--force', target.pid) as run:
                    run.begin()
                    wait_for(target, 300)
                    report = run.finish()
                    self.check_end(run, report)
                    self.assertEqual(report.stacks, [], run.transcript())
                    assert_unharmed(target.pid, before, run, tails=False)
                self.assertEqual(target.ask('count', r'^count \d+ (\d+)').group(1), '0', run.transcript())

    def test_stubs_in_a_mapped_page(self):
        with Altered('no-tails'), Target(compile_program('exact.c'), 8) as target:
            text = self.exact_round(target, 3000)
            self.assertIn('a page mapped for it', text)

    def test_mapped_page_while_threads_sleep(self):
        with Target(compile_program('sleepers.c', flags=['-lrt']), 'sleep') as target, Altered('no-tails'):
            before = take_snapshot(target.pid)
            for _ in range(support.scaled(3)):
                with Memleax('-e', '30', '--force', target.pid) as run:
                    run.begin()
                    self.check_end(run, run.finish())
                    assert_unharmed(target.pid, before, run)

    def test_stubs_left_are_disarmed_and_taken_back_by_the_next_run(self):
        with Target(compile_program('loop.c'), 3) as target:
            before = take_snapshot(target.pid)
            with Altered('leave-stubs'), Memleax('-e', '30', '--force', target.pid) as run:
                run.begin()
                wait_for(target, 300)
                report = run.finish()
                self.check_end(run, report)
                self.assertRegex('\n'.join(report.proof), r'\d stub areas stay', run.transcript())
                assert_unharmed(target.pid, before, run, tails=False)
            target.ask('park', '^ok')
            self.assertNotEqual(support.text_differences(target.pid, tails=True), [], run.transcript())
            target.ask('run', '^ok')
            wait_for(target, 300)
            target.ask('park', '^ok')
            with Memleax('-e', '30', '--force', '--verbose', target.pid) as run:
                run.begin()
                self.check_end(run, run.finish())
                self.assertRegex(run.transcript(), 'an earlier run (had to leave|left was taken out)')
                assert_unharmed(target.pid, before, run, tails=True)


if __name__ == '__main__':
    unittest.main()
