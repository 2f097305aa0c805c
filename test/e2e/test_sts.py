# SPDX-License-Identifier: Apache-2.0
"""STS through boto3: identities, assumed roles, session policies, and when sessions end
(aws-contract §7)."""

import datetime
import json
import threading

import botocore.exceptions
import pytest
import requests

from aws_session import (ACCOUNT, TRUST_ACCOUNT, client, fails, missing_statement, policy, trust,
                         unique)
from connect import client_for, wait_for

QUERY = policy({'Action': ['aps:QueryMetrics', 'aps:GetLabels'], 'Resource': '*'})


@pytest.fixture(scope='module')
def iam(shared_hearth):
    return client(shared_hearth, 'iam')


@pytest.fixture(scope='module')
def sts(shared_hearth):
    return client(shared_hearth, 'sts')


@pytest.fixture
def make_role(iam):
    """make_role(inline policy, trust=…, **more) → name"""
    made = []

    def make(document=QUERY, trust_policy=TRUST_ACCOUNT, **more):
        name = unique('role')
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust_policy, **more)
        made.append(name)
        if document:
            iam.put_role_policy(RoleName=name, PolicyName='p', PolicyDocument=document)
        return name

    yield make
    for name in made:
        remove_role(iam, name)


def remove_role(iam, name):
    try:
        for inline in iam.list_role_policies(RoleName=name)['PolicyNames']:
            iam.delete_role_policy(RoleName=name, PolicyName=inline)
        iam.delete_role(RoleName=name)
    except iam.exceptions.NoSuchEntityException:
        pass


@pytest.fixture
def make_user(iam):
    """make_user(inline policy) → its access key"""
    made = []

    def make(document=None):
        name = unique('user')
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)['AccessKey']
        made.append((name, key['AccessKeyId']))
        if document:
            iam.put_user_policy(UserName=name, PolicyName='p', PolicyDocument=document)
        return key

    yield make
    for name, key in made:
        for inline in iam.list_user_policies(UserName=name)['PolicyNames']:
            iam.delete_user_policy(UserName=name, PolicyName=inline)
        iam.delete_access_key(UserName=name, AccessKeyId=key)
        iam.delete_user(UserName=name)


def arn_of(role):
    return f'arn:aws:iam::{ACCOUNT}:role/{role}'


def assume(sts, role, session='tests', **more):
    return sts.assume_role(RoleArn=arn_of(role), RoleSessionName=session, **more)


def data_plane(process, credentials):
    return client_for(process, key=credentials['AccessKeyId'],
                      secret=credentials['SecretAccessKey'], token=credentials['SessionToken'])


def may_query(process, credentials):
    answer = data_plane(process, credentials).get('/api/v1/query', {'query': '1'})
    assert answer.status_code in (200, 401, 403), answer.text  # at the root Basic is asked for
    return answer.status_code == 200


# ---- who am I -----------------------------------------------------------------------------------

def test_caller_identity_of_a_session(shared_hearth, sts, make_role):
    role = make_role(Path='/team/')
    answer = sts.assume_role(RoleArn=f'arn:aws:iam::{ACCOUNT}:role/team/{role}',
                             RoleSessionName='me@example.com')
    user = answer['AssumedRoleUser']
    assert user['Arn'] == f'arn:aws:sts::{ACCOUNT}:assumed-role/{role}/me@example.com'
    assert answer['Credentials']['AccessKeyId'].startswith('ASIA')
    life = answer['Credentials']['Expiration'] - datetime.datetime.now(datetime.timezone.utc)
    assert 3500 < life.total_seconds() <= 3600
    me = client(shared_hearth, 'sts', answer['Credentials']).get_caller_identity()
    assert (me['Arn'], me['UserId']) == (user['Arn'], user['AssumedRoleId'])
    assert me['UserId'].startswith('AROA') and me['UserId'].endswith(':me@example.com')


def test_presigned_get_as_an_eks_token_uses_it(shared_hearth):
    """What a kube-apiserver does with `aws eks get-token` (aws-contract §6.6)."""
    raw = client_for(shared_hearth, service='sts')
    url = raw.presign('GET', '/', {'Action': 'GetCallerIdentity', 'Version': '2011-06-15'},
                      expires=60)
    answer = requests.get(url, timeout=30)
    assert answer.status_code == 200 and f'arn:aws:iam::{ACCOUNT}:root' in answer.text
    assert requests.get(url.replace('GetCallerIdentity', 'GetSessionToken'),
                        timeout=30).status_code == 403


# ---- AssumeRole ---------------------------------------------------------------------------------

