# SPDX-License-Identifier: Apache-2.0
"""The same rule file in hearth and in the current Prometheus: evaluated in the same slots, shown in
the same words."""

import pytest

import prometheus_process
from connect import client_for, wait_for
from prometheus_process import Prometheus
from remote_write import now_ms, series

RULES = '''
groups:
- name: every second
  interval: 1s
  labels: {team: core, who: group}
  rules:
  - record: given:sum
    expr: sum by (job) (given)
    labels: {who: rule}
  - alert: TooMuch
    expr: given > 10
    keep_firing_for: 1h
    labels: {severity: page, of: "{{ $labels.job }}"}
    annotations: {summary: "{{ $value | humanize }} in {{ $externalLabels.cluster }}"}
  - alert: Waits
    expr: given > 10
    for: 1h
  - record: wrong
    expr: label_replace(given, "job", "same", "job", ".*")
- name: looks back
  interval: 2s
  query_offset: 30s
  rules:
  - {record: back, expr: time()}
- name: limited
  interval: 5s
  limit: 1
  rules:
  - {record: two, expr: given}
  - {record: one, expr: vector(1)}
'''
INTERVALS = {'given:sum{job="a"}': 1000, 'back': 2000, 'one': 5000}
CONFIG = 'global: {{external_labels: {{cluster: one}}}}\nrule_files: ["{}"]\n'


@pytest.fixture(scope='module')
def pair(module_hearth, tmp_path_factory):
    program = prometheus_process.find('prometheus', current=True)
    if program is None:
        pytest.skip('the current Prometheus is not built')
    folder = tmp_path_factory.mktemp('rules')
    (folder / 'rules.yaml').write_text(RULES)
    config = CONFIG.format(folder / 'rules.yaml')
    (folder / 'hearth.yaml').write_text(config)
    parts = [series({'__name__': 'given', 'job': job}, [(now_ms(), value)])
             for job, value in (('a', 12.5), ('b', 3))]
    hearth = client_for(module_hearth(arguments=['--config', folder / 'hearth.yaml']))
    with Prometheus(program, config=config,
                    arguments=['--web.enable-remote-write-receiver']) as prometheus:
        both = hearth, prometheus.client()
        for client in both:
            assert client.write(*parts).ok
        yield both


def slot(client, query, interval):
    """When within its interval a recorded sample is."""
    def times():
        found = client.query(f'{query}[1m]')['result']
        return found and [round(t * 1000) for t, _ in found[0]['values']]
    return {t % interval for t in wait_for(times)}


@pytest.mark.parametrize('query', INTERVALS)
def test_slots_are_the_same(pair, query):
    ours, theirs = (slot(client, query, INTERVALS[query]) for client in pair)
    assert len(ours) == 1 and ours == theirs


def shown(client):
    """All groups without the times of their evaluations."""
    def settled():
        groups = client.data('/api/v1/rules')['groups']
        rules = {r['name']: r for g in groups for r in g['rules']}
        done = all(r['health'] != 'unknown' for r in rules.values()) and \
            rules['TooMuch']['state'] == 'firing' and rules['Waits']['state'] == 'pending'
        return done and groups
    groups = wait_for(settled)
    for group in groups:
        for key in ('lastEvaluation', 'evaluationTime'):
            del group[key]
        for rule in group['rules']:
            for key in ('lastEvaluation', 'evaluationTime'):
                del rule[key]
            for alert in rule.get('alerts', []):
                del alert['activeAt']
    return groups


def test_groups_are_shown_alike(pair):
    ours, theirs = map(shown, pair)
    assert ours == theirs


def test_what_was_recorded_is_the_same(pair):
    for query in ('given:sum', 'ALERTS', 'one', 'two', 'wrong', 'back == bool timestamp(back)'):
        def answer(client):
            return sorted((sorted(r['metric'].items()), r['value'][1])
                          for r in client.query(query)['result'])
        wait_for(lambda: answer(pair[0]) == answer(pair[1]))
