# SPDX-License-Identifier: Apache-2.0
"""Who may do what: every door tried without a key, with a wrong one and with the right one
(product.md, «Who may do what»; the texts are AWS's)."""

import json

import pytest
import requests

from connect import client_for, default_workspace
from signed_client import amz_date, form, hexdigest, sign_by_hand

DATA_PLANE = [('GET', '/api/v1/query?query=1'), ('POST', '/api/v1/query'),
              ('GET', '/api/v1/query_range?query=1&start=0&end=1&step=1'),
              ('GET', '/api/v1/labels'), ('GET', '/api/v1/label/job/values'),
              ('GET', '/api/v1/series?match[]=up'), ('GET', '/api/v1/metadata'),
              ('GET', '/api/v1/rules'), ('GET', '/api/v1/alerts')]
ROOT_ONLY = [('POST', '/api/v1/write'), ('GET', '/api/v1/status/buildinfo'),
             ('GET', '/api/v1/targets'), ('GET', '/metrics'), ('GET', '/federate?match[]=up'),
             ('POST', '/api/v1/otlp/v1/metrics')]
AWS_FACE = [('GET', '/workspaces'), ('POST', '/workspaces'), ('GET', '/scrapers'),
            ('GET', '/tags/arn%3Aaws%3Aaps%3Aus-east-1%3A000000000000%3Aworkspace%2Fws-1')]
SIGNATURE = 'The request signature we calculated does not match the signature you provided.'


def refused(answer, name, message=None, status=403):
    """The form of AWS's rest-json errors (aws-contract §1.4)."""
    assert answer.status_code == status, f'{answer.status_code} {answer.text}'
    assert answer.headers['x-amzn-ErrorType'].split(':')[0] == name, answer.headers
    assert answer.headers.get('x-amzn-RequestId')
    body = json.loads(answer.content)
    assert body['message']
    if message is not None:
        assert message in body['message'], body
    return body['message']


def anonymous(base, method, path, **options):
    return requests.request(method, base + path, timeout=30, allow_redirects=False, **options)


# ---- nobody ------------------------------------------------------------------------------------

@pytest.mark.parametrize('method,path', DATA_PLANE + ROOT_ONLY)
def test_anonymous_is_refused_at_the_root_in_awss_form(shared_hearth, method, path):
    answer = anonymous(shared_hearth.http, method, path)
    refused(answer, 'MissingAuthenticationTokenException', status=answer.status_code)
    assert answer.status_code in (401, 403)


@pytest.mark.parametrize('method,path',
                         DATA_PLANE + [('POST', '/api/v1/remote_write'),
                                       ('GET', '/alertmanager/api/v2/alerts')])
def test_anonymous_is_refused_under_a_workspace(shared_hearth, workspace_id, method, path):
    answer = anonymous(shared_hearth.http, method, f'/workspaces/{workspace_id}{path}')
    refused(answer, 'MissingAuthenticationTokenException', 'Missing Authentication Token')


def test_anonymous_does_not_learn_whether_a_workspace_exists(shared_hearth, workspace_id):
    ids = [workspace_id, 'ws-00000000-0000-0000-0000-000000000000']
    answers = [anonymous(shared_hearth.http, 'GET', f'/workspaces/{i}/api/v1/query?query=1')
               for i in ids]
    assert answers[0].status_code == answers[1].status_code
    assert answers[0].text == answers[1].text


@pytest.mark.parametrize('method,path', AWS_FACE)
def test_anonymous_is_refused_on_the_aws_faces(shared_hearth, method, path):
    answer = anonymous(shared_hearth.http, method, path)
    assert answer.status_code in (401, 403)
    assert json.loads(answer.content)['message']


@pytest.mark.parametrize('method,path', [
    ('GET', '/api/search'), ('GET', '/api/datasources'), ('GET', '/api/user'),
    ('GET', '/api/datasources/uid/AMP'), ('POST', '/api/dashboards/db'),
    ('POST', '/api/datasources/proxy/uid/AMP/api/v1/query'),
    ('GET', '/api/datasources/proxy/uid/AMP/api/v1/labels')])
