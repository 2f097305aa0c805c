# SPDX-License-Identifier: Apache-2.0
"""Random queries over random data: hearth against the real Prometheus.

`make fuzz-promql` asks 10,000; the test beside it 200. A difference prints the seed and the query,
so that `--seed` and `--only` repeat it:

    build/venv/bin/python test/promql_fuzz.py --seed 7 --only 123

What is compared: success or failure, the kind of the result, labels, times, values to 1e-12
relative (NaN equals NaN, infinities exactly), histograms bucket by bucket, warnings and infos.
Texts of errors are compared too, but for those in ERROR_TEXTS_DIFFER.

Documented differences, which are not counted:
- How many samples histogram_quantile() says it had to make monotonic: upstream adds the count to
  itself whenever it merges annotations (4, 8, … 274909757440); hearth counts each once.
- Which of several equal elements topk() and bottomk() keep: upstream's order is that in which its
  head happened to create the series. They are asked about at the root of a query only, and compared
  by their values.
- The last bits of exp, ln, sin and their like: Go's own implementations on one side, the C
  library's on the other. They are within 1e-12; count_values() would turn them into labels, so that
  it is asked about plain selectors only.
"""

import argparse
import json
import math
import os
import random
import re
import struct
import sys
import time

import prometheus_process
from connect import client_for
from hearth_process import HearthProcess
from prometheus_process import Prometheus
from remote_write import series

RELATIVE = 1e-12
STALE_BITS = 0x7ff0000000000002
STEP_MS = 15_000
POINTS = 160
# Errors whose words depend on the order in which a map is walked, upstream's or ours.
OVER_SAMPLES = re.compile(r', over \d+ samples from')
ERROR_TEXTS_DIFFER = ('found duplicate series', 'multiple matches for labels',
                      'vector cannot contain metrics with the same labelset',
                      'grouping labels must ensure unique matches')

GAUGES = ('fuzz_gauge', 'fuzz_other')
COUNTERS = ('fuzz_requests_total', 'fuzz_errors_total')
BUCKETS = 'fuzz_latency_bucket'
LABELS = {'job': ('api', 'web', 'db'), 'code': ('200', '404', '500'), 'zone': ('a', 'b')}
RANGE_FUNCTIONS = ('rate', 'increase', 'delta', 'irate', 'idelta', 'resets', 'changes', 'deriv',
                   'avg_over_time', 'sum_over_time', 'min_over_time', 'max_over_time',
                   'count_over_time', 'last_over_time', 'stddev_over_time', 'stdvar_over_time',
                   'present_over_time', 'absent_over_time')
VECTOR_FUNCTIONS = ('abs', 'ceil', 'floor', 'exp', 'sqrt', 'ln', 'log2', 'log10', 'sgn', 'sort',
                    'sort_desc', 'timestamp', 'minute', 'hour', 'day_of_week', 'absent', 'sin',
                    'cos', 'atan', 'deg', 'rad', 'round', 'month', 'year', 'days_in_month')
AGGREGATIONS = ('sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar')
ARITHMETIC = ('+', '-', '*', '/', '%', '^', 'atan2')
COMPARISONS = ('==', '!=', '>', '<', '>=', '<=')
SETS = ('and', 'or', 'unless')


class Data:
    """Series with gaps, resets, jitter, staleness markers and special values."""

    def __init__(self, rng, now_ms):
        self.rng = rng
        self.begin = now_ms - POINTS * STEP_MS
        self.end = now_ms
        self.parts = []
        for name in GAUGES:
            for labels in self.label_sets():
                self.add(name, labels, self.gauge())
        for name in COUNTERS:
            for labels in self.label_sets():
                self.add(name, labels, self.counter())
        for job in LABELS['job']:
            total = [0.0] * 5
            rows = [[] for _ in total]
            for _ in range(POINTS):
                for i in range(5):
                    total[i] += rng.randrange(4) if i else rng.randrange(2)
                running = 0
                for i in range(5):
                    running += total[i]
                    rows[i].append(running)
            for le, row in zip(('0.1', '0.5', '1', '5', '+Inf'), rows):
                self.add(BUCKETS, {'job': job, 'le': le}, row)

    def label_sets(self):
        for job in LABELS['job']:
            for code in LABELS['code']:
                if self.rng.random() < 0.8:
                    labels = {'job': job, 'code': code}
                    if self.rng.random() < 0.5:
                        labels['zone'] = self.rng.choice(LABELS['zone'])
                    yield labels

    def gauge(self):
        rng, value, out = self.rng, self.rng.uniform(-100, 100), []
        for _ in range(POINTS):
            value += rng.gauss(0, 5)
            roll = rng.random()
            out.append(math.nan if roll < 0.01 else math.inf if roll < 0.015 else
                       -math.inf if roll < 0.02 else round(value) if roll < 0.5 else value)
        return out

    def counter(self):
        rng, value, out = self.rng, 0.0, []
        for _ in range(POINTS):
            value = 0.0 if rng.random() < 0.02 else value + rng.randrange(50) / rng.choice((1, 8))
            out.append(value)
        return out

    def add(self, name, labels, values):
        rng, samples, gone = self.rng, [], False
        jitter = rng.choice((0, 0, 700))
        for i, value in enumerate(values):
            moment = self.begin + i * STEP_MS + rng.randrange(-jitter, jitter + 1)
            roll = rng.random()
            if roll < 0.02 and not gone:
                samples.append((moment, struct.pack('<Q', STALE_BITS)))
                gone = True
            elif gone:
                gone = rng.random() < 0.7
            if not gone and roll >= 0.03:
                samples.append((moment, float(value)))
        samples = [(t, v if isinstance(v, bytes) else v) for t, v in dict(samples).items()]
        if samples:
            self.parts.append(series({'__name__': name, **labels}, samples))


