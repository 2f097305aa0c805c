# SPDX-License-Identifier: Apache-2.0
"""Rules of a running server: recorded, alerting, shown, reloaded, and after a restart."""

import signal

import pytest

from connect import client_for, wait_for
from remote_write import now_ms, series

RULES = '''
groups:
- name: first
  interval: 1s
  labels: {team: core}
  rules:
  - record: given:sum
    expr: sum by (job) (given)
  - alert: TooMuch
    expr: given:sum > 10
    labels: {severity: page}
    annotations: {summary: "{{ $labels.job }} has {{ $value }} in {{ $externalLabels.cluster }}"}
  - alert: Waits
    expr: given:sum > 10
    for: 1h
- name: second
  interval: 1s
  rules:
  - record: constant
    expr: vector(7)
'''
BROKEN = RULES.replace('sum by (job) (given)', 'sum by (job (given)').replace('vector(7)',
                                                                             'vector(8)')


@pytest.fixture
def ruled(start_hearth, tmp_path):
    (tmp_path / 'rules.yaml').write_text(RULES)
    (tmp_path / 'hearth.yaml').write_text(
        'global: {external_labels: {cluster: one}}\nrule_files: ["rules*.yaml"]\n')
    process = start_hearth(arguments=['--config', tmp_path / 'hearth.yaml'])
    return process, client_for(process), tmp_path


def write(client, value):
    answer = client.write(series({'__name__': 'given', 'job': 'a'}, [(now_ms(), value)]))
    assert answer.ok, answer.text


def value(client, query):
    result = client.query(query)['result']
    return result[0]['value'][1] if result else None


def rule(client, name):
    for group in client.data('/api/v1/rules')['groups']:
        for one in group['rules']:
            if one['name'] == name:
                return one
    return None


def test_rules_are_recorded_and_alerts_shown(ruled):
    _, client, _ = ruled
    write(client, 12)
    assert wait_for(lambda: value(client, 'given:sum{job="a", team="core"}') == '12')
    alerts = wait_for(lambda: client.data('/api/v1/alerts')['alerts'])
    firing = [a for a in alerts if a['state'] == 'firing']
    assert [a['labels'] for a in firing] == [
        {'alertname': 'TooMuch', 'job': 'a', 'severity': 'page', 'team': 'core'}]
    assert firing[0]['annotations'] == {'summary': 'a has 12 in one'}
    assert firing[0]['value'] == '1.2e+01'
    assert wait_for(lambda: rule(client, 'Waits')['state'] == 'pending')
    shown = rule(client, 'TooMuch')
    assert shown['health'] == 'ok' and shown['type'] == 'alerting' and shown['duration'] == 0
    assert shown['lastEvaluation'].startswith('20') and shown['evaluationTime'] > 0
    assert rule(client, 'constant')['type'] == 'recording'
    metrics = client.get('/metrics').text
    assert 'prometheus_rule_evaluations_total{rule_group="' in metrics
    write(client, 1)
    wait_for(lambda: not client.data('/api/v1/alerts')['alerts'])
    wait_for(lambda: value(client, 'ALERTS') is None)


def test_filters_of_the_rules_endpoint(ruled):
    _, client, path = ruled
    get = lambda **p: client.data('/api/v1/rules', p)  # noqa: E731
    names = lambda data: [[r['name'] for r in g['rules']] for g in data['groups']]  # noqa: E731
    assert names(get()) == [['given:sum', 'TooMuch', 'Waits'], ['constant']]
    assert names(get(type='alert')) == [['TooMuch', 'Waits']]
    assert names(get(type='record')) == [['given:sum'], ['constant']]
    assert names(get(**{'rule_name[]': ['constant', 'Waits']})) == [['Waits'], ['constant']]
    assert names(get(**{'rule_group[]': 'second'})) == [['constant']]
    assert names(get(**{'file[]': str(path / 'rules.yaml')})) == names(get())
    assert names(get(**{'file[]': 'none'})) == []
    assert names(get(**{'match[]': '{severity="page"}'})) == [['TooMuch']]
    first = get(group_limit='1')
    assert names(first) == [['given:sum', 'TooMuch', 'Waits']]
    token = first['groupNextToken']
    second = get(group_limit='1', group_next_token=token)
    assert names(second) == [['constant']] and 'groupNextToken' not in second
    hidden = get(exclude_alerts='true', type='alert')
    assert hidden['groups'][0]['rules'][0]['alerts'] is None
    for bad, words in (({'type': 'x'}, 'not supported value "x"'),
                       ({'group_limit': '0'}, 'greater than 0'),
                       ({'group_next_token': 'x'}, 'group_limit needs to be present'),
                       ({'group_limit': '1', 'group_next_token': 'x'}, 'were rule groups changed'),
                       ({'exclude_alerts': 'maybe'}, 'exclude_alerts')):
        answer = client.get('/api/v1/rules', bad)
        assert answer.status_code == 400 and words in answer.json()['error'], answer.text
    assert client.data('/api/v1/alertmanagers') == {'activeAlertmanagers': [],
                                                    'droppedAlertmanagers': []}


def test_a_broken_file_is_reported_while_the_last_good_rules_go_on(ruled):
    process, client, path = ruled
    wait_for(lambda: value(client, 'constant') == '7')
    (path / 'rules.yaml').write_text(BROKEN)
    process.process.send_signal(signal.SIGHUP)
    wait_for(lambda: value(client, 'constant') == '8')
    answer = client.get('/api/v1/rules').json()
    assert len(answer['warnings']) == 1
    assert 'rules.yaml:8: group "first", rule 1' in answer['warnings'][0]
    write(client, 3)
    wait_for(lambda: value(client, 'given:sum') == '3')
    assert 'hearth_rules_broken_groups{workspace=' in client.get('/metrics').text
    (path / 'rules.yaml').write_text('groups: []\n')
    process.process.send_signal(signal.SIGHUP)
    wait_for(lambda: client.data('/api/v1/rules')['groups'] == [])
    assert 'warnings' not in client.get('/api/v1/rules').json()


def test_for_state_survives_a_restart(ruled):
    process, client, _ = ruled
    write(client, 12)
    active = wait_for(lambda: value(client, 'ALERTS_FOR_STATE{alertname="Waits"}'))
    process.stop()
    process.start()
    client = client_for(process)
    write(client, 12)

    def restored():
        alerts = rule(client, 'Waits')['alerts']
        return alerts and value(client, 'ALERTS_FOR_STATE{alertname="Waits"}')

    again = float(wait_for(restored))
    # What it was down for does not count, but what it had waited does.
    assert float(active) <= again <= float(active) + 60
