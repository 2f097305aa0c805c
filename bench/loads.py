# SPDX-License-Identifier: Apache-2.0
"""Files of bodies to replay, built once and kept for the run, and their replay."""

import gzip
import json
import os
import pathlib
import shutil
import subprocess

from peer_servers import ROOT

GENERATOR = pathlib.Path(os.environ.get('HEARTH_BUILD') or ROOT / 'build' / 'release')
GENERATOR = GENERATOR / 'load_generator'
SHARED = pathlib.Path(os.environ.get('HEARTH_SHARED') or ROOT.parent / 'shared')
CAPTURE = SHARED / 'data' / 'real-scrapes.txt.gz'
QUERIES = SHARED / 'data' / 'queries.txt'
LOAD_CORE = 1


def pinned(command):
    """On the core that servers do not have, where there are two."""
    prefix = ['taskset', '-c', str(LOAD_CORE)] if (os.cpu_count() or 1) > 1 else []
    return [*prefix, *map(str, command)]


class Loads:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.files = {}
        self.capture = self.folder / 'capture.txt'

    def clones(self, **options):
        """The path of a file of bodies; options are those of `load_generator clones`."""
        key = tuple(sorted(options.items()))
        if key not in self.files:
            if not self.capture.exists():
                with gzip.open(CAPTURE, 'rb') as packed, open(self.capture, 'wb') as out:
                    shutil.copyfileobj(packed, out, 1 << 20)
            path = self.folder / f'bodies-{len(self.files)}'
            command = [GENERATOR, 'clones', '--capture', self.capture, '--out', path]
            for name, value in options.items():
                flag = '--' + name.replace('_', '-')
                command += [flag] if value is True else [flag, value]
            subprocess.run([*map(str, command)], check=True)
            self.files[key] = path
        return self.files[key]

    def forget(self, path):
        path.unlink()
        self.files = {k: v for k, v in self.files.items() if v != path}


def replay(server, path, may_refuse=False, **options):
    """What came of it, with the server's CPU as `cpu_s`; SystemExit where something was refused."""
    command = [GENERATOR, 'replay', '--file', path, '--port', server.port,
               '--path', server.write_path]
    for name, value in options.items():
        command += ['--' + name, value]
    cpu = server.cpu_s()
    done = subprocess.run(pinned(command), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f'{server.name}: replay of {path}: {done.stderr}')
    result = json.loads(done.stdout)
    result['cpu_s'] = server.cpu_s() - cpu
    if result['refused_samples'] and not may_refuse:
        raise SystemExit(f'{server.name} refused: {result["first_refusal"]}')
    return result


def bodies_in(path):
    """How many bodies a file has."""
    count = 0
    with open(path, 'rb') as file:
        while head := file.read(8):
            file.seek(int.from_bytes(head[:4], 'little'), os.SEEK_CUR)
            count += 1
    return count
