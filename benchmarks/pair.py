"""
What memleax costs a target, in units of what no tracer can go below: the bare stop.

    python3 benchmarks/pair.py [--pairs N] [--rounds N] [OTHER]

In one run, on one machine: the bare stop of a minimal C tracer (int3, wait, continue; nothing fetched) that
shares a core with its tracee; a malloc+free pair untraced; a pair under memleax's trap engine, with a stack of 10 frames,
target free and target pinned to one core; a pair of a target of 4 threads; stops per call.  OTHER is another
memleax-like program (run as `OTHER -e 100 PID`), measured on the same target; a ".py" is run by this
interpreter.  The ratios are the result: absolute times are the machine's.  Floor: one stop per call, that is
2 bare stops a pair.

Each figure is the least of `rounds` rounds (what disturbs only ever adds), the bare stop too; rounds are
interleaved, so that a change in the machine's speed hits all alike.  Developers only: needs a C compiler.
"""

import argparse
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
MEMLEAX = os.path.join(os.path.dirname(HERE), 'memleax.py')


def build(directory, name):
    compiler = os.environ.get('CC') or shutil.which('gcc') or shutil.which('cc') or shutil.which('clang')
    if not compiler:
        sys.exit('benchmarks need a C compiler (gcc, clang)')
    path = os.path.join(directory, name)
    subprocess.check_call([compiler, '-O2', '-g', '-fno-builtin', '-pthread', '-o', path,
                           os.path.join(HERE, name + '.c')])
    return path


class Target(object):
    """benchmarks/pairs.c, running."""

    def __init__(self, program, threads, frames, pinned, env=None):
        prefix = ['taskset', '-c', str(min(os.sched_getaffinity(0)))] if pinned else []
        self.process = subprocess.Popen(prefix + [program, str(threads), str(frames)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
        self.pid = self.process.pid
        self.expect('ready')

    def expect(self, word):
        line = self.process.stdout.readline().decode().split()
        if not line or line[0] != word:
            raise RuntimeError('the target said {!r} and exits with {}'.format(line, self.process.poll()))
        return line[1:]

    def ask(self, line, word):
        self.process.stdin.write(line.encode() + b'\n')
        self.process.stdin.flush()
        return self.expect(word)

    def pairs(self, number):
        """Microseconds a pair (wall time of all threads together)."""
        return int(self.ask('run {}'.format(number), 'took')[0]) / 1000.0 / number

    def switches(self):
        """Voluntary context switches of the threads that allocate: each stop is one."""
        total = 0
        for tid in os.listdir('/proc/{}/task'.format(self.pid)):
            if int(tid) == self.pid:
                continue
            with open('/proc/{}/task/{}/status'.format(self.pid, tid)) as f:
                total += int(re.search(r'^voluntary_ctxt_switches:\s*(\d+)', f.read(), re.M).group(1))
        return total

    def end(self):
        try:
            self.process.communicate(b'quit\n', timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()


class Tool(object):
    """memleax, or something like it, attached: waits until it says that it began."""

    def __init__(self, command, pid):
        self.process = subprocess.Popen(command + [str(pid)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.said = b''
        deadline = time.monotonic() + 30
        while b'Begin' not in self.said:
            ready = select.select([self.process.stdout], [], [], 0.1)[0]
            data = os.read(self.process.stdout.fileno(), 65536) if ready else None
            self.said += data or b''
            if data == b'' or time.monotonic() > deadline:
                self.process.kill()
                self.process.wait()
                raise RuntimeError('{} did not begin:\n{}'.format(
                    command, self.said.decode('utf-8', 'replace')))

    def end(self):
        self.process.send_signal(signal.SIGINT)
        try:
            self.said += self.process.communicate(timeout=30)[0]
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.said += self.process.communicate()[0]


def command_of(program):
    options = ['-e', '100']
    if os.path.realpath(program) == os.path.realpath(MEMLEAX):
        options += ['--force', '--engine', 'trap']
    return ([sys.executable] if program.endswith(('.py', '.pyz')) else []) + [program] + options


def measure(directory_program, command, threads, frames, pinned, number):
    """(us a pair, stops a call) of one target under one tool; command None: untraced."""
    target = Target(directory_program, threads, frames, pinned)
    try:
        target.pairs(max(threads, number // 10) if command is None else threads * 100)
        tool = Tool(command, target.pid) if command else None
        try:
            # rules of the unwinder and caches, once; and the kernel takes some thousand stops to leave the
            # target on the core that the monitor has moved to
            target.pairs(max(threads * 100, number // 2))
            before = target.switches()
            cost = target.pairs(number)
            stops = (target.switches() - before) / (2.0 * (number // threads) * threads)
        finally:
            if tool:
                tool.end()
        # the target must have survived it
        target.pairs(threads * 100)
        return cost, stops
    finally:
        target.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('other', nargs='?', help='another memleax-like program')
    parser.add_argument('--pairs', type=int, default=10000, help='pairs a round (default 10000)')
    parser.add_argument('--rounds', type=int, default=3, help='rounds (default 3)')
    parser.add_argument('--frames', type=int, default=10, help='frames of the stack (default 10)')
    arguments = parser.parse_args()
    directory = tempfile.mkdtemp(prefix='memleax-benchmark-')
    try:
        bare_program, pairs_program = build(directory, 'bare'), build(directory, 'pairs')
        bare = {'shared': [], 'free': []}
        tools = [('memleax', command_of(MEMLEAX))]
        if arguments.other:
            tools.append((os.path.basename(arguments.other), command_of(arguments.other)))
        cases = [('1 thread, target free', 1, False), ('1 thread, target pinned', 1, True),
                 ('4 threads, target free', 4, False)]
        untraced = []
        results = {}
        for _ in range(arguments.rounds):
            for where in ('shared', 'free'):
                stops = '20000' if where == 'shared' else '5000'
                text = subprocess.check_output([bare_program, stops, where])
                bare[where].append(float(text) / 1000)
            untraced.append(measure(pairs_program, None, 1, arguments.frames, False, 1000000)[0])
            for name, command in tools:
                for case, threads, pinned in cases:
                    try:
                        found = measure(pairs_program, command, threads, arguments.frames, pinned,
                                        arguments.pairs)
                    except (RuntimeError, OSError) as error:
                        found = error
                    results.setdefault((name, case), []).append(found)
        stop = min(bare['shared'])
        print('bare stop, one core shared:   {:8.2f} us   (spread {:.2f} to {:.2f})'.format(
            stop, stop, max(bare['shared'])))
        print('bare stop, cores free:        {:8.2f} us'.format(min(bare['free'])))
        print('malloc+free pair, untraced:   {:8.3f} us'.format(min(untraced)))
        print('malloc+free pair, stack of {} frames:'.format(arguments.frames))
        for name, _ in tools:
            for case, _, _ in cases:
                good = [row for row in results[name, case] if isinstance(row, tuple)]
                bad = [row for row in results[name, case] if not isinstance(row, tuple)]
                if good:
                    cost, stops = min(good)
                    print('  {:12} {:26} {:8.2f} us = {:5.2f} bare stops   {:.2f} stops a call   '
                          '(worst {:.2f} us)'.format(
                        name, case, cost, cost / stop, stops, max(good)[0]))
                for error in bad:
                    print('  {:12} {:26} failed: {}'.format(name, case, str(error).splitlines()[0]))
    finally:
        shutil.rmtree(directory, True)


if __name__ == '__main__':
    main()
