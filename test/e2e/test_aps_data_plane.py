# SPDX-License-Identifier: Apache-2.0
"""The data plane under /workspaces/ws-…: what the control plane sets is in force for samples and
queries, refusals have AMP's codes and words (aws-contract.md §10, §11)."""

import json
import re
import time

import pytest

import aps_model as model
import remote_write
from connect import client_for
from terraform_process import aws_client


def series(now_ms, *samples, **labels):
    return remote_write.series(labels, list(samples) or [(now_ms, 1.0)])


def now():
    return int(time.time() * 1000)


@pytest.fixture(scope='module')
def hearth(module_hearth):
    return module_hearth()


@pytest.fixture(scope='module')
def amp(hearth):
    return aws_client(hearth, 'amp')


@pytest.fixture
def wid(amp):
    made = amp.create_workspace()['workspaceId']
    yield made
    amp.delete_workspace(workspaceId=made)


@pytest.fixture
def plane(hearth, wid):
    return client_for(hearth).at(wid)


def discarded(hearth, reason):
    text = client_for(hearth).get('/metrics').text
    found = re.search(r'hearth_discarded_samples_total\{reason="' + reason + r'"\} (\d+)', text)
    return int(found.group(1)) if found else 0


def test_limits_per_label_set(hearth, amp, wid, plane):
    amp.update_workspace_configuration(workspaceId=wid, limitsPerLabelSet=[
        {'labelSet': {'team': 'a'}, 'limits': {'maxSeries': 2}}])
    before = discarded(hearth, 'per_labelset_series_limit')
    moment = now()
    answer = plane.write(*(series(moment, __name__='m', i=str(i), team='a') for i in range(3)),
                         series(moment, __name__='m', team='b'))
    assert answer.status_code == 400
    assert answer.text == (
        f'user=000000000000_{wid}: per-labelset series limit of 2 exceeded (labelSet: '
        '{team="a"}, global limit: 2 actual local limit: 2)\n')
    assert len(plane.vector('m')) == 3, 'the rest of the request is stored'
    assert discarded(hearth, 'per_labelset_series_limit') == before + 1
    amp.update_workspace_configuration(workspaceId=wid, limitsPerLabelSet=[])
    assert plane.write(series(now(), __name__='m', i='9', team='a')).status_code == 200


def test_out_of_order_window(hearth, amp, wid, plane):
    moment = now()
    assert plane.write(series(moment, __name__='m')).status_code == 200
    assert plane.write(series(0, (moment - 120_000, 2.0), __name__='m')).status_code == 200
    amp.update_workspace_configuration(workspaceId=wid, outOfOrderTimeWindowInSeconds=0)
    answer = plane.write(series(0, (moment - 60_000, 3.0), __name__='m'))
    assert answer.status_code == 400
    assert 'err: out of order sample' in answer.text
    assert discarded(hearth, 'sample-out-of-order') >= 1


def test_high_availability_pair(plane):
    def write(replica):
        return plane.write(series(now(), __name__='up', __replica__=replica, cluster='c'))

    assert write('r1').status_code == 200
    answer = write('r2')
    assert answer.status_code == 202
    assert answer.text == 'replicas did not match, rejecting sample: replica=r2, elected=r1\n'
    assert write('r1').status_code == 200
    found = plane.data('/api/v1/series', {'match[]': 'up'})
    assert found == [{'__name__': 'up', 'cluster': 'c'}], '__replica__ is not stored'
    assert plane.write(series(now(), __name__='x', __replica__='r9')).status_code == 200
    assert plane.data('/api/v1/series', {'match[]': 'x'}) == [
        {'__name__': 'x', '__replica__': 'r9'}], 'without cluster it is stored as it is'


def test_query_log(hearth, amp, wid, plane):
    moment = now()
    plane.write(*(series(moment, __name__='m', i=str(i)) for i in range(20)))
    amp.create_query_logging_configuration(workspaceId=wid, destinations=model.DESTINATIONS)
    plane.query('m')
    plane.query('m{i="1"}')
    path = hearth.data / 'logs' / '%2Faws%2Fprometheus%2Ftest' / f'{wid}.jsonl'
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == 1, 'queries below the threshold are not logged'
    assert lines[0]['workspaceId'] == wid
    assert lines[0]['message']['query'] == 'm'
    assert int(lines[0]['message']['samples']) >= 20


def test_resource_policy_is_in_force(amp, wid, plane):
    deny = {'Version': '2012-10-17', 'Statement': [
        {'Effect': 'Deny', 'Principal': '*', 'Action': 'aps:RemoteWrite', 'Resource': '*'}]}
    put = amp.put_resource_policy(workspaceId=wid, policyDocument=json.dumps(deny))
    answer = plane.write(series(now(), __name__='m'))
    assert answer.status_code == 403
    assert 'explicit deny in a resource-based policy' in answer.text
    assert plane.vector('m') == [], 'reading is not denied'
    amp.delete_resource_policy(workspaceId=wid, revisionId=put['revisionId'])
    assert plane.write(series(now(), __name__='m')).status_code == 200


