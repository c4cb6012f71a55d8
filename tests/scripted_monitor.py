"""
Stands in monitor.py's place beside a copy of memleax.py: plays the script that MEMLEAX_SCRIPT names.
Traces nothing.

A line of the script is a message, sent as it is ($PID: the target's), or one of
    WAIT            until the reporter says something or closes its end; what it said goes to <script>.control
    GATE            let the command go
    CHILD           until the command has ended
    EXIT n, KILL    end early, without a word
The settings go to <script>.settings as JSON.
"""
import json
import os
import signal
import time


class platform(object):
    FIND_PROCESS = 'pgrep NAME'

    @staticmethod
    def allow_tracing():
        pass

    @staticmethod
    def check_target(pid):
        class Target(object):
            executable = os.environ.get('MEMLEAX_EXECUTABLE', '')
        return Target

    @staticmethod
    def open_module(pid, start, end, path, device, inode):
        return os.open(path, os.O_RDONLY)


class Settings(object):
    def __init__(self, pid, **more):
        self.pid = pid
        self.__dict__.update(more)


class Session(object):
    pass


def start(settings):
    session = Session()
    session.messages, messages = os.pipe()
    control, session.control = os.pipe()
    session.pid = os.fork()
    if session.pid == 0:
        try:
            signal.set_wakeup_fd(-1)
            os.setsid()
            os.close(session.messages)
            os.close(session.control)
            play(os.environ['MEMLEAX_SCRIPT'], settings, messages, control)
        finally:
            os._exit(0)
    os.close(messages)
    os.close(control)
    return session


def play(script, settings, messages, control):
    with open(script + '.settings', 'w') as file:
        json.dump(settings.__dict__, file)
    with open(script) as file:
        lines = file.read().splitlines()
    for line in lines:
        if line == 'WAIT':
            with open(script + '.control', 'ab') as file:
                file.write(os.read(control, 64))
        elif line == 'GATE':
            os.write(settings.gate, b'x')
        elif line == 'CHILD':
            while True:                 # a zombie until the reporter, its parent, waits for it
                with open('/proc/%d/stat' % settings.pid) as file:
                    if file.read().rpartition(')')[2].split()[0] == 'Z':
                        break
                time.sleep(0.005)
        elif line.startswith('EXIT'):
            os._exit(int(line.split()[1]))
        elif line == 'KILL':
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            os.write(messages, line.replace('$PID', str(settings.pid)).encode() + b'\n')
