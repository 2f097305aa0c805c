# SPDX-License-Identifier: Apache-2.0
"""IRSA end to end, without a static credential: a service account's token from an OIDC issuer, a
role that trusts exactly that account, a real Prometheus that writes with it, and Terraform's own
web identity (issue 4, «Must show» 4; aws-contract §6.5, §7.2)."""

import json
import pathlib
import time
import urllib.parse

import pytest
import requests

import prometheus_process
import remote_write
import terraform_process
from aws_session import ACCOUNT, IRSA_AUDIENCE, client, policy, trust, unique
from connect import client_for, wait_for
from hearth_process import ROOT, run_hearth
from oidc_issuer import Issuer, Key, b64

SUBJECT = 'system:serviceaccount:monitoring:ingest'


def trust_of(issuer, subject=SUBJECT, audience=IRSA_AUDIENCE):
    return trust({'Federated': f'arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer.host_path}'},
                 'sts:AssumeRoleWithWebIdentity',
                 {'StringEquals': {f'{issuer.host_path}:sub': subject,
                                   f'{issuer.host_path}:aud': audience}})


@pytest.fixture(scope='module')
def iam(shared_hearth):
    return client(shared_hearth, 'iam')


@pytest.fixture
def issuer(iam):
    with Issuer() as made:
        arn = iam.create_open_id_connect_provider(
            Url=made.url, ClientIDList=[IRSA_AUDIENCE])['OpenIDConnectProviderArn']
        yield made
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)


@pytest.fixture
def role(iam, issuer, workspace_id):
    """May do aps:RemoteWrite on the default workspace, and nothing else."""
    name = unique('ingest')
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust_of(issuer))
    iam.put_role_policy(RoleName=name, PolicyName='write', PolicyDocument=policy({
        'Action': 'aps:RemoteWrite',
        'Resource': f'arn:aws:aps:us-east-1:{ACCOUNT}:workspace/{workspace_id}'}))
    yield name
    iam.delete_role_policy(RoleName=name, PolicyName='write')
    iam.delete_role(RoleName=name)


def exchange(process, role, token, **more):
    """The unsigned call, as SDKs send it."""
    return requests.post(process.http, timeout=60, data={
        'Action': 'AssumeRoleWithWebIdentity', 'Version': '2011-06-15',
        'RoleArn': role if role.startswith('arn:') else f'arn:aws:iam::{ACCOUNT}:role/{role}',
        'RoleSessionName': 'tests', 'WebIdentityToken': token, **more})


def credentials_of(answer):
    assert answer.status_code == 200, answer.text
    pick = lambda name: answer.text.split(f'<{name}>')[1].split('<')[0]  # noqa: E731
    return {name: pick(name) for name in ('AccessKeyId', 'SecretAccessKey', 'SessionToken')}


def refused(answer, code, status, reason, text=''):
    assert answer.status_code == status, answer.text
    assert f'<Code>{code}</Code>' in answer.text, answer.text
    assert answer.headers.get('x-hearth-reason') == reason, dict(answer.headers)
    assert text in answer.text.replace('&apos;', "'"), answer.text


# ---- the exchange -------------------------------------------------------------------------------

@pytest.mark.parametrize('algorithm', ['RS256', 'ES256'])
def test_token_for_a_session(shared_hearth, iam, issuer, role, algorithm):
    issuer.rotate(algorithm)
    answer = exchange(shared_hearth, role, issuer.token() + '\n')
    credentials = credentials_of(answer)
    for expected in (f'<SubjectFromWebIdentityToken>{SUBJECT}<', f'<Audience>{IRSA_AUDIENCE}<',
                     f':assumed-role/{role}/tests</Arn>',
                     f'<Provider>arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer.host_path}<'):
        assert expected in answer.text
    me = client(shared_hearth, 'sts', credentials).get_caller_identity()
    assert me['Arn'] == f'arn:aws:sts::{ACCOUNT}:assumed-role/{role}/tests'


