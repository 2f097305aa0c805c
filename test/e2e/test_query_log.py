# SPDX-License-Identifier: Apache-2.0
"""Prometheus' query log file, statistics of queries by step, and AMP's log of rules that fail."""

import json
import signal

import pytest

import aps_model as model
from terraform_process import aws_client
from connect import client_for, wait_for
from remote_write import now_ms, series

CONFIG = 'global: {{{0}}}\nrule_files: [rules.yaml]\n'
RULES = '''
groups:
- name: steady
  interval: 1s
  rules: [{record: "logged:sum", expr: "sum(logged)"}]
'''
BROKEN = b'''
groups:
- name: failing
  interval: 1s
  rules: [{record: r, expr: "a_metric * on (x) b_metric"}]
'''


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def logged(start_hearth, tmp_path):
    config = tmp_path / 'hearth.yaml'
    config.write_text(CONFIG.format('query_log_file: queries.log'))
    (tmp_path / 'rules.yaml').write_text(RULES)
    process = start_hearth(arguments=['--config', config])
    client = client_for(process)
    now = now_ms() // 1000 * 1000
    parts = [series({'__name__': 'logged', 'i': str(i)},
                    [(now - 15_000 * k, k) for k in range(8, -1, -1)]) for i in range(3)]
    assert client.write(*parts).status_code == 204
    return process, client, tmp_path, now


def test_queries_of_people_and_rules_are_logged(logged):
    _, client, folder, now = logged
    path = folder / 'queries.log'
    client.query_range('sum(logged)', now / 1000 - 60, now / 1000, 30)
    client.query('rate(logged[1m])', now / 1000)
    assert client.get('/api/v1/query', {'query': 'logged + on () logged',
                                        'time': now / 1000}).status_code == 422
    assert client.get('/api/v1/query', {'query': 'sum('}).status_code == 400
    asked = [x for x in lines_of(path) if 'httpRequest' in x]
    assert [x['params']['query'] for x in asked] == ['sum(logged)', 'rate(logged[1m])',
                                                     'logged + on () logged'], 'those that parse'
    first, second, third = asked
    assert first['msg'] == 'promql query logged'
    assert first['params']['step'] == 30
    assert first['params']['end'].endswith('.000Z')
    assert first['httpRequest'] == {'clientIP': '127.0.0.1', 'method': 'POST',
                                    'path': '/api/v1/query_range'}
    assert first['stats']['samples']['totalQueryableSamples'] == 9
    assert second['params']['step'] == 0
    assert second['params']['start'] == second['params']['end']
    assert 'error' not in second
    assert 'duplicate' in third['error']
    rule = wait_for(lambda: [x for x in lines_of(path) if 'ruleGroup' in x])[0]
    assert rule['ruleGroup'] == {'file': str(folder / 'rules.yaml'), 'name': 'steady'}
    assert rule['params']['query'] == 'sum(logged)'


def test_the_log_is_reopened_and_turned_off_by_a_reload(logged):
    process, client, folder, _ = logged
    path = folder / 'queries.log'
    path.rename(folder / 'moved.log')
    process.process.send_signal(signal.SIGHUP)
    wait_for(path.exists)
    client.query('logged')
    assert [x['params']['query'] for x in lines_of(path) if 'httpRequest' in x] == ['logged']
    (folder / 'hearth.yaml').write_text(CONFIG.format('scrape_interval: 1m'))
    process.process.send_signal(signal.SIGHUP)
    wait_for(lambda: 'query_log_file' not in client.data('/api/v1/status/config')['yaml'])
    before = path.read_text()
    client.query('logged')
    assert path.read_text() == before


def test_statistics_count_by_step(logged):
    _, client, _, now = logged
    samples = client.query_range('sum(rate(logged[1m]))', now / 1000 - 60, now / 1000, 30,
                                 stats='all')['stats']['samples']
    at = [now / 1000 - 60, now / 1000 - 30, now / 1000]
    assert samples['totalQueryableSamplesPerStep'] == [[t, 12] for t in at]
    assert samples['totalQueryableSamples'] == 36
    assert samples['samplesReadPerStep'] == [[at[0], 12], [at[1], 6], [at[2], 6]]
    assert samples['samplesRead'] == 24
    timings = client.query('logged', stats='true')['stats']
    assert 'totalQueryableSamplesPerStep' not in timings['samples']
    assert timings['timings']['execTotalTime'] > 0
    assert 'stats' not in client.query('logged')


def test_rules_that_fail_are_in_the_workspaces_log(start_hearth):
    process = start_hearth()
    amp, client = aws_client(process, 'amp'), client_for(process)
    wid = amp.create_workspace()['workspaceId']
    plane = client.at(wid)
    moment = now_ms()
    plane.write(*[series({'__name__': name, 'x': 'same', 'i': str(i)}, [(moment, 1)])
                  for name in ('a_metric', 'b_metric') for i in range(2)])
    amp.create_logging_configuration(workspaceId=wid, logGroupArn=model.LOG_GROUP)
    amp.create_rule_groups_namespace(workspaceId=wid, name='mine', data=BROKEN)
    path = process.data / 'logs' / '%2Faws%2Fprometheus%2Ftest' / f'{wid}.jsonl'
    line = wait_for(lambda: path.exists() and lines_of(path))[0]
    assert line['component'] == 'ruler'
    assert line['workspaceId'] == wid
    message = line['message']
    assert (message['level'], message['name'], message['group'], message['namespace']) == (
        'ERROR', 'r', 'failing', 'mine')
    assert message['log'].startswith(
        'Evaluating rule failed, name=r, group=failing, namespace=mine, err=found duplicate series')
