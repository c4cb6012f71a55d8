"""
What a malloc+free pair costs a program by the depth of its stack: bare, under the recorder, under the trap
engine, and under other tools where these are installed (heaptrack, bpftrace).

    python3 benchmarks/depth.py [--pairs N] [--rounds N] [FRAMES ...]

All in one run, in turns, each figure the least of `rounds`; nanoseconds, and what a tool adds to the bare
pair.  heaptrack's library is there from the start (its way of attaching needs a gdb that can call functions, which
fails on some processors); it writes to /dev/null, without its interpreter; bpftrace counts by uprobes at malloc, its return and
free, with the user's stack by frame pointers.  At the end the same for 2 threads on 2 cores.  Developers only:
needs a C compiler.
"""
from __future__ import print_function

import argparse
import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pair import MEMLEAX, Target, Tool, build         # noqa: E402

BPFTRACE = ('uprobe:{libc}:malloc /pid == {pid}/ {{ @size[tid] = arg0; }} '
            'uretprobe:{libc}:malloc /pid == {pid}/ {{ @where[retval] = ustack(10); delete(@size[tid]); }} '
            'uprobe:{libc}:free /pid == {pid}/ {{ delete(@where[arg0]); }}')


class Watcher(object):
    """Another tool at work on a process; said: what it prints when it has begun."""

    def __init__(self, argv, said, seconds=20):
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, preexec_fn=os.setsid)
        os.set_blocking(self.process.stdout.fileno(), False)
        text = b''
        end = time.monotonic() + seconds
        while said not in text:
            text += self.process.stdout.read() or b''
            if self.process.poll() is not None or time.monotonic() > end:
                self.end()
                raise RuntimeError(text.decode('utf-8', 'replace').strip()[-200:] or 'it did not begin')
            time.sleep(0.05)
        time.sleep(1)

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def tools_for():
    """[(name, pairs' divisor, function(pid) -> something with end(), environment)]"""
    memleax = [sys.executable, MEMLEAX, '-e', '100', '--force', '--engine']
    tools = [('bare', 1, None, None), ('recorder', 1, lambda pid: Tool(memleax + ['recorder'], pid), None),
             ('trap', 200, lambda pid: Tool(memleax + ['trap'], pid), None)]
    preload = next(iter(glob.glob('/usr/lib*/heaptrack/libheaptrack_preload.so')
                        + glob.glob('/usr/lib*/*/heaptrack/libheaptrack_preload.so')), None)
    if preload:
        tools.append(('heaptrack', 4, None, dict(os.environ, LD_PRELOAD=preload, DUMP_HEAPTRACK_OUTPUT='/dev/null')))
    if shutil.which('bpftrace'):
        libc = next((line.split()[-1] for line in open('/proc/self/maps') if 'libc.so' in line or 'libc-' in line), '')
        tools.append(('bpftrace', 50, lambda pid: Watcher(
            ['bpftrace', '-e', BPFTRACE.format(libc=libc, pid=pid)], b'Attaching'), None))
    return tools


def measure(program, threads, frames, pairs, start, env):
    target = Target(program, threads, frames, False, env)
    try:
        target.pairs(max(1000, pairs // 10))
        tool = start(target.pid) if start else None
        try:
            target.pairs(max(1000, pairs // 5))
            return 1000 * min(target.pairs(pairs // 2) for _ in range(2))
        finally:
            if tool:
                tool.end()
    finally:
        target.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('frames', nargs='*', type=int, default=[4, 6, 10, 20, 30])
    parser.add_argument('--pairs', type=int, default=4000000)
    parser.add_argument('--rounds', type=int, default=3)
    arguments = parser.parse_args()
    directory = tempfile.mkdtemp(prefix='memleax-bench-')
    try:
        program = build(directory, 'pairs')
        tools = tools_for()
        print('ns a pair (what is added)' + ''.join('%18s' % name for name, _, _, _ in tools))
        for threads, frames in [(1, frames) for frames in arguments.frames] + [(2, 10)]:
            row = {}
            for _ in range(arguments.rounds):
                for name, divisor, start, env in tools:
                    if isinstance(row.get(name), str):
                        continue
                    try:
                        found = measure(program, threads, frames, arguments.pairs // divisor, start, env)
                        row[name] = min(found, row.get(name, found))
                    except (RuntimeError, OSError) as error:
                        row[name] = str(error).splitlines()[-1] if str(error) else 'failed'
            line = '%2d frames, %d thread%s      ' % (frames, threads, 's' if threads > 1 else ' ')
            failed = []
            for name, _, _, _ in tools:
                if isinstance(row[name], str):
                    line += '%18s' % 'failed'
                    failed.append('   %s: %s' % (name, row[name]))
                elif name == 'bare':
                    line += '%18.0f' % row[name]
                else:
                    line += '%18s' % ('%.0f (+%.0f)' % (row[name], row[name] - row['bare']))
            print(line)
            for text in failed:
                print(text)
                tools = [tool for tool in tools if tool[0] != text.split(':')[0].strip()]
            sys.stdout.flush()
    finally:
        shutil.rmtree(directory, True)


if __name__ == '__main__':
    main()