def test_role_may_write_and_nothing_else(shared_hearth, root, issuer, role, workspace_id, metric):
    key = credentials_of(exchange(shared_hearth, role, issuer.token()))
    mine = client_for(shared_hearth, key=key['AccessKeyId'], secret=key['SecretAccessKey'],
                      token=key['SessionToken'])
    now = int(time.time() * 1000)
    sample = remote_write.series({'__name__': metric}, [(now, 1.0)])
    assert mine.at(workspace_id).write(sample).status_code == 200
    arn = f'arn:aws:aps:us-east-1:{ACCOUNT}:workspace/'
    other = 'ws-00000000-0000-4000-8000-000000000000'
    attempts = {
        'aps:QueryMetrics': (arn + workspace_id,
                             lambda: mine.at(workspace_id).get('/api/v1/query', {'query': '1'})),
        'aps:DeleteWorkspace': (arn + workspace_id,
                                lambda: mine.request('DELETE', f'/workspaces/{workspace_id}')),
        'aps:RemoteWrite': (arn + other, lambda: mine.at(other).write(sample)),
    }
    for action, (resource, attempt) in attempts.items():
        answer = attempt()
        assert answer.status_code == 403, (action, answer.text)
        assert answer.headers['x-amzn-ErrorType'] == 'AccessDeniedException'
        assert json.loads(answer.headers['x-hearth-missing-statement']) == {
            'Effect': 'Allow', 'Action': action, 'Resource': resource}


def test_session_policy_narrower_than_the_role(shared_hearth, issuer, role, workspace_id):
    key = credentials_of(exchange(shared_hearth, role, issuer.token(), Policy=policy(
        {'Action': 'aps:QueryMetrics', 'Resource': '*'})))
    mine = client_for(shared_hearth, key=key['AccessKeyId'], secret=key['SecretAccessKey'],
                      token=key['SessionToken']).at(workspace_id)
    for answer in (mine.write(), mine.get('/api/v1/query', {'query': '1'})):
        assert answer.status_code == 403


# ---- what is wrong with a token -----------------------------------------------------------------

def wrong_tokens(issuer):
    stranger = Key(issuer.directory)
    now = int(time.time())
    unsigned = b64(json.dumps({'alg': 'none', 'typ': 'JWT'}).encode()) + '.' + b64(
        json.dumps(issuer.claims('monitoring', 'ingest')).encode()) + '.'
    good = issuer.token()
    hmac = b64(json.dumps({'alg': 'HS256', 'kid': issuer.key.kid}).encode()) + '.' + good.split(
        '.', 1)[1]
    return {
        'subject': (issuer.token(account='other'), 'AccessDenied', 403, 'trust-policy',
                    'Not authorized to perform sts:AssumeRoleWithWebIdentity'),
        'audience': (issuer.token(audience='other'), 'InvalidIdentityToken', 400,
                     'token-audience', 'Incorrect token audience'),
        'issuer': (issuer.token(iss='https://stranger.example.com/id/1'), 'InvalidIdentityToken',
                   400, 'issuer-unknown', 'No OpenIDConnect provider found in your account for '
                   'https://stranger.example.com/id/1'),
        'expired': (issuer.token(exp=now - 60), 'ExpiredTokenException', 400, 'token-expired',
                    f'must be before the expiration date/time {now - 60}'),
        'no expiry': (issuer.token(exp=None), 'InvalidIdentityToken', 400, 'token-without-expiry',
                      ''),
        'not yet': (issuer.token(nbf=now + 3600), 'InvalidIdentityToken', 400,
                    'token-not-yet-valid', ''),
        'another key': (issuer.token(key=stranger), 'InvalidIdentityToken', 400,
                        'token-key-unknown', "Couldn't retrieve verification key"),
        'another key under this name': (
            issuer.token(key=stranger, header={'kid': issuer.key.kid}), 'InvalidIdentityToken',
            400, 'token-signature-wrong', "Couldn't retrieve verification key"),
        'none': (unsigned, 'InvalidIdentityToken', 400, 'token-malformed', 'is not a valid JWT'),
        'hmac': (hmac, 'InvalidIdentityToken', 400, 'token-malformed', 'is not a valid JWT'),
        'no token': ('abcd', 'InvalidIdentityToken', 400, 'token-malformed', 'is not a valid JWT'),
        'altered': (good[:-8] + 'AAAAAAAA', 'InvalidIdentityToken', 400,
                    'token-signature-wrong', ''),
    }


def test_wrong_tokens_are_refused_each_by_its_code(shared_hearth, issuer, role):
    exchange(shared_hearth, role, issuer.token())
    for name, (token, code, status, reason, text) in wrong_tokens(issuer).items():
        answer = exchange(shared_hearth, role, token)
        assert answer.status_code == status, (name, answer.text)
        refused(answer, code, status, reason, text)


