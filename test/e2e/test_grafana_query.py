# SPDX-License-Identifier: Apache-2.0
"""The reading side of a Grafana workspace: proxy, resources, health and /api/ds/query, for data
sources on this server and on others."""

import http.server
import json
import threading

import pytest
import requests

from aws_session import ACCOUNT, TRUST_ACCOUNT, client, policy, trust, unique
from connect import client_for, wait_for
from grafana_client import default_grafana
from remote_write import now_ms, series


@pytest.fixture(scope='module')
def server(module_hearth):
    return module_hearth()


@pytest.fixture(scope='module')
def grafana(server):
    return default_grafana(server)


@pytest.fixture(scope='module')
def start(server):
    """Three series of a minute, a sample each 15 s; the first's time."""
    first = now_ms() // 60_000 * 60_000 - 120_000
    for name, scale in (('a', 1), ('b', 2), ('c', float('nan'))):
        client_for(server).write(series({'__name__': 'asked', 'job': name},
                                        [(first + 15_000 * i, i * scale) for i in range(5)]))
    return first


class Other(http.server.BaseHTTPRequestHandler):
    """Another Prometheus: remembers what it was asked."""
    asked = []
    body = b''  # what it says instead of 2

    def answer(self):
        length = int(self.headers.get('Content-Length') or 0)
        Other.asked.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
        if self.path.startswith('/moved'):
            self.send_response(302)
            self.send_header('Location', 'http://169.254.169.254/latest/meta-data/')
            self.end_headers()
            return
        body = Other.body or json.dumps({'status': 'success', 'data': {
            'resultType': 'scalar', 'result': [1, '2']}}).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Set-Cookie', 'x=y')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


@pytest.fixture(scope='module')
def other():
    Other.asked = []
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Other)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f'http://127.0.0.1:{server.server_address[1]}'
    server.shutdown()
    thread.join()
    server.server_close()


def add(grafana, uid, **more):
    grafana.ok('POST', '/datasources', {'name': uid, 'uid': uid, 'type': 'prometheus',
                                        'access': 'proxy', 'jsonData': {}, **more})


def query(grafana, *queries, **more):
    return grafana.post('/ds/query', {'queries': queries, **more})


def test_ds_query_gives_frames(grafana, start):
    answer = query(grafana, {
        'refId': 'A', 'datasource': {'uid': 'AMP', 'type': 'prometheus'}, 'expr': 'asked',
        'range': True, 'interval': '15s', 'legendFormat': '{{job}} of {{ none }}!'},
        **{'from': str(start), 'to': str(start + 60_000)})
    assert answer.status_code == 200, answer.text
    result = answer.json()['results']['A']
    assert result['status'] == 200 and len(result['frames']) == 3
    frame = result['frames'][1]
    meta, (time, value) = frame['schema']['meta'], frame['schema']['fields']
    assert meta['executedQueryString'] == 'Expr: asked\nStep: 15s'
    assert meta['type'] == 'timeseries-multi' and meta['custom'] == {'resultType': 'matrix'}
    assert time['type'] == 'time' and time['config'] == {'interval': 15_000}
    assert value['labels'] == {'__name__': 'asked', 'job': 'b'}
    assert value['config'] == {'displayNameFromDS': 'b of !'}
    times, values = frame['data']['values']
    assert times == [start + 15_000 * i for i in range(5)] and values == [0, 2, 4, 6, 8]
    # What JSON cannot say.
    nan = result['frames'][2]['data']
    assert nan['values'][1] == [None] * 5 and nan['entities'][1] == {'NaN': [0, 1, 2, 3, 4]}


def test_instant_and_macros(grafana, start):
    answer = query(grafana,
                   {'refId': 'A', 'datasource': {'uid': 'AMP'}, 'instant': True,
                    'expr': 'count_over_time(asked{job="a"}[$__range])'},
                   {'refId': 'B', 'datasource': {'uid': 'AMP'}, 'range': True, 'hide': True},
                   {'refId': 'C', 'datasource': {'uid': 'AMP'}, 'range': True, 'instant': True,
                    'expr': 'sum(asked{job="a"}) + $__interval_ms * 0', 'intervalMs': 15_000},
                   **{'from': str(start - 1000), 'to': str(start + 60_000)})
    assert answer.status_code == 200, answer.text
    results = answer.json()['results']
    assert set(results) == {'A', 'C'}
    assert results['A']['frames'][0]['data']['values'][1] == [5]
    assert results['A']['frames'][0]['schema']['meta']['type'] == 'numeric-multi'
    assert len(results['C']['frames']) == 2


