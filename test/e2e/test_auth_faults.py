# SPDX-License-Identifier: Apache-2.0
"""The twelve mistakes that people make with SigV4 and IRSA, each told apart: AWS's code and text, a
reason for machines (x-hearth-reason), and where a policy lacks something, the statement that it
lacks (x-hearth-missing-statement)."""

import json
import time
import urllib.parse

import pytest
import requests

from aws_session import ACCOUNT, IRSA_AUDIENCE, client, policy, trust, unique
from connect import client_for
from hearth_process import run_hearth
from oidc_issuer import Issuer
from signed_client import amz_date, hexdigest, sign_by_hand

QUERY = '/api/v1/query'


@pytest.fixture(scope='module')
def irsa(shared_hearth, workspace_id):
    """An issuer and a role for its service account monitoring/ingest that may only write."""
    iam = client(shared_hearth, 'iam')
    with Issuer() as issuer:
        provider = iam.create_open_id_connect_provider(
            Url=issuer.url, ClientIDList=[IRSA_AUDIENCE])['OpenIDConnectProviderArn']
        name = unique('ingest')
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(
            {'Federated': provider}, 'sts:AssumeRoleWithWebIdentity',
            {'StringEquals': {
                f'{issuer.host_path}:sub': 'system:serviceaccount:monitoring:ingest'}}))
        iam.put_role_policy(RoleName=name, PolicyName='write', PolicyDocument=policy({
            'Action': 'aps:RemoteWrite',
            'Resource': f'arn:aws:aps:us-east-1:{ACCOUNT}:workspace/{workspace_id}'}))
        issuer.role_arn = f'arn:aws:iam::{ACCOUNT}:role/{name}'
        yield issuer
        iam.delete_role_policy(RoleName=name, PolicyName='write')
        iam.delete_role(RoleName=name)
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider)


def exchange(process, issuer, token, **more):
    return requests.post(process.http, timeout=60, data={
        'Action': 'AssumeRoleWithWebIdentity', 'Version': '2011-06-15',
        'RoleArn': issuer.role_arn, 'RoleSessionName': 'tests', 'WebIdentityToken': token, **more})


def session(process, issuer, **more):
    text = exchange(process, issuer, issuer.token(), **more).text
    pick = lambda name: text.split(f'<{name}>')[1].split('<')[0]  # noqa: E731
    return client_for(process, key=pick('AccessKeyId'), secret=pick('SecretAccessKey'),
                      token=pick('SessionToken'))


def by_hand(workspace, path=QUERY, query='query=1', sent_path=None, **how):
    headers = sign_by_hand(workspace, 'GET', workspace.prefix + path, query, **how)
    return requests.get(f'{workspace.base}{workspace.prefix}{sent_path or path}?{query}',
                        headers=headers, timeout=30)


def no_header(process, workspace, irsa):
    return requests.get(f'{workspace.base}{workspace.prefix}{QUERY}?query=1', timeout=30)


def clock_skew(process, workspace, irsa):
    return by_hand(workspace, date=amz_date(offset_s=-6 * 60))


def wrong_region(process, workspace, irsa):
    return by_hand(workspace, region='nowhere')


def wrong_service(process, workspace, irsa):
    return by_hand(workspace, service='execute-api')


def signed_without_the_slash(process, workspace, irsa):
    return by_hand(workspace, path='/api/v1/labels', sent_path='/api/v1/labels/')


def expired_token(process, workspace, irsa):
    return exchange(process, irsa, irsa.token(exp=int(time.time()) - 60))


def audience(process, workspace, irsa):
    return exchange(process, irsa, irsa.token(audience='https://kubernetes.default.svc'))


def trust_policy(process, workspace, irsa):
    return exchange(process, irsa, irsa.token(account='default'))


def missing_action(process, workspace, irsa):
    return session(process, irsa).at(workspace.prefix.split('/')[2]).get(QUERY, {'query': '1'})


def wrong_resource(process, workspace, irsa):
    return session(process, irsa).at('ws-00000000-0000-4000-8000-000000000000').write()


def session_policy(process, workspace, irsa):
    narrow = policy({'Action': 'aps:QueryMetrics', 'Resource': '*'})
    return session(process, irsa, Policy=narrow).at(workspace.prefix.split('/')[2]).write()


def altered_body(process, workspace, irsa):
    headers = {'Content-Type': 'application/x-www-form-urlencoded'}
    headers.update(sign_by_hand(workspace, 'POST', workspace.prefix + QUERY, '', b'query=1',
                                headers=headers))
    return requests.post(f'{workspace.base}{workspace.prefix}{QUERY}', b'query=2',
                         headers=headers, timeout=30)


