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
- Which buckets an integer histogram has that are empty (a chunk of upstream's gives all its
  histograms the same): the data has no histogram where it would matter.
- Whether native histograms are equal (==, !=): upstream's that come from a store are not equal to
  the same without empty buckets.
- Buckets of a native histogram times NaN: the empty ones that only upstream has are NaN then.
- predict_linear() of a subquery with @: upstream's answer is empty in a range query.
- stddev() and stdvar() of timestamp(): upstream adds in an order that changes from query to query,
  and numbers as large as those lose nine digits by it; they are compared to 1e-4.
- The last bits of exp, ln, sin and their like: Go's own implementations on one side, the C
  library's on the other. They are within 1e-12; count_values() would turn them into labels, topk()
  choose by them, sums cancel out all but them and cosines of large numbers show nothing else, so
  that these are asked about expressions without them.

Series are written sorted by their labels, so that upstream's head, whose order is that of creation,
has hearth's order: then also which of several equal elements topk(), limitk() and sort() take, and
in which order they stand, is the same. Operations of a range query leave their rows in the order of
a map of Go's, so that topk() and limitk() are asked about what has none of them.
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
from remote_write import STALE_NAN, histogram, histogram_series, series

RELATIVE = 1e-12
STALE_BITS = 0x7ff0000000000002
STEP_MS = 15_000
POINTS = 160
FEATURES = '--enable-feature=promql-experimental-functions'
HEARTH_ARGUMENTS = [FEATURES]
PROMETHEUS_ARGUMENTS = ['--web.enable-remote-write-receiver', FEATURES]
# Errors whose words depend on the order in which a map is walked, upstream's or ours.
OVER_SAMPLES = re.compile(r', over \d+ samples from')
ERROR_TEXTS_DIFFER = ('found duplicate series', 'multiple matches for labels',
                      'vector cannot contain metrics with the same labelset',
                      'grouping labels must ensure unique matches')

GAUGES = ('fuzz_gauge', 'fuzz_other')
COUNTERS = ('fuzz_requests_total', 'fuzz_errors_total')
BUCKETS = 'fuzz_latency_bucket'
NATIVE = ('fuzz_native', 'fuzz_native_float', 'fuzz_native_gauge', 'fuzz_custom', 'fuzz_mixed')
LABELS = {'job': ('api', 'web', 'db'), 'code': ('200', '404', '500'), 'zone': ('a', 'b')}
RANGE_FUNCTIONS = ('rate', 'increase', 'delta', 'irate', 'idelta', 'resets', 'changes', 'deriv',
                   'avg_over_time', 'sum_over_time', 'min_over_time', 'max_over_time',
                   'count_over_time', 'last_over_time', 'stddev_over_time', 'stdvar_over_time',
                   'present_over_time', 'absent_over_time')
VECTOR_FUNCTIONS = ('abs', 'ceil', 'floor', 'sqrt', 'sgn', 'sort', 'sort_desc', 'timestamp',
                    'minute', 'hour', 'day_of_week', 'absent', 'deg', 'rad', 'round', 'month',
                    'year', 'days_in_month')
# Those whose last bits are the library's.
INEXACT_FUNCTIONS = ('exp', 'ln', 'log2', 'log10', 'sin', 'cos', 'atan', 'tanh')
EXPERIMENTAL_RANGE = ('first_over_time', 'mad_over_time', 'ts_of_max_over_time',
                      'ts_of_min_over_time', 'ts_of_last_over_time')
HISTOGRAM_FUNCTIONS = ('histogram_count', 'histogram_sum', 'histogram_avg', 'histogram_stddev',
                       'histogram_stdvar')
AGGREGATIONS = ('sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar')
EXACT = ('+', '-', '*', '/', '%')
ARITHMETIC = ('+', '-', '*', '/', '^', 'atan2')  # remainders show last bits
COMPARISONS = ('==', '!=', '>', '<', '>=', '<=')
SETS = ('and', 'or', 'unless')