def test_refusal_by_trust_names_the_missing_statement(shared_hearth, issuer, role):
    answer = exchange(shared_hearth, role, issuer.token(account='other'))
    statement = json.loads(answer.headers['x-hearth-missing-statement'])
    assert statement['Principal'] == {
        'Federated': f'arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer.host_path}'}
    assert statement['Condition']['StringEquals'][f'{issuer.host_path}:sub'] == (
        'system:serviceaccount:monitoring:other')
    absent = exchange(shared_hearth, 'no-such-role', issuer.token(account='other'))
    assert (absent.status_code, absent.headers['x-hearth-missing-statement']) == (
        answer.status_code, answer.headers['x-hearth-missing-statement'])


def test_durations(shared_hearth, issuer, role):
    refused_answer = exchange(shared_hearth, role, issuer.token(), DurationSeconds=7200)
    assert '<Code>ValidationError</Code>' in refused_answer.text
    assert 'exceeds the MaxSessionDuration' in refused_answer.text
    assert exchange(shared_hearth, role, issuer.token(), DurationSeconds=900).status_code == 200


# ---- keys ---------------------------------------------------------------------------------------

def test_keys_are_cached_and_follow_a_rotation(start_hearth):
    process = start_hearth()
    with Issuer() as issuer:
        iam = client(process, 'iam')
        iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=[IRSA_AUDIENCE])
        iam.create_role(RoleName='r', AssumeRolePolicyDocument=trust_of(issuer))
        for _ in range(3):
            assert exchange(process, 'r', issuer.token()).status_code == 200
        assert len(issuer.requests) == 2  # discovery and keys, once
        old = issuer.rotate()
        # The new key is asked for, at most every few seconds.
        wait_for(lambda: exchange(process, 'r', issuer.token()).status_code == 200, limit_s=15)
        refused(exchange(process, 'r', issuer.token(key=old)), 'InvalidIdentityToken', 400,
                'token-key-unknown')
        asked = len(issuer.requests)
        for _ in range(5):
            exchange(process, 'r', issuer.token(key=old))
        assert len(issuer.requests) <= asked + 2


def test_unreachable_issuer(shared_hearth, iam):
    with Issuer() as issuer:
        arn = iam.create_open_id_connect_provider(
            Url=issuer.url, ClientIDList=[IRSA_AUDIENCE])['OpenIDConnectProviderArn']
        issuer.hang.set()
        began = time.monotonic()
        answer = exchange(shared_hearth, 'any-role', issuer.token())
        refused(answer, 'IDPCommunicationError', 400, 'issuer-unreachable')
        assert 3 < time.monotonic() - began < 10
        issuer.release.set()
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)


@pytest.mark.parametrize('url', ['https://169.254.169.254/latest', 'https://[fe80::1]/x',
                                 'https://100.100.100.200/x'])
def test_metadata_addresses_are_never_asked(shared_hearth, iam, issuer, url):
    arn = iam.create_open_id_connect_provider(
        Url=url, ClientIDList=[IRSA_AUDIENCE])['OpenIDConnectProviderArn']
    answer = exchange(shared_hearth, 'any-role', issuer.token(iss=url))
    assert '<Code>IDPCommunicationError</Code>' in answer.text
    assert 'address' in answer.text
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)


def test_key_set_by_file_for_a_cluster_out_of_reach(shared_hearth, iam, tmp_path):
    """`hearth cluster add --jwks FILE`: nothing is asked of the issuer."""
    with Issuer() as issuer:
        issuer.url = 'https://oidc.' + unique() + '.example.invalid/id/1'
        iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=[IRSA_AUDIENCE])
        name = unique('cluster')
        (tmp_path / 'jwks.json').write_text(json.dumps(issuer.jwks()))
        added = run_hearth('cluster', 'add', name, '--issuer', issuer.url, '--jwks',
                           tmp_path / 'jwks.json', env=shared_hearth.aws_environment())
        assert added.returncode == 0, added.stderr
        role = unique('role')
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust_of(issuer))
        assert exchange(shared_hearth, role, issuer.token()).status_code == 200
        stranger = Key(issuer.directory)
        refused(exchange(shared_hearth, role, issuer.token(key=stranger)),
                'InvalidIdentityToken', 400, 'token-key-unknown')
        iam.delete_role(RoleName=role)
        removed = run_hearth('cluster', 'remove', name, env=shared_hearth.aws_environment())
        assert removed.returncode == 0, removed.stderr
        iam.delete_open_id_connect_provider(
            OpenIDConnectProviderArn=f'arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer.host_path}')


