# SPDX-License-Identifier: Apache-2.0
"""The current Prometheus and hearth hold the same data; every answer of the API is the same, but
for what is the server's own."""

import json
import re

import pytest

import prometheus_process
from prometheus_process import Prometheus
from remote_write import now_ms, series

NOW = now_ms() // 60_000 * 60_000
S = NOW / 1000

PROGRAM = prometheus_process.find('prometheus', current=True)
pytestmark = pytest.mark.skipif(PROGRAM is None, reason='no current Prometheus under build/peers')

LONG = ('sum by (job, code) (rate(equal_requests_total{job=~"api|web", code!="404"}[5m] offset 1m))'
        ' / on (job) group_left (team) label_replace(avg by (job) (equal_gauge), "team", "$1", '
        '"job", "(.*)") > bool 0.25')
# (path, parameters)
ASKED = [
    ('format_query', {'query': LONG}),
    ('format_query', {'query': 'topk(3, ' + LONG + ')'}),
    ('format_query', {'query': '-(' + LONG + ')[1h:5m] @ start() offset -3m'}),
    ('format_query', {'query': 'foo /bar'}),
    ('format_query', {'query': 'sum('}),
    ('parse_query', {'query': LONG}),
    ('parse_query', {'query': 'a{b="<c>"} @ 12.5 or -b[5m:30s] offset 2m unless on () c'}),
    ('parse_query', {'query': 'histogram_quantile(0.9, sum(rate(x[5m])) by (le)) + 1e-7'}),
    ('parse_query', {'query': 'rate(a[5m * 2]) offset (1m + 1m)'}),
    ('parse_query', {'query': 'rate('}),
    ('labels', {}),
    ('labels', {'match[]': ['equal_gauge', '{job="web"}'], 'limit': 2}),
    ('labels', {'match[]': '{}'}),
    ('labels', {'match[]': 'a{'}),
    ('labels', {'limit': 'x'}),
    ('labels', {'limit': -1}),
    ('labels', {'start': S, 'end': S - 10}),
    ('label/job/values', {}),
    ('label/job/values', {'limit': 1}),
    ('label/U__job/values', {}),
    ('label/job/values', {'match[]': 'equal_gauge', 'start': S - 86400, 'end': S - 80000}),
    ('series', {'match[]': ['equal_gauge', 'equal_requests_total{code="500"}']}),
    ('series', {'match[]': 'equal_gauge', 'limit': 1}),
    ('series', {}),
    ('series', {'match[]': '{x=""}'}),
    ('metadata', {'limit': 'x'}),
    ('metadata', {'limit_per_metric': 'x'}),
    ('targets/metadata', {'limit': 'x'}),
    ('targets/metadata', {'match_target': '{'}),
    ('scrape_pools', {}),
    ('scrape_pools/config', {}),
    ('scrape_pools/config', {'scrapePool': 'nobody'}),
    ('targets/relabel_steps', {}),
    ('targets', {}),
    ('targets', {'state': 'active'}),
    ('query_exemplars', {'query': 'equal_gauge', 'start': S, 'end': S - 1}),
    ('query_exemplars', {'query': 'sum('}),
    ('query_exemplars', {'query': 'equal_gauge'}),
    ('query_exemplars', {'query': '1'}),
    ('status/tsdb', {'limit': 0}),
    ('status/tsdb', {'limit': 100000}),
    ('notifications', {}),
    ('query', {'query': 'equal_gauge', 'time': S, 'limit': 1}),
    ('query', {'query': 'equal_gauge', 'time': S, 'lookback_delta': 'x'}),
    ('query', {'query': 'equal_gauge', 'time': S + 200, 'lookback_delta': '60'}),
    ('query', {'query': 'equal_gauge', 'time': S, 'limit': 'x'}),
    ('query', {'query': 'equal_gauge', 'time': S, 'timeout': 'x'}),
    ('query', {'query': '1e-7', 'time': S}),
    ('query', {'query': '"<&>\\n"', 'time': S + 0.1}),
    ('query', {'query': 'equal_gauge * 1e-9', 'time': S}),
    ('query', {'query': 'equal_requests_total[2m]', 'time': S}),
    ('query', {'query': 'rate(equal_gauge[5m])', 'time': S}),
    ('query', {'query': 'histogram_quantile(2, equal_gauge)', 'time': S}),
    ('query', {'query': 'sort(equal_gauge)', 'time': '2020-01-01T00:00:00Z'}),
    ('query', {'query': 'equal_gauge', 'time': 'x'}),
    ('query', {'query': 'equal_gauge + on (room) equal_requests_total', 'time': S}),
    ('query_range', {'query': 'equal_gauge', 'start': S - 300, 'end': S, 'step': '30s'}),
    ('query_range', {'query': 'equal_gauge', 'start': S - 300, 'end': S, 'step': '30s',
                     'limit': 1}),
    ('query_range', {'query': 'equal_gauge', 'start': S, 'end': S - 1, 'step': 1}),
    ('query_range', {'query': 'equal_gauge', 'start': S - 86400, 'end': S, 'step': 1}),
    ('query_range', {'query': 'equal_gauge', 'start': S, 'end': S, 'step': 'x'}),
    ('query_range', {'query': 'equal_gauge', 'start': S, 'end': S, 'step': 1e300}),
]