def unsigned_body(process, workspace, irsa):
    headers = {'x-amz-content-sha256': 'UNSIGNED-PAYLOAD'}
    headers = sign_by_hand(workspace, 'POST', workspace.prefix + QUERY, '', b'query=1',
                           headers=headers, payload_hash='UNSIGNED-PAYLOAD')
    return requests.post(f'{workspace.base}{workspace.prefix}{QUERY}', b'query=1',
                         headers=headers, timeout=30)


def unknown_key(process, workspace, irsa):
    return workspace.but(key='AKIAIOSFODNN7EXAMPLE').get(QUERY, {'query': '1'})


def wrong_secret(process, workspace, irsa):
    return workspace.but(secret='A' * 40).get(QUERY, {'query': '1'})


MISMATCH = 'InvalidSignatureException'
# what, HTTP status, AWS's code, reason, text
FAULTS = [
    (no_header, 403, 'MissingAuthenticationTokenException', 'signature-missing',
     'Missing Authentication Token'),
    (clock_skew, 403, MISMATCH, 'clock-skew', 'Signature expired: '),
    (wrong_region, 403, MISMATCH, 'scope-region',
     "Credential should be scoped to a valid Region, not 'nowhere'"),
    (wrong_service, 403, MISMATCH, 'scope-service',
     "Credential should be scoped to correct service: 'aps'."),
    (signed_without_the_slash, 403, MISMATCH, 'signature-mismatch',
     'The request signature we calculated does not match'),
    (expired_token, 400, 'ExpiredTokenException', 'token-expired',
     'must be before the expiration date/time'),
    (audience, 400, 'InvalidIdentityToken', 'token-audience', 'Incorrect token audience'),
    (trust_policy, 403, 'AccessDenied', 'trust-policy',
     'Not authorized to perform sts:AssumeRoleWithWebIdentity'),
    (missing_action, 403, 'AccessDeniedException', 'policy-identity',
     'because no identity-based policy allows the aps:QueryMetrics action'),
    (wrong_resource, 403, 'AccessDeniedException', 'policy-identity',
     'because no identity-based policy allows the aps:RemoteWrite action'),
    (session_policy, 403, 'AccessDeniedException', 'policy-session',
     'because no session policy allows the aps:RemoteWrite action'),
    (altered_body, 403, MISMATCH, 'signature-mismatch',
     'The request signature we calculated does not match'),
    (unsigned_body, 403, MISMATCH, 'payload-unsigned', 'UNSIGNED-PAYLOAD is not accepted here'),
    (unknown_key, 403, 'UnrecognizedClientException', 'key-unknown',
     'The security token included in the request is invalid'),
    (wrong_secret, 403, MISMATCH, 'signature-mismatch',
     'The request signature we calculated does not match'),
]


def code_and_text(answer):
    if answer.headers['Content-Type'].startswith('text/xml'):
        pick = lambda name: answer.text.split(f'<{name}>')[1].split('<')[0]  # noqa: E731
        return pick('Code'), pick('Message')
    return answer.headers['x-amzn-ErrorType'], answer.json()['message']


@pytest.mark.parametrize('fault,status,code,reason,text', FAULTS,
                         ids=[fault[0].__name__ for fault in FAULTS])
def test_fault_is_told_apart(shared_hearth, workspace, irsa, fault, status, code, reason, text):
    answer = fault(shared_hearth, workspace, irsa)
    assert answer.status_code == status, answer.text
    got, message = code_and_text(answer)
    assert got == code and text in message, (got, message)
    assert answer.headers['x-hearth-reason'] == reason
    assert answer.headers.get('x-amzn-RequestId')


@pytest.mark.parametrize('fault,statement', [
    (missing_action, {'Effect': 'Allow', 'Action': 'aps:QueryMetrics',
                      'Resource': 'arn:aws:aps:us-east-1:000000000000:workspace/{workspace}'}),
    (wrong_resource, {'Effect': 'Allow', 'Action': 'aps:RemoteWrite',
                      'Resource': 'arn:aws:aps:us-east-1:000000000000:workspace/'
                                  'ws-00000000-0000-4000-8000-000000000000'}),
    (session_policy, {'Effect': 'Allow', 'Action': 'aps:RemoteWrite',
                      'Resource': 'arn:aws:aps:us-east-1:000000000000:workspace/{workspace}'}),
], ids=['missing_action', 'wrong_resource', 'session_policy'])
def test_missing_statement(shared_hearth, workspace, workspace_id, irsa, fault, statement):
    answer = fault(shared_hearth, workspace, irsa)
    statement = {k: v.replace('{workspace}', workspace_id) for k, v in statement.items()}
    assert json.loads(answer.headers['x-hearth-missing-statement']) == statement