def test_points_follow_max_data_points(grafana):
    answer = query(grafana, {'refId': 'A', 'datasource': {'uid': 'AMP'}, 'expr': 'vector(1)',
                             'maxDataPoints': 100}, **{'from': 'now-6h', 'to': 'now'})
    times = answer.json()['results']['A']['frames'][0]['data']['values'][0]
    assert 50 <= len(times) <= 101
    step = times[1] - times[0]
    assert step == 300_000 and times[0] % step == 0


@pytest.mark.parametrize(('body', 'status', 'word'), [
    ({'queries': []}, 400, 'no queries'), ({'queries': [5]}, 400, 'objects'),
    ({'queries': [{'datasource': {'uid': 'no'}, 'expr': 'x'}]}, 400, 'Unable to find'),
    ({'queries': [{'datasource': {'uid': 'AMP'}, 'expr': 'x('}]}, 400, 'parse error'),
    ({'queries': [{'datasource': {'uid': 'AMP'}}]}, 400, 'expr'),
    ({'queries': [{'datasource': {'uid': 'AMP'}, 'expr': '1'}], 'from': 'soon'}, 400, 'time'),
    ({'queries': [{'datasource': {'uid': 'AMP'}, 'expr': '1'}], 'from': '9', 'to': '1'}, 400,
     'after')])
def test_bad_queries(grafana, body, status, word):
    answer = grafana.post('/ds/query', body)
    assert answer.status_code == status and word in answer.text, answer.text


def test_resources_and_health(grafana, start):
    assert 'asked' in grafana.ok(
        'GET', '/datasources/uid/AMP/resources/api/v1/label/__name__/values')['data']
    assert grafana.ok('GET', '/datasources/uid/AMP/health')['status'] == 'OK'
    add(grafana, 'dead', url='http://127.0.0.1:1')
    answer = grafana.get('/datasources/uid/dead/health')
    assert answer.status_code == 400 and answer.json()['status'] == 'ERROR'
    answer = grafana.get('/datasources/proxy/uid/dead/api/v1/query?query=1')
    assert answer.status_code == 502


def test_another_server(grafana, other):
    add(grafana, 'other', url=other + '/prom/', basicAuth=True, basicAuthUser='me',
        jsonData={'httpHeaderName1': 'X-Team'},
        secureJsonData={'basicAuthPassword': 'word', 'httpHeaderValue1': 'ops'})
    answer = grafana.get('/datasources/proxy/uid/other/api/v1/query?query=a%2Bb',
                         headers={'Cookie': 'secret=1'})
    assert answer.status_code == 200 and answer.json()['status'] == 'success'
    assert 'Set-Cookie' not in answer.headers
    method, path, headers, _ = Other.asked[-1]
    assert (method, path) == ('GET', '/prom/api/v1/query?query=a%2Bb')
    assert headers['X-Team'] == 'ops' and headers['Authorization'] == 'Basic bWU6d29yZA=='
    assert 'Cookie' not in headers
    answer = query(grafana, {'refId': 'A', 'datasource': {'uid': 'other'}, 'expr': 'x',
                             'instant': True})
    assert answer.json()['results']['A']['frames'][0]['data']['values'] == [[1000], [2]]


def test_another_server_signed(grafana, other):
    add(grafana, 'signed', url=other, jsonData={
        'sigV4Auth': True, 'sigV4AuthType': 'keys', 'sigV4Region': 'eu-west-1'},
        secureJsonData={'sigV4AccessKey': 'AKIDEXAMPLE', 'sigV4SecretKey': 'k'})
    grafana.ok('POST', '/datasources/proxy/uid/signed/api/v1/query', 'query=1',
               headers={'Content-Type': 'application/x-www-form-urlencoded'})
    authorization = Other.asked[-1][2]['Authorization']
    assert authorization.startswith('AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/')
    assert '/eu-west-1/aps/aws4_request' in authorization
    add(grafana, 'unsigned', url=other, jsonData={'sigV4Auth': True, 'sigV4AuthType': 'default'})
    answer = grafana.get('/datasources/proxy/uid/unsigned/api/v1/query?query=1')
    assert answer.status_code == 400 and 'keys' in answer.json()['message']


def test_redirects_are_not_followed(grafana, other):
    add(grafana, 'moved', url=other + '/moved')
    answer = grafana.get('/datasources/proxy/uid/moved/x', allow_redirects=False)
    assert answer.status_code == 302 and 'Location' not in answer.headers


