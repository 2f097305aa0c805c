# SPDX-License-Identifier: Apache-2.0
"""Blocks that the real Prometheus made, of samples weeks old: floats with every awkward value,
staleness markers, native histograms of both kinds, custom buckets, resets."""

import math
import pathlib
import random
import shutil
import struct
import subprocess
import time

import pytest

import prometheus_process
import remote_write
from prometheus_process import Prometheus
from remote_write import field, label, sample, varint

STEP_MS = 15_000
WINDOW_MS = 2 * 3600 * 1000
AWKWARD = [0.0, -0.0, 5e-324, 1.7976931348623157e308, math.inf, -math.inf, 0.1, 1 / 3, -1.5,
           struct.unpack('<d', struct.pack('<Q', 0x7ff8000000000001))[0]]


def current(name):
    """The program of the current Prometheus, or a skip that says how to get it."""
    return prometheus_process.find(name, current=True) or pytest.skip(
        f'the current {name} is not built; run tools/setup --peers')


def zigzag(number):
    return varint((number << 1) ^ (number >> 63))


def tag(number, kind):
    return varint(number << 3 | kind)


def double(number, value):
    return tag(number, 1) + struct.pack('<d', value)


def histogram(time_ms, k, is_float=False, custom=False, stale=False, gauge=False):
    """A Histogram of remote write 1.0 whose counts grow with `k`."""
    out = b''
    value = float if is_float else int
    positive = [value(k), value(3 * k), value(2 * k)]
    negative = [] if custom else [value(k)]
    zero = value(0 if custom else k)
    count = sum(positive) + sum(negative) + zero
    if is_float:
        out += double(2, count)
    else:
        out += tag(1, 0) + varint(count)
    out += double(3, remote_write.STALE_NAN if stale else 0.25 * k)
    out += tag(4, 0) + zigzag(-53 if custom else 2)
    out += double(5, 0.0 if custom else 2.0 ** -128)
    out += double(7, zero) if is_float else tag(6, 0) + varint(zero)

    def buckets(counts, delta_field):
        if is_float:
            return field(delta_field + 1, b''.join(struct.pack('<d', c) for c in counts))
        before, packed = 0, b''
        for c in counts:
            packed += zigzag(c - before)
            before = c
        return field(delta_field, packed)
    if negative:
        out += field(8, tag(1, 0) + zigzag(0) + tag(2, 0) + varint(1)) + buckets(negative, 9)
    for offset, length in ([(0, 3)] if custom else [(-1, 2), (4, 1)]):
        out += field(11, tag(1, 0) + zigzag(offset) + tag(2, 0) + varint(length))
    out += buckets(positive, 12)
    if gauge:
        out += tag(14, 0) + varint(3)
    out += tag(15, 0) + varint(time_ms)
    if custom:
        out += field(16, struct.pack('<4d', 0.005, 0.1, 1 / 3, 100))
    return field(4, out)


def histogram_series(labels, histograms):
    return field(1, b''.join(label(n, v) for n, v in sorted(labels.items())) + b''.join(histograms))


def bodies(begin_ms, steps, seed=1):
    """Requests with all kinds of series, in the order of time."""
    rng = random.Random(seed)
    counter = 0.0
    for first in range(0, steps, 60):
        times = [begin_ms + i * STEP_MS for i in range(first, min(first + 60, steps))]
        parts = []
        counted = []
        for t in times:
            counter = 0.0 if rng.random() < 0.01 else counter + rng.randrange(5)
            counted.append((t, counter))
        parts.append(remote_write.series({'__name__': 'blocks_total', 'job': 'a'}, counted))
        parts.append(remote_write.series(
            {'__name__': 'blocks_awkward', 'job': 'a', 'pfad': 'Straße/日本'},
            [(t, remote_write.STALE_NAN if i % 17 == 16 else AWKWARD[i % len(AWKWARD)])
             for i, t in enumerate(times)]))
        for n in range(20):
            parts.append(remote_write.series(
                {'__name__': 'blocks_noise', 'job': 'b', 'n': str(n)},
                [(t + rng.randrange(1000), rng.random() * 10 ** rng.randrange(-5, 9))
                 for t in times]))
        for name, options in (('blocks_native', {}), ('blocks_native_float', {'is_float': True}),
                              ('blocks_native_custom', {'custom': True}),
                              ('blocks_native_gauge', {'gauge': True})):
            parts.append(histogram_series(
                {'__name__': name, 'job': 'h'},
                # A reset every 100 steps, a staleness marker every 70.
                [histogram(t, (first + i) % 100 + 1, stale=(first + i) % 70 == 69, **options)
                 for i, t in enumerate(times)]))
        yield remote_write.body(*parts)


def old_begin_ms(weeks=3):
    """The beginning of a window of two hours, weeks ago."""
    now = int(time.time() * 1000)
    return (now - weeks * 7 * 24 * 3600 * 1000) // WINDOW_MS * WINDOW_MS


# What 3.14 writes when it is asked to: XOR2 and the histogram encodings with start times.
NEWER_CONFIG = """
global: {scrape_interval: 1h}
storage: {tsdb: {chunk_encoding: {floats: xor2}}}
"""
NEWER_FLAGS = ('--enable-feature=st-storage,histograms-st-encoding,xor2-encoding',)


def write_blocks(directory, begin_ms, steps=4 * 3600 * 1000 // STEP_MS, newer=False):
    """A snapshot of a real Prometheus' data, in `directory`."""
    config = {'config': NEWER_CONFIG} if newer else {}
    with Prometheus(current('prometheus'), **config, arguments=(
            '--web.enable-remote-write-receiver', '--web.enable-admin-api',
            *(NEWER_FLAGS if newer else ()))) as prometheus:
        client = prometheus.client()
        for body in bodies(begin_ms, steps):
            answer = client.post('/api/v1/write', body, headers=remote_write.HEADERS)
            assert answer.status_code == 204, answer.text
        answer = client.post('/api/v1/admin/tsdb/snapshot')
        assert answer.status_code == 200, answer.text
        name = answer.json()['data']['name']
        shutil.copytree(prometheus.directory / 'data' / 'snapshots' / name, directory)
    return directory


def promtool(*arguments, timeout=300):
    result = subprocess.run([str(current('promtool')), *map(str, arguments)], capture_output=True,
                            text=True, timeout=timeout, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def dump(directory):
    """Every sample as promtool prints it, sorted: bit-exact floats, whole histograms."""
    (pathlib.Path(directory) / 'wal').mkdir(exist_ok=True)  # which it insists on
    return sorted(promtool('tsdb', 'dump', directory).splitlines())


def openmetrics_blocks(directory, begin_ms, hours, scratch):
    """Blocks that promtool makes of OpenMetrics text: one series a minute, for so many hours."""
    text = pathlib.Path(scratch) / 'om.txt'
    lines = ['# TYPE om gauge']
    for minute in range(hours * 60):
        t = begin_ms // 1000 + minute * 60
        lines += [f'om{{n="{n}"}} {minute * 0.25 + n} {t}' for n in range(3)]
    lines.sort(key=lambda line: line.split(' ')[0])
    text.write_text('\n'.join([*lines, '# EOF', '']))
    promtool('tsdb', 'create-blocks-from', 'openmetrics', text, directory)
    return directory
