# SPDX-License-Identifier: Apache-2.0
"""Writing: CPU a sample and a new series, the acknowledgement's time, memory a series, and what a
kill costs until all is back."""

import statistics
import time

from loads import bodies_in, replay
from peer_servers import Hearth, Prometheus, VictoriaMetrics, present
from peer_table import Figure

NAMES = ('hearth', 'prometheus', 'victoria-metrics')
PAIRS = 5
ROUNDS = 5  # scrapes of all series in one measurement
FLOOR_BYTES = 64 << 20  # engine.md §4: memory a series is counted above it
STEP_MS = 15_000


def start_ms(steps):
    """So that `steps` samples lie in the past, the last about now."""
    return (int(time.time() * 1000) // 60_000) * 60_000 - steps * STEP_MS


def all_servers(folder, cores=frozenset({0})):
    return present(Hearth(folder, cores, 'os'), Hearth(folder, cores, 'always'),
                   Prometheus(folder, cores), VictoriaMetrics(folder, cores))


def remove_all(servers):
    for server in servers:
        server.remove()


def warm_ingest(bench):
    """CPU ns a sample of series that are there, in turn on all servers, one core each."""
    series = bench.scaled(100_000)
    for shape, protocol, gates, aim in (('node', 1, (16, 5), 200), ('kube', 1, (20, 4), 250),
                                        ('kube', 2, (None, None), 220)):
        steps = 1 + PAIRS * ROUNDS
        path = bench.loads.clones(series=series, shape=shape, protocol=protocol, steps=steps,
                                  start_ms=start_ms(steps))
        servers = all_servers(bench.folder)
        if protocol == 2:
            servers = [s for s in servers if s.protocol_2]
        try:
            measure_warm(bench, servers, path, (shape, protocol), gates, aim)
        finally:
            remove_all(servers)
        bench.loads.forget(path)


def measure_warm(bench, servers, path, kind, gates, aim):
    shape, protocol = kind
    a_round = bodies_in(path) // (1 + PAIRS * ROUNDS)
    keys = [s.name + getattr(s, 'fsync', '') for s in servers]
    each = {key: [] for key in keys}
    begun = {}
    for key, server in zip(keys, servers):
        server.start()
        replay(server, path, bodies=a_round, protocol=protocol)
        begun[key] = server.cpu_s()
    samples = 0
    for pair in range(PAIRS):
        shift = pair % len(servers)
        for key, server in (list(zip(keys, servers)) * 2)[shift:shift + len(servers)]:
            one = replay(server, path, protocol=protocol, bodies=a_round * ROUNDS,
                         skip=a_round * (1 + pair * ROUNDS))
            each[key].append(one['cpu_s'] / one['samples'] * 1e9)
        samples += one['samples']
    whole = {}
    for key, server in zip(keys, servers):
        server.stop()
        whole[key] = (server.last_cpu_s - begun[key]) / samples * 1e9
    median = {key: statistics.median(values) for key, values in each.items()}
    what = f'{shape}, remote write {protocol}.0'
    for fsync, gate in (('os', gates), ('always', (15, 3.5) if protocol == 1 else (None, None))):
        own = each['hearth' + fsync]
        bench.report.add(Figure(
            f'ingest warm, {what}, `--wal-fsync {fsync}`', 'CPU ns/sample',
            median['hearth' + fsync], median.get('prometheus'), median.get('victoria-metrics'),
            gate, f'≤ {aim}' if fsync == 'os' else '', note=f'{min(own):.0f}–{max(own):.0f}'))
    bench.report.add(Figure(
        f'the same with background work and a clean stop, {what}, `os`', 'CPU ns/sample',
        whole['hearthos'], whole.get('prometheus'), whole.get('victoria-metrics'),
        note='hearth seals all it has when stopped, Prometheus nothing'))


def acknowledgement(bench):
    """p99 at 500,000 samples/s, open loop, both cores at once on this machine's two."""
    series, rate = bench.scaled(100_000), bench.scaled(500_000)
    seconds = 10
    rounds = 1 + rate * seconds // series
    path = bench.loads.clones(series=series, shape='kube', steps=rounds, start_ms=start_ms(rounds))
    a_round = bodies_in(path) // rounds
    found = []
    for server in present(Hearth(bench.folder, fsync='os'), Hearth(bench.folder, fsync='always'),
                          VictoriaMetrics(bench.folder)):
        with server:
            replay(server, path, bodies=a_round)
            one = replay(server, path, skip=a_round, rate=rate, connections=8)
            found.append(one)
            bench.report.say(f'    {server.name}: {one["samples"] / one["seconds"]:,.0f} samples/s,'
                             f' p50 {one["p50_ms"]} ms, p99 {one["p99_ms"]} ms, '
                             f'max {one["max_ms"]} ms')
    for number, fsync in ((1, 'always'), (0, 'os')):
        bench.report.add(Figure(
            f'p99 of the acknowledgement at {rate:,} samples/s, kube, `--wal-fsync {fsync}`', 'ms',
            found[number]['p99_ms'], None, found[2]['p99_ms'] if len(found) > 2 else None,
            aim='≤ 15 ms' if fsync == 'always' else '',
            aim_at_most=15 if fsync == 'always' else None,
            note='one core cannot do it with Prometheus'))
    bench.loads.forget(path)


def new_series_and_memory(bench):
    """CPU of a series' first sample, and RssAnon a series with 500,000 and with a million."""
    half = bench.scaled(500_000)
    steps = 4
    files = []
    for first in (0, half):
        files.append(bench.loads.clones(series=half, first_series=first, shape='kube', steps=steps,
                                        start_ms=start_ms(steps)))
    a_round = bodies_in(files[0]) // steps
    creation, memory = {}, {}
    for server in present(Hearth(bench.folder, fsync='os'), Prometheus(bench.folder),
                          VictoriaMetrics(bench.folder)):
        with server:
            created, bytes_each = [], []
            for number, path in enumerate(files):
                one = replay(server, path, bodies=a_round)
                created.append(one['cpu_s'] / one['samples'] * 1e6)
                for earlier in files[:number + 1]:
                    replay(server, earlier, skip=a_round, bodies=a_round * (steps - 1),
                           may_refuse=True)
                time.sleep(bench.settle_s)
                series = half * (number + 1)
                bytes_each.append(max(0, server.rss_anon_bytes() - FLOOR_BYTES) / series)
            creation[server.name], memory[server.name] = created, bytes_each
    for path in files:
        bench.loads.forget(path)
    bench.report.add(Figure(
        'new series, kube', 'CPU µs each',
        *(statistics.median(creation[n]) if n in creation else None for n in NAMES),
        gates=(5, 10), aim='≤ 2', note=f'of {half * 2:,}, `os`'))
    for number, count in enumerate((half, half * 2)):
        bench.report.add(Figure(
            f'RssAnon above 64 MiB, {count:,} series of 12 labels', 'B/series',
            *(memory[n][number] if n in memory else None for n in NAMES),
            gates=(10, 5), aim='≤ 200'))


def restart(bench):
    """kill -9 with many series: until it is ready, and until a whole scrape is acknowledged."""
    series, steps = bench.scaled(500_000), 5
    path = bench.loads.clones(series=series, shape='kube', steps=steps, start_ms=start_ms(steps))
    a_round = bodies_in(path) // steps
    found = {}
    for server in present(Hearth(bench.folder, cores=None, fsync='always'),
                          Prometheus(bench.folder, cores=None),
                          VictoriaMetrics(bench.folder, cores=None)):
        with server:
            replay(server, path, bodies=a_round * (steps - 1))
            if server.name == 'victoria-metrics':
                time.sleep(6)  # or it has nothing of what it acknowledged
            server.kill9()
            began = time.monotonic()
            ready = server.start()
            replay(server, path, skip=a_round * (steps - 1), connections=2)
            found[server.name] = (time.monotonic() - began, ready)
    bench.loads.forget(path)
    for number, name, gates, aim in ((0, 'first whole scrape acknowledged', (7, 2), '≤ 1.0 s'),
                                     (1, 'ready', (None, None), '')):
        bench.report.add(Figure(
            f'kill -9 with {series:,} series → {name}', 's',
            *(found[n][number] if n in found else None for n in NAMES),
            gates=gates, aim=aim, note='both cores, hearth `always`'))