def test_anonymous_is_refused_by_grafana_in_its_form(shared_hearth, grafana_path, method, path):
    answer = anonymous(shared_hearth.http, method, grafana_path + path)
    assert answer.status_code == 401, answer.text
    assert 'x-amzn-ErrorType' not in answer.headers
    assert json.loads(answer.content)['message']


def test_grafana_health_is_open(shared_hearth, grafana_path):
    answer = anonymous(shared_hearth.http, 'GET', grafana_path + '/api/health')
    assert answer.status_code == 200
    assert json.loads(answer.content)['database'] == 'ok'


@pytest.mark.parametrize('path', ['/', '/grafana/default/', '/console', '/targets'])
def test_pages_show_nothing_to_a_stranger(shared_hearth, path):
    answer = anonymous(shared_hearth.http, 'GET', path, headers={'Accept': 'text/html'})
    assert answer.status_code in (200, 302, 303, 307, 401, 403, 404)
    assert 'ws-' not in answer.text and 'AKIA' not in answer.text


@pytest.fixture(scope='module')
def grafana_path(shared_hearth, root):
    """/g-xxxxxxxxxx of the default Grafana workspace, by its stable alias."""
    answer = root.but(service='grafana').get('/workspaces')
    if answer.status_code == 200:
        return '/' + json.loads(answer.content)['workspaces'][0]['id']
    return '/grafana/default'


# ---- signatures ---------------------------------------------------------------------------------

@pytest.mark.parametrize('at_root', [True, False])
@pytest.mark.parametrize('method', ['GET', 'POST'])
def test_signed_query_is_answered(root, workspace, at_root, method):
    client = root if at_root else workspace
    answer = client.request(method, '/api/v1/query', {'query': '6*7'} if method == 'GET' else None,
                            {'query': '6*7'} if method == 'POST' else None)
    assert answer.status_code == 200, answer.text
    assert answer.json()['data']['result'][1] == '42'


def test_wrong_secret(workspace):
    answer = workspace.but(secret='x' * 40).get('/api/v1/query', {'query': '1'})
    refused(answer, 'InvalidSignatureException', SIGNATURE)


def test_unknown_key(workspace):
    answer = workspace.but(key='AKIAIOSFODNN7EXAMPLE').get('/api/v1/query', {'query': '1'})
    refused(answer, 'UnrecognizedClientException',
            'The security token included in the request is invalid')


def test_foreign_session_token(workspace):
    answer = workspace.but(token='not-one-of-ours').get('/api/v1/query', {'query': '1'})
    refused(answer, 'UnrecognizedClientException',
            'The security token included in the request is invalid')


def by_hand(client, **how):
    path, query = client.prefix + '/api/v1/query', 'query=1'
    headers = sign_by_hand(client, 'GET', path, query, **how)
    return client.but(auth='none', prefix='').get(path + '?' + query, headers=headers)


def test_signature_by_hand_is_right(workspace):
    assert by_hand(workspace).status_code == 200


@pytest.mark.parametrize('offset_s,text', [
    (-360, 'Signature expired: '), (-86400, 'Signature expired: '),
    (360, 'Signature not yet current: '), (86400, 'Signature not yet current: ')])
def test_skew_beyond_five_minutes(workspace, offset_s, text):
    date = amz_date(offset_s=offset_s)
    message = refused(by_hand(workspace, date=date), 'InvalidSignatureException', text + date)
    assert '5 min.)' in message


@pytest.mark.parametrize('offset_s', [-240, 240])
def test_skew_within_five_minutes(workspace, offset_s):
    assert by_hand(workspace, date=amz_date(offset_s=offset_s)).status_code == 200


@pytest.mark.parametrize('how,text', [
    ({'service': 'execute-api'}, "Credential should be scoped to correct service: 'aps'."),
    ({'service': 's3'}, "Credential should be scoped to correct service: 'aps'."),
    ({'terminator': 'aws4_response'},
     "Credential should be scoped with a valid terminator: 'aws4_request'"),
    ({'scope_date': '20200101'},
     'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP')])
def test_scope_texts(workspace, how, text):
    refused(by_hand(workspace, **how), 'InvalidSignatureException', text)