@pytest.fixture(scope='module')
def pair(module_hearth):
    from connect import client_for
    parts = []
    for job in ('api', 'web'):
        for code in ('200', '500'):
            parts.append(series({'__name__': 'equal_requests_total', 'job': job, 'code': code},
                                [(NOW - 15_000 * i, (40 - i) * 3.5) for i in range(40, -1, -1)]))
        parts.append(series({'__name__': 'equal_gauge', 'job': job, 'room': 'a <"ü"> \\'},
                            [(NOW - 15_000 * i, 20.1 - i) for i in range(40, -1, -1)]))
    hearth = client_for(module_hearth())
    assert hearth.write(*parts).status_code == 204
    with Prometheus(PROGRAM, config='global: {scrape_interval: 1h}\n',
                    arguments=['--web.enable-remote-write-receiver',
                               '--enable-feature=exemplar-storage,'
                               'promql-per-step-stats']) as prometheus:
        assert prometheus.write(*parts).status_code == 204
        yield hearth, prometheus.client()


def comparable(path, answer):
    """The answer without what is the server's own: times it took, order of a map."""
    text = answer.text
    if path == 'query_exemplars' and answer.status_code == 204:
        return 204, ''
    body = json.loads(text)
    if isinstance(body.get('data'), dict):
        body['data'].pop('stats', None)
    for notes in ('warnings', 'infos'):  # a map in Go
        body[notes] = sorted(body.get(notes, []))
    # Which two of several are named is the order of a map too.
    body['error'] = re.sub(r': \[\{.*\}\];', ';', body.get('error', ''))
    if path == 'labels' and isinstance(body.get('data'), list):
        body['data'] = sorted(body['data'])
    return answer.status_code, body


def is_bytewise(path):
    return path in ('format_query', 'query', 'query_range', 'series', 'label/job/values')


POSTED = ('query', 'query_range', 'query_exemplars', 'format_query', 'parse_query', 'labels',
          'series')


@pytest.mark.parametrize('method,path,parameters',
                         [('get', *asked) for asked in ASKED] +
                         [('post', *asked) for asked in ASKED if asked[0] in POSTED],
                         ids=lambda v: v if isinstance(v, str) else json.dumps(v)[:60])
def test_answers_are_equal(pair, method, path, parameters):
    hearth, prometheus = pair
    ask = (lambda c: c.get(f'/api/v1/{path}', parameters)) if method == 'get' else (
        lambda c: c.request('POST', f'/api/v1/{path}', data=dict(parameters) or 'x=', headers={
            'Content-Type': 'application/x-www-form-urlencoded'}))
    ours, theirs = ask(hearth), ask(prometheus)
    if theirs.text.startswith('404 page not found'):
        pytest.skip('this Prometheus does not have it yet')
    assert comparable(path, ours) == comparable(path, theirs)
    notes = sum(map(ours.json().get, ('warnings', 'infos'), ([], [])), []) if ours.text else []
    if is_bytewise(path) and ours.status_code == 200 and len(notes) < 2:
        assert ours.content == theirs.content


COUNTED = ['sum(rate(equal_requests_total[5m]))', 'equal_gauge', 'equal_gauge @ 1e9 or equal_gauge',
           'equal_gauge + on (job) group_right () equal_requests_total', 'timestamp(equal_gauge)',
           'max_over_time(equal_gauge[1m])', 'sum_over_time(equal_gauge[10s])', 'vector(1)',
           f'max_over_time(equal_gauge[1m] @ {S})', f'equal_gauge @ {S} offset 1m',
           'absent_over_time(equal_gauge[2m])', 'max_over_time(equal_gauge[2m:20s] offset 30s)',
           'max_over_time(rate(equal_requests_total[1m])[1m:10s])',
           f'rate(equal_requests_total[1m:15s] @ {S})', 'sum_over_time(equal_gauge[20s:10s])']


@pytest.mark.parametrize('query', COUNTED)
def test_statistics_count_the_same(pair, query):
    for path, times in (('query_range', {'start': S - 300, 'end': S, 'step': 30}),
                        ('query', {'time': S - 15})):
        asked = {'query': query, 'stats': 'all', **times}
        ours, theirs = [c.data(f'/api/v1/{path}', asked)['stats']['samples'] for c in pair]
        assert set(ours) == set(theirs)
        for side in (ours, theirs):
            side.pop('peakSamples')  # of what each engine holds
        assert ours == theirs, path



def test_cardinality_is_counted_the_same(pair):
    ours, theirs = [c.data('/api/v1/status/tsdb', {'limit': 1000}) for c in pair]
    assert set(ours) == set(theirs)
    for key in set(ours) - {'headStats'}:
        counts = [{x['name']: x['value'] for x in side[key]} for side in (ours, theirs)]
        assert counts[0] == counts[1], key
        values = [x['value'] for x in ours[key]]
        assert values == sorted(values, reverse=True)
    for key in ('numSeries', 'numLabelPairs', 'minTime', 'maxTime'):
        assert ours['headStats'][key] == theirs['headStats'][key], key