@pytest.mark.parametrize('url', ['http://169.254.169.254/latest', 'http://[fe80::1]/',
                                 'http://[::ffff:169.254.169.254]/', 'http://0.0.0.0:80/'])
def test_link_local_and_metadata_addresses_are_denied(grafana, url):
    uid = 'deny-' + str(abs(hash(url)))
    add(grafana, uid, url=url)
    answer = grafana.get(f'/datasources/proxy/uid/{uid}/api/v1/query?query=1')
    assert answer.status_code == 403, answer.text


@pytest.mark.parametrize('path', ['api/v1/write', 'api/v1/remote_write', 'api/v1/%77rite',
                                  'api/v1/admin/tsdb/delete_series', 'a/../../x', '%2e%2e/x'])
def test_a_data_source_only_reads_below_its_url(grafana, path):
    raw = grafana.url + '/api/datasources/proxy/uid/AMP/' + path
    request = requests.Request('POST', raw, auth=grafana.session.auth).prepare()
    request.url = raw
    assert grafana.session.send(request, timeout=30).status_code in (400, 403, 404)


def test_own_workspace_with_keys(server, grafana):
    profile = server.profile()
    url = grafana.ok('GET', '/datasources/uid/AMP')['url']
    keys = {'sigV4Auth': True, 'sigV4AuthType': 'keys', 'sigV4Region': 'us-east-1'}
    add(grafana, 'keys', url=url, jsonData=keys, secureJsonData={
        'sigV4AccessKey': profile['aws_access_key_id'],
        'sigV4SecretKey': profile['aws_secret_access_key']})
    path = '/datasources/proxy/uid/keys/api/v1/query?query=1'
    answer = grafana.get(path)
    assert answer.status_code == 200 and 'X-Hearth-Warning' not in answer.headers
    grafana.ok('PUT', '/datasources/uid/keys', {
        'name': 'keys', 'type': 'prometheus', 'url': url, 'jsonData': keys,
        'secureJsonData': {'sigV4SecretKey': 'wrong'}})
    assert grafana.get(path).status_code == 403


@pytest.fixture
def assumed(server):
    """assumed(trust policy) → ARN of a role that may query, and nothing else."""
    iam = client(server, 'iam')
    made = []

    def make(trust_policy):
        name = unique('reader')
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust_policy)['Role']
        iam.put_role_policy(RoleName=name, PolicyName='p', PolicyDocument=policy(
            {'Action': 'aps:QueryMetrics', 'Resource': '*'}))
        made.append(name)
        return role['Arn']

    yield make
    for name in made:
        iam.delete_role_policy(RoleName=name, PolicyName='p')
        iam.delete_role(RoleName=name)


def assuming(server, grafana, arn, **more):
    """The status of a query and of a look at labels, by a data source with root's key pair that
    takes the role first."""
    profile, uid = server.profile(), unique('as')
    add(grafana, uid, url=grafana.ok('GET', '/datasources/uid/AMP')['url'], jsonData={
        'sigV4Auth': True, 'sigV4AuthType': 'keys', 'sigV4Region': 'us-east-1',
        'sigV4AssumeRoleArn': arn, **more}, secureJsonData={
            'sigV4AccessKey': profile['aws_access_key_id'],
            'sigV4SecretKey': profile['aws_secret_access_key']})
    return [grafana.get(f'/datasources/proxy/uid/{uid}/api/v1/{what}')
            for what in ('query?query=1', 'labels')]


def test_own_workspace_as_an_assumed_role(server, grafana, assumed):
    queried, labels = assuming(server, grafana, assumed(TRUST_ACCOUNT))
    assert queried.status_code == 200, queried.text
    # The role's rights count, and no longer those of the key pair.
    assert labels.status_code == 403 and 'assumed-role/reader-' in labels.text, labels.text


def test_a_role_is_assumed_as_its_trust_policy_says(server, grafana, assumed):
    arn = assumed(trust({'AWS': ACCOUNT}, condition={'StringEquals': {'sts:ExternalId': 'x1'}}))
    assert [answer.status_code for answer in assuming(server, grafana, arn)] == [403, 403]
    assert [answer.status_code for answer in
            assuming(server, grafana, arn, sigV4ExternalId='x1')] == [200, 403]
    other = assumed(trust({'Service': 'pods.eks.amazonaws.com'}))
    refused, _ = assuming(server, grafana, other)
    assert refused.status_code == 403 and 'sts:AssumeRole' in refused.text, refused.text
    missing, _ = assuming(server, grafana, arn + '-gone')
    assert missing.status_code == 403 and 'sts:AssumeRole' in missing.text, missing.text