class Data:
    """Series with gaps, resets, jitter, staleness markers and special values."""

    def __init__(self, rng, now_ms):
        self.rng = rng
        self.begin = now_ms - POINTS * STEP_MS
        self.end = now_ms
        self.parts = []
        self.late = []
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

        for name in NATIVE:
            for job in LABELS['job']:
                self.add_native(name, {'job': job, 'code': self.rng.choice(LABELS['code'])})
        self.parts = [part for _, part in sorted(self.parts)]

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
        if samples:
            self.keep(name, labels, series({'__name__': name, **labels},
                                           sorted(dict(samples).items())))

    def keep(self, name, labels, part):
        self.parts.append((sorted({'__name__': name, **labels}.items()), part))

    def add_native(self, name, labels):
        """A counter (or gauge) of native histograms with gaps, resets, changes of resolution, and
        staleness markers; fuzz_mixed is floats for some of the time."""
        rng = self.rng
        kind = name.removeprefix('fuzz_')
        schema, zero_threshold, buckets, total, zero = rng.choice((-1, 0, 3)), 0.001, {}, 0.0, 0
        bounds = rng.choice(((0.1, 0.5, 1, 5), (0.1, 0.5, 1, 5), (0.5, 1, 10)))
        runs = []  # (whether of floats, [sample or histogram, …]), by time
        negative = {}
        for i in range(POINTS):
            moment = self.begin + i * STEP_MS
            roll = rng.random()
            if roll < 0.02 or kind == 'native_gauge':
                buckets, negative, total, zero = {}, {}, 0.0, 0
            if roll > 0.985:
                schema = rng.choice((-1, 0, 2, 3))
                bounds = rng.choice(((0.1, 0.5, 1, 5), (0.5, 1, 10)))
                zero_threshold = rng.choice((0.001, 0.25))
                buckets, negative, total, zero = {}, {}, 0.0, 0
            for _ in range(rng.randrange(5)):
                add = rng.randrange(1, 5)
                add = add / 4 if kind == 'native_float' else add
                index = rng.randrange(len(bounds) + 1) if kind == 'custom' else rng.randrange(-3, 9)
                buckets[index] = buckets.get(index, 0) + add
                total += add * rng.choice((0.25, 1, 3))
            if kind not in ('custom', 'native_float') and (not negative or rng.random() < 0.1):
                index = rng.randrange(0, 4)
                negative[index] = negative.get(index, 0) + 1
                zero += 1
                total -= 1
            # A chunk of upstream's gives all its histograms the buckets that one of them has, empty
            # ones, and the zero bucket ends at zero where one side has no bucket, not even an empty
            # one: a histogram always has the same sides.
            buckets.setdefault(1, 1)
            if 0.03 < roll < 0.06:
                continue
            is_float = kind == 'mixed' and i // 20 % 3 == 1
            if not runs or runs[-1][0] != is_float:
                runs.append((is_float, []))
            if is_float:
                runs[-1][1].append((moment, float(i)))
            elif 0.02 < roll < 0.03:
                runs[-1][1].append(histogram(moment, total=STALE_NAN, whole=False))
            else:
                runs[-1][1].append(histogram(
                    moment, buckets, negative, schema=schema, total=total, zero=zero,
                    zero_threshold=zero_threshold, custom=bounds if kind == 'custom' else (),
                    gauge=kind == 'native_gauge', whole=kind != 'native_float'))
        whole = {'__name__': name, **labels}
        parts = [(series if is_float else histogram_series)(whole, run) for is_float, run in runs]
        self.keep(name, labels, parts[0])
        # Upstream takes a message's floats before its histograms: each run goes on its own.
        self.late += parts[1:]


