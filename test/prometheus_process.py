# SPDX-License-Identifier: Apache-2.0
"""The real Prometheus and its exporters as peers: Debian's, and the current one where it was built
(`tools/setup --peers`). Ports are the kernel's choice; nothing is installed."""

import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import pytest
import requests

import remote_write
from hearth_process import ROOT, clean_environment
from signed_client import Client

PEERS = pathlib.Path(os.environ.get('HEARTH_PEERS') or ROOT / 'build' / 'peers')
START_LIMIT_S = 120


def find(name, current=False):
    path = PEERS / ('current' if current else 'bin') / name
    return path if path.exists() else None


def require(name):
    """Debian's program of that name, or a skip that says how to get it."""
    return find(name) or pytest.skip(f'{name} is not unpacked under {PEERS}; run tools/setup test')


class Peer:
    """A foreign program that logs `Listening on` with its address."""

    def __init__(self, command, ready=None):
        self.command = [*map(str, command)]
        self.ready = ready
        self.lines = []

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True, start_new_session=True,
                                        env=clean_environment())
        self._queue = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        address, ready = None, self.ready is None
        deadline = time.monotonic() + START_LIMIT_S
        while address is None or not ready:
            try:
                line = self._queue.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                self.stop()
                raise RuntimeError('\n'.join([f'{self.command[0]} did not start',
                                              *self.lines[-20:]]))
            if match := re.search(r'Listening on"?.* address=(\S+:\d+)', line):
                address = match.group(1)
            ready = ready or self.ready in line
        self.address = address
        self.url = f'http://{address}'
        return self

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip('\n'))
            self._queue.put(self.lines[-1])
        self._queue.put(None)

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self._reader.join(10)
        self.process.stderr.close()


class Prometheus(Peer):
    """`config` is YAML text; `program` a path. Data and configuration lie in a fresh directory."""

    def __init__(self, program, config='global: {scrape_interval: 1h}\n', arguments=()):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix='hearth-peer-'))
        self.config_path = self.directory / 'prometheus.yml'
        self.config_path.write_text(config)
        super().__init__([program, f'--config.file={self.config_path}',
                          f'--storage.tsdb.path={self.directory / "data"}',
                          '--storage.tsdb.retention.time=10y', '--web.listen-address=127.0.0.1:0',
                          *arguments], ready='Server is ready to receive web requests')

    def client(self):
        return Client(self.url, auth='none')

    def metric(self, expression_name):
        """The sum of a metric of its own, over its labels."""
        total = None
        for line in requests.get(self.url + '/metrics', timeout=30).text.splitlines():
            if re.match(rf'{expression_name}[ {{]', line):
                total = (total or 0) + float(line.rsplit(' ', 1)[1])
        return total

    def write(self, *parts):
        return requests.post(self.url + '/api/v1/write', data=remote_write.body(*parts),
                             headers=remote_write.HEADERS, timeout=60)

    def remove(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.remove()
