# SPDX-License-Identifier: Apache-2.0
"""The panels' and the alerts' expressions give what the real Prometheus gives on the same data: the
same series, values within 1e-9, at instants and over ranges.

Prometheus 3 where it was built, else Debian's 2.42, whose windows are closed on the left: times are
chosen so that no sample lies on a window's edge, where the two mean the same.
"""

import bisect
import json
import math
import re

import pytest
import yaml

import prometheus_process
import replay
from connect import client_for, default_workspace
from hearth_process import HearthProcess, ROOT
from prometheus_process import Prometheus, require
from remote_write import now_ms

NODE = '$node'
# product.md, points 5 and 10 and the table «Expressions that the list above leaves open».
PANELS = [
    '100 - avg(rate(node_cpu_seconds_total{mode="idle"}[5m])) * 100',
    '100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)',
    'kube_pod_status_phase{phase="Running"}',
    'sum by (namespace) (kube_pod_status_phase{phase="Running"})',
    'kubelet_volume_stats_used_bytes / kubelet_volume_stats_capacity_bytes',
    'sum(rate(http_requests_total[5m]))',
    '100 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle", instance=~"$node"}[5m]))'
    ' * 100',
    '100 * (1 - node_memory_MemAvailable_bytes{instance=~"$node"} / '
    'node_memory_MemTotal_bytes{instance=~"$node"})',
    'sum by (instance) (rate(node_disk_read_bytes_total{instance=~"$node"}[5m]))',
    'sum by (instance) (rate(node_disk_written_bytes_total{instance=~"$node"}[5m]))',
    'sum by (instance) (rate(node_network_receive_bytes_total{instance=~"$node", device!="lo"}'
    '[5m]))',
    'sum by (instance) (rate(node_network_transmit_bytes_total{instance=~"$node", device!="lo"}'
    '[5m]))',
    'sum by(job)(rate(http_requests_total[5m]))',
    '100 * sum by (job) (rate(http_requests_total{code=~"5.."}[5m])) / '
    'sum by (job) (rate(http_requests_total[5m]))',
    'histogram_quantile(0.95, sum(rate(http_request_duration_seconds_bucket[5m])) by (le))',
    'sum by (job) (http_active_connections)',
]
ALERTS = [
    'sum by (job) (rate(http_requests_total{code=~"5.."}[5m])) / '
    'sum by (job) (rate(http_requests_total[5m])) > 0.05',
    'kube_pod_container_status_last_terminated_reason{reason="OOMKilled"} == 1 and on (namespace, '
    'pod, container) increase(kube_pod_container_status_restarts_total[10m]) > 0',
    'rate(kube_pod_container_status_restarts_total[15m]) > 0',
    '1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes > 0.90',
    'histogram_quantile(0.95, sum by (job, le) (rate(http_request_duration_seconds_bucket[5m])))'
    ' > 0.5',
    '1 - node_filesystem_avail_bytes{mountpoint="/"} / node_filesystem_size_bytes{mountpoint="/"}'
    ' > 0.85',
    'sum by (namespace, pod) (kube_pod_status_phase{phase=~"Pending|Unknown|Failed"}) > 0',
]
# The functions of the foundation on the same data, beyond what panels use.
MORE = [
    'irate(http_requests_total[2m])', 'increase(http_requests_total[10m])',
    'delta(http_active_connections[5m])', 'max_over_time(http_active_connections[5m])',
    'avg_over_time(http_active_connections[7m])', 'stddev_over_time(http_active_connections[7m])',
    'quantile_over_time(0.9, http_active_connections[10m])',
    'count_over_time(http_active_connections[10m])', 'last_over_time(http_active_connections[5m])',
    'topk(3, rate(http_requests_total[5m]))', 'quantile(0.5, rate(http_requests_total[5m]))',
    'stddev by (job) (rate(http_requests_total[5m]))',
    'count_values("code", http_active_connections)', 'sum(http_requests_total offset 5m)',
    'rate(http_requests_total[5m]) / on (job, path, method) group_left '
    'sum by (job, path, method) (rate(http_requests_total[5m]))',
    'max_over_time(sum by (job) (rate(http_requests_total[1m]))[10m:30s])',
    'label_replace(http_active_connections, "host", "$1", "instance", "(.*):.*")',
    'absent(no_such_metric{a="b"})', 'http_active_connections > bool 25',
    'count by (namespace) (kube_pod_status_phase == 1) or vector(0)',
    'sum without (uid, pod) (kube_pod_status_phase) unless on (namespace) '
    'kube_pod_status_phase{namespace="shop"}',
    'time() - time() + scalar(sum(http_active_connections))',
    'histogram_quantile(0.5, sum by (le, path) (rate(http_request_duration_seconds_bucket[3m])))',
]
WINDOWS_MS = [60_000 * m for m in (0, 1, 2, 3, 5, 7, 10, 15)]
METRICS = re.compile(r'node_(cpu_seconds|memory_Mem(Avail|Total)|disk_(read|written)_bytes|'
                     r'network_(rec|trans)\w+_bytes|filesystem_(avail|size))|kube_pod_status_phase|'
                     r'kube_pod_container_status_(restarts|last_term)')


