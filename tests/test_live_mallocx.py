"""
Live processes: jemalloc's own functions (mallocx and its kin) are seen as malloc's are, with both engines.
"""
import glob
import os
import unittest

import support
from support import Memleax, Target, assert_unharmed, compile_program, take_snapshot
from test_live_exact import LiveTest, by_function

LIBRARIES = sorted(glob.glob('/usr/lib*/*/libjemalloc.so.2') + glob.glob('/usr/lib*/libjemalloc.so.2'))
LEAKS = {'by_mallocx': (5, 485), 'by_aligned': (2, 2000), 'by_rallocx': (3, 15000), 'by_xallocx': (7, 280),
         'by_refused': (4, 132)}


@support.skip_unless_compiler
@support.skip_unless_ptrace
@unittest.skipUnless(LIBRARIES, 'libjemalloc.so.2 is not installed')
class Mallocx(LiveTest):
    def check(self, engine):
        program = compile_program('mallocx.c', flags=['-ldl'])
        with Target(program, env=dict(os.environ, LD_PRELOAD=LIBRARIES[0])) as target:
            before = take_snapshot(target.pid)
            with Memleax('--engine', engine, '-e', '1', '--verbose', target.pid) as run:
                run.begin()
                self.assertEqual(target.ask('go', r'^ok (\d+)').group(1), '0')
                run.expect_expired(21)
                report = run.finish()
                self.check_end(run, report)
                found = by_function(report.stacks)
                self.assertEqual({name: (stack.may_leak, stack.may_leak_bytes) for name, stack in found.items()},
                                 LEAKS, run.transcript())
                self.assertEqual(found['by_xallocx'].frames[0].name, 'xallocx', run.transcript())
                self.assertEqual(found['by_refused'].frames[0].name, 'mallocx', run.transcript())
                assert_unharmed(target.pid, before, run)

    def test_trap_engine(self):
        self.check('trap')

    def test_recorder(self):
        self.check('recorder')


if __name__ == '__main__':
    unittest.main()
