"""
What real servers keep of their requests/s while memleax watches them.

    python3 benchmarks/servers.py [--rounds N] [--seconds S] [--engine ENGINE] [NAME...]

Each server runs under a load that keeps it busy, in turns bare and watched (from a second after the attach
on), within one run: the ratio is the result.  Loads: wrk for nginx, node and Python's http.server,
redis-benchmark -P 16, pgbench -S with one client (its backend is watched).  A request that failed is shown;
at attach and detach, too, as the load goes on.  Developers only; what is not installed is left out.
"""
from __future__ import print_function

import argparse
import math
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
POSTGRES = ('/usr/lib/postgresql/15/bin', '/usr/lib/postgresql/16/bin', '/usr/lib/postgresql/17/bin')
NODE = '''
const http = require('http');
http.createServer((q, s) => {{
  const rows = []; for (let i = 0; i < 50; i++) rows.push({{id: i, name: 'row' + i, b: Buffer.alloc(100).toString('hex')}});
  s.end(JSON.stringify(rows));
}}).listen({port}, '127.0.0.1');
'''
PYTHON = '''
import json, http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        body = json.dumps([dict(id=i, name='row%d' % i, values=list(range(50))) for i in range(20)]).encode()
        self.send_response(200); self.send_header('Content-Length', str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments): pass
http.server.ThreadingHTTPServer(('127.0.0.1', {port}), Handler).serve_forever()
'''


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


def which(name):
    return shutil.which(name) or next((os.path.join(folder, name) for folder in POSTGRES
                                       if os.path.exists(os.path.join(folder, name))), None)


class Server(object):
    """A server and its load. start() -> pid to watch; measure(seconds) -> (requests/s, failed)."""
    needs = ()

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.process = None

    def launch(self, *argv, **options):
        self.process = subprocess.Popen(argv, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, **options)
        while not answers(self.port):
            if self.process.poll() is not None:
                raise SystemExit('%s ended' % argv[0])
            time.sleep(0.05)
        return self.process.pid

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait()

    def wrk(self, seconds, path='/', connections=8):
        text = subprocess.check_output(['wrk', '-t', '1', '-c', str(connections), '-d', '%ds' % seconds, '--timeout', '30s',
                                        'http://127.0.0.1:%d%s' % (self.port, path)]).decode()
        failed = sum(int(number) for line in re.findall('Socket errors:(.*)|Non-2xx.*: (.*)', text)
                     for number in re.findall(r'\d+', ' '.join(line)))
        return float(re.search(r'Requests/sec: *([\d.]+)', text).group(1)), failed


class Nginx(Server):
    needs = ('nginx', 'wrk')

    def start(self):
        os.chmod(self.folder, 0o777)
        with open(os.path.join(self.folder, 'index.html'), 'w') as file:
            file.write('<p>hello</p>\n' * 50)
        with open(os.path.join(self.folder, 'nginx.conf'), 'w') as file:
            file.write('daemon off; worker_processes 1; pid {0}/pid; error_log {0}/error.log;\n'
                       'events {{ worker_connections 128; }}\n'
                       'http {{ access_log off; client_body_temp_path {0}/a; proxy_temp_path {0}/b;\n'
                       'fastcgi_temp_path {0}/c; uwsgi_temp_path {0}/d; scgi_temp_path {0}/e;\n'
                       'keepalive_requests 100; server {{ listen 127.0.0.1:{1}; root {0}; }} }}\n'.format(
                           self.folder, self.port))
        pid = self.launch('nginx', '-p', self.folder, '-c', os.path.join(self.folder, 'nginx.conf'), '-e',
                          os.path.join(self.folder, 'error.log'))
        with open('/proc/{0}/task/{0}/children'.format(pid)) as file:
            return int(file.read().split()[0])

    def measure(self, seconds):
        return self.wrk(seconds, '/index.html')


class Redis(Server):
    """Every test that redis-benchmark has; the rate is the geometric mean of all."""
    needs = ('redis-server', 'redis-benchmark')
    tests = ()

    def start(self):
        return self.launch('redis-server', '--port', str(self.port), '--bind', '127.0.0.1', '--save', '',
                           '--appendonly', 'no', '--daemonize', 'no', '--dir', self.folder)

    def measure(self, seconds):
        rates = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            text = subprocess.check_output(('redis-benchmark', '-p', str(self.port), '-q', '-P', '16', '-c', '8', '-n', '200000',
                                            '-r', '10000') + self.tests, stderr=subprocess.STDOUT).decode()
            rates += [float(rate) for rate in re.findall(r'([\d.]+) requests per second', text)]
        return math.exp(statistics.mean([math.log(rate) for rate in rates])), 0