class Queries:
    """Random expressions of a wanted type; `depth` bounds them."""

    def __init__(self, rng, data):
        self.rng, self.data = rng, data

    def duration(self, low=15, high=1800):
        seconds = self.rng.choice((low, 30, 60, 61, 90, 300, 437, 600, high))
        return f'{seconds}s' if self.rng.random() < 0.7 else f'{seconds * 1000 + 1}ms'

    def number(self):
        return self.rng.choice(('0', '1', '2', '-1', '0.5', '1e3', '1e-7', 'NaN', 'Inf', '-Inf',
                                '3', '0.95', '100', '1.5'))

    def matchers(self, name):
        rng, out = self.rng, []
        for label, values in LABELS.items():
            if rng.random() < 0.3:
                op = rng.choice(('=', '!=', '=~', '!~'))
                value = rng.choice(values)
                if '~' in op:
                    value = rng.choice((value, value + '|' + rng.choice(values), value[0] + '.*',
                                        '.+', '', '[a-w]+'))
                out.append(f'{label}{op}"{value}"')
        return name + ('{' + ', '.join(out) + '}' if out else '')

    def at(self):
        rng = self.rng
        roll = rng.random()
        if roll < 0.06:
            return f' @ {(self.data.begin + rng.randrange(POINTS * STEP_MS)) / 1000:.3f}'
        return ' @ start()' if roll < 0.08 else ' @ end()' if roll < 0.1 else ''

    def offset(self):
        roll = self.rng.random()
        return f' offset {self.duration()}' if roll < 0.1 else (
            f' offset -{self.duration()}' if roll < 0.13 else '')

    def selector(self):
        return self.matchers(self.rng.choice(GAUGES + COUNTERS)) + self.at() + self.offset()

    def matrix(self, depth):
        if depth > 0 and self.rng.random() < 0.2:
            step = self.rng.choice(('', self.duration()))
            inner = f'({self.vector(depth - 1)})[{self.duration(300)}:{step}]'
        else:
            inner = f'{self.matchers(self.rng.choice(GAUGES + COUNTERS))}[{self.duration()}]'
        return inner + self.at() + self.offset()

    def grouping(self):
        labels = self.rng.sample(list(LABELS) + ['le', 'nobody'], self.rng.randrange(3))
        return self.rng.choice(('', f' by ({", ".join(labels)}) ',
                                f' without ({", ".join(labels)}) '))

    def scalar(self, depth):
        rng = self.rng
        roll = rng.random()
        if depth <= 0 or roll < 0.6:
            return self.number()
        if roll < 0.75:
            return f'scalar({self.vector(depth - 1)})'
        if roll < 0.8:
            return 'time()'
        return f'({self.scalar(depth - 1)} {rng.choice(ARITHMETIC)} {self.scalar(depth - 1)})'

    def vector(self, depth):
        rng = self.rng
        if depth <= 0:
            return self.selector()
        make = rng.choice((self.selector, self.range_call, self.range_call, self.vector_call,
                           self.aggregation, self.aggregation, self.binary, self.binary,
                           self.binary, self.labels_call, self.quantile))
        return make() if make == self.selector else make(depth - 1)

    def range_call(self, depth):
        rng = self.rng
        roll = rng.random()
        if roll < 0.05:
            return f'quantile_over_time({self.scalar(0)}, {self.matrix(depth)})'
        if roll < 0.1:
            return f'predict_linear({self.matrix(depth)}, {rng.choice(("60", "-60", "3600"))})'
        return f'{rng.choice(RANGE_FUNCTIONS)}({self.matrix(depth)})'

    def vector_call(self, depth):
        rng = self.rng
        roll = rng.random()
        if roll < 0.1:
            return f'clamp({self.vector(depth)}, {self.scalar(0)}, {self.scalar(0)})'
        if roll < 0.15:
            return f'vector({self.scalar(depth)})'
        if roll < 0.2:
            return f'-({self.vector(depth)})'
        return f'{rng.choice(VECTOR_FUNCTIONS)}({self.vector(depth)})'

    def aggregation(self, depth):
        rng = self.rng
        roll = rng.random()
        inner = self.vector(depth)
        if roll < 0.1:
            wanted = rng.choice(('0', '0.3', '0.9', '1', '2'))
            return f'quantile{self.grouping()}({wanted}, {inner})'
        if roll < 0.15:
            return f'count_values{self.grouping()}("v", {self.selector()})'
        return f'{rng.choice(AGGREGATIONS)}{self.grouping()}({inner})'

    def binary(self, depth):
        rng = self.rng
        roll = rng.random()
        if roll < 0.3:
            op = rng.choice(ARITHMETIC + COMPARISONS)
            flag = ' bool' if op in COMPARISONS and rng.random() < 0.4 else ''
            pair = [f'({self.vector(depth)})', self.scalar(depth)]
            rng.shuffle(pair)
            return f'{pair[0]} {op}{flag} {pair[1]}'
        labels = ', '.join(rng.sample(list(LABELS), rng.randrange(1, 4)))
        matching = rng.choice(('', f' on ({labels})', f' ignoring ({labels})'))
        left, right = f'({self.vector(depth)})', f'({self.vector(depth)})'
        if roll < 0.5:
            return f'{left} {rng.choice(SETS)}{matching} {right}'
        op = rng.choice(ARITHMETIC + COMPARISONS)
        flag = ' bool' if op in COMPARISONS and rng.random() < 0.4 else ''
        group = ''
        if matching and rng.random() < 0.5:
            group = rng.choice((' group_left', ' group_right', ' group_left (zone)'))
            by = 'job' if rng.random() < 0.7 else labels
            one = f'sum by ({by}) ({self.vector(depth)})'
            matching = f' on ({by})'
            left, right = (left, one) if 'left' in group else (one, right)
        return f'{left} {op}{flag}{matching}{group} {right}'

    def labels_call(self, depth):
        rng = self.rng
        inner = self.vector(depth)
        if rng.random() < 0.5:
            pattern = rng.choice(('(.*)', '(a).*', 'x', '', '([a-z]+)(.)'))
            return (f'label_replace({inner}, "{rng.choice(("new", "zone", "job"))}", '
                    f'"{rng.choice(("$1", "x-$1", "", "${1}$2"))}", "{rng.choice(list(LABELS))}", '
                    f'"{pattern}")')
        return f'label_join({inner}, "joined", "-", "job", "code")'

    def quantile(self, depth):
        rng = self.rng
        quantile = rng.choice(('0', '0.5', '0.9', '1', '-1', '2', 'NaN'))
        matrix = f'{BUCKETS}[{self.duration(60)}]'
        inner = rng.choice((BUCKETS, f'rate({matrix})', f'sum by (le) (rate({matrix}))'))
        return f'histogram_quantile({quantile}, {inner})'

    def any(self):
        depth = self.rng.choice((0, 1, 2, 2, 3, 3, 4))
        if self.rng.random() < 0.04:
            operation = self.rng.choice(('topk', 'bottomk'))
            return f'{operation}{self.grouping()}({self.rng.randrange(5)}, {self.vector(depth)})'
        return self.vector(depth) if self.rng.random() < 0.9 else self.scalar(depth)