def test_missing_trust_statement_ends_the_fault(shared_hearth, workspace, irsa):
    """What the header says, put into the policy, lets the same call pass."""
    answer = trust_policy(shared_hearth, workspace, irsa)
    statement = json.loads(answer.headers['x-hearth-missing-statement'])
    iam = client(shared_hearth, 'iam')
    role = irsa.role_arn.rsplit('/', 1)[1]
    before = iam.get_role(RoleName=role)['Role']['AssumeRolePolicyDocument']
    more = {**before, 'Statement': before['Statement'] + [statement]}
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(more))
    assert trust_policy(shared_hearth, workspace, irsa).status_code == 200
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(before))


@pytest.mark.parametrize('path', ['/api/v1/query', '//api/v1/query', '/api/v1/query/',
                                  '/api//v1///query'])
def test_slashes_too_many_work(workspace, path):
    answer = by_hand(workspace, path=path)
    assert answer.status_code == 200, answer.text


def test_query_service_calls_its_faults_by_its_names(shared_hearth):
    sts = client_for(shared_hearth, service='sts')
    form = {'Action': 'GetCallerIdentity', 'Version': '2011-06-15'}
    for changed, code, reason in (({'key': 'AKIAIOSFODNN7EXAMPLE'}, 'InvalidClientTokenId',
                                   'key-unknown'),
                                  ({'secret': 'A' * 40}, 'SignatureDoesNotMatch',
                                   'signature-mismatch')):
        answer = sts.but(**changed).post('/', form)
        assert answer.status_code == 403 and f'<Code>{code}</Code>' in answer.text
        assert answer.headers['x-hearth-reason'] == reason
    body = urllib.parse.urlencode(form).encode()
    headers = {'Content-Type': 'application/x-www-form-urlencoded'}
    late = sign_by_hand(sts, 'POST', '/', '', body, headers=headers,
                        date=amz_date(offset_s=-16 * 60))
    answer = requests.post(sts.base, body, headers={**headers, **late}, timeout=30)
    assert answer.headers['x-hearth-reason'] == 'clock-skew' and hexdigest(body)


# ---- who am I -----------------------------------------------------------------------------------

def test_whoami_of_the_root_user(shared_hearth, workspace_id):
    said = run_hearth('whoami', '--json', env=shared_hearth.aws_environment())
    assert said.returncode == 0, said.stderr
    answer = json.loads(said.stdout)
    assert (answer['arn'], answer['account']) == (f'arn:aws:iam::{ACCOUNT}:root', ACCOUNT)
    assert answer['endpoint'] == shared_hearth.http
    found = {entry['resource']: entry['actions'] for entry in answer['access']}
    assert 'aps:DeleteWorkspace' in found[
        f'arn:aws:aps:us-east-1:{ACCOUNT}:workspace/{workspace_id}']
    words = run_hearth('whoami', '--data', shared_hearth.data)
    assert words.returncode == 0 and f'arn:aws:iam::{ACCOUNT}:root' in words.stdout


def test_whoami_of_an_ingest_session(shared_hearth, irsa, workspace_id):
    mine = session(shared_hearth, irsa)
    said = run_hearth('whoami', '--json', env={
        'AWS_ACCESS_KEY_ID': mine.key, 'AWS_SECRET_ACCESS_KEY': mine.secret,
        'AWS_SESSION_TOKEN': mine.token, 'AWS_ENDPOINT_URL': shared_hearth.http,
        'AWS_REGION': 'us-east-1'})
    assert said.returncode == 0, said.stderr
    answer = json.loads(said.stdout)
    assert answer['policies'] == [{'kind': 'identity', 'name': 'write'}]
    assert [(e['resource'], e['actions']) for e in answer['access']] == [
        (f'arn:aws:aps:us-east-1:{ACCOUNT}:workspace/{workspace_id}', ['aps:RemoteWrite'])]


def test_whoami_says_what_is_wrong(shared_hearth, tmp_path):
    said = run_hearth('whoami', env={'HOME': str(tmp_path)})
    assert said.returncode == 1 and 'AWS_ACCESS_KEY_ID' in said.stderr
    said = run_hearth('whoami', env={
        'AWS_ACCESS_KEY_ID': 'AKIAIOSFODNN7EXAMPLE', 'AWS_SECRET_ACCESS_KEY': 'x' * 40,
        'AWS_ENDPOINT_URL': shared_hearth.http, 'HOME': str(tmp_path)})
    assert said.returncode == 1 and 'InvalidClientTokenId' in said.stderr
