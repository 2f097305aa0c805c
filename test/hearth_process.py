# SPDX-License-Identifier: Apache-2.0
"""A `hearth serve` of the test's own: fresh data directory, ports chosen by the kernel.

Nothing here sleeps for what can be observed: readiness is a line on standard output, an end is the
process's exit. Time limits only turn a hang into a failure.
"""

import configparser
import os
import pathlib
import queue
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(os.environ.get('HEARTH_ROOT') or
                    pathlib.Path(__file__).resolve().parent.parent)
BINARY = pathlib.Path(os.environ.get('HEARTH_BIN') or ROOT / 'build' / 'release' / 'hearth')
# A hang is a failure; a slow machine is not.
START_LIMIT_S = 60
STOP_LIMIT_S = 30
# The session's, a module's and a test's own; more would starve the smallest machine that runs them.
SERVERS_MAX = 3

READY = re.compile(r'^hearth is ready:((?: https?://\S+)+)$')
SIGN_IN = re.compile(r'^sign in: (https?://\S+)$')

running = []  # HearthProcess
recent = []  # those that a failing test may want to show, newest last


class StartFailed(Exception):
    """hearth ended before it was ready."""

    def __init__(self, code, stdout, stderr):
        super().__init__(f'hearth ended with {code} before it was ready\n{stdout}\n{stderr}')
        self.code, self.stdout, self.stderr = code, stdout, stderr


def clean_environment(extra=None):
    """The environment without what would configure hearth, AWS clients or proxies."""
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(('HEARTH_', 'AWS_')) and not k.lower().endswith('_proxy')}
    env.update(extra or {})
    return env


def run_hearth(*arguments, env=None, timeout=60, cwd=None, stdin=''):
    """Runs a short command of the program; returns CompletedProcess with text."""
    return subprocess.run([str(BINARY), *map(str, arguments)], env=clean_environment(env), cwd=cwd,
                          input=stdin, capture_output=True, text=True, timeout=timeout,
                          check=False)


