"""
What the monitor's tables cost: memory a tracked block, and time.

    python3 benchmarks/tables.py [--blocks N] [--stacks N] [--frames N]

Memory is what the process has grown by (VmRSS, proc(5)), everything counted: the block table, the call stacks
with their frames, and what is allocated ahead.  Times are microseconds: putting a block in and taking it out
at several numbers of blocks alive, the longest single one, and an expiry tick with nothing to expire, which
must not grow with the blocks alive. Addresses are as malloc hands them out: 16 bytes apart at least, in a
shuffled order.
"""

import argparse
import gc
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import monitor          # noqa: E402


class Counted(monitor.Channel):
    """A Channel whose reader never tires (/dev/null), and that counts messages."""

    def __init__(self):
        self.sent = 0
        self.listener = os.pipe()
        super(Counted, self).__init__(os.open(os.devnull, os.O_WRONLY), self.listener[0])

    def send(self, kind, **fields):
        self.sent += 1
        super(Counted, self).send(kind, **fields)


def resident():
    with open('/proc/self/statm') as f:
        return int(f.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def new_ledger(stacks, frames, expire=100.0):
    settings = monitor.Settings(0, expire=expire, memory_block_max=1 << 40, call_stack_max=1 << 40)
    ledger = monitor.Ledger(settings, Counted(), lambda: None)
    made = []
    for i in range(stacks):
        addresses = tuple(0x7f0000000000 + i * 4096 + j * 64 for j in range(frames))
        made.append(ledger.add_stack(addresses, (0,), 'end', False))
    return ledger, made


def tick(ledger, now, rounds=2000):
    """Microseconds an expiry tick, with nothing due."""
    expire = ledger.expire
    start = time.perf_counter()
    for _ in range(rounds):
        expire(now)
    return (time.perf_counter() - start) / rounds * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--blocks', type=int, default=1000000)
    parser.add_argument('--stacks', type=int, default=1000)
    parser.add_argument('--frames', type=int, default=10)
    arguments = parser.parse_args()
    number = arguments.blocks
    addresses = [0x555500000000 + i * 48 for i in range(number)]
    random.Random(1).shuffle(addresses)
    gc.collect()
    before = resident()
    ledger, stacks = new_ledger(arguments.stacks, arguments.frames)
    marks = sorted(set([1000, 10000, 100000, number // 2, number]))
    longest = 0.0
    rows = []
    allocated, clock = ledger.allocated, time.perf_counter
    begin = clock()
    since = 0
    for i, address in enumerate(addresses):
        a = clock()
        allocated(address, 64, stacks[i % len(stacks)], i // 50)
        took = clock() - a
        if took > longest:
            longest = took
        if i + 1 in marks:
            elapsed = clock() - begin
            rows.append((i + 1, elapsed / (i + 1 - since) * 1e6, tick(ledger, i // 50), longest * 1e3))
            since, longest = i + 1, 0.0
            begin = clock()
    grown = resident() - before
    print('{} blocks alive over {} stacks of {} frames: {:.1f} bytes a block ({:.1f} MB; limit 64)'.format(
        number, arguments.stacks, arguments.frames, grown / float(number), grown / 1e6))
    if hasattr(ledger.blocks, 'memory'):
        print('  of these the block table: {:.1f} bytes a block'.format(
            ledger.blocks.memory() / float(number)))
    print('{:>10} {:>14} {:>18} {:>16}'.format('alive', 'put (us)', 'idle tick (us)', 'longest put (ms)'))
    for row in rows:
        print('{:>10} {:>14.2f} {:>18.2f} {:>16.2f}'.format(*row))
    some = addresses[:min(number, 200000)]
    random.Random(2).shuffle(some)
    take, freed = ledger.blocks.take, ledger.freed
    begin = clock()
    for address in some:
        freed(take(address), number // 50)
    print('take + freed at {} alive: {:.2f} us'.format(number, (clock() - begin) / len(some) * 1e6))
    left = ledger.blocks.count
    due = min(left, 100000)
    now = ledger.blocks.births[ledger.blocks.oldest()] + ledger.threshold
    # so many become due at once: what one tick takes then
    births = ledger.blocks.births
    row, count = ledger.blocks.oldest(), 0
    while row and count < due:
        births[row] = 0
        row = ledger.blocks.newer[row]
        count += 1
    begin = clock()
    ledger.expire(ledger.threshold)
    took = clock() - begin
    print('{} blocks due at once: {} told in one tick of {:.1f} ms ({:.2f} us a block)'.format(
        count, ledger.channel.sent, took * 1e3, took / max(1, ledger.channel.sent) * 1e6))
    begin = clock()
    ledger.report(now)
    print('statistics at {} alive: {:.1f} ms (the target is free by then)'.format(
        ledger.blocks.count, (clock() - begin) * 1e3))


if __name__ == '__main__':
    main()
