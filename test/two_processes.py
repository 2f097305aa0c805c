# SPDX-License-Identifier: Apache-2.0
"""Two `hearth serve` on one PostgreSQL catalog, behind a relay that sends each connection to one of
them at random. Looks like one HearthProcess to a test; clients that ask for `Connection: close`
(see `closing`) reach either with each request.
"""

import importlib.util
import os
import pathlib
import random
import socket
import threading

import pytest

import hearth_process
from hearth_process import ROOT, HearthProcess

CHUNK = 65536


def _postgres():
    spec = importlib.util.spec_from_file_location('postgres', ROOT / 'tools' / 'postgres.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def closing(client):
    """A boto3 client whose every request takes a connection of its own."""
    def close(request, **_):
        request.headers['Connection'] = 'close'
    client.meta.events.register('before-send.*.*', close)
    return client


# Parameters of a fixture: a test file on one process, and in the long tier on two.
ONE_OR_TWO = ['one', pytest.param('two', marks=pytest.mark.long)]


def one_or_two(request, shared='shared_hearth'):
    """What such a fixture yields: the server of the fixture `shared`, or two behind a relay."""
    if request.param == 'one':
        yield request.getfixturevalue(shared)
        return
    both = TwoProcesses()
    yield both
    assert both.alive(), both.log()
    both.remove()


def stores(process):
    """Ids of the AMP workspaces that have files, in any of the processes."""
    return {path.name for one in getattr(process, 'processes', [process])
            for path in (one.data / 'workspaces').glob('ws-*')}


class Relay:
    """TCP: each connection goes to one of `ports`, seeded, so that a failure can be repeated."""

    def __init__(self, seed=1):
        self.ports = []
        self.random = random.Random(seed)
        self.listener = socket.create_server(('127.0.0.1', 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client, self.random.choice(self.ports)),
                             daemon=True).start()

    def _serve(self, client, port):
        try:
            server = socket.create_connection(('127.0.0.1', port))
        except OSError:
            client.close()
            return
        back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
        back.start()
        self._pump(client, server)
        back.join()
        client.close()
        server.close()

    @staticmethod
    def _pump(source, sink):
        try:
            while chunk := source.recv(CHUNK):
                sink.sendall(chunk)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # it is closed already, which is what was wanted

    def close(self):
        self.listener.close()


def listeners(pid):
    """The ports that a process listens on, in the order in which it opened them. The line that says
    it is ready names what --external-url says, which here is the relay.
    """
    own = set()
    for link in pathlib.Path(f'/proc/{pid}/fd').iterdir():
        try:
            target = os.readlink(link)
        except OSError:
            continue  # it was closed meanwhile
        if target.startswith('socket:['):
            own.add(target[len('socket:['):-1])
    found = []
    for line in pathlib.Path(f'/proc/{pid}/net/tcp').read_text(encoding='ascii').splitlines()[1:]:
        fields = line.split()
        if fields[3] == '0A' and fields[9] in own:  # LISTEN
            found.append((int(fields[9]), int(fields[1].split(':')[1], 16)))
    return [port for _, port in sorted(found)]


class TwoProcesses:
    def __init__(self, arguments=()):
        module = _postgres()
        self.database = module.temporary(ROOT / 'build' / 'peers' / 'bin')
        try:
            url = self.database.__enter__()
        except module.Unavailable as why:
            pytest.skip(f'no PostgreSQL: {why}')
        self.plain, self.secure = Relay(1), Relay(2)
        self.http = f'http://127.0.0.1:{self.plain.port}'
        self.https = f'https://localhost:{self.secure.port}'
        self.processes = []
        # They mostly wait for each other: together they load a machine as one does.
        hearth_process.SERVERS_MAX += 2
        try:
            for _ in range(2):
                process = HearthProcess(arguments=[
                    '--catalog', url, '--external-url', self.http, '--external-tls-url',
                    self.https, *arguments])
                self.processes.append(process)
                process.start()
                plain, secure = listeners(process.pid)
                self.plain.ports.append(plain)
                self.secure.ports.append(secure)
        except BaseException:
            self.remove()
            raise
        self.data = self.processes[0].data

    def port(self, tls=False):
        return self.secure.port if tls else self.plain.port

    def profile(self):
        return self.processes[0].profile()

    def aws_environment(self):
        return self.processes[0].aws_environment()

    def alive(self):
        return all(process.alive() for process in self.processes)

    def log(self, lines=80):
        return '\n'.join(process.log(lines) for process in self.processes)

    def remove(self):
        hearth_process.SERVERS_MAX -= 2
        for process in self.processes:
            process.remove()
        self.plain.close()
        self.secure.close()
        self.database.__exit__(None, None, None)
