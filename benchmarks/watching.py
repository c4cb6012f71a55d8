"""
What watching costs besides the calls: the monitor's share of a core and its memory at full speed with a million
blocks alive, the shared tables' bytes a block, and how long the target stands still at attach and detach with
10, 100 and 500 threads.

    python3 benchmarks/watching.py [--seconds N]

With --engine auto, that is the recorder.  Standstill is memleax's own figure (the longest).  Developers only:
needs a C compiler.
"""
from __future__ import print_function

import argparse
import os
import re
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pair import MEMLEAX, Target, Tool, build         # noqa: E402

COMMAND = [sys.executable, MEMLEAX, '-e', '100', '-m', '1000000000', '-c', '1000000000', '--force']


def monitor_of(reporter):
    for name in os.listdir('/proc'):
        if name.isdigit():
            try:
                with open('/proc/%s/stat' % name) as file:
                    if int(file.read().rsplit(')', 1)[1].split()[1]) == reporter:
                        return int(name)
            except (OSError, IndexError):
                pass
    raise RuntimeError('no monitor')


def used(pid):
    """Seconds of processor time of a process."""
    with open('/proc/%d/stat' % pid) as file:
        fields = file.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / float(os.sysconf('SC_CLK_TCK'))


def memory(pid):
    """{field of /proc/PID/status: MB}"""
    with open('/proc/%d/status' % pid) as file:
        return {name: int(size) / 1024.0 for name, size in re.findall(r'^(Rss\w+|VmRSS|VmHWM):\s+(\d+) kB', file.read(), re.M)}


def full_speed(program, seconds):
    target = Target(program, 2, 10, False)
    try:
        bare = target.pairs(2000000)
        tool = Tool(COMMAND, target.pid)
        target.ask('hold 1000000', 'held')
        time.sleep(3)
        monitor = monitor_of(tool.process.pid)
        begin, start, pairs = used(monitor), time.monotonic(), 0
        while time.monotonic() - start < seconds:
            target.pairs(2000000)
            pairs += 2000000
        elapsed = time.monotonic() - start
        share = (used(monitor) - begin) / elapsed
        size = memory(monitor)
        idle = used(monitor)
        time.sleep(seconds)
        idle = (used(monitor) - idle) / seconds
        tool.end()
        lost = re.findall(r'\d+ blocks not tracked', tool.said.decode())
        print('2 threads on %d cores: %.1f million calls/s (bare %.1f), 1,000,000 blocks alive' % (
            os.cpu_count(), 2 * pairs / elapsed / 1e6, 2 / bare))
        print('  monitor: %.1f %% of a core; with an idle target %.1f %%' % (100 * share, 100 * idle))
        print('  memory of the monitor: %.0f MB, and %.0f MB of the tables touched by it%s' % (
            size['VmRSS'] - size.get('RssShmem', 0), size.get('RssShmem', 0), '; ' + lost[0] if lost else ''))
    finally:
        target.end()


def standstill(program, threads):
    target = Target(program, threads, 10, False)
    try:
        longest = []
        for _ in range(3):
            tool = Tool(COMMAND, target.pid)
            target.pairs(threads * 100)
            tool.end()
            longest.append(float(re.search(r'([\d.]+) ms at most at once', tool.said.decode()).group(1)))
        print('%3d threads: the target stands still %.1f ms at most (worst of 3: %.1f)' % (threads, min(longest), max(longest)))
    finally:
        target.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seconds', type=int, default=5)
    arguments = parser.parse_args()
    directory = tempfile.mkdtemp(prefix='memleax-bench-')
    try:
        program = build(directory, 'pairs')
        full_speed(program, arguments.seconds)
        for threads in (10, 100, 500):
            standstill(program, threads)
    finally:
        shutil.rmtree(directory, True)


if __name__ == '__main__':
    main()
