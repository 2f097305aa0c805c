# SPDX-License-Identifier: Apache-2.0
"""A throw-away PostgreSQL for tests, from what tools/setup unpacked into build/peers.

    with postgres.temporary(peers_bin) as url: ...

It listens on a Unix socket in a folder of its own, so no port is taken. PostgreSQL refuses to run
as root: then it runs as `nobody`. Unavailable says why it cannot be started.
"""

import contextlib
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile
import time

START_TIMEOUT_S = 30


class Unavailable(Exception):
    """Why there is no PostgreSQL."""


def _as_other_user():
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam('nobody')
    return {'user': nobody.pw_uid, 'group': nobody.pw_gid, 'extra_groups': []}


def _run(command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **options)
    if done.returncode != 0:
        raise Unavailable(f'{command[0]}: {done.stdout.decode(errors="replace").strip()[-300:]}')


@contextlib.contextmanager
def temporary(peers_bin):
    """Yields a libpq URL of an empty database; raises Unavailable before, where there is none."""
    binaries = pathlib.Path(peers_bin)
    if not (binaries / 'initdb').exists():
        raise Unavailable('no PostgreSQL in build/peers; run tools/setup test')
    # Short, because a Unix socket's path has 107 bytes, and readable by the other user.
    folder = pathlib.Path(tempfile.mkdtemp(prefix='hearth-pg-', dir='/tmp'))
    user = _as_other_user()
    server = None
    try:
        if user:
            os.chown(folder, user['user'], user['group'])
        environment = {'PATH': os.environ.get('PATH', ''), 'LANG': 'C.UTF-8', 'HOME': str(folder)}
        options = {'cwd': folder, 'env': environment, **user}
        try:
            _run([str(binaries / 'initdb'), '-D', str(folder / 'data'), '-U', 'hearth',
                  '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C'], **options)
            server = subprocess.Popen(
                [str(binaries / 'postgres'), '-D', str(folder / 'data'), '-k', str(folder),
                 '-c', 'listen_addresses=', '-c', 'fsync=off', '-c', 'max_connections=40'],
                stdin=subprocess.DEVNULL, stdout=(folder / 'log').open('wb'),
                stderr=subprocess.STDOUT, **options)
        except OSError as error:
            raise Unavailable(f'{error}') from error
        until = time.monotonic() + START_TIMEOUT_S
        while b'ready to accept connections' not in (folder / 'log').read_bytes():
            if server.poll() is not None or time.monotonic() > until:
                raise Unavailable((folder / 'log').read_text(errors='replace').strip()[-300:])
            time.sleep(0.05)
        # The database `postgres` that initdb makes is empty.
        yield f'postgresql://hearth@/postgres?host={folder}'
    finally:
        if server is not None and server.poll() is None:
            server.terminate()
            server.wait(timeout=START_TIMEOUT_S)
        shutil.rmtree(folder, ignore_errors=True)
