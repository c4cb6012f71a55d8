"""
What attaching costs: time until the hooks are in, how long the target stood still for it, and the peak memory
of both of memleax's processes, for processes of several kinds; then again when the first leak has been
reported with names and lines.

    python3 benchmarks/attach.py [--rounds N] [--engine ENGINE]

A small program; python3 with every extension module of its standard library; a process that maps libLLVM (100
MB and more; left out where none is installed); 100 threads that sleep and 100 that allocate a thousand times
a second each. Peak memory is VmHWM less RssShmem, the shared tables (proc(5)).  The standstill is memleax's
own figure and, for allocating threads, the longest pause that the target itself saw.  Developers only: needs
a C compiler.
"""

import argparse
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)

from pair import MEMLEAX, build         # noqa: E402
ENGINE = 'auto'

MAPPER = r'''
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
__attribute__((noinline)) static void leak(void) { void *volatile p = malloc(1000); (void)p; }
int main(int argc, char **argv)
{
    char c;
    if (argc > 1 && !dlopen(argv[1], RTLD_NOW))
        return 2;
    if (write(1, "ready\n", 6) != 6)
        return 2;
    while (read(0, &c, 1) == 1 && c != 'q') {
        if (c != '\n')
            for (int i = 0; i < 3; i++)
                leak();
    }
    return 0;
}
'''

PYTHON = r'''
import glob, os, sys, sysconfig
for path in glob.glob(os.path.join(sysconfig.get_path('platstdlib'), 'lib-dynload', '*.so')):
    try:
        __import__(os.path.basename(path).split('.')[0])
    except Exception:
        pass
held = []
sys.stdout.write('ready\n')
sys.stdout.flush()
while True:
    c = os.read(0, 1)
    if c in (b'', b'q'):
        break
    if c != b'\n':
        held.append([bytes(100000) for _ in range(3)])
'''


def peak(pid):
    """VmHWM in MB without the shared tables (RssShmem), 0.0 when it is gone."""
    try:
        with open('/proc/{}/status'.format(pid)) as f:
            text = f.read()
        return (int(re.search(r'VmHWM:\s*(\d+)', text).group(1))
                - int(re.search(r'RssShmem:\s*(\d+)', text).group(1))) / 1024.0
    except (OSError, AttributeError):
        return 0.0


def monitor_of(pid):
    """The child of the process that was started."""
    with open('/proc/{0}/task/{0}/children'.format(pid)) as f:
        return int(f.read().split()[0])


class Run(object):
    """memleax --verbose, its lines with their times."""

    def __init__(self, pid):
        self.lines = []
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, MEMLEAX, '--engine', ENGINE, '--verbose', '--force', '-e', '0.3', str(pid)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.thread = threading.Thread(target=self.collect)
        self.thread.daemon = True
        self.thread.start()

    def collect(self):
        for line in iter(self.process.stdout.readline, b''):
            self.lines.append((time.monotonic() - self.started, line.decode('utf-8', 'replace').rstrip()))

    def find(self, pattern, timeout=60):
        """(seconds since the start, match)"""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for at, line in list(self.lines):
                match = re.search(pattern, line)
                if match:
                    return at, match
            if self.process.poll() is not None and not self.thread.is_alive():
                break
            time.sleep(0.002)
        raise RuntimeError('memleax did not print {!r}:\n{}'.format(
            pattern, '\n'.join(line for _, line in self.lines)))

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(2)
        self.process.wait(30)
        self.thread.join(10)