@pytest.mark.parametrize('value', [
    'AWS4-HMAC-SHA256', 'AWS4-HMAC-SHA256 Credential=x',
    'AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/aps/aws4_request, SignedHeaders=host',
    'AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=00',
    'AWS4-HMAC-SHA256 ' + 'x' * 4000])
def test_malformed_authorization(workspace, value):
    answer = workspace.but(auth='none').get('/api/v1/query', {'query': '1'},
                                            headers={'Authorization': value})
    assert answer.status_code == 403, answer.text
    assert answer.headers['x-amzn-ErrorType'].split(':')[0] in (
        'IncompleteSignatureException', 'InvalidSignatureException',
        'UnrecognizedClientException'), answer.headers


def test_unsigned_header_list_must_hold_host(workspace):
    path, query = workspace.prefix + '/api/v1/query', 'query=1'
    headers = sign_by_hand(workspace, 'GET', path, query)
    headers['Authorization'] = headers['Authorization'].replace('=host;', '=')
    answer = workspace.but(auth='none', prefix='').get(path + '?' + query, headers=headers)
    assert answer.status_code == 403


def test_changed_body_is_refused(workspace):
    headers = workspace.sign('POST', workspace.base + workspace.prefix + '/api/v1/query',
                             b'query=1', {'Content-Type': 'application/x-www-form-urlencoded'})
    answer = workspace.but(auth='none').post('/api/v1/query', b'query=2', headers=headers)
    refused(answer, 'InvalidSignatureException', SIGNATURE)


def test_declared_hash_of_another_body_is_refused(workspace):
    path, body = workspace.prefix + '/api/v1/query', b'query=1'
    more = {'Content-Type': 'application/x-www-form-urlencoded',
            'X-Amz-Content-Sha256': hexdigest(b'query=2')}
    headers = sign_by_hand(workspace, 'POST', path, body=body, headers=more,
                           payload_hash=hexdigest(b'query=2'))
    answer = workspace.but(auth='none', prefix='').post(path, body, headers=headers)
    assert answer.status_code in (400, 403), answer.text


def test_unsigned_payload_is_refused_without_tls(workspace):
    path, body = workspace.prefix + '/api/v1/query', b'query=1'
    more = {'Content-Type': 'application/x-www-form-urlencoded',
            'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD'}
    headers = sign_by_hand(workspace, 'POST', path, body=body, headers=more,
                           payload_hash='UNSIGNED-PAYLOAD')
    answer = workspace.but(auth='none', prefix='').post(path, body, headers=headers)
    assert answer.status_code in (400, 403), answer.text


def test_changed_query_is_refused(workspace):
    path = workspace.prefix + '/api/v1/query'
    headers = sign_by_hand(workspace, 'GET', path, 'query=1')
    answer = workspace.but(auth='none', prefix='').get(path + '?query=2', headers=headers)
    refused(answer, 'InvalidSignatureException', SIGNATURE)


def test_presigned(workspace):
    answer = requests.get(workspace.presign('GET', '/api/v1/query', {'query': '1'}), timeout=30)
    assert answer.status_code == 200, answer.text


def test_presigned_with_a_changed_parameter(workspace):
    url = workspace.presign('GET', '/api/v1/query', {'query': '1'}).replace('query=1', 'query=2')
    refused(requests.get(url, timeout=30), 'InvalidSignatureException', SIGNATURE)


def test_paths_with_characters_to_encode(workspace):
    for name in ('a%20b', 'a%2Fb', 'a+b', 'a~b', '%C3%BC'):
        answer = workspace.get(f'/api/v1/label/{name}/values')
        assert answer.status_code != 403, f'{name}: {answer.text}'


def test_query_with_characters_to_encode(workspace):
    expression = 'count_values("a b+c/d~e%f*ü", vector(1)) or vector(2)'
    for method in ('GET', 'POST'):
        pairs = {'query': expression}
        answer = workspace.request(method, '/api/v1/query', pairs if method == 'GET' else None,
                                   pairs if method == 'POST' else None)
        assert answer.status_code != 403, answer.text


# ---- regions ------------------------------------------------------------------------------------

