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

    def explosion(self, **options):
        """Series that never come again; options are those of `load_generator explosion`."""
        path = self.folder / f'explosion-{len(self.files)}'
        self.files[('explosion', len(self.files))] = path
        flags = [x for name, value in options.items() for x in ('--' + name.replace('_', '-'),
                                                                value)]
        subprocess.run([*map(str, [GENERATOR, 'explosion', '--out', path, *flags])], check=True)
        return path

    def forget(self, path):
        path.unlink()
        self.files = {k: v for k, v in self.files.items() if v != path}


def replay_command(server, path, options):
    flags = [x for name, value in options.items() for x in ('--' + name, value)]
    return [*map(str, [GENERATOR, 'replay', '--file', path, '--port', server.port,
                       '--path', server.write_path, *flags])]


def result_of(server, process):
    """What a replay says when it has ended."""
    out, error = process.communicate()
    if process.returncode != 0:
        raise SystemExit(f'{server.name}: replay: {error}')
    return json.loads(out)


def go_first():
    """Before all else on its core: a sender stands for other machines, whose cores no query has."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except (AttributeError, PermissionError):
        pass


def begin_replay(server, path, **options):
    """The process that replays, on any core; its own waits for a core are not the server's."""
    return subprocess.Popen(replay_command(server, path, options), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, preexec_fn=go_first)


def replay(server, path, may_refuse=False, **options):
    """What came of it, with the server's CPU as `cpu_s`; SystemExit where something was refused."""
    cpu = server.cpu_s()
    process = subprocess.Popen(pinned(replay_command(server, path, options)),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    result = result_of(server, process)
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
