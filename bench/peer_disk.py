# SPDX-License-Identifier: Apache-2.0
"""Bytes on disk: a sample, a series, and a fleet whose pods come and go for a day."""

import time

from loads import replay
from peer_servers import Hearth, Prometheus, VictoriaMetrics, present
from peer_table import Figure

NAMES = ('hearth', 'prometheus', 'victoria-metrics')


def sizes_of(server, path):
    """(result of the replay, {index, data}); the server has ended."""
    server.start()
    one = replay(server, path)
    if server.name == 'hearth':
        server.stop()  # a clean stop seals everything
        sizes = server.disk_bytes()
    else:
        sizes = server.disk_bytes()
    server.remove()
    return one, sizes


def fresh(bench):
    return present(Hearth(bench.folder, None, 'os'), Prometheus(bench.folder, None),
                   VictoriaMetrics(bench.folder, None))


def captured(bench):
    """The captured hour itself, uncloned: on time, and with its real milliseconds."""
    hour_ms = 3_600_000
    begin = (int(time.time() * 1000) // 60_000) * 60_000 - hour_ms
    index = {}
    for real, title, gates, aim, at_most in (
            (False, 'real scrapes on time', (3, 1.0), '0.289', 0.289),
            (True, 'real milliseconds', (7, 1.7), '≤ 0.30', 0.30)):
        options = {'steps': bench.scaled(713, 60), 'step_ms': 5_000, 'start_ms': begin,
                   'series': 0, 'shape': 'node'}
        path = bench.loads.clones(**options, **({'real_times': True} if real else {}))
        each = {}
        for server in fresh(bench):
            one, sizes = sizes_of(server, path)
            each[server.name] = sizes['data'] / one['samples']
            index.setdefault(server.name, sizes['index'] / bench.captured_series)
            if server.name == 'hearth':
                log = sizes['log']
                whole = (sizes['data'] + sizes['index']) / one['samples']
        bench.report.add(Figure(
            f'data on disk, {title}', 'B/sample', *map(each.get, NAMES), gates=gates, aim=aim,
            aim_at_most=at_most,
            note=f'hearth with index {whole:.3f}, log {log:,} B; Prometheus with XOR2'))
        bench.loads.forget(path)
    known = index['hearth'] > 0
    bench.report.add(Figure(
        'index on disk', 'B/series', index['hearth'] if known else None, index['prometheus'],
        index.get('victoria-metrics'), gates=(5, 5), aim='20',
        note='' if known else 'hearth does not tell index from data: all is in the row above'))


def churn(bench):
    """A tenth of the pods replaced every ten minutes for a day, 15 s apart: data and index."""
    step_ms, ten_minutes, day = 15_000, 40, 5_760
    steps = bench.scaled(day, ten_minutes * 12)
    series = bench.scaled(4_000, 400)
    begin = (int(time.time() * 1000) // 600_000) * 600_000 - steps * step_ms
    path = bench.loads.clones(series=series, shape='kube', steps=steps, start_ms=begin,
                              samples_per_series=ten_minutes, churn_steps=ten_minutes)
    each = {}
    for server in fresh(bench):
        one, sizes = sizes_of(server, path)
        each[server.name] = sizes['data'] + sizes['index']
        bench.report.say(f'    {server.name}: {one["samples"]:,} samples, data {sizes["data"]:,} B,'
                         f' index {sizes["index"]:,} B')
    bench.report.add(Figure(
        f'data and index, {series:,} series at a time, 10 % of pods replaced every 10 min, '
        f'{steps * step_ms / 3.6e6:.0f} h', 'MB',
        *(each[n] / 1e6 if n in each else None for n in NAMES), gates=(4, 1.6)))
    bench.loads.forget(path)