class HearthProcess:
    def __init__(self, data=None, arguments=(), env=None, tls=True, will_be_refused=False,
                 prefix=()):
        self.own_data = data is None
        self.parent = None
        if data is None:
            self.parent = pathlib.Path(tempfile.mkdtemp(prefix='hearth-test-'))
        # The directory itself is hearth's to make, with the mode that it wants.
        self.data = self.parent / 'data' if data is None else pathlib.Path(data)
        self.arguments = [*map(str, arguments)]
        self.env = env or {}
        self.tls = tls
        self.will_be_refused = will_be_refused
        self.prefix = prefix  # a program that execs its arguments: taskset
        self.process = None
        self.stdout_lines = []
        self.log_path = None
        self.ready_line = None
        self.sign_in = None
        self.http = None
        self.https = None
        self.start_seconds = None

    # ---- life ---------------------------------------------------------------------------------

    def command(self):
        listen = [] if '--listen' in self.arguments else ['--listen', '127.0.0.1:0']
        if self.tls and '--listen-tls' not in self.arguments:
            listen += ['--listen-tls', '127.0.0.1:0']
        return [*self.prefix, str(BINARY), 'serve', '--data', str(self.data), *listen,
                *self.arguments]

    def start(self):
        assert self.process is None, 'already started'
        assert self.will_be_refused or len(running) < SERVERS_MAX, \
            f'more than {SERVERS_MAX} servers at once'
        if not BINARY.exists():
            raise FileNotFoundError(f'{BINARY} is not built; run `make build`')
        log = tempfile.NamedTemporaryFile(prefix='hearth-log-', suffix='.txt', delete=False)
        self.log_path = pathlib.Path(log.name)
        self.stdout_lines, self.sign_in, self.ready_line = [], None, None
        began = time.monotonic()
        self.process = subprocess.Popen(
            self.command(), stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True,
            bufsize=1, env=clean_environment(self.env), start_new_session=True,
            cwd=self.parent or self.data.parent)
        log.close()
        running.append(self)
        recent.append(self)
        self._lines = queue.Queue()
        self._reader = threading.Thread(target=self._read_stdout, daemon=True)
        self._reader.start()
        deadline = began + START_LIMIT_S
        while self.ready_line is None:
            try:
                line = self._lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                self.kill9()
                raise TimeoutError(f'no ready line within {START_LIMIT_S} s\n'
                                   f'{self.log()}') from None
            if line is None:
                code = self.process.wait(STOP_LIMIT_S)
                self._ended()
                raise StartFailed(code, '\n'.join(self.stdout_lines), self.log())
            self._take_line(line)
        self.start_seconds = time.monotonic() - began
        return self

    def _read_stdout(self):
        for line in self.process.stdout:
            self.stdout_lines.append(line.rstrip('\n'))
            self._lines.put(line.rstrip('\n'))
        self._lines.put(None)

    def _take_line(self, line):
        if match := SIGN_IN.match(line):
            self.sign_in = match.group(1)
        if match := READY.match(line):
            self.ready_line = line
            for url in match.group(1).split():
                if url.startswith('https://'):
                    self.https = url.rstrip('/')
                else:
                    self.http = url.rstrip('/')

    def stop(self):
        """SIGTERM; the seconds until it had ended. Its exit code is then in `exit_code`."""
        if self.process is None:
            return 0.0
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.exit_code = self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise TimeoutError(f'SIGTERM did not end it within {STOP_LIMIT_S} s\n'
                               f'{self.log()}') from None
        seconds = time.monotonic() - began
        self._ended()
        return seconds

    def kill9(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(STOP_LIMIT_S)
        self._ended()

    def _ended(self):
        self._reader.join(STOP_LIMIT_S)
        self.process.stdout.close()
        running.remove(self)
        self.process = None

    def remove(self):
        self.kill9()
        if self.parent is not None:
            shutil.rmtree(self.parent, ignore_errors=True)
        if self.log_path is not None and self not in recent:
            self.log_path.unlink(missing_ok=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        try:
            if self.process is not None:
                self.stop()
        finally:
            self.remove()

    # ---- what it says -------------------------------------------------------------------------

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def log(self, lines=80):
        if self.log_path is None or not self.log_path.exists():
            return ''
        return '\n'.join(self.log_path.read_text(errors='replace').splitlines()[-lines:])

    def port(self, tls=False):
        return int((self.https if tls else self.http).rsplit(':', 1)[1])

    def profile(self):
        """What it wrote for AWS clients: one dict of the profile `hearth`."""
        credentials, config = configparser.ConfigParser(), configparser.ConfigParser()
        credentials.read(self.data / 'aws' / 'credentials')
        config.read(self.data / 'aws' / 'config')
        return {**config['profile hearth'], **credentials['hearth']}

    def aws_environment(self):
        return {'AWS_SHARED_CREDENTIALS_FILE': str(self.data / 'aws' / 'credentials'),
                'AWS_CONFIG_FILE': str(self.data / 'aws' / 'config'), 'AWS_PROFILE': 'hearth',
                'AWS_EC2_METADATA_DISABLED': 'true'}

    def status_kib(self, field):
        """A field of /proc/PID/status, in KiB: RssAnon, VmRSS, …"""
        with open(f'/proc/{self.pid}/status', encoding='ascii') as file:
            for line in file:
                if line.startswith(field + ':'):
                    return int(line.split()[1])
        raise KeyError(field)

    def cpu_seconds(self):
        """User and system time that it has used."""
        with open(f'/proc/{self.pid}/stat', encoding='ascii') as file:
            fields = file.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def open_files(self):
        return len(os.listdir(f'/proc/{self.pid}/fd'))


def allow_many_files():
    """Raises this process's own soft limit, for tests that open many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else 65536
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, 65536), hard))