def test_configuration_survives_a_restart(start_hearth):
    hearth = start_hearth()
    amp = aws_client(hearth, 'amp')
    wid = amp.create_workspace()['workspaceId']
    amp.update_workspace_configuration(workspaceId=wid, limitsPerLabelSet=[
        {'labelSet': {}, 'limits': {'maxSeries': 1}}])
    moment = now()
    assert client_for(hearth).at(wid).write(series(moment, __name__='a')).status_code == 200
    hearth.stop()
    hearth.start()
    plane = client_for(hearth).at(wid)
    assert plane.write(series(now(), __name__='b')).status_code == 400, 'a still counts'
    assert plane.write(series(now(), __name__='a')).status_code == 200


def test_request_rates_with_aws_fidelity(start_hearth):
    hearth = start_hearth(arguments=['--fidelity', 'aws'])
    root = client_for(hearth)
    wid = root.get('/workspaces').json()['workspaces'][0]['workspaceId']
    plane = root.at(wid)
    answers = [plane.get('/api/v1/labels') for _ in range(60)]
    refused = [a for a in answers if a.status_code == 429]
    assert refused, '10 a second'
    assert refused[0].json() == {'message': 'Rate exceeded'}
    assert refused[0].headers['Retry-After'] == '1'
    assert plane.query('up') is not None, 'queries have a rate of their own'
    old = now() - 2 * 3600 * 1000
    answer = plane.write(series(0, (old, 1.0), __name__='m'))
    assert answer.status_code == 400 and 'timestamp too old' in answer.text
    assert plane.write(series(0, (now() + 3_600_000, 1.0), __name__='m')).status_code == 400
    big = [remote_write.series({'__name__': 'm', 'i': str(i)},
                               [(now() - s, 1.0) for s in range(100)]) for i in range(1500)]
    answer = plane.write(*big)
    assert answer.status_code == 429, answer.text
    assert re.fullmatch(r'ingestion rate limit \(66666\.6\d+\) exceeded while adding '
                        r'150000 samples and 0 metadata\n', answer.text)
    assert plane.vector('count(m)') == [], 'nothing of it is stored'


@pytest.mark.parametrize('method,path,action', [
    ('POST', '/api/v1/remote_write', 'RemoteWrite'),
    ('GET', '/api/v1/query', 'QueryMetrics'),
    ('POST', '/api/v1/query_range', 'QueryMetrics'),
    ('GET', '/api/v1/labels', 'GetLabels'),
    ('GET', '/api/v1/label/job/values', 'GetLabels'),
    ('GET', '/api/v1/series', 'GetSeries'),
    ('GET', '/api/v1/metadata', 'GetMetricMetadata'),
    ('GET', '/api/v1/rules', 'ListRules'),
    ('GET', '/api/v1/alerts', 'ListAlerts'),
    ('POST', '/alertmanager/api/v2/alerts', 'CreateAlertManagerAlerts'),
    ('GET', '/alertmanager/api/v2/alerts', 'ListAlertManagerAlerts'),
    ('GET', '/alertmanager/api/v2/alerts/groups', 'ListAlertManagerAlertGroups'),
    ('GET', '/alertmanager/api/v2/receivers', 'ListAlertManagerReceivers'),
    ('GET', '/alertmanager/api/v2/silences', 'ListAlertManagerSilences'),
    ('POST', '/alertmanager/api/v2/silences', 'PutAlertManagerSilences'),
    ('GET', '/alertmanager/api/v2/silence/x', 'GetAlertManagerSilence'),
    ('DELETE', '/alertmanager/api/v2/silence/x', 'DeleteAlertManagerSilence'),
    ('GET', '/alertmanager/api/v2/status', 'GetAlertManagerStatus'),
])
def test_each_path_has_its_action(amp, wid, plane, method, path, action):
    """A deny of exactly that action is what refuses it."""
    deny = {'Version': '2012-10-17', 'Statement': [
        {'Effect': 'Deny', 'Principal': '*', 'Action': f'aps:{action}', 'Resource': '*'}]}
    amp.put_resource_policy(workspaceId=wid, policyDocument=json.dumps(deny))
    answer = plane.request(method, path)
    assert answer.status_code == 403, answer.text
    assert f'aps:{action}' in answer.text
    amp.delete_resource_policy(workspaceId=wid)
    assert plane.request(method, path).status_code != 403