# ---- real clients -------------------------------------------------------------------------------

PROMETHEUS = ROOT / 'build' / 'peers' / 'current' / 'prometheus'


@pytest.mark.compat
@pytest.mark.skipif(not PROMETHEUS.exists(), reason='no current Prometheus (tools/setup --peers)')
def test_prometheus_writes_with_a_projected_token(shared_hearth, root, issuer, role, workspace_id,
                                                  tmp_path, monkeypatch):
    """The environment that EKS gives a pod, and nothing else: AWS_ROLE_ARN, the token's file, and
    the STS endpoint."""
    token = pathlib.Path(tmp_path / 'token')
    token.write_text(issuer.token() + '\n')
    job = unique('irsa').replace('-', '_')
    config = f'''
global: {{scrape_interval: 1s, external_labels: {{irsa: {job}}}}}
scrape_configs:
  - job_name: {job}
    static_configs: [{{targets: ["{urllib.parse.urlsplit(shared_hearth.http).netloc}"]}}]
remote_write:
  - url: {shared_hearth.http}/workspaces/{workspace_id}/api/v1/remote_write
    sigv4: {{region: us-east-1}}
    queue_config: {{max_samples_per_send: 1000, max_shards: 200, capacity: 2500,
                    batch_send_deadline: 200ms}}
'''
    environment = {'AWS_ROLE_ARN': f'arn:aws:iam::{ACCOUNT}:role/{role}',
                   'AWS_WEB_IDENTITY_TOKEN_FILE': str(token), 'AWS_REGION': 'us-east-1',
                   'AWS_ENDPOINT_URL_STS': shared_hearth.http, 'AWS_EC2_METADATA_DISABLED': 'true',
                   'HOME': str(tmp_path)}
    clean = prometheus_process.clean_environment
    monkeypatch.setattr(prometheus_process, 'clean_environment',
                        lambda extra=None: clean({**environment, **(extra or {})}))
    with prometheus_process.Prometheus(PROMETHEUS, config):
        found = wait_for(lambda: root.vector(f'up{{irsa="{job}"}}'), limit_s=60)
    assert found


@pytest.mark.compat
def test_terraform_with_its_own_web_identity(shared_hearth, iam, issuer, tmp_path):
    """assume_role_with_web_identity in the provider block; the role may do the one thing."""
    role, made = unique('terraform'), unique('made')
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust_of(issuer))
    iam.put_role_policy(RoleName=role, PolicyName='p', PolicyDocument=policy(
        {'Action': ['iam:*Role', 'iam:ListRolePolicies', 'iam:ListAttachedRolePolicies',
                    'iam:ListInstanceProfilesForRole'],
         'Resource': f'arn:aws:iam::{ACCOUNT}:role/{made}'}))
    token = tmp_path / 'token'
    token.write_text(issuer.token() + '\n')
    stack = terraform_process.Terraform(None, {'main.tf': f'''
terraform {{
  required_providers {{
    aws = {{ source = "hashicorp/aws" }}
  }}
}}
provider "aws" {{
  region = "us-east-1"
  endpoints {{
    sts = "{shared_hearth.http}"
    iam = "{shared_hearth.http}"
  }}
  assume_role_with_web_identity {{
    role_arn                = "arn:aws:iam::{ACCOUNT}:role/{role}"
    session_name            = "terraform"
    web_identity_token_file = "{token}"
  }}
}}
data "aws_caller_identity" "me" {{}}
resource "aws_iam_role" "made" {{
  name               = "{made}"
  assume_role_policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Effect = "Allow", Action = "sts:AssumeRole",
                    Principal = {{ Service = "grafana.amazonaws.com" }} }}]
  }})
}}
output "arn" {{ value = data.aws_caller_identity.me.arn }}
'''})
    with stack:
        stack.apply()
        assert stack.outputs()['arn'] == (
            f'arn:aws:sts::{ACCOUNT}:assumed-role/{role}/terraform')
        assert stack.plan() == []
        stack.destroy()
    iam.delete_role_policy(RoleName=role, PolicyName='p')
    iam.delete_role(RoleName=role)