def test_role_gives_its_own_rights_only(shared_hearth, sts, make_role):
    credentials = assume(sts, make_role())['Credentials']
    assert may_query(shared_hearth, credentials)
    with fails('AccessDenied', 403):
        client(shared_hearth, 'iam', credentials).list_roles()


def test_session_policy_narrows(shared_hearth, sts, make_role):
    role = make_role(policy({'Action': 'aps:*', 'Resource': '*'}))
    narrow = assume(sts, role, Policy=policy({'Action': 'aps:ListWorkspaces', 'Resource': '*'}))
    assert not may_query(shared_hearth, narrow['Credentials'])
    assert narrow['PackedPolicySize'] > 0
    client(shared_hearth, 'amp', narrow['Credentials']).list_workspaces()
    by_arn = assume(sts, role, PolicyArns=[
        {'arn': 'arn:aws:iam::aws:policy/AmazonPrometheusQueryAccess'}])['Credentials']
    assert may_query(shared_hearth, by_arn)
    with fails('AccessDeniedException', 403):
        client(shared_hearth, 'amp', by_arn).list_workspaces()
    with fails('MalformedPolicyDocument', 400):
        assume(sts, role, Policy='{}')


def test_trust_decides_together_with_the_callers_policies(shared_hearth, make_role, make_user):
    account, key = make_role(), make_user()
    mine = client(shared_hearth, 'sts', key)
    # The account is trusted: it is for the account's own policies to say who of it.
    with fails('AccessDenied', 403, 'is not authorized to perform: sts:AssumeRole') as error:
        assume(mine, account)
    assert missing_statement(error) == {'Effect': 'Allow', 'Action': 'sts:AssumeRole',
                                        'Resource': arn_of(account)}
    arn = mine.get_caller_identity()['Arn']
    assume(mine, make_role(trust_policy=trust({'AWS': arn})))
    other = make_role(trust_policy=trust({'AWS': f'arn:aws:iam::{ACCOUNT}:user/other'}))
    allowed = make_user(policy({'Action': 'sts:AssumeRole', 'Resource': '*'}))
    allowed = client(shared_hearth, 'sts', allowed)
    assume(allowed, account)
    with fails('AccessDenied', 403) as error:
        assume(allowed, other)
    assert missing_statement(error)['Principal']['AWS'] == allowed.get_caller_identity()['Arn']
    with fails('AccessDenied', 403, 'is not authorized to perform: sts:AssumeRole'):
        assume(allowed, 'no-such-role')


def test_external_id(sts, make_role):
    role = make_role(trust_policy=trust(
        {'AWS': ACCOUNT}, condition={'StringEquals': {'sts:ExternalId': 'right'}}))
    assume(sts, role, ExternalId='right')
    for more in ({}, {'ExternalId': 'wrong'}):
        with fails('AccessDenied', 403):
            assume(sts, role, **more)


def test_durations(shared_hearth, sts, make_role):
    short, long = make_role(), make_role(MaxSessionDuration=7200)
    assume(sts, long, DurationSeconds=7200)
    with fails('ValidationError', 400, 'exceeds the MaxSessionDuration set for this role.'):
        assume(sts, short, DurationSeconds=7200)
    chained = make_role(policy({'Action': 'sts:AssumeRole', 'Resource': '*'}))
    middle = client(shared_hearth, 'sts', assume(sts, chained)['Credentials'])
    assume(middle, long)
    with fails('ValidationError', 400, 'role chaining'):
        assume(middle, long, DurationSeconds=7200)


