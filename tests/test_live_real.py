"""
Programs that nobody here wrote: nginx, redis-server and a Python web server under load.  Every request is
answered, no leak is claimed that is none, and afterwards the text is the file's.

Load: ab (apache2-utils), redis-benchmark, and a client of our own for Python's http.server.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
from urllib.request import urlopen

import support
import test_unwinder
from support import Memleax, assert_unharmed, find_program, scaled, take_snapshot, until


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def answers(port):
    try:
        socket.create_connection(('127.0.0.1', port), 1).close()
        return True
    except OSError:
        return False


class RealProgram(unittest.TestCase):

    expire = '4'

    def start_server(self, argv, port, **options):
        server = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, **options)
        self.addCleanup(self.end_server, server)
        until(lambda: answers(port) or server.poll() is not None, 20, '{} to answer'.format(argv[0]))
        self.assertIsNone(server.poll(), '{} ended'.format(argv))
        return server

    @staticmethod
    def end_server(server):
        if server.poll() is None:
            server.terminate()
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()

    def attached_under_load(self, pid, load, warm_up, check, seconds=6, rounds=4):
        """
        One run with load for `seconds`, then attach and detach `rounds` times under load.  `load()` starts a
        load that lasts and returns a Popen; check(its output) asserts that all was answered.
        """
        warm_up()
        before = take_snapshot(pid)
        process = load()
        with Memleax('-e', self.expire, '--force', pid) as run:
            run.begin()
            end = run.started + scaled(seconds)
            until(lambda: process.poll() is not None or time.monotonic() > end, 600, 'the load to be over')
            report = run.finish()
            self.check_end(run, report)
            self.check_leaks(run, report)
        check(process.communicate()[0].decode('utf-8', 'replace'))
        assert_unharmed(pid, before, run, tails=False)
        process = load()
        for i in range(scaled(rounds)):
            with Memleax('-e', '60', '--force', pid) as run:
                run.begin()
                report = run.finish((signal.SIGINT, signal.SIGTERM)[i % 2])
                self.check_end(run, report)
                self.assertEqual(report.stacks, [], run.transcript())
            assert_unharmed(pid, before, run, tails=False)
        check(process.communicate()[0].decode('utf-8', 'replace'))
        warm_up()
        with Memleax('-e', '60', '--force', pid) as run:        # idle now: what stayed behind is cleaned up
            run.begin()
            self.check_end(run, run.finish())
        assert_unharmed(pid, before, run)

    def same_stacks_as_gdb(self, pid, load, breakpoints=('malloc', 'calloc', 'realloc'), stops=150, every=7):
        """gdb attaches under load: at so many calls our stack is gdb's, frame by frame. `load()`: a while's load."""
        problem = test_unwinder.gdb_problem()
        if problem:
            self.skipTest(problem)
        stops = scaled(stops)
        judge = test_unwinder.start_judge('judge_process', pid=pid, breakpoints=list(breakpoints), stops=stops,
                                          every=every)
        over = threading.Event()

        def work():
            while not over.is_set():
                load()

        worker = threading.Thread(target=work)
        worker.start()
        try:
            result = test_unwinder.judgement(judge)
        finally:
            over.set()
            worker.join()
        self.assertEqual(result['different'], [])
        self.assertEqual(result['problems'], [])
        self.assertEqual(result['stops'], stops)
        self.assertEqual(set(result['endings']) - {'end', 'limit'}, set())
        self.assertGreater(result['frames'], 5 * stops)

    def check_end(self, run, report):
        text = run.transcript()
        self.assertEqual(report.status, 0, text)
        for line in report.lines + report.errors:
            self.assertFalse(line.startswith('!!!'), text)
            self.assertNotIn('Traceback (most recent call last)', line, text)
        missed = re.search(r'(\d+) frees missed', '\n'.join(report.proof))
        self.assertTrue(missed is None or missed.group(1) == '0', text)
        cut = re.search(r'(\d+) stacks cut short', '\n'.join(report.proof))
        calls = re.search(r'(\d+) calls seen', '\n'.join(report.proof))
        if cut and calls:
            self.assertLessEqual(int(cut.group(1)), int(calls.group(1)) * 0.01, text)

    def check_leaks(self, run, report):
        self.assertEqual(report.stacks, [], run.transcript())


@support.skip_unless_ptrace
@support.skip_unless_program('nginx', 'ab')
class Nginx(RealProgram):

    def test_under_load(self):
        directory = os.path.join(support.temporary_directory(), 'nginx')
        os.mkdir(directory)
        os.chmod(directory, 0o777)
        port = free_port()
        with open(os.path.join(directory, 'index.html'), 'w') as f:
            f.write('<p>hello</p>\n' * 50)
        with open(os.path.join(directory, 'nginx.conf'), 'w') as f:
            f.write('daemon off; worker_processes 1; pid {0}/pid; error_log {0}/error.log;\n'
                    'events {{ worker_connections 128; }}\n'
                    'http {{ access_log off; client_body_temp_path {0}/a; proxy_temp_path {0}/b;\n'
                    'fastcgi_temp_path {0}/c; uwsgi_temp_path {0}/d; scgi_temp_path {0}/e;\n'
                    'gzip on; gzip_min_length 10; gzip_types text/html;\n'
                    'server {{ listen 127.0.0.1:{1}; root {0}; }} }}\n'.format(directory, port))
        server = self.start_server(
            [find_program('nginx'), '-p', directory, '-c', os.path.join(directory, 'nginx.conf'),
             '-e', os.path.join(directory, 'error.log')], port)

        def worker():
            with open('/proc/{0}/task/{0}/children'.format(server.pid)) as f:
                return f.read().split()
        pid = int(until(worker, 10, 'a worker of nginx')[0])
        url = 'http://127.0.0.1:{}/index.html'.format(port)
        requests = scaled(30000)

        def load():
            return subprocess.Popen(
                ['ab', '-q', '-n', str(requests), '-c', '8', '-s', '60', '-H', 'Accept-Encoding: gzip', url],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

        def check(text):
            self.assertRegex(text, r'Complete requests: +{}\b'.format(requests), text)
            self.assertRegex(text, r'Failed requests: +0\b', text)
            self.assertNotIn('Non-2xx', text)

        def warm_up():
            for _ in range(5):
                self.assertEqual(len(urlopen(url, timeout=10).read()), 650)
        self.same_stacks_as_gdb(pid, lambda: urlopen(url, timeout=60).read())
        self.attached_under_load(pid, load, warm_up, check)
        with open(os.path.join(directory, 'error.log')) as f:
            self.assertNotRegex(f.read(), 'alert|crit|emerg|signal')


@support.skip_unless_ptrace
@support.skip_unless_program('redis-server', 'redis-benchmark')
class Redis(RealProgram):

    def test_under_load(self):
        directory = os.path.join(support.temporary_directory(), 'redis')
        os.mkdir(directory)
        port = free_port()
        server = self.start_server(
            [find_program('redis-server'), '--port', str(port), '--bind', '127.0.0.1', '--save', '',
             '--appendonly', 'no', '--daemonize', 'no', '--dir', directory, '--activerehashing', 'no'],
            port, cwd=directory)
        requests = scaled(15000)

        def benchmark(number):
            return subprocess.Popen(
                ['redis-benchmark', '-h', '127.0.0.1', '-p', str(port), '-q', '-n', str(number), '-c', '8',
                 '-r', '50', '-t', 'ping,set,get,incr,lpush,lpop,sadd,hset'],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

        def check(text):
            self.assertNotRegex(text, 'rror', text)
            self.assertEqual(text.count('requests per second'), 9, text)

        def warm_up():
            check(benchmark(500).communicate()[0].decode('utf-8', 'replace'))
        self.same_stacks_as_gdb(server.pid, lambda: benchmark(20).communicate())
        self.attached_under_load(server.pid, lambda: benchmark(requests), warm_up, check)

    def check_leaks(self, run, report):
        # What SET stores lives on (the last value of each of few keys); nothing else may be there in numbers.
        for stack in report.stacks:
            self.assertLessEqual(stack.may_leak, 60, run.transcript())


@support.skip_unless_ptrace
class PythonServer(RealProgram):

    def test_under_load(self):
        directory = os.path.join(support.temporary_directory(), 'www')
        os.mkdir(directory)
        with open(os.path.join(directory, 'page.txt'), 'w') as f:
            f.write('0123456789' * 300)
        port = free_port()
        server = self.start_server(
            [sys.executable, '-u', '-m', 'http.server', '--bind', '127.0.0.1', str(port)], port,
            cwd=directory)
        url = 'http://127.0.0.1:{}/page.txt'.format(port)
        state = {'good': 0, 'bad': 0}

        def client(seconds):
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                try:
                    good = urlopen(url, timeout=30).read() == b'0123456789' * 300
                except OSError:
                    good = False
                state['good' if good else 'bad'] += 1

        class Load(object):
            """As much of Popen as attached_under_load wants, by threads."""
            def __init__(self, seconds):
                self.threads = [threading.Thread(target=client, args=(seconds,)) for _ in range(2)]
                for thread in self.threads:
                    thread.start()

            def poll(self):
                return None if any(thread.is_alive() for thread in self.threads) else 0

            def communicate(self):
                for thread in self.threads:
                    thread.join()
                return b'', b''

        def check(_):
            self.assertEqual(state['bad'], 0)
            self.assertGreater(state['good'], 20)
            state['good'] = 0

        def warm_up():
            for _ in range(20):
                self.assertEqual(len(urlopen(url, timeout=10).read()), 3000)
        self.same_stacks_as_gdb(server.pid, lambda: urlopen(url, timeout=60).read())
        self.attached_under_load(server.pid, lambda: Load(scaled(3)), warm_up, check, seconds=3, rounds=3)
        self.assertIsNone(server.poll())

    def check_leaks(self, run, report):
        # Python's own caches and arenas live on: few blocks from each place
        for stack in report.stacks:
            self.assertLessEqual(stack.may_leak, 40, run.transcript())


if __name__ == '__main__':
    unittest.main()