def expressions():
    """[(id, expression), …]: the contract's, then those of the files that ship."""
    known = [(f'panel{i}', e) for i, e in enumerate(PANELS)]
    known += [(f'alert{i}', e) for i, e in enumerate(ALERTS)]
    known += [(f'more{i}', e) for i, e in enumerate(MORE)]
    seen = {e for _, e in known}
    for path in sorted((ROOT / 'dashboards').glob('*.json')):
        for n, expression in enumerate(find_expressions(json.loads(path.read_text()))):
            if expression not in seen:
                known.append((f'{path.stem}{n}', expression))
                seen.add(expression)
    rules = ROOT / 'rules' / 'alerts.yaml'
    if rules.exists():
        for group in yaml.safe_load(rules.read_text())['groups']:
            for rule in group['rules']:
                if rule['expr'] not in seen:
                    known.append((rule['alert'], rule['expr']))
                    seen.add(rule['expr'])
    return [(name, fill(expression)) for name, expression in known]


def find_expressions(node):
    if isinstance(node, dict):
        if isinstance(node.get('expr'), str):
            yield node['expr']
        for value in node.values():
            yield from find_expressions(value)
    elif isinstance(node, list):
        for value in node:
            yield from find_expressions(value)


def fill(expression):
    """What the dashboard page puts in the place of variables."""
    expression = re.sub(r'\$\{?__(rate_)?interval\}?', '5m', expression)
    return re.sub(r'\$\{?\w+(:\w+)?\}?', '.*', expression) if '=~"$' in expression else expression


def build_data():
    end = now_ms() // 1000 * 1000 - 60_000
    data = replay.Data()
    bundled = ROOT / 'deploy' / 'local' / 'recorded-cluster.txt.gz'
    kube = replay.recording('kube-scrapes.txt.gz', bundled)
    one = replay.Data()
    one.add_recording(kube, {'ksm'}, METRICS.match, 40,
                      lambda target: {'job': 'kube-state-metrics', 'instance': 'ksm:8080'})
    data.merge(one.moved_to(end - 7))
    if (real := replay.recording('real-scrapes.txt.gz', None)) is not None:
        one = replay.Data()
        one.add_recording(real, {'node'}, METRICS.match, 360,
                          lambda target: {'job': 'node', 'instance': '10.0.0.1:9100'})
        data.merge(one.moved_to(end - 3))
    data.merge(replay.sample_app(end))
    data.merge(replay.made_up_nodes(end))
    return data, end


def clear_time(times, near_ms):
    """A moment at or before near_ms with no sample on the edge of any window that ends there."""
    for ms in range(near_ms, near_ms - 1000, -1):
        if all((i := bisect.bisect_left(times, ms - w)) == len(times) or times[i] != ms - w
               for w in WINDOWS_MS):
            return ms
    raise AssertionError('no clear moment')


@pytest.fixture(scope='module')
def both():
    """(Prometheus, hearth, times of the samples, end): both hold the same data."""
    program = prometheus_process.find('prometheus', current=True) or require('prometheus')
    data, end = build_data()
    with Prometheus(program, arguments=['--web.enable-remote-write-receiver']) as prometheus, \
            HearthProcess() as hearth:
        client = client_for(hearth)
        workspace = client.at(default_workspace(client))
        for parts in data.requests():
            answer = prometheus.write(*parts)
            assert answer.status_code == 204, answer.text
            answer = workspace.write(*parts)
            assert answer.status_code == 200, answer.text
        print(f'{data.sample_count()} samples of {len(data.series)} series in {program}')
        yield prometheus.client(), workspace, data.times(), end