# ---- comparison ---------------------------------------------------------------------------------

def same_number(a, b):
    x, y = float(a), float(b)
    if math.isnan(x) or math.isnan(y):
        return math.isnan(x) and math.isnan(y)
    if math.isinf(x) or math.isinf(y) or x == y:
        return x == y
    return abs(x - y) <= RELATIVE * max(abs(x), abs(y)) or abs(x - y) < 1e-300


def same_points(a, b):
    return len(a) == len(b) and all(p[0] == q[0] and same_value(p[1], q[1]) for p, q in zip(a, b))


def same_value(a, b):
    if isinstance(a, dict) or isinstance(b, dict):
        if not (isinstance(a, dict) and isinstance(b, dict)):
            return False
        rows = zip(a.get('buckets', []), b.get('buckets', []))
        return (same_number(a['count'], b['count']) and same_number(a['sum'], b['sum']) and
                len(a.get('buckets', [])) == len(b.get('buckets', [])) and
                all(x[0] == y[0] and all(map(same_number, x[1:], y[1:])) for x, y in rows))
    return same_number(a, b)


def chosen(result):
    """Every value with its time, without whose it is."""
    points = [p for x in result for p in x.get('values', [x.get('value')])]
    return sorted((t, f'{float(v):.9g}') for t, v in points)