class Queries:
    """Random expressions of a wanted type; `depth` bounds them."""

    def __init__(self, rng, data, experimental=True):
        self.rng, self.data, self.experimental = rng, data, experimental
        self.exact = 0  # above 0: nothing whose last bits are a library's

    def exactly(self, make, *arguments):
        self.exact += 1
        made = make(*arguments)
        self.exact -= 1
        return made

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

    def name(self):
        native = self.rng.random() < 0.15
        return self.rng.choice(NATIVE if native and not self.exact else GAUGES + COUNTERS)

    def selector(self):
        return self.matchers(self.name()) + self.at() + self.offset()

    def matrix(self, depth, at=True):
        if depth > 0 and self.rng.random() < 0.2:
            step = self.rng.choice(('', self.duration()))
            inner = f'({self.vector(depth - 1)})[{self.duration(300)}:{step}]'
        else:
            inner = f'{self.matchers(self.name())}[{self.duration()}]'
        return inner + (self.at() if at else '') + self.offset()

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
        return f'({self.scalar(depth - 1)} {self.arithmetic()} {self.scalar(depth - 1)})'

    def arithmetic(self):
        return self.rng.choice(EXACT if self.exact else ARITHMETIC)

    def vector(self, depth):
        rng = self.rng
        if depth <= 0:
            return self.selector()
        make = rng.choice((self.selector, self.range_call, self.range_call, self.vector_call,
                           self.aggregation, self.aggregation, self.binary, self.binary,
                           self.binary, self.labels_call,
                           *(() if self.exact else (self.quantile, self.native))))
        return make() if make == self.selector else make(depth - 1)

    def range_call(self, depth):
        rng = self.rng
        roll = rng.random()
        if roll < 0.05:
            return f'quantile_over_time({self.scalar(0)}, {self.matrix(depth)})'
        if roll < 0.1:
            seconds = rng.choice(('60', '-60', '3600'))
            return f'predict_linear({self.matrix(depth, at=False)}, {seconds})'
        if roll < 0.13 and self.experimental:
            return (f'double_exponential_smoothing({self.matrix(depth)}, '
                    f'{rng.choice(("0.5", "0.1"))}, 0.3)')
        if roll < 0.2 and self.experimental:
            return f'{rng.choice(EXPERIMENTAL_RANGE)}({self.matrix(depth)})'
        return f'{rng.choice(RANGE_FUNCTIONS)}({self.matrix(depth)})'

    def histogram(self, depth):
        """An expression that mostly has native histograms."""
        rng = self.rng
        selector = self.matchers(rng.choice(NATIVE))
        roll = rng.random()
        if roll < 0.2:
            return selector + self.at() + self.offset()
        if roll < 0.55 or depth <= 0:
            function = rng.choice(('rate', 'increase', 'delta', 'irate', 'idelta', 'sum_over_time',
                                   'avg_over_time', 'last_over_time'))
            return f'{function}({selector}[{self.duration(60)}])'
        if roll < 0.8:
            return (f'{rng.choice(("sum", "avg", "group", "count", "min"))}{self.grouping()}'
                    f'({self.histogram(depth - 1)})')
        if roll < 0.9:
            return (f'({self.histogram(depth - 1)}) {rng.choice(("*", "/", "+", "-"))} '
                    f'{rng.choice(("2", "0.5", "0", "-1"))}')
        return (f'({self.histogram(depth - 1)}) {rng.choice(("+", "-", "and", "or"))} '
                f'({self.histogram(depth - 1)})')

    def native(self, depth):
        rng = self.rng
        inner = self.histogram(depth)
        roll = rng.random()
        if roll < 0.25:
            return inner
        if roll < 0.55:
            return f'{rng.choice(HISTOGRAM_FUNCTIONS)}({inner})'
        if roll < 0.75:
            wanted = rng.choice(('0', '0.1', '0.5', '0.9', '1', '-1', '2', 'NaN'))
            return f'histogram_quantile({wanted}, {inner})'
        if roll < 0.9:
            low, high = rng.choice((('0', '1'), ('-Inf', '0.5'), ('-1', '+Inf'), ('2', '1'),
                                    ('0.0001', '3')))
            return f'histogram_fraction({low}, {high}, {inner})'
        if roll < 0.95 and self.experimental:
            return f'histogram_quantiles({inner}, "q", 0.5, 0.9)'
        return f'({inner}) {rng.choice(("</", ">/"))} {rng.choice(("0.5", "1", "3", "-1"))}'

    def vector_call(self, depth):
        rng = self.rng
        roll = rng.random()
        if roll < 0.1:
            return f'clamp({self.vector(depth)}, {self.scalar(0)}, {self.scalar(0)})'
        if roll < 0.15:
            return f'vector({self.scalar(depth)})'
        if roll < 0.2:
            return f'-({self.vector(depth)})'
        if roll < 0.35 and not self.exact:
            return f'{rng.choice(INEXACT_FUNCTIONS)}({self.exactly(self.vector, depth)})'
        return f'{rng.choice(VECTOR_FUNCTIONS)}({self.vector(depth)})'

    def ordered(self, depth):
        """An expression whose rows are in a known order upstream (see above)."""
        roll = self.rng.random()
        if depth <= 0 or roll < 0.4:
            return self.selector()
        if roll < 0.8:
            return self.range_call(0)
        return f'{self.rng.choice(("sum", "min", "count"))}{self.grouping()}({self.ordered(0)})'

    def aggregation(self, depth):
        rng = self.rng
        roll = rng.random()
        if roll < 0.08:
            return f'count_values{self.grouping()}("v", {self.exactly(self.vector, depth)})'
        if roll < 0.16:
            operation = rng.choice(('topk', 'bottomk'))
            return (f'{operation}{self.grouping()}({rng.randrange(5)}, '
                    f'{self.exactly(self.ordered, depth)})')
        if roll < 0.2 and self.experimental:
            which = rng.choice((f'limitk{self.grouping()}({rng.randrange(4)}',
                                f'limit_ratio{self.grouping()}({rng.choice(("0.5", "-0.3", "1"))}'))
            return f'{which}, {self.ordered(depth)})'
        inner = self.exactly(self.vector, depth)
        if roll < 0.3:
            wanted = rng.choice(('0', '0.3', '0.9', '1', '2'))
            return f'quantile{self.grouping()}({wanted}, {inner})'
        return f'{rng.choice(AGGREGATIONS)}{self.grouping()}({inner})'

    def binary(self, depth):
        rng = self.rng
        roll = rng.random()
        if roll < 0.3:
            op = self.arithmetic() if rng.random() < 0.5 else rng.choice(COMPARISONS)
            flag = ' bool' if op in COMPARISONS and rng.random() < 0.4 else ''
            pair = [f'({self.vector(depth)})', self.scalar(depth)]
            rng.shuffle(pair)
            return f'{pair[0]} {op}{flag} {pair[1]}'
        labels = ', '.join(rng.sample(list(LABELS), rng.randrange(1, 4)))
        matching = rng.choice(('', f' on ({labels})', f' ignoring ({labels})'))
        if roll < 0.5:
            return (f'({self.vector(depth)}) {rng.choice(SETS)}{matching} '
                    f'({self.vector(depth)})')
        op = self.arithmetic() if rng.random() < 0.5 else rng.choice(COMPARISONS)
        flag = ' bool' if op in COMPARISONS and rng.random() < 0.4 else ''
        if op in COMPARISONS:
            return self.exactly(self.matched, op + flag, matching, labels, depth)
        return self.matched(op, matching, labels, depth)

    def matched(self, op, matching, labels, depth):
        rng, group = self.rng, ''
        left, right = f'({self.vector(depth)})', f'({self.vector(depth)})'
        if matching and rng.random() < 0.5:
            group = rng.choice((' group_left', ' group_right', ' group_left (zone)'))
            by = 'job' if rng.random() < 0.7 else labels
            one = f'sum by ({by}) ({self.vector(depth)})'
            matching = f' on ({by})'
            left, right = (left, one) if 'left' in group else (one, right)
        return f'{left} {op}{matching}{group} {right}'

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
        return self.vector(depth) if self.rng.random() < 0.9 else self.scalar(depth)


