#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the budget of compile time: no translation unit over 20 s or 1.5 GiB.

Suspects are taken from ninja's log of build/dev and build/release (wall time, so a busy machine
makes more suspects than there are sinners); each is compiled once more, alone and without ccache,
and judged by the processor time and memory that it took.
"""

import fnmatch
import json
import os
import pathlib
import shlex
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CPU_SECONDS_MAX = 20
MEMORY_GIB_MAX = 1.5
SUSPECTS_MAX = 12

# (source, CPU seconds, GiB, reason)
EXEMPT = [
    ('src/net/*', 60, 2.0, 'Beast and Asio, included in net only'),
]


def suspects(build):
    """Sources whose last build took over the budget, by ninja's log (v5 to v7), slowest first."""
    took = {}
    log = build / '.ninja_log'
    for line in log.read_text().splitlines()[1:] if log.exists() else []:
        start, end, _, output = line.split('\t')[:4]
        took[output] = (int(end) - int(start)) / 1000
    slow = sorted((s, o) for o, s in took.items() if s > CPU_SECONDS_MAX and o.endswith('.o'))
    return [output for _, output in reversed(slow)][:SUSPECTS_MAX]


def limits(source):
    for pattern, seconds, gib, _ in EXEMPT:
        if fnmatch.fnmatch(source, pattern):
            return seconds, gib
    return CPU_SECONDS_MAX, MEMORY_GIB_MAX


def compile_alone(entry):
    """Returns (CPU seconds, GiB) of one compiler run."""
    words = shlex.split(entry['command'])
    while pathlib.Path(words[0]).name in ('ccache', 'sccache'):
        words = words[1:]
    with tempfile.TemporaryDirectory() as folder:
        words[words.index('-o') + 1] = os.path.join(folder, 'out.o')
        child = os.fork()
        if child == 0:
            os.chdir(entry['directory'])
            os.execvp(words[0], words)
        _, _, usage = os.wait4(child, 0)
    # ru_maxrss of a wait covers the compiler driver's own children: KiB on Linux.
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024 / 1024


def main():
    failed = 0
    for preset in ('dev', 'release'):
        build = ROOT / 'build' / preset
        commands = build / 'compile_commands.json'
        if not commands.exists():
            continue
        entries = {e.get('output', ''): e for e in json.loads(commands.read_text())}
        for output in suspects(build):
            entry = entries.get(output)
            if entry is None:
                continue
            source = os.path.relpath(entry['file'], ROOT)
            seconds, gib = compile_alone(entry)
            seconds_max, gib_max = limits(source)
            if seconds > seconds_max or gib > gib_max:
                failed = 1
                print(f'{source}:1: compile-time: {seconds:.1f} s and {gib:.2f} GiB under {preset};'
                      f' at most {seconds_max} s and {gib_max} GiB: move heavy headers out, split')
    return failed


if __name__ == '__main__':
    sys.exit(main())
