# SPDX-License-Identifier: Apache-2.0
"""What a query may take: memory and time end it with words that name the selector that cost most,
at the root as Prometheus has it and under /workspaces/ as AMP has it."""

import pytest

from connect import client_for, default_workspace
from remote_write import now_ms, series

NOW = now_ms() // 15_000 * 15_000
SERIES = 400
RANGE = {'start': NOW / 1000 - 150_000, 'end': NOW / 1000, 'step': 15}  # 10,001 points
COSTLY = 'limited_costly + on (i) group_right () limited_cheap'


@pytest.fixture(scope='module')
def planes(module_hearth):
    root = client_for(module_hearth(arguments=['--memory-limit', '128MiB']))
    for name, count in (('limited_costly', SERIES), ('limited_cheap', 1)):
        answer = root.write(*[series({'__name__': name, 'i': str(i)},
                                     [(NOW - 15_000 * k, k) for k in range(200, -1, -1)])
                              for i in range(count)])
        assert answer.status_code == 204, answer.text
    return {'root': root, 'workspace': root.at(default_workspace(root))}


@pytest.mark.parametrize('plane', ['root', 'workspace'])
def test_memory(planes, plane):
    answer = planes[plane].get('/api/v1/query_range', {'query': COSTLY, **RANGE})
    assert answer.status_code == 422, answer.text[:500]
    body = answer.json()
    assert body['errorType'] == 'execution'
    assert 'bytes of memory' in body['error']
    assert 'the selector that cost most is limited_costly (' in body['error']


@pytest.mark.parametrize('plane,status,kind,words', [
    ('root', 503, 'timeout', 'query timed out in expression evaluation'),
    ('workspace', 422, 'execution', 'query timed out - consider simplifying your query')])
def test_time(planes, plane, status, kind, words):
    # Row by row into one sum: long, and small.
    expression = 'sum(quantile_over_time(0.5, limited_costly[1h])) + sum(limited_cheap)'
    answer = planes[plane].get('/api/v1/query_range', {'query': expression, 'timeout': '30ms',
                                                       **RANGE})
    body = answer.json()
    assert (answer.status_code, body['errorType']) == (status, kind), body['error']
    assert body['error'].startswith(words)
    assert 'the selector that cost most is limited_costly (' in body['error']


@pytest.mark.parametrize('plane', ['root', 'workspace'])
def test_points(planes, plane):
    answer = planes[plane].get('/api/v1/query_range', {'query': '1', **RANGE, 'step': 1})
    assert answer.status_code == 400
    assert answer.json()['error'].startswith('exceeded maximum resolution of 11,000 points')


@pytest.mark.parametrize('plane', ['root', 'workspace'])
def test_samples(planes, plane):
    answer = planes[plane].get('/api/v1/query', {
        'query': 'max_over_time(limited_cheap[290y:1ms])', 'time': NOW / 1000})
    assert answer.status_code == 422
    assert answer.json()['error'].startswith('query processing would load too many samples')


def test_a_refused_query_harms_no_other(planes):
    assert planes['root'].vector('count(limited_costly)', NOW / 1000)[0][1] == str(SERIES)