def texts(answer, notes):
    return sorted(OVER_SAMPLES.sub(', over samples from', x) for x in answer.get(notes, []))


def by_labels(result):
    return {json.dumps(x['metric'], sort_keys=True): x for x in result}


def difference(ours, theirs, query):
    """'' where the two answers are equal."""
    if ours.get('status') != theirs.get('status'):
        return f'status: {ours} != {theirs}'
    if ours['status'] == 'error':
        if ours['errorType'] != theirs['errorType']:
            return f'{ours} != {theirs}'
        if ours['error'] == theirs['error'] or any(
                x in theirs['error'] for x in ERROR_TEXTS_DIFFER):
            return ''
        return f'error: {ours["error"]} != {theirs["error"]}'
    for notes in ('warnings', 'infos'):
        if texts(ours, notes) != texts(theirs, notes):
            return f'{notes}: {ours.get(notes)} != {theirs.get(notes)}'
    a, b = ours['data'], theirs['data']
    if a['resultType'] != b['resultType']:
        return f'{a["resultType"]} != {b["resultType"]}'
    if a['resultType'] in ('scalar', 'string'):
        return '' if same_points([a['result']], [b['result']]) else f'{a} != {b}'
    if query.startswith(('topk', 'bottomk')):
        return '' if chosen(a['result']) == chosen(b['result']) else 'other values were chosen'
    left, right = by_labels(a['result']), by_labels(b['result'])
    if set(left) != set(right):
        return f'series: only ours {set(left) - set(right)}, only theirs {set(right) - set(left)}'
    for key, x in left.items():
        y = right[key]
        for form in ('values', 'histograms', 'value', 'histogram'):
            if (form in x) != (form in y):
                return f'{key}: {form} on one side only'
            if form not in x:
                continue
            p, q = (x[form], y[form]) if form.endswith('s') else ([x[form]], [y[form]])
            if not same_points(p, q):
                return f'{key}: {p} != {q}'
    return ''


# ---- the run ------------------------------------------------------------------------------------

def ask(client, path, parameters):
    answer = client.request('POST', f'/api/v1/{path}', data=parameters)
    return answer.json()


def requests_of(rng, data, query):
    instant = rng.random() < 0.4
    moment = (data.begin + rng.randrange(POINTS * STEP_MS)) / 1000
    if instant:
        return 'query', {'query': query, 'time': moment}
    steps = rng.choice((1, 7, 40))
    step = rng.choice((15, 30, 37, 60.5))
    return 'query_range', {'query': query, 'start': moment, 'end': moment + steps * step,
                           'step': step}


def run(hearth, prometheus, count, seed, only=None, report=print):
    """Returns the list of differences."""
    rng = random.Random(seed)
    data = Data(rng, int(time.time()) // 60 * 60_000 - 120_000)
    for client in (hearth, prometheus):
        for i in range(0, len(data.parts), 20):
            answer = client.write(*data.parts[i:i + 20])
            assert answer.status_code in (200, 204), answer.text
    differences, errors = [], 0
    for number in range(count):
        local = random.Random(f'{seed}/{number}')
        query = Queries(local, data).any()
        path, parameters = requests_of(local, data, query)
        if only is not None and number != only:
            continue
        ours, theirs = ask(hearth, path, parameters), ask(prometheus, path, parameters)
        errors += theirs['status'] == 'error'
        found = difference(ours, theirs, query)
        if found:
            differences.append((number, path, parameters, found))
            report(f'seed {seed}, number {number}: {path} {json.dumps(parameters)}\n'
                   f'    {found[:2000]}')
    report(f'{count} queries, seed {seed}: {len(differences)} differ; {errors} were errors to '
           'Prometheus')
    return differences


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--count', type=int, default=10_000)
    parser.add_argument('--seed', type=int, default=int(time.time()))
    parser.add_argument('--only', type=int)
    options = parser.parse_args()
    program = os.environ.get('PROMETHEUS') or prometheus_process.find('prometheus', current=True)
    if not program:
        sys.exit('no current Prometheus: build one (tools/setup --peers), or name one by '
                 '$PROMETHEUS')
    with HearthProcess() as hearth, Prometheus(program, arguments=[
            '--web.enable-remote-write-receiver']) as prometheus:
        found = run(client_for(hearth), prometheus.client(), options.count, options.seed,
                    options.only)
    sys.exit(1 if found else 0)


if __name__ == '__main__':
    main()
