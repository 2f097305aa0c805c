# SPDX-License-Identifier: Apache-2.0
"""Fifty queries that mean harm: each ends with an answer or an error that says why, in about two
seconds; memory stays within its limit, and others are served meanwhile."""

import pathlib
import threading
import time

import pytest
import requests

from connect import client_for
from remote_write import now_ms, series

NOW = now_ms() // 15_000 * 15_000
S = NOW / 1000
SERIES = 20_000
MEMORY_LIMIT = 1 << 30
# A core of a loaded machine; the aim is 2 s, which is what the report prints.
SECONDS_MAX = 10
HANG_S = 30
RANGE = {'start': S - 11_000 * 15, 'end': S, 'step': 15}  # as many points as are allowed


def nested(text, count, inner):
    return text * count + inner + ')' * count


def tower(levels, step='1s'):
    query = 'hostile_metric{shard="1"}'
    for _ in range(levels):
        query = f'max_over_time({query}[1h:{step}])'
    return query


def pairs(count, form):
    return ', '.join(form.format(i) for i in range(count))


ATTACKS = {
    # huge ranges
    'range of a century': ('query', {'query': 'sum(rate(hostile_metric[100y]))', 'time': S}),
    'instant far away': ('query', {'query': 'hostile_metric', 'time': 9e12}),
    'instant long ago': ('query', {'query': 'hostile_metric', 'time': -9e12}),
    'eleven thousand points': ('query_range', {'query': 'hostile_metric', **RANGE}),
    'points times series': ('query_range', {'query': 'rate(hostile_metric[5m])', **RANGE}),
    'windows that overlap': ('query_range', {
        'query': 'sum_over_time(hostile_metric[30d])', **RANGE}),
    'too many points': ('query_range', {'query': '1', 'start': 0, 'end': S, 'step': 1}),
    'step of a millisecond': ('query_range', {'query': '1', 'start': S - 11, 'end': S,
                                              'step': 0.001}),
    'offset of ages': ('query', {'query': 'hostile_metric offset 290y', 'time': S}),
    'quantiles over all': ('query_range', {
        'query': 'quantile_over_time(0.5, hostile_metric[1d])', **RANGE}),
    # subqueries
    'subquery of seconds': ('query', {'query': 'count_over_time(vector(1)[700d:1s])', 'time': S}),
    'subquery of milliseconds': ('query', {
        'query': 'max_over_time(vector(1)[290y:1ms])', 'time': S}),
    'subquery of all series': ('query', {
        'query': 'max_over_time(hostile_metric[10d:1s])', 'time': S}),
    'tower of 3': ('query', {'query': tower(3), 'time': S}),
    'tower of 10': ('query', {'query': tower(10), 'time': S}),
    'tower of 100': ('query', {'query': tower(100), 'time': S}),
    'tower over a range': ('query_range', {'query': tower(5), **RANGE}),
    'tower of minutes': ('query', {'query': tower(30, '1ms'), 'time': S}),
    'subquery of rate': ('query_range', {
        'query': 'max_over_time(rate(hostile_metric[5m])[1d:1s])', **RANGE}),
    # regular expressions
    'regex of nested stars': ('query', {'query': 'hostile_metric{id=~"(a*)*b"}', 'time': S}),
    'regex of counted repeats': ('query', {
        'query': 'hostile_metric{id=~"((((x{1,100}){1,100}){1,100}){1,100})"}', 'time': S}),
    'regex of repeated dots': ('query', {
        'query': 'hostile_metric{id=~"' + '.*.*.*' * 200 + 'z"}', 'time': S}),
    'regex of alternatives': ('query', {
        'query': 'hostile_metric{id=~"' + '|'.join(f'x{i}.*' for i in range(5000)) + '"}',
        'time': S}),
    'regex of a megabyte': ('query', {'query': 'hostile_metric{id=~"' + 'a?' * 400_000 + '"}',
                                      'time': S}),
    'regex of classes': ('query', {
        'query': 'hostile_metric{id=~"' + r'(\\pL|\\pN|\\pS)*' * 50 + '"}', 'time': S}),
    'regex in label_replace': ('query', {
        'query': 'label_replace(hostile_metric, "x", "$1$1$1$1$1$1$1$1", "id", "((.*).*)*")',
        'time': S}),
    'regex of many matchers': ('query', {
        'query': 'hostile_metric{' + pairs(500, 'id=~".*{}.*"') + '}', 'time': S}),
    'regex of every name': ('query_range', {'query': '{__name__=~".+"}', **RANGE}),
    # label explosions
    'labels by label_join': ('query', {
        'query': 'label_join(hostile_metric, "x", ",", ' + pairs(2000, '"id"') + ')', 'time': S}),
    'labels doubled': ('query', {
        'query': nested('label_replace(', 14, 'hostile_metric').replace(
            ')', ', "id", "$1$1", "id", "(.*)")'), 'time': S}),
    'values as labels': ('query_range', {
        'query': 'count_values("v", rate(hostile_metric[5m]) + time())', **RANGE}),
    'values of a scalar': ('query_range', {
        'query': 'count_values("v", vector(time()))', **RANGE}),
    'groups of one': ('query_range', {'query': 'avg by (id) (hostile_metric)', **RANGE}),
    'quantiles of one': ('query_range', {
        'query': 'quantile by (id) (0.5, hostile_metric)', **RANGE}),
    'topk of all': ('query_range', {'query': 'topk(1000000, hostile_metric)', **RANGE}),
    # joins
    'many to many': ('query', {'query': 'hostile_metric * on () hostile_metric', 'time': S}),
    'one to many': ('query_range', {
        'query': 'hostile_metric * on (shard) group_left () sum by (shard) (hostile_metric)',
        **RANGE}),
    'all with all': ('query_range', {'query': 'hostile_metric or hostile_metric * 2', **RANGE}),
    'unions': ('query', {'query': ' or '.join(f'(hostile_metric + {i})' for i in range(100)),
                         'time': S}),
    # depth and size
    'parentheses': ('query', {'query': '(' * 100_000 + '1' + ')' * 100_000, 'time': S}),
    'signs': ('query', {'query': '-' * 100_000 + '1', 'time': S}),
    'calls': ('query', {'query': nested('abs(', 50_000, 'up'), 'time': S}),
    'sums': ('query', {'query': '+'.join(['1'] * 300_000), 'time': S}),
    'powers': ('query', {'query': '^'.join(['2'] * 100_000), 'time': S}),
    'a megabyte of names': ('query', {'query': 'sum(' + 'a' * 1_000_000 + ')', 'time': S}),
    'a megabyte of labels': ('query', {
        'query': 'sum by (' + ','.join(f'l{i}' for i in range(120_000)) + ') (hostile_metric)',
        'time': S}),
    'a megabyte of matchers': ('query', {
        'query': 'hostile_metric{' + pairs(60_000, 'a{0}="{0}"') + '}', 'time': S}),
    'five megabytes': ('query', {'query': '1 + ' * 1_250_000 + '1', 'time': S}),
    'broken strings': ('query', {'query': '"' * 500_001, 'time': S}),
    'braces': ('query', {'query': '{' * 500_000, 'time': S}),
}
assert len(ATTACKS) == 50, len(ATTACKS)


