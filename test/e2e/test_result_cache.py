# SPDX-License-Identifier: Apache-2.0
"""Range queries that come again: what is written late, deleted or asked with nocache=1 shows, and
the metrics tell which answers came from where."""

import re

import pytest

from aws_session import client
from connect import client_for
from remote_write import now_ms, series

STEP_S = 15
NOW = now_ms() // 15_000 * 15_000 - 600_000  # nothing of it is being written by anybody


@pytest.fixture(scope='module')
def process(module_hearth):
    return module_hearth()


@pytest.fixture(scope='module')
def server(process):
    return client_for(process)


def write(server, metric, samples, **labels):
    answer = server.write(series({'__name__': metric, **labels}, samples))
    assert answer.status_code in (200, 204), answer.text


def fill(server, metric, count=200):
    """`count` samples of 15 s until NOW: 0, 1, 2, …"""
    for i in ('1', '2'):
        write(server, metric, [(NOW - 15_000 * (count - 1 - k), float(k)) for k in range(count)],
              i=i)


def ask(server, query, end_ms=NOW, span_s=1800, **more):
    answer = server.post('/api/v1/query_range', {
        'query': query, 'start': end_ms / 1000 - span_s, 'end': end_ms / 1000, 'step': STEP_S,
        **more})
    assert answer.status_code == 200, answer.text
    return answer.text


def counts(server):
    return {name: int(float(value)) for name, value in re.findall(
        r'^hearth_promql_result_cache_(\w+)_total (\S+)$', server.get('/metrics').text, re.M)}


def grown(server, before):
    return {k: v - before[k] for k, v in counts(server).items() if v != before[k]}


def test_what_is_asked_again_is_known(server, metric):
    fill(server, metric)
    query = f'sum({metric})'
    before = counts(server)
    first = ask(server, query, NOW - 15_000)
    assert grown(server, before) == {'misses': 1}
    assert ask(server, query, NOW - 15_000) == first
    assert grown(server, before) == {'misses': 1, 'hits': 1}
    later = ask(server, query)
    assert grown(server, before) == {'misses': 1, 'hits': 1, 'partial_hits': 1}
    assert later == ask(server, query, nocache='1')
    size = re.search(r'^hearth_promql_result_cache_bytes (\S+)$', server.get('/metrics').text, re.M)
    assert float(size.group(1)) > 121 * 8


def test_who_wants_an_evaluation_gets_one(server, metric):
    fill(server, metric)
    query = f'avg({metric})'
    ask(server, query)
    before = counts(server)
    for more in ({'nocache': '1'}, {'nocache': 'true'}, {'stats': 'true'}, {'stats': 'all'}):
        ask(server, query, **more)
    assert grown(server, before) == {}
    for more in ({'nocache': '0'}, {'nocache': ''}, {}):
        ask(server, query, **more)
    assert grown(server, before) == {'hits': 3}


def test_a_late_write_shows_at_once(server, metric):
    fill(server, metric)
    query = f'sum({metric})'
    first = ask(server, query)
    write(server, metric, [(NOW - 600_000, 1e6)], i='3')
    second = ask(server, query)
    assert second != first and '1000' in second
    assert second == ask(server, query, nocache='1')
    # And the step is not what it was for ever.
    write(server, metric, [(NOW - 585_000, 2e6)], i='3')
    assert ask(server, query) == ask(server, query, nocache='1') != second


def test_a_deletion_shows_at_once(server, metric):
    fill(server, metric)
    query = f'count({metric})'
    first = ask(server, query)
    answer = server.post('/api/v1/admin/tsdb/delete_series', {
        'match[]': f'{metric}{{i="1"}}', 'start': NOW / 1000 - 900, 'end': NOW / 1000 - 600})
    assert answer.status_code == 204, answer.text
    second = ask(server, query)
    assert second != first
    assert second == ask(server, query, nocache='1')
    assert server.post('/api/v1/admin/tsdb/clean_tombstones').status_code == 204
    assert ask(server, query) == second


def test_what_has_warnings_is_evaluated(server, metric):
    fill(server, metric)  # no counter, by its name
    before = counts(server)
    for _ in range(2):
        assert 'might not be a counter' in ask(server, f'rate({metric}[5m])')
    assert grown(server, before) == {'misses': 2, 'not_cacheable': 2}


def test_workspaces_do_not_share(process, server, metric):
    other = server.at(client(process, 'amp').create_workspace()['workspaceId'])
    fill(server, metric)
    mine = ask(server, metric)
    assert '"result":[]' in ask(other, metric)
    write(other, metric, [(NOW, 5.0)])
    assert ask(server, metric) == mine != ask(other, metric)


def test_it_can_be_off(start_hearth, metric):
    server = client_for(start_hearth(arguments=['--query-cache-bytes', '0']))
    fill(server, metric)
    before = counts(server)
    assert ask(server, metric) == ask(server, metric)
    assert grown(server, before) == {}


@pytest.mark.parametrize('value', ['', 'x', '-1', '101%', '90%'])
def test_a_budget_that_is_none_is_refused(start_hearth, value):
    with pytest.raises(Exception, match='query-cache-bytes'):
        start_hearth(arguments=['--query-cache-bytes', value])