def test_session_tags_and_source_identity(shared_hearth, sts, make_role):
    role = make_role(
        policy({'Action': 'aps:QueryMetrics', 'Resource': '*',
                'Condition': {'StringEquals': {'aws:PrincipalTag/team': 'a',
                                               'aws:SourceIdentity': 'ann'}}}),
        trust_policy=trust({'AWS': ACCOUNT},
                           ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity']))
    answer = assume(sts, role, Tags=[{'Key': 'team', 'Value': 'a'}], SourceIdentity='ann')
    assert answer['SourceIdentity'] == 'ann'
    assert may_query(shared_hearth, answer['Credentials'])
    other = assume(sts, role, Tags=[{'Key': 'team', 'Value': 'b'}], SourceIdentity='ann')
    assert not may_query(shared_hearth, other['Credentials'])
    untrusted = make_role()
    with fails('AccessDenied', 403, 'sts:TagSession'):
        assume(sts, untrusted, Tags=[{'Key': 'team', 'Value': 'a'}])


@pytest.mark.parametrize('more,code', [
    ({'RoleSessionName': 'a b'}, 'ValidationError'),
    ({'DurationSeconds': '899'}, 'ValidationError'),
    ({'DurationSeconds': 'x'}, 'ValidationError'),
    ({'Policy': 'x' * 3000}, 'PackedPolicyTooLarge'),
    ({'RoleArn': 'short'}, 'ValidationError')])
def test_parameters(shared_hearth, more, code):
    answer = client_for(shared_hearth, service='sts').post('/', {
        'Action': 'AssumeRole', 'Version': '2011-06-15', 'RoleArn': arn_of('some-role'),
        'RoleSessionName': 'tests', **more})
    assert answer.status_code == 400 and f'<Code>{code}</Code>' in answer.text


# ---- how sessions end ---------------------------------------------------------------------------

def test_sessions_survive_a_restart_and_cannot_be_altered(start_hearth, tmp_path):
    process = start_hearth(data=tmp_path / 'data')
    iam = client(process, 'iam')
    iam.create_role(RoleName='r', AssumeRolePolicyDocument=TRUST_ACCOUNT)
    iam.put_role_policy(RoleName='r', PolicyName='p', PolicyDocument=QUERY)
    credentials = assume(client(process, 'sts'), 'r')['Credentials']
    process.stop()
    process.start()
    assert may_query(process, credentials)
    token = credentials['SessionToken']
    for at in (0, len(token) // 2, len(token) - 1):
        altered = token[:at] + ('A' if token[at] != 'A' else 'B') + token[at + 1:]
        answer = data_plane(process, {**credentials, 'SessionToken': altered}).get(
            '/api/v1/query', {'query': '1'})
        assert answer.status_code == 401
        assert answer.headers['x-amzn-ErrorType'] == 'UnrecognizedClientException'
    without = client_for(process, key=credentials['AccessKeyId'],
                         secret=credentials['SecretAccessKey'])
    assert (without.get('/api/v1/query', {'query': '1'}).headers['x-amzn-ErrorType']
            == 'UnrecognizedClientException')


def test_session_ends_with_its_role(shared_hearth, iam, sts, make_role):
    role = make_role()
    credentials = assume(sts, role)['Credentials']
    assert may_query(shared_hearth, credentials)
    iam.delete_role_policy(RoleName=role, PolicyName='p')
    wait_for(lambda: not may_query(shared_hearth, credentials), limit_s=5)
    iam.delete_role(RoleName=role)
    again = data_plane(shared_hearth, credentials)
    wait_for(lambda: again.get('/api/v1/query', {'query': '1'}).headers.get('x-amzn-ErrorType')
             == 'UnrecognizedClientException', limit_s=5)
    # A role made anew under the name is another role.
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=TRUST_ACCOUNT)
    iam.put_role_policy(RoleName=role, PolicyName='p', PolicyDocument=QUERY)
    assert not may_query(shared_hearth, credentials)


# ---- the rest -----------------------------------------------------------------------------------

def test_session_token_of_a_user(shared_hearth, make_user):
    key = make_user(policy({'Action': 'aps:QueryMetrics', 'Resource': '*'}))
    mine = client(shared_hearth, 'sts', key)
    credentials = mine.get_session_token(DurationSeconds=900)['Credentials']
    session = client(shared_hearth, 'sts', credentials)
    assert session.get_caller_identity()['Arn'] == mine.get_caller_identity()['Arn']
    assert may_query(shared_hearth, credentials)
    with fails('AccessDenied', 403, 'session credentials'):
        session.get_session_token()


def test_access_key_info_and_messages(shared_hearth, sts, make_user):
    key = shared_hearth.profile()['aws_access_key_id']
    assert sts.get_access_key_info(AccessKeyId=key)['Account'] == ACCOUNT
    # Who may not ask learns of no key whether there is one.
    theirs = client(shared_hearth, 'sts', make_user(policy({'Action': 'iam:*', 'Resource': '*'})))
    for asked in (key, 'AKIA' + 'X' * 16):
        with fails('AccessDenied', 403, 'sts:GetAccessKeyInfo'):
            theirs.get_access_key_info(AccessKeyId=asked)
    with fails('InvalidAuthorizationMessageException', 400):
        sts.decode_authorization_message(EncodedMessage='x')


def encoded(error):
    return error['ResponseMetadata']['HTTPHeaders']['x-hearth-encoded-message']


def test_refusals_of_every_face_can_be_decoded(shared_hearth, sts, make_user):
    key = make_user(policy({'Action': 'iam:ListGroups', 'Resource': '*'}))
    arn = client(shared_hearth, 'sts', key).get_caller_identity()['Arn']
    calls = {'aps:ListWorkspaces': lambda: client(shared_hearth, 'amp', key).list_workspaces(),
             'grafana:ListWorkspaces':
                 lambda: client(shared_hearth, 'grafana', key).list_workspaces(),
             'iam:ListRoles': lambda: client(shared_hearth, 'iam', key).list_roles(),
             'eks:ListClusters': lambda: client(shared_hearth, 'eks', key).list_clusters(),
             'sts:AssumeRole': lambda: client(shared_hearth, 'sts', key).assume_role(
                 RoleArn=f'arn:aws:iam::{ACCOUNT}:role/none', RoleSessionName='me')}
    for action, call in calls.items():
        with pytest.raises(botocore.exceptions.ClientError) as failure:
            call()
        decoded = json.loads(sts.decode_authorization_message(
            EncodedMessage=encoded(failure.value.response))['DecodedMessage'])
        assert (decoded['allowed'], decoded['explicitDeny']) == (False, False)
        assert decoded['matchedStatements'] == decoded['failures'] == {'items': []}
        context = decoded['context']
        assert context['principal']['arn'] == arn
        assert context['principal']['id'].startswith('AIDA')
        assert context['action'] == action and context['resource'], context
        values = {item['key']: item['values']['items'] for item in context['conditions']['items']}
        assert values['aws:principalarn'] == [{'value': arn}]
        assert values['aws:sourceip'] == [{'value': '127.0.0.1'}]
    answer = requests.get(f'{shared_hearth.http}/api/v1/query', params={'query': 'up'}, timeout=30,
                          auth=(key['AccessKeyId'], key['SecretAccessKey']))
    decoded = json.loads(sts.decode_authorization_message(
        EncodedMessage=answer.headers['x-hearth-encoded-message'])['DecodedMessage'])
    assert answer.status_code == 403
    assert decoded['context']['action'] == 'aps:QueryMetrics'


def test_decoded_message_names_the_denying_statement(shared_hearth, sts, make_user):
    key = make_user(json.dumps({'Version': '2012-10-17', 'Statement': [
        {'Effect': 'Allow', 'Action': '*', 'Resource': '*'},
        {'Sid': 'NoRoles', 'Effect': 'Deny', 'Action': ['iam:List*', 'sts:Decode*'],
         'Resource': '*', 'Condition': {'IpAddress': {'aws:SourceIp': '127.0.0.0/8'}}}]}))
    with fails('AccessDenied', 403, 'explicit deny') as error:
        client(shared_hearth, 'iam', key).list_roles()
    decoded = json.loads(sts.decode_authorization_message(
        EncodedMessage=encoded(error))['DecodedMessage'])
    assert decoded['explicitDeny'] is True
    statement, = decoded['matchedStatements']['items']
    assert (statement['statementId'], statement['effect']) == ('NoRoles', 'DENY')
    assert statement['actions'] == {'items': [{'value': 'iam:List*'}, {'value': 'sts:Decode*'}]}
    assert statement['conditions']['items'] == [
        {'key': 'aws:sourceip', 'values': {'items': [{'value': '127.0.0.0/8'}]}}]
    # Who was refused may not read it.
    with fails('AccessDenied', 403, 'sts:DecodeAuthorizationMessage'):
        client(shared_hearth, 'sts', key).decode_authorization_message(
            EncodedMessage=encoded(error))
    message = encoded(error)
    for wrong in (message[:-1], message + 'A', 'B' + message[1:], message.swapcase(), 'x\ny'):
        with fails('InvalidAuthorizationMessageException', 400, 'x-hearth-encoded-message'):
            sts.decode_authorization_message(EncodedMessage=wrong)
    with fails('ValidationError', 400, 'encodedMessage'):
        sts.decode_authorization_message(EncodedMessage='x' * 10241)


def test_what_is_not_served_names_the_way_out(sts, shared_hearth):
    with fails('NotImplemented', 501, 'use AssumeRole with a session policy'):
        sts.get_federation_token(Name='name')
    answer = requests.post(shared_hearth.http, timeout=30, data={
        'Action': 'AssumeRoleWithSAML', 'Version': '2011-06-15'})
    assert answer.status_code == 501 and 'AssumeRoleWithWebIdentity' in answer.text


def test_many_at_once(shared_hearth, make_role):
    role, failures = make_role(), []

    def work():
        mine = client(shared_hearth, 'sts')
        for number in range(5):
            if 'Credentials' not in assume(mine, role, session=f's-{number}'):
                failures.append(number)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
