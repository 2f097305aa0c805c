# SPDX-License-Identifier: Apache-2.0
"""Recorded and made-up metrics as remote-write requests, the same for hearth and for Prometheus.

Time is moved so that the data ends now; the milliseconds between samples stay.
"""

import gzip
import math
import os
import pathlib
import random
import re

import remote_write
from hearth_process import ROOT

SHARED = pathlib.Path(os.environ.get('HEARTH_SHARED') or ROOT.parent / 'shared') / 'data'
LINE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)",?')
UNESCAPE = {'\\\\': '\\', '\\"': '"', '\\n': '\n'}


def recording(name, fallback):
    """A recording of ../shared where that is there, else the small one of the project."""
    path = SHARED / name
    return path if path.exists() else fallback


def parse(line):
    """(labels as sorted tuple, value) of one line of text format without a timestamp."""
    match = LINE.match(line)
    if match is None:
        return None
    name, labels, value = match.groups()
    pairs = [('__name__', name)]
    for key, text in LABEL.findall(labels or ''):
        pairs.append((key, re.sub(r'\\.', lambda m: UNESCAPE.get(m.group(), m.group()), text)))
    return pairs, float(value)


def frames(path, targets, wanted, scrapes_max):
    """(target, ms, [(pairs, value), …]) of the first scrapes of those targets, with the metrics
    whose name `wanted` accepts."""
    counts, current = {}, None
    with gzip.open(path, 'rt', encoding='utf-8') as file:
        for line in file:
            if line.startswith('##SCRAPE '):
                if current is not None:
                    yield current
                _, target, ms = line.split()
                kind = target.split('@')[0]
                current = None
                if kind in targets:
                    counts[target] = counts.get(target, 0) + 1
                    if counts[target] <= scrapes_max:
                        current = (target, int(ms), [])
                    elif all(c > scrapes_max for c in counts.values()):
                        return
            elif current is not None:
                name = re.match(r'[^{ ]+', line).group()
                if wanted(name) and (parsed := parse(line.rstrip('\n'))) is not None:
                    current[2].append(parsed)
    if current is not None:
        yield current


class Data:
    """Series in memory: {labels: [(ms, value), …]}, from which requests are made."""

    def __init__(self):
        self.series = {}

    def add(self, labels, time_ms, value):
        self.series.setdefault(tuple(sorted(labels)), []).append((time_ms, value))

    def add_recording(self, path, targets, wanted, scrapes_max, extra):
        """`extra(target)` gives the labels that a scrape would add. A series that a scrape no
        longer shows gets a staleness marker, as scrapers do."""
        last = {}
        for target, ms, samples in frames(path, targets, wanted, scrapes_max):
            seen = set()
            for pairs, value in samples:
                labels = tuple(sorted(pairs + list(extra(target).items())))
                seen.add(labels)
                self.add(labels, ms, value)
            for labels in last.get(target, set()) - seen:
                self.add(labels, ms, remote_write.STALE_NAN)
            last[target] = seen

    def bounds(self):
        times = [t for samples in self.series.values() for t, _ in samples]
        return min(times), max(times)

    def moved_to(self, end_ms):
        """The same with its last sample at end_ms."""
        moved, by = Data(), end_ms - self.bounds()[1]
        moved.series = {k: [(t + by, v) for t, v in s] for k, s in self.series.items()}
        return moved

    def merge(self, other):
        for labels, samples in other.series.items():
            self.series.setdefault(labels, []).extend(samples)

    def sample_count(self):
        return sum(map(len, self.series.values()))

    def requests(self, span_ms=60_000):
        """Encoded parts, a list for each minute, oldest first: as a sender would have sent them."""
        minutes = {}
        for labels, samples in self.series.items():
            for t, v in sorted(samples, key=lambda s: s[0]):
                minutes.setdefault(t // span_ms, {}).setdefault(labels, []).append((t, v))
        for minute in sorted(minutes):
            yield [remote_write.series_with_order(labels, samples)
                   for labels, samples in minutes[minute].items()]

    def times(self):
        return sorted({t for samples in self.series.values() for t, _ in samples})


def sample_app(end_ms, minutes=40, step_ms=5000, seed=3):
    """What apps/sample shows, for two jobs: request counters, a latency histogram, connections."""
    data, chance = Data(), random.Random(seed)
    bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    for job, slowness, errors in (('shop', 0.08, 0.01), ('checkout', 0.6, 0.2)):
        state = {}
        restart = end_ms - 11 * 60_000
        for t in range(end_ms - minutes * 60_000 + 137, end_ms, step_ms):
            if job == 'shop' and t - step_ms < restart <= t:
                state.clear()  # a counter reset
            base = [('job', job), ('instance', f'{job}:8080')]
            for method, path in (('GET', '/'), ('GET', '/item'), ('POST', '/buy')):
                labels = base + [('method', method), ('path', path)]
                for _ in range(chance.randrange(0, 40)):
                    code = '500' if chance.random() < errors else '200'
                    latency = chance.expovariate(1 / slowness)
                    for bound in bounds:
                        if latency <= bound:
                            state[path, bound] = state.get((path, bound), 0) + 1
                    state[path, 'sum'] = state.get((path, 'sum'), 0) + latency
                    state[path, 'count'] = state.get((path, 'count'), 0) + 1
                    state[path, code] = state.get((path, code), 0) + 1
                for code in ('200', '500'):
                    data.add([('__name__', 'http_requests_total'), ('code', code)] + labels, t,
                             state.get((path, code), 0))
                name = 'http_request_duration_seconds'
                for bound in bounds:
                    data.add([('__name__', name + '_bucket'), ('le', str(bound))] + labels, t,
                             state.get((path, bound), 0))
                data.add([('__name__', name + '_bucket'), ('le', '+Inf')] + labels, t,
                         state.get((path, 'count'), 0))
                for part in ('sum', 'count'):
                    data.add([('__name__', f'{name}_{part}')] + labels, t,
                             state.get((path, part), 0))
            data.add([('__name__', 'http_active_connections')] + base, t, chance.randrange(50))
    return data


def made_up_nodes(end_ms, minutes=40, step_ms=15_000):
    """Two volumes, and a node in trouble for the alerts that a healthy machine never fires."""
    data = Data()
    for t in range(end_ms - minutes * 60_000 + 451, end_ms, step_ms):
        phase = t / 600_000
        for i, claim in enumerate(('data-postgres-0', 'data-kafka-0')):
            labels = [('namespace', 'shop'), ('persistentvolumeclaim', claim), ('node', f'n{i}')]
            data.add([('__name__', 'kubelet_volume_stats_used_bytes')] + labels, t,
                     (5 + i + math.sin(phase)) * 2**30)
            data.add([('__name__', 'kubelet_volume_stats_capacity_bytes')] + labels, t, 10 * 2**30)
        node = [('job', 'node'), ('instance', '10.0.0.9:9100')]
        data.add([('__name__', 'node_memory_MemTotal_bytes')] + node, t, 2**34)
        data.add([('__name__', 'node_memory_MemAvailable_bytes')] + node, t,
                 2**34 * (0.09 + 0.03 * math.sin(phase)))
        disk = node + [('mountpoint', '/'), ('device', '/dev/sda1'), ('fstype', 'ext4')]
        data.add([('__name__', 'node_filesystem_size_bytes')] + disk, t, 2**40)
        data.add([('__name__', 'node_filesystem_avail_bytes')] + disk, t,
                 2**40 * (0.14 + 0.04 * math.cos(phase)))
    return data
