"""The monitor's tables against a plain model, its ledger, and its channel. No process is traced."""
import json
import os
import random
import unittest

import support
import monitor
import unwinder


assert support.ROOT         # it puts the folder of the program on the path


class Recorded(object):
    """Stands in for the channel: keeps what was sent."""

    def __init__(self):
        self.sent = []
        self.lost = 0

    def send(self, kind, **fields):
        self.sent.append((kind, fields))

    def finish(self):
        pass

    def kinds(self):
        return [kind for kind, _ in self.sent]


def by_age(table):
    """Addresses from the oldest to the youngest, as the list has them; checks the links both ways."""
    found = []
    row = table.newer[0]
    before = 0
    while row:
        assert table.older[row] == before
        found.append(table.addresses[row])
        before, row = row, table.newer[row]
    assert table.older[0] == before
    return found


class Blocks(unittest.TestCase):
    def test_against_a_dictionary(self):
        chance = random.Random(7)
        table = monitor.BlockTable()
        table.START, model, order = 4, {}, []
        pool = [16 * chance.randrange(1, 1 << 43) for _ in range(3000)] + [4096 * n for n in range(1, 3000)]
        for step in range(40000):
            address = chance.choice(pool)
            if address in model:
                if chance.random() < 0.2 and not model[address][3]:
                    table.expire(table.find(address))
                    model[address] = model[address][:3] + (True,)
                    order.remove(address)
                    continue
                self.assertEqual(table.put(address, 1, 1, 1), 0, 'put of what is there')
                self.assertEqual(table.take(address), model[address])
                if not model.pop(address)[3]:
                    order.remove(address)
            else:
                self.assertIsNone(table.take(address))
                self.assertEqual(table.find(address), 0)
                record = chance.randrange(1 << 40), chance.randrange(1 << 20), step, False
                self.assertTrue(table.put(address, *record[:3]))
                model[address] = record
                order.append(address)
            if not step % 5000:
                self.assertEqual(by_age(table), order)
        self.assertEqual(by_age(table), order)
        self.assertEqual(sorted(table.addresses[row] for row in table.rows()), sorted(model))
        self.assertEqual((table.count, table.bytes), (len(model), sum(record[0] for record in model.values())))

    def test_rows_are_used_again(self):
        table = monitor.BlockTable()
        for n in range(1, 10001):
            table.put(16 * n, 8, 0, n)
            table.take(16 * n)
        self.assertEqual(len(table.addresses), 2)

    def test_at_most_64_bytes_a_block(self):
        table = monitor.BlockTable()
        for n in range(1, 100001):
            table.put(48 * n, 8, 0, n)
        self.assertLess(table.memory() / 100000.0, 64)

    def test_buckets_stay_even(self):
        table = monitor.BlockTable()
        for stride in (16, 48, 4096, 1 << 20):
            for n in range(1, 20001):
                table.put(0x7f0000000000 + stride * n + stride // 16, 8, 0, n)
        longest = 0
        for row in table.heads:
            length = 0
            while row:
                length += 1
                row = table.chain[row]
            longest = max(longest, length)
        self.assertLess(longest, 16)


class Expiry(unittest.TestCase):
    def ledger(self, **options):
        self.channel = Recorded()
        return monitor.Ledger(monitor.Settings(1, **options), self.channel, lambda: None)

    @staticmethod
    def stack(ledger, *frames):
        return ledger.add_stack(frames or (1, 2), (0,), unwinder.END_OF_STACK, False)

    def test_messages(self):
        ledger = self.ledger(expire=1)
        stack = self.stack(ledger)
        for n in range(5):
            ledger.allocated(16 + 16 * n, 100 + n, stack, 10 * n)
        self.assertFalse(ledger.expire(999))
        self.assertEqual(self.channel.sent, [])
        self.assertFalse(ledger.expire(1020))
        self.assertEqual([(kind, fields['size'], fields['count']) for kind, fields in self.channel.sent],
                         [('expired', 100, 1), ('expired', 101, 2), ('expired', 102, 3)])
        self.assertEqual(self.channel.sent[0][1]['frames'], (1, 2))
        self.assertNotIn('frames', self.channel.sent[1][1])
        ledger.freed(ledger.blocks.take(16), 5000)
        self.assertEqual(self.channel.sent[-1], ('freed', {'stack': 1, 'after': 5.0}))
        for n in (1, 2):
            ledger.freed(ledger.blocks.take(16 + 16 * n), 6000)
        self.assertEqual(self.channel.kinds()[-3:], ['freed', 'freed', 'too-many'])
        said = len(self.channel.sent)
        ledger.expire(2000)
        self.assertEqual(len(self.channel.sent), said, 'a stack with three late frees is shown no more')
        ledger.report(9000)
        figures = self.channel.sent[-1][1]['stacks'][0]
        self.assertEqual((figures['expired'], figures['expired_bytes'], figures['free_expired'],
                          figures['free_expired_bytes'], figures['alloc'], figures['alloc_bytes'], figures['free'],
                          figures['free_bytes']), (5, 510, 3, 303, 5, 510, 3, 303))
        self.assertEqual((figures['free_min'], figures['free_max']), (5.0, 5.99))
        self.assertAlmostEqual(figures['free_average'], (5.0 + 5.99 + 5.98) / 3)
        self.assertEqual(figures['unfreed_max'], 8.97)

    def test_ascending_order(self):
        ledger = self.ledger(expire=1)
        for frames, blocks in ((1, 3), (2, 1), (3, 2)):
            stack = self.stack(ledger, frames)
            for n in range(blocks):
                ledger.allocated(16 * (100 * frames + n), 1, stack, 0)
        ledger.expire(5000)
        ledger.report(5000)
        self.assertEqual([entry['expired'] for entry in self.channel.sent[-1][1]['stacks']], [1, 2, 3])

    def test_what_was_freed_late_is_not_in_the_statistics(self):
        ledger = self.ledger(expire=1)
        ledger.allocated(16, 1, self.stack(ledger), 0)
        ledger.expire(5000)
        ledger.freed(ledger.blocks.take(16), 6000)
        ledger.report(7000)
        self.assertEqual(self.channel.sent[-1][1]['stacks'], [])

    def test_stops_at_the_limits(self):
        ledger = self.ledger(expire=1, memory_block_max=3)
        stack = self.stack(ledger)
        for n in range(5):
            ledger.allocated(16 + 16 * n, 1, stack, 0)
        with self.assertRaises(monitor.Stopped) as caught:
            ledger.expire(5000)
        self.assertEqual((caught.exception.reason, stack.expired), ('memory-block-max', 3))
        ledger = self.ledger(expire=1, call_stack_max=2)
        for n in range(3):
            ledger.allocated(16 + 16 * n, 1, self.stack(ledger, n), 0)
        with self.assertRaises(monitor.Stopped) as caught:
            ledger.expire(5000)
        self.assertEqual(caught.exception.reason, 'call-stack-max')
        self.assertEqual(self.channel.kinds(), ['expired'] * 2)

    def test_small_bites(self):
        ledger = self.ledger(expire=1, memory_block_max=1000)
        stack = self.stack(ledger)
        for n in range(10):
            ledger.allocated(16 + 16 * n, 1, stack, 0)
        self.assertTrue(ledger.expire(5000, 4))
        self.assertEqual(stack.expired, 4)
        self.assertTrue(ledger.expire(5000, 4))
        self.assertFalse(ledger.expire(5000, 4))
        self.assertEqual(stack.expired, 10)

    def test_address_handed_out_twice_is_a_missed_free(self):
        ledger = self.ledger(expire=1)
        stack = self.stack(ledger)
        ledger.allocated(16, 5, stack, 0)
        ledger.allocated(16, 7, stack, 10)
        self.assertEqual((ledger.missed_frees, stack.alloc, stack.free, stack.free_bytes), (1, 2, 1, 5))
        self.assertEqual(ledger.blocks.take(16), (7, 0, 10, False))

    def test_block_put_back_keeps_its_place_by_age(self):
        ledger = self.ledger(expire=1)
        stack = self.stack(ledger)
        for n in range(5):
            ledger.allocated(16 + 16 * n, 1, stack, n)
        for address in (48, 16, 80, 32):
            ledger.put_back(address, ledger.blocks.take(address), 100)
            self.assertEqual(by_age(ledger.blocks), [16, 32, 48, 64, 80])
        ledger.expire(1000 + 1)
        self.assertEqual(by_age(ledger.blocks), [48, 64, 80])
        ledger.put_back(16, ledger.blocks.take(16), 100)
        self.assertEqual(by_age(ledger.blocks), [48, 64, 80], 'an expired block stays expired')
        self.assertEqual(stack.free, 0)


class Notes(unittest.TestCase):
    """What whoever comes after a monitor that was killed puts back."""

    def test_a_target_that_cannot_be_read_while_it_runs(self):
        engine = monitor.RecorderEngine(monitor.Settings(os.getpid()), Recorded())
        area = monitor.Area(0x1000, 0x1010, 'tail of x', b'0123456789abcdef')
        memory = {}
        engine.tracer.read = lambda address, size: memory.get(address, b'')[:size]
        self.assertEqual(engine._what_was_there(area, 0x1004, 4), b'4567', 'what the file holds')
        memory[0x1004] = b'4x'
        self.assertEqual(engine._what_was_there(area, 0x1004, 4), b'4567')
        memory[0x1004] = b'4x6789'
        self.assertEqual(engine._what_was_there(area, 0x1004, 4), b'4x67')
        area.saved.append((0x1004, b'4567'))
        self.assertEqual(engine._what_was_there(area, 0x1004, 4), b'4567', 'what was replaced')


class Messages(unittest.TestCase):
    def channel(self):
        out, into = os.pipe()
        self.control_out, self.control_in = os.pipe()
        self.addCleanup(os.close, out)
        self.addCleanup(os.close, into)
        self.addCleanup(os.close, self.control_out)
        return out, monitor.Channel(into, self.control_out)

    def test_a_reader_that_does_not_read_costs_messages_not_time(self):
        out, channel = self.channel()
        for n in range(200000):
            channel.send('expired', stack=n, size=1, count=1)
            if channel.lost > 10:
                break
        self.assertGreater(channel.lost, 10)
        self.assertLess(len(channel.buffer), monitor.MAX_BUFFER + 4096)
        got = b''
        os.set_blocking(out, False)
        while channel.buffer:
            channel.flush()
            got += os.read(out, 1 << 20)
        lines = [json.loads(line.decode()) for line in got.splitlines()]
        self.assertEqual([line['stack'] for line in lines], list(range(len(lines))), 'whole lines, in order')
        os.close(self.control_in)

    def test_asked(self):
        _, channel = self.channel()
        self.assertEqual(channel.asked(), b'')
        os.write(self.control_in, b'q')
        self.assertEqual(channel.asked(), b'q')
        self.assertEqual(channel.asked(), b'')
        os.close(self.control_in)
        self.assertIsNone(channel.asked())

    def test_reader_gone(self):
        out, into = os.pipe()
        control_out, control_in = os.pipe()
        channel = monitor.Channel(into, control_out)
        os.close(out)
        for _ in range(3):
            channel.send('note', text='x')
        self.assertTrue(channel.broken)
        self.assertIsNone(channel.asked())
        for fd in (into, control_out, control_in):
            os.close(fd)


if __name__ == '__main__':
    unittest.main()