def test_any_region_is_served_and_kept_apart(root, workspace):
    other = root.but(region='eu-central-1')
    assert other.get('/workspaces').json()['workspaces'] == []
    answer = workspace.but(region='eu-central-1').get('/api/v1/query', {'query': '1'})
    assert answer.status_code in (403, 404), answer.text


def test_unknown_workspace(root):
    answer = root.at('ws-00000000-0000-0000-0000-000000000000').get('/api/v1/query', {'query': '1'})
    refused(answer, 'ResourceNotFoundException', status=404)


# ---- HTTP Basic ---------------------------------------------------------------------------------

@pytest.mark.parametrize('path', ['/api/v1/query?query=1', '/metrics', '/api/v1/targets'])
def test_basic_over_loopback(root, path):
    assert root.but(auth='basic').get(path).status_code == 200


def test_basic_under_a_workspace(workspace):
    assert workspace.but(auth='basic').get('/api/v1/query?query=1').status_code == 200


def test_basic_over_tls(shared_hearth, workspace):
    client = workspace.but(auth='basic', base=shared_hearth.https,
                           verify=str(shared_hearth.data / 'tls' / 'ca.pem'))
    assert client.get('/api/v1/query?query=1').status_code == 200


@pytest.mark.parametrize('changes', [{'secret': 'wrong'}, {'key': 'AKIAIOSFODNN7EXAMPLE'},
                                     {'key': '', 'secret': ''}])
def test_wrong_basic(root, changes):
    answer = root.but(auth='basic', **changes).get('/api/v1/query?query=1')
    assert answer.status_code in (401, 403)
    assert json.loads(answer.content)['message']


@pytest.mark.parametrize('value', ['Basic', 'Basic !!!', 'Basic QUJD', 'Bearer ', 'Bearer x',
                                   'Digest username="x"', 'Negotiate abc'])
def test_other_schemes(root, value):
    answer = root.but(auth='none').get('/api/v1/query?query=1', headers={'Authorization': value})
    assert answer.status_code in (401, 403), answer.text


def test_credentials_do_not_show_in_the_log(shared_hearth, root):
    root.but(auth='basic').get('/api/v1/query?query=1')
    root.but(auth='basic', secret='a-wrong-secret').get('/api/v1/query?query=1')
    log = shared_hearth.log(lines=100_000)
    assert root.secret not in log
    assert 'a-wrong-secret' not in log


# ---- STS ----------------------------------------------------------------------------------------

def test_get_caller_identity(root):
    answer = root.but(service='sts').post('/', {'Action': 'GetCallerIdentity',
                                                'Version': '2011-06-15'})
    assert answer.status_code == 200, answer.text
    assert '<Arn>arn:aws:iam::000000000000:root</Arn>' in answer.text
    assert '<Account>000000000000</Account>' in answer.text


def test_sts_error_is_xml(root):
    answer = root.but(service='sts', secret='x' * 40).post(
        '/', {'Action': 'GetCallerIdentity', 'Version': '2011-06-15'})
    assert answer.status_code == 403
    assert '<Code>SignatureDoesNotMatch</Code>' in answer.text
    assert answer.headers['Content-Type'].startswith('text/xml')


def test_unsigned_web_identity_call_reaches_sts(shared_hearth):
    """No key is asked for: the call proves itself by its token, and this token is none."""
    answer = anonymous(shared_hearth.http, 'POST', '/', data=form({
        'Action': 'AssumeRoleWithWebIdentity', 'Version': '2011-06-15', 'RoleSessionName': 's',
        'RoleArn': 'arn:aws:iam::000000000000:role/none', 'WebIdentityToken': 'x.y.z'}),
        headers={'Content-Type': 'application/x-www-form-urlencoded'})
    assert 400 <= answer.status_code < 500 or answer.status_code == 501, answer.text
    assert '<Code>' in answer.text
    assert 'MissingAuthenticationToken' not in answer.text


# ---- where the server listens -------------------------------------------------------------------

def test_profile_of_one_server_is_nobody_at_another(start_hearth, root):
    other = start_hearth()
    client = client_for(other)
    foreign = client.but(key=root.key, secret=root.secret)
    assert foreign.get('/workspaces').status_code == 403
    assert default_workspace(client)