def test_the_workspace_s_own_role_assumes_another(server, grafana, assumed):
    """sigV4AuthType default: the default workspace's role is the caller; it may once it may."""
    arn = assumed(TRUST_ACCOUNT)
    uid = unique('default')
    add(grafana, uid, url=grafana.ok('GET', '/datasources/uid/AMP')['url'], jsonData={
        'sigV4Auth': True, 'sigV4AuthType': 'default', 'sigV4AssumeRoleArn': arn})
    path = f'/datasources/proxy/uid/{uid}/api/v1/query?query=1'
    refused = grafana.get(path)
    assert refused.status_code == 403 and 'sts:AssumeRole' in refused.text, refused.text
    iam = client(server, 'iam')
    own = client(server, 'grafana').list_workspaces()['workspaces'][0]['id']
    role = client(server, 'grafana').describe_workspace(workspaceId=own)['workspace'][
        'workspaceRoleArn'].rsplit('/', 1)[1]
    iam.put_role_policy(RoleName=role, PolicyName='assume', PolicyDocument=policy(
        {'Action': 'sts:AssumeRole', 'Resource': arn}))
    assert wait_for(lambda: grafana.get(path).status_code == 200, limit_s=5)
    iam.delete_role_policy(RoleName=role, PolicyName='assume')


def test_private_addresses_can_be_denied(start_hearth, other):
    grafana = default_grafana(start_hearth(arguments=['--datasource-deny', 'private']))
    add(grafana, 'other', url=other)
    answer = grafana.get('/datasources/proxy/uid/other/api/v1/query?query=1')
    assert answer.status_code == 403, answer.text


def of_result(kind, result):
    return json.dumps({'status': 'success', 'data': {'resultType': kind, 'result': result}})


DEEP = '[' * 2_000_000 + ']' * 2_000_000


@pytest.mark.parametrize(('body', 'word'), [
    ('{"status": 1}', 'no result'), ('{"status": "error", "error": 5, "errorType": []}', 'error'),
    ('{"message": {"a": 1}}', 'refused'), ('{"status": "success", "data": {"resultType": 7}}', ''),
    (of_result('vector', [5, 'x', None, []]), ''), (of_result('vector', 5), ''),
    (of_result('vector', [{'metric': 5, 'value': 5}]), ''),
    (of_result('vector', [{'metric': {'a': 1, 'b': [2]}, 'value': [1, 2]}]), ''),
    (of_result('matrix', [{'metric': {'job': {}}, 'values': {'a': 1}}]), ''),
    (of_result('matrix', [{'metric': {}, 'values': [[1e308, '1'], ['1', 1], [None], []]}]), ''),
    ('{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":%s}}]}}' % DEEP,
     'nest'), (DEEP, 'nest'), ('{', 'no JSON'), ('', '')])
def test_whatever_another_server_answers_is_an_answer(grafana, server, other, body, word):
    """It is configured, not trusted: wrong types are refused, endless nesting ends nothing."""
    add(grafana, 'odd', url=other)
    Other.body = body.encode()
    try:
        for legend in ('', '__auto', '{{job}}'):
            answer = query(grafana, {'refId': 'A', 'datasource': {'uid': 'odd'}, 'expr': '1',
                                     'range': True, 'instant': True, 'legendFormat': legend})
            assert answer.status_code in (200, 400), answer.text
            assert word in answer.json()['results']['A'].get('error', ''), answer.text
        health = grafana.get('/datasources/uid/odd/health')
        assert health.status_code in (200, 400) and health.json()['status'] in ('OK', 'ERROR')
        assert server.alive()
    finally:
        Other.body = b''
        grafana.ok('DELETE', '/datasources/uid/odd')


def test_the_path_of_a_url_counts_too(grafana, server):
    """A data source only reads, wherever its URL is cut."""
    own = grafana.ok('GET', '/datasources/uid/AMP')['url']
    for name, cut, rest in (('cut-1', '/api/v1/admin', '/tsdb/delete_series?match[]=asked'),
                            ('cut-2', '/api/v1/admin/tsdb', '/clean_tombstones')):
        add(grafana, name, url=own + cut)
        answer = grafana.post(f'/datasources/proxy/uid/{name}{rest}')
        assert answer.status_code == 403 and 'only reads' in answer.text, answer.text
        grafana.ok('DELETE', f'/datasources/uid/{name}')