def key(labels):
    return tuple(sorted(labels.items()))


def close(a, b):
    a, b = float(a), float(b)
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b or abs(a - b) <= 1e-9 * max(abs(a), abs(b))


def compare(theirs, ours, what):
    assert theirs['resultType'] == ours['resultType']
    if theirs['resultType'] == 'scalar':
        assert close(theirs['result'][1], ours['result'][1]), what
        return 1
    theirs = {key(x['metric']): x.get('values') or [x['value']] for x in theirs['result']}
    theirs_count = sum(map(len, theirs.values()))
    result = [(key(x['metric']), x.get('values') or [x['value']]) for x in ours['result']]
    assert len({k for k, _ in result}) == len(result), f'{what}: a series twice'
    ours = dict(result)
    assert set(theirs) == set(ours), (
        f'{what}: only in Prometheus {sorted(set(theirs) - set(ours))[:3]}, '
        f'only in hearth {sorted(set(ours) - set(theirs))[:3]}')
    for labels, expected in theirs.items():
        assert [round(t * 1000) for t, _ in expected] == [
            round(t * 1000) for t, _ in ours[labels]], f'{what} {labels}: other times'
        for (t, a), (_, b) in zip(expected, ours[labels]):
            assert close(a, b), f'{what} {dict(labels)} at {t}: {a} in Prometheus, {b} in hearth'
    return theirs_count


@pytest.mark.parametrize('name,expression', expressions(), ids=lambda x: x if len(x) < 30 else '')
def test_equal_to_prometheus(both, name, expression, record_property):
    prometheus, hearth, times, end = both
    instants = points = 0
    for minutes in (0, 1, 3, 7, 12, 20):
        at = clear_time(times, end - minutes * 60_000 + 5_500) / 1000
        instants += compare(prometheus.query(expression, at), hearth.query(expression, at),
                            f'{expression} at {at}')
    first = clear_time(times, end - 30 * 60_000 + 700)
    for step in (15, 61, 300):
        args = (expression, first / 1000, (end + 60_000) / 1000, step)
        points += compare(prometheus.query_range(*args), hearth.query_range(*args),
                          f'{expression} each {step} s')
    record_property('points_compared', instants + points)
    if name.startswith(('panel', 'alert')) and '10.0.0.1:9100' in str(prometheus.data(
            '/api/v1/label/instance/values')):
        assert instants + points > 0, 'the data gives this expression nothing to say'


def test_label_answers_are_equal(both):
    prometheus, hearth, _, end = both
    for path, pairs in [('/api/v1/labels', {}), ('/api/v1/label/__name__/values', {}),
                        ('/api/v1/label/instance/values', {}),
                        ('/api/v1/label/pod/values', {'match[]': 'kube_pod_status_phase'}),
                        ('/api/v1/labels', {'match[]': '{job="shop"}'})]:
        pairs = {**pairs, 'start': (end - 3_600_000) / 1000, 'end': end / 1000}
        assert prometheus.data(path, pairs) == hearth.data(path, pairs), path
    pairs = {'match[]': 'http_requests_total', 'start': (end - 3_600_000) / 1000,
             'end': end / 1000}
    assert (sorted(map(key, prometheus.data('/api/v1/series', pairs)))
            == sorted(map(key, hearth.data('/api/v1/series', pairs))))


def test_errors_are_equal(both):
    """Bad input is refused with the same words."""
    prometheus, hearth, _, end = both
    if 'current' not in str(prometheus_process.find('prometheus', current=True)):
        pytest.skip('the texts are those of Prometheus 3; run tools/setup --peers')
    for expression in ['sum(', 'up{', 'rate(up)', '1 +', 'sum by (', 'up[5m', 'foo bar', '{}',
                       'up offset', '"a" + 1', 'rate(up[5m]', 'up{a=~"("}', 'topk(up)',
                       'no_such(up)', 'up[0s]', 'sum(1)', '1 == bool', 'up and 1', '[5m]',
                       'up{a="b",}[5m:]', 'label_replace(up, "a", "b")']:
        pairs = {'query': expression, 'time': end / 1000}
        theirs, ours = (c.get('/api/v1/query', pairs) for c in (prometheus, hearth))
        assert theirs.status_code == ours.status_code, expression
        if theirs.status_code != 200:
            assert theirs.json() == ours.json(), expression
