# SPDX-License-Identifier: Apache-2.0
"""The query suite: CPU and time of each query, warm and cold, with every answer compared with
Prometheus' in the same run."""

import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import time

from loads import QUERIES, replay
from peer_servers import Hearth, Prometheus, VictoriaMetrics, present
from peer_table import Figure, geometric_mean, number, ratio, times

STEP_MS = 15_000
SAMPLES = 240
ROUNDS = 5
ENOUGH_S = 0.2  # a query is asked until it has been measured for so long, at most MOST times
MOST = 40
TOLERANCE = 1e-9
REFRESHES = 12  # of a dashboard, each a step later
NO_ORACLE = 'not compared: Prometheus 2 has other windows'
RIGHT = ('same', 'close', 'same values', NO_ORACLE)
NAMES = ('hearth', 'prometheus', 'victoria-metrics')


class Query:
    def __init__(self, line):
        self.name, self.kind, span, step, self.expression = line.rstrip('\n').split('\t')
        self.span_s, self.step_s = int(span), int(step)

    def path(self):
        return '/api/v1/query_range' if self.kind == 'range' else '/api/v1/query'

    def parameters(self, end_s):
        if self.kind == 'instant':
            return {'query': self.expression, 'time': end_s}
        return {'query': self.expression, 'start': end_s - self.span_s, 'end': end_s,
                'step': self.step_s}


def suite():
    with open(QUERIES, encoding='utf-8') as file:
        return [Query(line) for line in file if line.strip() and not line.startswith('#')]


# ---- answers -----------------------------------------------------------------------------------

def series_of(answer):
    """{labels: [(time, value), …]}; the answer is a parsed one."""
    data = answer['data']
    if data['resultType'] == 'scalar':
        return {(): [data['result']]}
    return {tuple(sorted(one['metric'].items())): one.get('values') or [one['value']]
            for one in data['result']}


def equal_values(a, b):
    if a == b:
        return True
    x, y = float(a), float(b)
    if math.isnan(x) or math.isnan(y):
        return math.isnan(x) and math.isnan(y)
    return abs(x - y) <= TOLERANCE * max(abs(x), abs(y))


def values_by_time(series):
    """{time: [value, …]}, whosever they are."""
    found = {}
    for values in series.values():
        for when, value in values:
            found.setdefault(when, []).append(float(value))
    return {when: sorted(values) for when, values in found.items()}


def compare(ours, theirs, ranks=False):
    """'same' (every character of every value), 'close' (1e-9), 'same values' or what differs.
    `ranks`: topk and the like, where Prometheus takes of equals those that it created first."""
    if ours[0] != theirs[0]:
        return f'status {ours[0]} where Prometheus has {theirs[0]}'
    if ours[0] != 200:
        return 'same'
    a, b = series_of(json.loads(ours[1])), series_of(json.loads(theirs[1]))
    if a != b and ranks and values_by_time(a) == values_by_time(b):
        return 'same values'
    if set(a) != set(b):
        return (f'{len(a)} series where Prometheus has {len(b)}, '
                f'{len(set(a) ^ set(b))} not in both')
    if a == b:
        return 'same'
    for labels, values in b.items():
        if [t for t, _ in a[labels]] != [t for t, _ in values]:
            return f'other times in {dict(labels)}'
        for (when, x), (_, y) in zip(a[labels], values):
            if not equal_values(x, y):
                return f'{x} where Prometheus has {y} at {when} in {dict(labels)}'
    return 'close'


# ---- measuring ---------------------------------------------------------------------------------

def ask(server, query, end_s):
    return server.query(query.path(), query.parameters(end_s))


def measure(server, query, end_s):
    """(CPU ms, least wall ms) of a query, which has been asked before."""
    walls, count = [], 0
    cpu, began = server.cpu_ns(), time.perf_counter()
    while count < MOST and (count == 0 or time.perf_counter() - began < ENOUGH_S):
        at = time.perf_counter()
        ask(server, query, end_s)
        walls.append((time.perf_counter() - at) * 1e3)
        count += 1
    return (server.cpu_ns() - cpu) / 1e6 / count, min(walls)