# ---- comparison ---------------------------------------------------------------------------------

def same_number(a, b, relative=RELATIVE):
    x, y = float(a), float(b)
    if math.isnan(x) or math.isnan(y):
        return math.isnan(x) and math.isnan(y)
    if math.isinf(x) or math.isinf(y) or x == y:
        return x == y
    return abs(x - y) <= relative * max(abs(x), abs(y)) or abs(x - y) < 1e-300


def same_points(a, b, relative=RELATIVE):
    return len(a) == len(b) and all(p[0] == q[0] and same_value(p[1], q[1], relative)
                                    for p, q in zip(a, b))


def same_value(a, b, relative):
    if isinstance(a, dict) or isinstance(b, dict):
        if not (isinstance(a, dict) and isinstance(b, dict)):
            return False
        left, right = ([x for x in side.get('buckets', []) if x[3] != 'NaN'] for side in (a, b))
        return (same_number(a['count'], b['count']) and same_number(a['sum'], b['sum']) and
                len(left) == len(right) and
                all(x[0] == y[0] and all(map(same_number, x[1:], y[1:]))
                    for x, y in zip(left, right)))
    return same_number(a, b, relative)


def texts(answer, notes):
    return sorted(OVER_SAMPLES.sub(', over samples from', x) for x in answer.get(notes, []))