@pytest.fixture(scope='module')
def server(module_hearth):
    process = module_hearth(arguments=['--memory-limit', str(MEMORY_LIMIT)])
    client = client_for(process)
    for first in range(0, SERIES, 2000):
        answer = client.write(*[
            series({'__name__': 'hostile_metric', 'id': f'x{i}', 'shard': str(i % 10)},
                   [(NOW - 15_000 * k, i + k) for k in range(20, -1, -1)])
            for i in range(first, first + 2000)])
        assert answer.status_code == 204, answer.text
    return process, client


def resident(process):
    for line in pathlib.Path(f'/proc/{process.process.pid}/status').read_text().splitlines():
        if line.startswith('RssAnon:'):
            return int(line.split()[1]) * 1024
    return 0


class Bystander:
    """Somebody who queries and writes all the while."""

    def __init__(self, client):
        self.client, self.slowest, self.errors, self.rounds = client.but(), 0.0, [], 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.ended.is_set():
            began = time.monotonic()
            moment = now_ms()
            written = self.client.write(series('bystander', [(moment, self.rounds)]))
            found = self.client.get('/api/v1/query', {'query': 'bystander', 'time': moment / 1000})
            if written.status_code != 204 or found.status_code != 200:
                self.errors.append((written.status_code, written.text, found.status_code,
                                    found.text))
            elif found.json()['data']['result'][0]['value'][1] != str(self.rounds):
                self.errors.append(found.text)
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.rounds += 1
            self.ended.wait(0.05)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join(60)


def test_fifty_attacks_end(server, capsys):
    process, client = server
    before, slow, wrong, report = resident(process), [], [], []
    peak = before
    with Bystander(client) as bystander:
        for name, (path, parameters) in ATTACKS.items():
            began = time.monotonic()
            try:
                answer = client.request('POST', f'/api/v1/{path}', data=parameters,
                                        timeout=HANG_S)
            except requests.exceptions.RequestException as error:
                wrong.append((name, 0, repr(error)))
                report.append(f'{time.monotonic() - began:6.2f} s  no answer: {name}')
                continue
            seconds = time.monotonic() - began
            peak = max(peak, resident(process))
            text = answer.text if answer.status_code != 200 else f'{len(answer.content)} bytes'
            report.append(f'{seconds:6.2f} s  {resident(process) >> 20:5} MiB  '
                          f'{answer.status_code}  {name}: {text[:150]}')
            if seconds > SECONDS_MAX:
                slow.append((name, seconds))
            if answer.status_code not in (200, 400, 413, 422, 503):
                wrong.append((name, answer.status_code, answer.text[:300]))
            elif answer.status_code != 200 and not answer.text.strip():
                wrong.append((name, answer.status_code, 'says nothing'))
    with capsys.disabled():
        print('\n' + '\n'.join(report))
        print(f'memory {before >> 20} → at most {peak >> 20} MiB of {MEMORY_LIMIT >> 20}; the '
              f'bystander was served {bystander.rounds} times, at worst in '
              f'{bystander.slowest:.2f} s')
    assert process.alive()
    assert not wrong, wrong
    assert not slow, slow
    assert not bystander.errors, bystander.errors[:3]
    assert bystander.rounds > 10
    assert peak < MEMORY_LIMIT