def one(argv, leaks, count):
    """A dict of figures."""
    target = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        if not target.stdout.readline().startswith(b'ready'):
            raise RuntimeError('{} does not start'.format(argv))
        found = {}

        def ask(line):
            target.stdin.write(line)
            target.stdin.flush()
        if count:
            time.sleep(0.5)
            ask(b'reset\n')
            target.stdout.readline()
            time.sleep(0.5)
            ask(b'count\n')
            found['pause before'] = int(target.stdout.readline().split()[3]) / 1000.0
            ask(b'reset\n')
            target.stdout.readline()
        run = Run(target.pid)
        try:
            found['attach'], _ = run.find('^== Begin')
            if count:
                ask(b'count\n')
                found['pause'] = int(target.stdout.readline().split()[3]) / 1000.0
            still = run.find(r'stood still for ([\d.]+) ms')[1]
            found['still'] = float(still.group(1))
            monitor = monitor_of(run.process.pid)
            found['reporter'], found['monitor'] = peak(run.process.pid), peak(monitor)
            if leaks:
                ask(b'x')
                run.find(r'^CallStack\[1\]: memory expires')
                run.find(r'^ +0x')
                time.sleep(0.2)
                found['reporter then'], found['monitor then'] = peak(run.process.pid), peak(monitor)
        finally:
            run.end()
        most = re.search(r'([\d.]+) ms at most', '\n'.join(line for _, line in run.lines))
        found['most'] = float(most.group(1)) if most else 0.0
        return found
    finally:
        target.kill()
        target.communicate()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=3,
                        help='rounds of each; the middle one by time is shown (default 3)')
    parser.add_argument('--engine', default='auto', choices=('auto', 'recorder', 'trap'), help="memleax's option")
    arguments = parser.parse_args()
    global ENGINE
    ENGINE = arguments.engine
    directory = tempfile.mkdtemp(prefix='memleax-benchmark-')
    try:
        source = os.path.join(directory, 'mapper.c')
        with open(source, 'w') as f:
            f.write(MAPPER)
        mapper = os.path.join(directory, 'mapper')
        compiler = os.environ.get('CC') or shutil.which('gcc') or shutil.which('cc') or shutil.which('clang')
        if not compiler:
            sys.exit('benchmarks need a C compiler (gcc, clang)')
        subprocess.check_call([compiler, '-O2', '-g', '-fno-builtin', '-o', mapper, source, '-ldl'])
        loop = os.path.join(directory, 'loop')
        subprocess.check_call([compiler, '-O2', '-g', '-fno-builtin', '-pthread', '-o', loop,
                               os.path.join(ROOT, 'tests', 'targets', 'loop.c')])
        pairs = build(directory, 'pairs')
        cases = [('small program', [mapper], True, False),
                 ('python3, all extensions', [sys.executable, '-W', 'ignore', '-c', PYTHON], True, False)]
        libraries = glob.glob('/usr/lib/*/libLLVM-*.so.*') + glob.glob('/usr/lib*/libLLVM*.so.*')
        libraries = [path for path in libraries if os.path.getsize(path) > 100e6]
        if libraries:
            cases.append((os.path.basename(libraries[0]), [mapper, libraries[0]], True, False))
        else:
            print('no libLLVM of 100 MB or more here: left out')
        cases += [('100 threads asleep', [pairs, '100', '10'], False, False),
                  ('100 threads allocating', [loop, '100', '1000'], False, True)]
        print('{:24} {:>10} {:>11} {:>11} {:>10} {:>10}  {}'.format(
            '', 'attach', 'stood still', 'at most', 'reporter', 'monitor', 'after the first leak'))
        for name, argv, leaks, count in cases:
            try:
                rows = sorted((one(argv, leaks, count) for _ in range(arguments.rounds)),
                              key=lambda row: row['attach'])
            except RuntimeError as error:
                print('{:24} failed: {}'.format(name, error))
                continue
            row = rows[len(rows) // 2]
            tail = ''
            if leaks:
                tail = '{:.1f} and {:.1f} MB'.format(row['reporter then'], row['monitor then'])
            if count:
                tail = 'longest pause seen by the target: {:.1f} ms (before: {:.1f} ms)'.format(
                    row['pause'], row['pause before'])
            print('{:24} {:>7.0f} ms {:>8.1f} ms {:>8.1f} ms {:>7.1f} MB {:>7.1f} MB  {}'.format(
                name, row['attach'] * 1000, row['still'], row['most'], row['reporter'], row['monitor'], tail))
    finally:
        shutil.rmtree(directory, True)


if __name__ == '__main__':
    main()