class RedisLists(Redis):
    """What allocates most: five blocks and more a request."""
    tests = '-t', 'set,lpush,lpop'


class Postgres(Server):
    needs = ('initdb', 'postgres', 'pgbench')

    def start(self):
        data = os.path.join(self.folder, 'data')
        self.user = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] if os.getuid() == 0 else []
        os.chmod(self.folder, 0o777)
        subprocess.check_output(self.user + [which('initdb'), '-D', data, '-A', 'trust', '-U', 'me', '--no-sync'],
                                cwd=self.folder, env=dict(os.environ, HOME=self.folder))
        self.launch(*self.user + [which('postgres'), '-D', data, '-p', str(self.port), '-k', self.folder, '-h',
                                  '127.0.0.1', '-c', 'fsync=off'])
        self.common = ['-h', '127.0.0.1', '-p', str(self.port), '-U', 'me', 'postgres']
        subprocess.check_output([which('pgbench'), '-i', '-q', '-s', '2'] + self.common, stderr=subprocess.STDOUT)
        self.load = subprocess.Popen([which('pgbench'), '-S', '-c', '1', '-T', '3600', '-P', '1'] + self.common,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while True:
            for name in os.listdir('/proc'):
                if name.isdigit():
                    try:
                        with open('/proc/%s/cmdline' % name) as file:
                            line = file.read()
                    except OSError:
                        continue
                    if re.match(r'postgres: me postgres 127.0.0.1\(\d+\) ', line) and not line.endswith('idle\0'):
                        return int(name)
            time.sleep(0.1)

    def measure(self, seconds):
        os.set_blocking(self.load.stderr.fileno(), False)
        self.load.stderr.read()
        time.sleep(seconds)
        text = (self.load.stderr.read() or b'').decode()
        return statistics.mean([float(rate) for rate in re.findall(r'([\d.]+) tps', text)]), len(
            re.findall('rror|abort', text))

    def stop(self):
        self.load.kill()
        self.load.wait()
        Server.stop(self)


class Python(Server):
    needs = ('wrk',)

    def start(self):
        return self.launch(sys.executable, '-c', PYTHON.format(port=self.port))

    def measure(self, seconds):
        return self.wrk(seconds, connections=2)


class Node(Server):
    needs = ('node', 'wrk')

    def start(self):
        return self.launch('node', '-e', NODE.format(port=self.port))

    def measure(self, seconds):
        return self.wrk(seconds)


SERVERS = {'nginx': Nginx, 'redis': Redis, 'redis-lists': RedisLists, 'postgres': Postgres, 'python': Python, 'node': Node}


def watch(pid, engine):
    process = subprocess.Popen([sys.executable, os.path.join(ROOT, 'memleax.py'), '-e', '100', '--force', '-m', '1000000000',
                                '-c', '1000000000', '--engine', engine, str(pid)], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, universal_newlines=True)
    lines = []
    while not lines or not lines[-1].startswith('== Begin'):
        line = process.stdout.readline()
        if not line:
            raise SystemExit('memleax could not attach:\n' + ''.join(lines))
        lines.append(line)
    return process, lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('servers', nargs='*', default=list(SERVERS), help='of: ' + ' '.join(SERVERS))
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--seconds', type=int, default=3)
    parser.add_argument('--engine', default='auto')
    arguments = parser.parse_args()
    print('%-10s %12s %12s %8s %8s   %s' % ('', 'bare', 'watched', 'ratio', 'failed', 'the last run'))
    for name in arguments.servers:
        missing = [tool for tool in SERVERS[name].needs if not which(tool)]
        if missing:
            print('%-10s not installed: %s' % (name, ', '.join(missing)))
            continue
        folder = tempfile.mkdtemp(prefix='memleax-bench-')
        server = SERVERS[name](folder)
        try:
            pid = server.start()
            server.measure(1)
            bare, watched, failed = [], [], 0
            for _ in range(arguments.rounds):
                rate, bad = server.measure(arguments.seconds)
                bare.append(rate)
                failed += bad
                process, lines = watch(pid, arguments.engine)
                _, bad = server.measure(1)
                failed += bad
                rate, bad = server.measure(arguments.seconds)
                watched.append(rate)
                failed += bad
                process.send_signal(signal.SIGINT)
                text = process.communicate()[0]
                if process.returncode:
                    print(text)
            proof = [line[3:] for line in text.splitlines() if re.match('-- .*(calls seen|cut short)', line)]
            ratio = statistics.median(b / a for a, b in zip(bare, watched))
            print('%-10s %10.0f/s %10.0f/s %8.2f %8d   %s' % (
                name, statistics.median(bare), statistics.median(watched), ratio, failed, '; '.join(proof)))
            sys.stdout.flush()
        finally:
            server.stop()
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    main()