def load(bench, servers):
    """100,000 series x 240 samples into each; the time of the last sample in s."""
    begin = (int(time.time() * 1000) // 60_000) * 60_000 - SAMPLES * STEP_MS
    path = bench.loads.clones(series=bench.scaled(100_000), shape='kube', steps=SAMPLES,
                              start_ms=begin, samples_per_series=60)
    for server in servers:
        began = time.monotonic()
        server.start()
        replay(server, path, connections=1)
        if server.name == 'victoria-metrics':
            server.flush()
        bench.report.say(f'    loaded into {server.name} in {time.monotonic() - began:.1f} s')
    bench.loads.forget(path)
    return (begin + (SAMPLES - 1) * STEP_MS) / 1000


def warm(bench, servers, end_s):
    """{query: {server: (CPU ms, wall ms)}}, and what each answer is worth."""
    queries = suite()
    timed, worth = {}, {}
    oracle = next(s.current for s in servers if s.name == 'prometheus')
    for query in queries:
        answers = {s.name: ask(s, query, end_s) for s in servers}
        ranks = 'topk' in query.expression
        worth[query.name] = {
            n: compare(answers[n], answers['prometheus'], ranks) if oracle else NO_ORACLE
            for n in answers if n != 'prometheus'}
        if answers['prometheus'][0] == 200:
            timed[query.name] = {s.name: [] for s in servers}
    for round_ in range(bench.scaled(ROUNDS, 2)):
        for query in queries:
            if query.name not in timed:
                continue
            shift = round_ % len(servers)
            for server in servers[shift:] + servers[:shift]:
                timed[query.name][server.name].append(measure(server, query, end_s))
    return ({q: {n: (statistics.median(c for c, _ in v), min(w for _, w in v))
                 for n, v in each.items()} for q, each in timed.items()}, worth)


def refresh(bench, servers, end_s):
    """A dashboard of the suite's range queries that is looked at again each step, with whatever the
    servers remember of the time before: CPU ms a query and refresh, as one row."""
    found = {}
    for server in servers:
        server.query_extra = {}  # of the class: evaluate
        for query in suite():
            if query.kind != 'range':
                continue
            ends = [end_s - (REFRESHES - i) * query.step_s for i in range(REFRESHES + 1)]
            if ask(server, query, ends[0])[0] != 200:
                continue
            cpu = server.cpu_ns()
            for end in ends[1:]:
                ask(server, query, end)
            spent = (server.cpu_ns() - cpu) / 1e6 / REFRESHES
            found.setdefault(query.name, {})[server.name] = max(spent, 1e-3)
        del server.query_extra
    compared = {q: v for q, v in found.items() if 'prometheus' in v}
    means = [geometric_mean([v[n] for v in compared.values() if n in v]) for n in NAMES]
    bench.report.add(Figure('dashboard refresh, one core, CPU', 'ms', *means, gates=(None, None),
                            note=f'{len(compared)} range queries, each {REFRESHES} times a step '
                                 'later, with the result caches of hearth and VictoriaMetrics'))


def drop_page_cache(bench, server):
    """So that what a server has on disk has to be read: of everything where that is allowed, else
    of its own files (pages that it has mapped stay)."""
    subprocess.run(['sync'], check=False)
    control = pathlib.Path('/proc/sys/vm/drop_caches')
    if bench.drop_all and os.access(control, os.W_OK):
        control.write_text('3', encoding='ascii')
        return 'all of the page cache'
    for path in server.directory.rglob('*'):
        if path.is_file():
            with open(path, 'rb') as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return 'the page cache of its files'


def cold(bench, servers, end_s):
    """{query: {server: wall ms}}, each started anew from what is on disk."""
    for server in servers:
        server.stop()
        server.start()
    found = {}
    for query in suite():
        for server in servers:
            how = drop_page_cache(bench, server)
            began = time.perf_counter()
            status, _ = ask(server, query, end_s)
            if status == 200:
                found.setdefault(query.name, {})[server.name] = (time.perf_counter() - began) * 1e3
    return {q: v for q, v in found.items() if 'prometheus' in v}, how


def add_figures(bench, title, found, gates, aim, worth):
    """The geometric means; the worst query against the better peer beside it."""
    wrong = [q for q in found if worth[q].get('hearth') not in RIGHT]
    means = [geometric_mean([found[q][n] for q in found if n in found[q]]) for n in NAMES]
    slower = [q for q, v in found.items()
              if v['hearth'] > min(time for name, time in v.items() if name != 'hearth')]
    note = f'{len(found)} queries, geometric mean'
    if slower:
        note += '; slower than the better peer: ' + ', '.join(slower)
    if wrong:
        note += '; wrong answers: ' + ', '.join(wrong)
    bench.report.add(Figure(title, 'ms', *means, gates=gates, aim=aim, note=note,
                            void=bool(wrong)))


def query_table(found, worth, walls):
    lines = ['| query | hearth, CPU ms | Prometheus | VictoriaMetrics | less than Prometheus | '
             'less than VictoriaMetrics | hearth, wall ms | answer | VictoriaMetrics\' answer |',
             '|---|---|---|---|---|---|---|---|---|']
    for query in suite():
        answer = worth[query.name]
        if query.name in found:
            own, prom, vm = map(found[query.name].get, NAMES)
            cells = [number(own), number(prom), number(vm), times(ratio(prom, own)),
                     times(ratio(vm, own)), number(walls[query.name])]
        else:
            cells = ['an error in Prometheus', '', '', '', '', '']
        cells += [answer['hearth'][:100], answer.get('victoria-metrics', '')[:60]]
        lines.append(f'| {query.name} | ' + ' | '.join(cells) + ' |')
    return lines


def run(bench):
    """CPU and time of each query of the suite, every answer compared with Prometheus'."""
    servers = present(Hearth(bench.folder, fsync='os'), Prometheus(bench.folder),
                      VictoriaMetrics(bench.folder))
    try:
        end_s = load(bench, servers)
        found, worth = warm(bench, servers, end_s)
        cpu = {q: {n: v[0] for n, v in each.items()} for q, each in found.items()}
        wall = {q: each['hearth'][1] for q, each in found.items()}
        bench.report.table('Queries, warm, one core', query_table(cpu, worth, wall))
        add_figures(bench, 'query suite warm, one core, CPU', cpu, (15, 8), '', worth)
        add_figures(bench, 'query suite warm, one core, wall',
                    {q: {n: v[1] for n, v in each.items()} for q, each in found.items()},
                    (None, None), '', worth)
        refresh(bench, servers, end_s)
        if bench.cold:
            cold_found, how = cold(bench, servers, end_s)
            add_figures(bench, f'query suite cold ({how} dropped), one core, wall', cold_found,
                        (3, 3), '5x', worth)
        two_cores(bench, servers[0], end_s)
    finally:
        for server in servers:
            server.remove()


def two_cores(bench, hearth, end_s):
    """hearth alone: each query on one core and on two."""
    lines = ['| query | one core, wall ms | two cores | one core, CPU ms | two cores |',
             '|---|---|---|---|---|']
    each = {}
    for cores in ({0}, {0, 1}):
        hearth.stop()
        hearth.cores = frozenset(cores)
        hearth.start()
        for query in suite():
            ask(hearth, query, end_s)
            each.setdefault(query.name, []).append(measure(hearth, query, end_s))
    for name, (one, two) in each.items():
        lines.append(f'| {name} | {number(one[1])} | {number(two[1])} | {number(one[0])} | '
                     f'{number(two[0])} |')
    bench.report.table('hearth\'s queries on one core and on two', lines)


def parser(bench):
    """Expressions a second, of this machine's build of the parser's benchmark."""
    program = bench.build / 'promql_bench'
    if not program.exists():
        bench.report.say('    promql_bench is not built')
        return
    done = subprocess.run([program, '--benchmark_filter=Pars', '--benchmark_format=json'],
                          capture_output=True, text=True, check=False)
    found = re.search(r'\{.*\}', done.stdout, re.S)
    rows = json.loads(found.group())['benchmarks'] if found else []
    lines = ['| what | CPU ns |', '|---|---|']
    lines += [f'| {one["name"]} | {one["cpu_time"]:,.0f} |' for one in rows]
    bench.report.table('The parser', lines)