def metrics_of(data):
    return [x['metric'] for x in data['result']]


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
    if a['resultType'] == 'vector' and query.startswith(('topk', 'bottomk', 'sort')):
        # These make their rows in the order of a map of Go's: equals in any order.
        if 'histogram_' in query or 'count_values' in query:
            values = [[x['value'] for x in side['result'] if 'value' in x] for side in (a, b)]
            if not same_points(*values):
                return f'order: {values[0]} != {values[1]}'
        elif metrics_of(a) != metrics_of(b):
            return f'order: {metrics_of(a)} != {metrics_of(b)}'
    unstable = 'timestamp(' in query and ('stddev' in query or 'stdvar' in query)
    relative = 1e-4 if unstable else RELATIVE
    left, right = by_labels(a['result']), by_labels(b['result'])
    if len(left) != len(a['result']) or len(a['result']) != len(b['result']):
        return f'{len(a["result"])} series of {len(left)}, and {len(b["result"])}'
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
            if not same_points(p, q, relative):
                return f'{key}: {p} != {q}'
    return ''


# ---- the run ------------------------------------------------------------------------------------

def ask(client, path, parameters):
    answer = client.request('POST', f'/api/v1/{path}', data=parameters)
    return answer.json()


def ask_hearth(client, path, parameters):
    """A range is asked for thrice: a few steps earlier, as it is (a part of it is then known from
    before), and again (all of it is)."""
    if path == 'query_range':
        shift = 3 * parameters['step']
        ask(client, path, {**parameters, 'start': parameters['start'] - shift,
                           'end': parameters['end'] - shift})
    answer = ask(client, path, parameters)
    if path == 'query_range' and ask(client, path, parameters) != answer:
        return {'status': 'another answer when asked again', 'first': answer}
    return answer


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
        requests = [data.parts[i:i + 20] for i in range(0, len(data.parts), 20)]
        for parts in requests + [[part] for part in data.late]:
            answer = client.write(*parts)
            assert answer.status_code in (200, 204), answer.text
    differences, errors = [], 0
    for number in range(count):
        local = random.Random(f'{seed}/{number}')
        query = Queries(local, data).any()
        path, parameters = requests_of(local, data, query)
        if only is not None and number != only:
            continue
        ours, theirs = ask_hearth(hearth, path, parameters), ask(prometheus, path, parameters)
        errors += theirs['status'] == 'error'
        found = difference(ours, theirs, query)
        if found:
            differences.append((number, path, parameters, found))
            report(f'seed {seed}, number {number}: {path} {json.dumps(parameters)}\n'
                   f'    {found[:2000]}')
    known = {name: int(float(value)) for name, value in re.findall(
        r'^hearth_promql_result_cache_(\w+)_total (\S+)$', hearth.get('/metrics').text, re.M)}
    report(f'from the result cache: {known}')
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
    with HearthProcess(arguments=HEARTH_ARGUMENTS) as hearth, Prometheus(
            program, arguments=PROMETHEUS_ARGUMENTS) as prometheus:
        found = run(client_for(hearth), prometheus.client(), options.count, options.seed,
                    options.only)
    sys.exit(1 if found else 0)


if __name__ == '__main__':
    main()
