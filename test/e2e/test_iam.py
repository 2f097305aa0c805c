# SPDX-License-Identifier: Apache-2.0
"""IAM through boto3: what Terraform's aws_iam_* resources and people's scripts do (aws-contract
§6, §15.1)."""

import json
import threading
import uuid

import botocore.exceptions
import pytest

from aws_session import (ACCOUNT, TRUST_ACCOUNT, client, fails, missing_statement, policy, trust,
                         unique)
from connect import client_for
from two_processes import ONE_OR_TWO, closing, one_or_two

WRITE = policy({'Action': 'aps:RemoteWrite', 'Resource': '*'})


@pytest.fixture(scope='module')
def iam(shared_hearth):
    return client(shared_hearth, 'iam')


@pytest.fixture
def role(iam):
    name = unique('role')
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST_ACCOUNT)
    yield name
    for inline in iam.list_role_policies(RoleName=name)['PolicyNames']:
        iam.delete_role_policy(RoleName=name, PolicyName=inline)
    for attached in iam.list_attached_role_policies(RoleName=name)['AttachedPolicies']:
        iam.detach_role_policy(RoleName=name, PolicyArn=attached['PolicyArn'])
    iam.delete_role(RoleName=name)


@pytest.fixture
def user(iam):
    name = unique('user')
    iam.create_user(UserName=name)
    yield name
    for key in iam.list_access_keys(UserName=name)['AccessKeyMetadata']:
        iam.delete_access_key(UserName=name, AccessKeyId=key['AccessKeyId'])
    for inline in iam.list_user_policies(UserName=name)['PolicyNames']:
        iam.delete_user_policy(UserName=name, PolicyName=inline)
    for attached in iam.list_attached_user_policies(UserName=name)['AttachedPolicies']:
        iam.detach_user_policy(UserName=name, PolicyArn=attached['PolicyArn'])
    for group in iam.list_groups_for_user(UserName=name)['Groups']:
        iam.remove_user_from_group(UserName=name, GroupName=group['GroupName'])
    iam.delete_user(UserName=name)


# ---- roles --------------------------------------------------------------------------------------

def test_role_is_read_back_as_it_was_made(iam):
    name = unique('role')
    made = iam.create_role(
        RoleName=name, Path='/team/a/', AssumeRolePolicyDocument=TRUST_ACCOUNT,
        Description='for <tests> & "more"', MaxSessionDuration=7200,
        Tags=[{'Key': 'Env', 'Value': 'test'}, {'Key': 'empty', 'Value': ''}])['Role']
    got = iam.get_role(RoleName=name)['Role']
    for answer in (made, got):
        assert answer['Arn'] == f'arn:aws:iam::{ACCOUNT}:role/team/a/{name}'
        assert answer['RoleId'].startswith('AROA') and len(answer['RoleId']) == 21
        assert answer['Path'] == '/team/a/' and answer['MaxSessionDuration'] == 7200
        assert answer['Description'] == 'for <tests> & "more"'
        assert answer['AssumeRolePolicyDocument'] == json.loads(TRUST_ACCOUNT)
        assert {t['Key']: t['Value'] for t in answer['Tags']} == {'Env': 'test', 'empty': ''}
    assert got['CreateDate'] == made['CreateDate']
    assert iam.list_instance_profiles_for_role(RoleName=name)['InstanceProfiles'] == []
    iam.delete_role(RoleName=name)
    with fails('NoSuchEntity', 404, f'The role with name {name} cannot be found.'):
        iam.get_role(RoleName=name)


def test_documents_are_percent_encoded_on_the_wire(shared_hearth, iam, role):
    raw = client_for(shared_hearth, service='iam')
    answer = raw.post('/', {'Action': 'GetRole', 'Version': '2010-05-08', 'RoleName': role})
    assert answer.headers['Content-Type'].startswith('text/xml')
    assert '<AssumeRolePolicyDocument>%7B%22Version%22%3A%20%222012-10-17%22' in answer.text
    assert '<CreateDate>20' in answer.text and 'Z</CreateDate>' in answer.text


def test_names_are_unique_without_regard_to_case(iam, role):
    with fails('EntityAlreadyExists', 409, f'Role with name {role.upper()} already exists.'):
        iam.create_role(RoleName=role.upper(), AssumeRolePolicyDocument=TRUST_ACCOUNT)
    assert iam.get_role(RoleName=role.upper())['Role']['RoleName'] == role


def test_role_is_updated(iam, role):
    iam.update_role(RoleName=role, Description='new', MaxSessionDuration=43200)
    other = trust({'Service': 'grafana.amazonaws.com'})
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=other)
    got = iam.get_role(RoleName=role)['Role']
    assert (got['Description'], got['MaxSessionDuration']) == ('new', 43200)
    assert got['AssumeRolePolicyDocument'] == json.loads(other)
    assert iam.update_role_description(RoleName=role, Description='')['Role']['RoleName'] == role
    assert 'Description' not in iam.get_role(RoleName=role)['Role']


def test_tags_of_a_role(iam, role):
    iam.tag_role(RoleName=role, Tags=[{'Key': 'a', 'Value': '1'}, {'Key': 'b', 'Value': '2'}])
    iam.tag_role(RoleName=role, Tags=[{'Key': 'A', 'Value': '3'}])
    iam.untag_role(RoleName=role, TagKeys=['B', 'none'])
    assert iam.list_role_tags(RoleName=role)['Tags'] == [{'Key': 'A', 'Value': '3'}]
    with fails('InvalidInput', 400, 'Duplicate tag keys'):
        iam.tag_role(RoleName=role, Tags=[{'Key': 'x', 'Value': ''}, {'Key': 'X', 'Value': ''}])
    with fails('LimitExceeded', 409):
        iam.tag_role(RoleName=role, Tags=[{'Key': f'k{i}', 'Value': ''} for i in range(50)])


def test_boundary_of_a_role(iam, role):
    boundary = 'arn:aws:iam::aws:policy/AmazonPrometheusQueryAccess'
    iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=boundary)
    assert (iam.get_role(RoleName=role)['Role']['PermissionsBoundary']['PermissionsBoundaryArn']
            == boundary)
    iam.delete_role_permissions_boundary(RoleName=role)
    assert 'PermissionsBoundary' not in iam.get_role(RoleName=role)['Role']
    with fails('NoSuchEntity', 404):
        iam.put_role_permissions_boundary(RoleName=role,
                                          PermissionsBoundary=boundary + 'NotThere')


@pytest.mark.parametrize('document', [
    '{}', '[]', 'x', '{"Version":"2012-10-17","Statement":[]}', WRITE,
    trust({'AWS': '*'}, action='aps:RemoteWrite'),
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole"}]}'])
def test_bad_trust_policy(iam, document):
    with fails('MalformedPolicyDocument', 400) as error:
        iam.create_role(RoleName=unique(), AssumeRolePolicyDocument=document)
    # The provider takes these words for eventual consistency and repeats for two minutes.
    assert 'Invalid principal in policy' not in error['Error']['Message']


def test_delete_conflicts(iam, role):
    iam.put_role_policy(RoleName=role, PolicyName='p', PolicyDocument=WRITE)
    with fails('DeleteConflict', 409, 'Cannot delete entity, must delete policies first.'):
        iam.delete_role(RoleName=role)
    iam.delete_role_policy(RoleName=role, PolicyName='p')
    arn = 'arn:aws:iam::aws:policy/AmazonPrometheusRemoteWriteAccess'
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    with fails('DeleteConflict', 409, 'must detach all policies first.'):
        iam.delete_role(RoleName=role)


# ---- inline policies ----------------------------------------------------------------------------

def test_inline_policy(iam, role):
    iam.put_role_policy(RoleName=role, PolicyName='ingest', PolicyDocument=WRITE)
    got = iam.get_role_policy(RoleName=role, PolicyName='ingest')
    assert (got['RoleName'], got['PolicyName']) == (role, 'ingest')
    assert got['PolicyDocument'] == json.loads(WRITE)
    iam.put_role_policy(RoleName=role, PolicyName='ingest',
                        PolicyDocument=policy({'Action': 'aps:*', 'Resource': '*'}))
    assert iam.list_role_policies(RoleName=role)['PolicyNames'] == ['ingest']
    with fails('NoSuchEntity', 404, 'The role policy with name other cannot be found.'):
        iam.get_role_policy(RoleName=role, PolicyName='other')
    with fails('MalformedPolicyDocument', 400):
        iam.put_role_policy(RoleName=role, PolicyName='bad', PolicyDocument='{"Version":"2012"}')
    # 10,240 characters for all inline policies of a role together, white space not counted.
    large = policy({'Action': 'aps:RemoteWrite', 'Resource': '*', 'Sid': 'A' * 10100})
    with fails('LimitExceeded', 409, 'Maximum policy size of 10240 bytes exceeded for role'):
        iam.put_role_policy(RoleName=role, PolicyName='large', PolicyDocument=large)


# ---- managed policies ---------------------------------------------------------------------------

def test_managed_policy_and_its_versions(iam, role):
    name = unique('policy')
    made = iam.create_policy(PolicyName=name, Path='/p/', PolicyDocument=WRITE, Description='d',
                             Tags=[{'Key': 'a', 'Value': 'b'}])['Policy']
    arn = made['Arn']
    assert arn == f'arn:aws:iam::{ACCOUNT}:policy/p/{name}'
    assert made['DefaultVersionId'] == 'v1' and made['AttachmentCount'] == 0
    with fails('EntityAlreadyExists', 409, f'A policy called {name} already exists.'):
        iam.create_policy(PolicyName=name, PolicyDocument=WRITE)
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)['Policy']['AttachmentCount'] == 1
    for number in range(2, 6):
        version = iam.create_policy_version(PolicyArn=arn, PolicyDocument=WRITE,
                                            SetAsDefault=number == 3)['PolicyVersion']
        assert version['VersionId'] == f'v{number}'
    with fails('LimitExceeded', 409, 'up to 5 versions'):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=WRITE)
    versions = iam.list_policy_versions(PolicyArn=arn)['Versions']
    assert [v['VersionId'] for v in versions if v['IsDefaultVersion']] == ['v3']
    with fails('DeleteConflict', 409, 'Cannot delete the default version of a policy.'):
        iam.delete_policy_version(PolicyArn=arn, VersionId='v3')
    iam.set_default_policy_version(PolicyArn=arn, VersionId='v5')
    got = iam.get_policy_version(PolicyArn=arn, VersionId='v5')['PolicyVersion']
    assert got['Document'] == json.loads(WRITE) and got['IsDefaultVersion']
    for version in ('v1', 'v2', 'v3', 'v4'):
        iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    assert iam.list_entities_for_policy(PolicyArn=arn)['PolicyRoles'][0]['RoleName'] == role
    with fails('DeleteConflict', 409, 'Cannot delete a policy attached to entities.'):
        iam.delete_policy(PolicyArn=arn)
    iam.tag_policy(PolicyArn=arn, Tags=[{'Key': 'c', 'Value': 'd'}])
    iam.untag_policy(PolicyArn=arn, TagKeys=['a'])
    assert iam.list_policy_tags(PolicyArn=arn)['Tags'] == [{'Key': 'c', 'Value': 'd'}]
    iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)
    with fails('NoSuchEntity', 404, f'Policy {arn} was not found.'):
        iam.get_policy(PolicyArn=arn)
    with fails('NoSuchEntity', 404):
        iam.detach_role_policy(RoleName=role, PolicyArn=arn)


def test_awss_own_policies_are_there_and_read_only(iam, role):
    arn = 'arn:aws:iam::aws:policy/AmazonPrometheusRemoteWriteAccess'
    got = iam.get_policy(PolicyArn=arn)['Policy']
    document = iam.get_policy_version(PolicyArn=arn, VersionId=got['DefaultVersionId'])
    assert document['PolicyVersion']['Document']['Statement'][0]['Action'] == ['aps:RemoteWrite']
    with fails('AccessDenied', 403):
        iam.delete_policy(PolicyArn=arn)
    names = {p['PolicyName'] for page in iam.get_paginator('list_policies').paginate(Scope='AWS')
             for p in page['Policies']}
    assert {'AmazonPrometheusQueryAccess', 'AmazonPrometheusFullAccess',
            'AWSGrafanaAccountAdministrator', 'AdministratorAccess'} <= names
    with fails('NoSuchEntity', 404, 'does not exist or is not attachable.'):
        iam.attach_role_policy(RoleName=role, PolicyArn='arn:aws:iam::aws:policy/ReadOnlyAccess2')


# ---- users, keys, groups ------------------------------------------------------------------------

def test_user(iam):
    name = unique('user')
    made = iam.create_user(UserName=name, Path='/x/', Tags=[{'Key': 'k', 'Value': 'v'}])['User']
    assert made['Arn'] == f'arn:aws:iam::{ACCOUNT}:user/x/{name}'
    assert made['UserId'].startswith('AIDA')
    iam.tag_user(UserName=name, Tags=[{'Key': 'k', 'Value': 'w'}])
    assert iam.list_user_tags(UserName=name)['Tags'] == [{'Key': 'k', 'Value': 'w'}]
    renamed = unique('renamed')
    iam.put_user_policy(UserName=name, PolicyName='p', PolicyDocument=WRITE)
    iam.update_user(UserName=name, NewUserName=renamed, NewPath='/y/')
    assert iam.get_user(UserName=renamed)['User']['Arn'].endswith(f':user/y/{renamed}')
    assert iam.list_user_policies(UserName=renamed)['PolicyNames'] == ['p']
    with fails('DeleteConflict', 409):
        iam.delete_user(UserName=renamed)
    iam.delete_user_policy(UserName=renamed, PolicyName='p')
    iam.delete_user(UserName=renamed)
    with fails('NoSuchEntity', 404):
        iam.get_user(UserName=renamed)


def test_access_key_works_and_ends(shared_hearth, iam, user):
    key = iam.create_access_key(UserName=user)['AccessKey']
    assert key['AccessKeyId'].startswith('AKIA') and len(key['SecretAccessKey']) == 40
    sts = client(shared_hearth, 'sts', key)
    assert sts.get_caller_identity()['Arn'] == f'arn:aws:iam::{ACCOUNT}:user/{user}'
    mine = client(shared_hearth, 'iam', key)
    with fails('AccessDenied', 403, 'iam:GetUser') as error:
        mine.get_user()
    assert missing_statement(error) == {
        'Effect': 'Allow', 'Action': 'iam:GetUser',
        'Resource': f'arn:aws:iam::{ACCOUNT}:user/{user}'}
    iam.create_access_key(UserName=user)
    with fails('LimitExceeded', 409, 'Cannot exceed quota for AccessKeysPerUser: 2'):
        iam.create_access_key(UserName=user)
    iam.update_access_key(UserName=user, AccessKeyId=key['AccessKeyId'], Status='Inactive')
    with fails('InvalidClientTokenId', 403):
        sts.get_caller_identity()
    iam.update_access_key(UserName=user, AccessKeyId=key['AccessKeyId'], Status='Active')
    sts.get_caller_identity()
    iam.delete_access_key(UserName=user, AccessKeyId=key['AccessKeyId'])
    with fails('InvalidClientTokenId', 403):
        sts.get_caller_identity()


def test_last_key_of_root_stays(shared_hearth, iam):
    key = shared_hearth.profile()['aws_access_key_id']
    with fails('DeleteConflict', 409):
        iam.delete_access_key(AccessKeyId=key)
    with fails('DeleteConflict', 409):
        iam.update_access_key(AccessKeyId=key, Status='Inactive')


def test_policies_decide_by_the_object_s_own_arn_and_tags(shared_hearth, iam, user):
    path, other = f'/{unique()}/', unique('other')
    name = unique('role')
    iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=TRUST_ACCOUNT,
                    Tags=[{'Key': 'team', 'Value': 'a'}])
    iam.create_role(RoleName=other, AssumeRolePolicyDocument=TRUST_ACCOUNT)
    iam.put_user_policy(UserName=user, PolicyName='p', PolicyDocument=policy(
        {'Action': 'iam:GetRole', 'Resource': f'arn:aws:iam::{ACCOUNT}:role{path}*'},
        {'Action': 'iam:TagRole', 'Resource': '*',
         'Condition': {'StringEquals': {'aws:ResourceTag/team': 'a'},
                       'ForAllValues:StringEquals': {'aws:TagKeys': ['ok']}}}))
    mine = client(shared_hearth, 'iam', iam.create_access_key(UserName=user)['AccessKey'])
    mine.get_role(RoleName=name)
    mine.tag_role(RoleName=name, Tags=[{'Key': 'ok', 'Value': '1'}])
    for call in (lambda: mine.get_role(RoleName=other),
                 lambda: mine.get_role(RoleName='not-there'),
                 lambda: mine.tag_role(RoleName=other, Tags=[{'Key': 'ok', 'Value': '1'}]),
                 lambda: mine.tag_role(RoleName=name, Tags=[{'Key': 'no', 'Value': '1'}])):
        with fails('AccessDenied', 403):
            call()
    iam.delete_role(RoleName=name)
    iam.delete_role(RoleName=other)


def test_a_delegate_gives_rights_within_a_boundary_only(shared_hearth, iam, user):
    """AWS's pattern for delegated administration: roles may be made and given policies as long as
    they have the boundary."""
    boundary = iam.create_policy(PolicyName=unique(), PolicyDocument=WRITE)['Policy']['Arn']
    other = iam.create_policy(PolicyName=unique(), PolicyDocument=WRITE)['Policy']['Arn']
    iam.put_user_policy(UserName=user, PolicyName='p', PolicyDocument=policy({
        'Action': ['iam:CreateRole', 'iam:PutRolePolicy', 'iam:DeleteRolePolicy',
                   'iam:PutRolePermissionsBoundary'], 'Resource': '*',
        'Condition': {'StringEquals': {'iam:PermissionsBoundary': boundary}}}))
    mine = client(shared_hearth, 'iam', iam.create_access_key(UserName=user)['AccessKey'])
    bound, free = unique('bound'), unique('free')
    mine.create_role(RoleName=bound, AssumeRolePolicyDocument=TRUST_ACCOUNT,
                     PermissionsBoundary=boundary)
    iam.create_role(RoleName=free, AssumeRolePolicyDocument=TRUST_ACCOUNT)
    mine.put_role_policy(RoleName=bound, PolicyName='p', PolicyDocument=WRITE)
    mine.delete_role_policy(RoleName=bound, PolicyName='p')
    for call in (lambda: mine.create_role(RoleName=unique(),
                                          AssumeRolePolicyDocument=TRUST_ACCOUNT),
                 lambda: mine.put_role_policy(RoleName=free, PolicyName='p', PolicyDocument=WRITE),
                 lambda: mine.put_role_permissions_boundary(RoleName=bound,
                                                            PermissionsBoundary=other)):
        with fails('AccessDenied', 403):
            call()
    for name in (bound, free):
        iam.delete_role(RoleName=name)
    for arn in (boundary, other):
        iam.delete_policy(PolicyArn=arn)


def test_groups_give_their_policies_to_members(shared_hearth, iam, user):
    group = unique('group')
    assert iam.create_group(GroupName=group)['Group']['GroupId'].startswith('AGPA')
    iam.put_group_policy(GroupName=group, PolicyName='p', PolicyDocument=policy(
        {'Action': 'iam:ListGroups', 'Resource': '*'}))
    mine = client(shared_hearth, 'iam', iam.create_access_key(UserName=user)['AccessKey'])
    with fails('AccessDenied', 403):
        mine.list_groups()
    iam.add_user_to_group(GroupName=group, UserName=user)
    assert group in [g['GroupName'] for g in mine.list_groups()['Groups']]
    assert [u['UserName'] for u in iam.get_group(GroupName=group)['Users']] == [user]
    with fails('DeleteConflict', 409, 'must remove users from group first'):
        iam.delete_group(GroupName=group)
    with fails('DeleteConflict', 409, 'must remove users from group first'):
        iam.delete_user(UserName=user)
    iam.remove_user_from_group(GroupName=group, UserName=user)
    with fails('AccessDenied', 403):
        mine.list_groups()
    iam.delete_group_policy(GroupName=group, PolicyName='p')
    iam.delete_group(GroupName=group)


# ---- OIDC providers -----------------------------------------------------------------------------

def test_oidc_provider(iam):
    host = f'oidc.{unique()}.example.com/id/ABC'
    arn = iam.create_open_id_connect_provider(
        Url=f'https://{host}', ClientIDList=['sts.amazonaws.com'],
        Tags=[{'Key': 'a', 'Value': 'b'}])['OpenIDConnectProviderArn']
    assert arn == f'arn:aws:iam::{ACCOUNT}:oidc-provider/{host}'
    with fails('EntityAlreadyExists', 409, f'Provider with url https://{host} already exists.'):
        iam.create_open_id_connect_provider(Url=f'https://{host}')
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID='x')
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn,
                                                       ClientID='sts.amazonaws.com')
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn,
                                                   ThumbprintList=['a' * 40])
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn,
                                     Tags=[{'Key': 'c', 'Value': 'd'}])
    iam.untag_open_id_connect_provider(OpenIDConnectProviderArn=arn, TagKeys=['a'])
    got = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (got['Url'], got['ClientIDList'], got['ThumbprintList']) == (host, ['x'], ['a' * 40])
    assert got['Tags'] == [{'Key': 'c', 'Value': 'd'}]
    assert {'Arn': arn} in iam.list_open_id_connect_providers()['OpenIDConnectProviderList']
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    with fails('NoSuchEntity', 404):
        iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)


@pytest.mark.parametrize('url', ['http://example.com', 'ftp://example.com', 'https://',
                                 'https://user@example.com', 'https://example.com/?x'])
def test_bad_issuer_url(iam, url):
    with fails('ValidationError', 400):
        iam.create_open_id_connect_provider(Url=url)


# ---- lists, parameters, retries -----------------------------------------------------------------

def test_every_paginator_with_pages_of_one(iam, role, user):
    """No page repeats or drops an entry."""
    for name in ('list_roles', 'list_users', 'list_policies'):
        paginator = iam.get_paginator(name)
        key = paginator.result_keys[0].expression
        whole = [json.dumps(x, default=str) for page in paginator.paginate() for x in page[key]]
        single = [json.dumps(x, default=str)
                  for page in paginator.paginate(PaginationConfig={'PageSize': 1})
                  for x in page[key]]
        assert single == whole and len(set(whole)) == len(whole) > 0, name


def test_path_prefix(iam):
    name = unique('role')
    iam.create_role(RoleName=name, Path=f'/{name}/', AssumeRolePolicyDocument=TRUST_ACCOUNT)
    found = iam.list_roles(PathPrefix=f'/{name}/')['Roles']
    assert [r['RoleName'] for r in found] == [name]
    iam.delete_role(RoleName=name)


@pytest.mark.parametrize('parameters,text', [
    ({}, "Value null at 'roleName' failed to satisfy constraint: Member must not be null"),
    ({'RoleName': 'a b'}, 'Member must satisfy regular expression pattern: [\\w+=,.@-]+'),
    ({'RoleName': 'a' * 65}, 'Member must have length less than or equal to 64'),
])
def test_parameters_are_checked_in_awss_words(shared_hearth, parameters, text):
    raw = client_for(shared_hearth, service='iam')
    answer = raw.post('/', {'Action': 'GetRole', 'Version': '2010-05-08', **parameters})
    assert answer.status_code == 400
    assert '<Code>ValidationError</Code>' in answer.text and '<Type>Sender</Type>' in answer.text
    assert text in answer.text.replace('&apos;', "'")


@pytest.mark.parametrize('parameters', [
    {'Action': 'NoSuchAction', 'Version': '2010-05-08'}, {'Version': '2010-05-08'},
    {'Action': 'GetRole', 'Version': '2011-06-15'}, {'Action': 'GetRole'}])
def test_unknown_actions_and_versions(shared_hearth, parameters):
    answer = client_for(shared_hearth, service='iam').post('/', parameters)
    assert answer.status_code == 400 and '<Code>InvalidAction</Code>' in answer.text


def test_repeated_call_gets_the_first_answer(shared_hearth, iam):
    """What both SDKs do when the answer to a create is lost: same invocation id, same body."""
    raw = client_for(shared_hearth, service='iam')
    name, invocation = unique('role'), str(uuid.uuid4())
    form = {'Action': 'CreateRole', 'Version': '2010-05-08', 'RoleName': name,
            'AssumeRolePolicyDocument': TRUST_ACCOUNT}
    answers = [raw.post('/', form, headers={'amz-sdk-invocation-id': invocation,
                                            'amz-sdk-request': f'attempt={n}; max=25'})
               for n in (1, 2)]
    assert [a.status_code for a in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert raw.post('/', form, headers={'amz-sdk-invocation-id': str(uuid.uuid4())}
                    ).status_code == 409
    iam.delete_role(RoleName=name)


def test_repeated_create_access_key_makes_one(shared_hearth, iam, user):
    raw = client_for(shared_hearth, service='iam')
    form = {'Action': 'CreateAccessKey', 'Version': '2010-05-08', 'UserName': user}
    headers = {'amz-sdk-invocation-id': str(uuid.uuid4())}
    first, second = (raw.post('/', form, headers=headers).text for _ in range(2))
    assert first == second and '<SecretAccessKey>' in first
    assert len(iam.list_access_keys(UserName=user)['AccessKeyMetadata']) == 1


# ---- the simulator, the account -----------------------------------------------------------------

def test_simulate_principal_policy(iam, role):
    workspace = f'arn:aws:aps:us-east-1:{ACCOUNT}:workspace/ws-1'
    iam.put_role_policy(RoleName=role, PolicyName='p', PolicyDocument=policy(
        {'Action': 'aps:RemoteWrite', 'Resource': workspace}))
    results = iam.simulate_principal_policy(
        PolicySourceArn=f'arn:aws:iam::{ACCOUNT}:role/{role}',
        ActionNames=['aps:RemoteWrite', 'aps:QueryMetrics'],
        ResourceArns=[workspace, workspace + 'x'])['EvaluationResults']
    assert [(r['EvalActionName'], r['EvalResourceName'], r['EvalDecision']) for r in results] == [
        ('aps:RemoteWrite', workspace, 'allowed'),
        ('aps:RemoteWrite', workspace + 'x', 'implicitDeny'),
        ('aps:QueryMetrics', workspace, 'implicitDeny'),
        ('aps:QueryMetrics', workspace + 'x', 'implicitDeny')]
    assert results[0]['MatchedStatements'][0]['SourcePolicyId'] == 'p'
    with fails('NoSuchEntity', 404):
        iam.simulate_principal_policy(PolicySourceArn=f'arn:aws:iam::{ACCOUNT}:role/none-such',
                                      ActionNames=['aps:RemoteWrite'])


def test_simulate_custom_policy_with_context(iam):
    document = json.dumps({'Version': '2012-10-17', 'Statement': [
        {'Effect': 'Allow', 'Action': 'aps:*', 'Resource': '*',
         'Condition': {'IpAddress': {'aws:SourceIp': '10.0.0.0/8'}}},
        {'Effect': 'Deny', 'Action': 'aps:Delete*', 'Resource': '*'}]})

    def decide(action, **more):
        result = iam.simulate_custom_policy(PolicyInputList=[document], ActionNames=[action],
                                            **more)['EvaluationResults'][0]
        return result['EvalDecision'], result['MissingContextValues']

    entry = [{'ContextKeyName': 'aws:SourceIp', 'ContextKeyValues': ['10.1.2.3'],
              'ContextKeyType': 'ip'}]
    assert decide('aps:QueryMetrics', ContextEntries=entry) == ('allowed', [])
    assert decide('aps:QueryMetrics') == ('implicitDeny', ['aws:sourceip'])
    assert decide('aps:DeleteWorkspace', ContextEntries=entry)[0] == 'explicitDeny'
    keys = iam.get_context_keys_for_custom_policy(PolicyInputList=[document])
    assert keys['ContextKeyNames'] == ['aws:sourceip']


def test_account(iam, role, user):
    assert iam.get_account_summary()['SummaryMap']['Roles'] >= 1
    details = iam.get_account_authorization_details()
    assert role in [r['RoleName'] for r in details['RoleDetailList']]
    assert user in [u['UserName'] for u in details['UserDetailList']]
    assert iam.list_account_aliases()['AccountAliases'] == []
    assert iam.get_user()['User']['Arn'] == f'arn:aws:iam::{ACCOUNT}:root'
    assert iam.list_mfa_devices(UserName=user)['MFADevices'] == []
    with fails('NoSuchEntity', 404):
        iam.get_login_profile(UserName=user)


def test_operations_not_served_are_named(iam):
    with fails('InvalidAction', 400, 'Could not find operation CreateInstanceProfile'):
        iam.create_instance_profile(InstanceProfileName='x')


# ---- the reach of a policy ----------------------------------------------------------------------

def test_users_and_groups_do_not_move_into_anothers_reach(shared_hearth, iam, user):
    """Renaming takes the right to both names: else a name or a path is a way around a policy."""
    key = iam.create_access_key(UserName=user)['AccessKey']
    mine = [f'arn:aws:iam::{ACCOUNT}:{kind}/mine/*' for kind in ('user', 'group')]
    iam.put_user_policy(UserName=user, PolicyName='p', PolicyDocument=policy(
        {'Action': ['iam:UpdateUser', 'iam:UpdateGroup'], 'Resource': mine}))
    theirs = client(shared_hearth, 'iam', key)
    name = unique('moved')
    iam.create_user(UserName=name, Path='/mine/')
    iam.create_group(GroupName=name, Path='/mine/')
    with fails('AccessDenied', 403, f'user/admins/{name}'):
        theirs.update_user(UserName=name, NewPath='/admins/')
    with fails('AccessDenied', 403, f'group/admins/{name}'):
        theirs.update_group(GroupName=name, NewPath='/admins/')
    theirs.update_user(UserName=name, NewUserName=f'{name}-2')
    theirs.update_group(GroupName=name, NewGroupName=f'{name}-2', NewPath='/mine/b/')
    iam.delete_user(UserName=f'{name}-2')
    iam.delete_group(GroupName=f'{name}-2')


# ---- many at once -------------------------------------------------------------------------------

THREADS = 50


def at_once(work, count=THREADS):
    """work(number) in so many threads; what they returned. An exception of one is raised here."""
    results, problems = [None] * count, []

    def run(number):
        try:
            results[number] = work(number)
        except BaseException as problem:  # every thread's fate is looked at below
            problems.append(problem)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == [], problems[:3]
    return results


def outcome(call, **arguments):
    """'' or the code of the refusal."""
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as refusal:
        return refusal.response['Error']['Code']
    return ''


@pytest.fixture(scope='module', params=ONE_OR_TWO)
def many(request):
    """many(n) → a client of IAM for thread n, of one process or, with each call, either of two."""
    for server in one_or_two(request):
        clients = [closing(client(server, 'iam')) for _ in range(THREADS)]
        yield clients.__getitem__


def test_of_fifty_who_make_one_name_one_makes_it(many):
    iam = many(0)
    name = unique('race')
    rows = [(iam.delete_user, 'create_user', {'UserName': name}),
            (iam.delete_group, 'create_group', {'GroupName': name})]
    for delete, create, arguments in rows:
        codes = at_once(lambda n, c=create, a=arguments: outcome(getattr(many(n), c), **a))
        assert sorted(codes) == [''] + ['EntityAlreadyExists'] * (THREADS - 1)
        assert sorted(at_once(lambda n, d=delete.__name__, a=arguments:
                              outcome(getattr(many(n), d), **a))) == (
                                  [''] + ['NoSuchEntity'] * (THREADS - 1))
    # Names differ by more than case.
    codes = at_once(lambda n: outcome(
        many(n).create_role, RoleName=name.upper() if n % 2 else name.lower(),
        AssumeRolePolicyDocument=TRUST_ACCOUNT))
    assert sorted(codes) == [''] + ['EntityAlreadyExists'] * (THREADS - 1)
    iam.delete_role(RoleName=name)
    codes = at_once(lambda n: outcome(many(n).create_policy, PolicyName=name, PolicyDocument=WRITE))
    assert sorted(codes) == [''] + ['EntityAlreadyExists'] * (THREADS - 1)
    iam.delete_policy(PolicyArn=f'arn:aws:iam::{ACCOUNT}:policy/{name}')


def test_quotas_hold_against_fifty(many):
    """Of 50 who come at once, as many get in as there is room for."""
    iam = many(0)
    name = unique('full')
    iam.create_user(UserName=name)
    codes = at_once(lambda n: outcome(many(n).create_access_key, UserName=name))
    assert sorted(codes) == ['', ''] + ['LimitExceeded'] * (THREADS - 2)
    for key in iam.list_access_keys(UserName=name)['AccessKeyMetadata']:
        iam.delete_access_key(UserName=name, AccessKeyId=key['AccessKeyId'])

    arns = at_once(lambda n: many(n).create_policy(
        PolicyName=f'{name}-{n}', PolicyDocument=WRITE)['Policy']['Arn'])
    codes = at_once(lambda n: outcome(many(n).attach_user_policy, UserName=name, PolicyArn=arns[n]))
    assert sorted(codes) == [''] * 10 + ['LimitExceeded'] * (THREADS - 10)
    attached = {p['PolicyArn'] for p in
                iam.list_attached_user_policies(UserName=name)['AttachedPolicies']}
    assert attached == {arn for arn, code in zip(arns, codes) if code == ''}
    # A policy goes when nobody has it, whoever is quicker.
    codes = at_once(lambda n: outcome(many(n).delete_policy, PolicyArn=arns[n]))
    assert [code for arn, code in zip(arns, codes) if arn in attached] == ['DeleteConflict'] * 10
    codes = at_once(lambda n: outcome(
        many(n).detach_user_policy, UserName=name, PolicyArn=sorted(attached)[n % 10]))
    assert sorted(codes) == [''] * 10 + ['NoSuchEntity'] * (THREADS - 10)
    for arn in attached:
        iam.delete_policy(PolicyArn=arn)

    codes = at_once(lambda n: outcome(many(n).create_policy, PolicyName=f'{name}-v',
                                      PolicyDocument=WRITE) if n == 0 else '')
    arn = f'arn:aws:iam::{ACCOUNT}:policy/{name}-v'
    codes = at_once(lambda n: outcome(many(n).create_policy_version, PolicyArn=arn,
                                      PolicyDocument=WRITE))
    assert sorted(codes) == [''] * 4 + ['LimitExceeded'] * (THREADS - 4)
    versions = [v['VersionId'] for v in iam.list_policy_versions(PolicyArn=arn)['Versions']]
    assert sorted(versions) == ['v1', 'v2', 'v3', 'v4', 'v5']
    for version in versions:
        if version != 'v1':
            iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    iam.delete_policy(PolicyArn=arn)
    iam.delete_user(UserName=name)


def test_no_change_of_fifty_is_lost(many):
    """Each adds a tag, an inline policy and itself to a group; all of it is there, and goes."""
    iam = many(0)
    name = unique('busy')
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST_ACCOUNT)
    iam.create_group(GroupName=name)

    def come(number):
        mine = many(number)
        mine.create_user(UserName=f'{name}-{number}')
        mine.add_user_to_group(GroupName=name, UserName=f'{name}-{number}')
        mine.tag_role(RoleName=name, Tags=[{'Key': f'k{number}', 'Value': 'v'}])
        if number < 20:
            mine.put_role_policy(RoleName=name, PolicyName=f'p{number}', PolicyDocument=WRITE)

    def members():
        pages = iam.get_paginator('get_group').paginate(GroupName=name,
                                                        PaginationConfig={'PageSize': 7})
        return sorted(user['UserName'] for page in pages for user in page['Users'])

    at_once(come)
    assert members() == sorted(f'{name}-{number}' for number in range(THREADS))
    tags = iam.list_role_tags(RoleName=name, MaxItems=1000)['Tags']
    assert {tag['Key'] for tag in tags} == {f'k{number}' for number in range(THREADS)}
    assert len(iam.list_role_policies(RoleName=name)['PolicyNames']) == 20
    assert outcome(iam.tag_role, RoleName=name, Tags=[{'Key': 'more', 'Value': ''}]) == (
        'LimitExceeded')
    assert outcome(iam.delete_group, GroupName=name) == 'DeleteConflict'

    def go(number):
        mine = many(number)
        mine.remove_user_from_group(GroupName=name, UserName=f'{name}-{number}')
        mine.delete_user(UserName=f'{name}-{number}')
        mine.untag_role(RoleName=name, TagKeys=[f'k{number}'])
        if number < 20:
            mine.delete_role_policy(RoleName=name, PolicyName=f'p{number}')

    at_once(go)
    assert members() == [] and iam.list_role_tags(RoleName=name)['Tags'] == []
    iam.delete_group(GroupName=name)
    iam.delete_role(RoleName=name)


def test_quota_of_groups_holds_against_fifty(many):
    iam = many(0)
    summary = iam.get_account_summary()['SummaryMap']
    assert (summary['UsersQuota'], summary['RolesQuota'], summary['PoliciesQuota']) == (
        5000, 5000, 5000)
    room = summary['GroupsQuota'] - summary['Groups']
    name = unique('quota')

    def come(number):
        names = [f'{name}-{number}-{turn}' for turn in range(11)]
        return [(each, outcome(many(number).create_group, GroupName=each)) for each in names]

    codes = dict(sum(at_once(come), []))
    made = [each for each, code in codes.items() if code == '']
    assert len(made) == room and set(codes.values()) == {'', 'LimitExceeded'}
    with fails('LimitExceeded', 409, 'Cannot exceed quota for GroupsPerAccount: 500'):
        iam.create_group(GroupName=name)
    at_once(lambda number: [many(number).delete_group(GroupName=each)
                            for each in made[number::THREADS]])
    assert iam.get_account_summary()['SummaryMap']['Groups'] == summary['Groups']


def test_a_simulation_has_a_bound(iam):
    """Pairs times patterns: what is asked at once may not hold the catalog for minutes."""
    wide = policy(*({'Action': [f'aps:A{n}-{i}*' for i in range(20)], 'Resource': '*'}
                    for n in range(40)))
    actions = [f'aps:Action{n}' for n in range(100)]
    resources = [f'arn:aws:aps:us-east-1:{ACCOUNT}:workspace/{n}' for n in range(100)]
    with fails('LimitExceeded', 409, 'ask for fewer at once'):
        iam.simulate_custom_policy(PolicyInputList=[wide] * 4, ActionNames=actions,
                                   ResourceArns=resources)
    answer = iam.simulate_custom_policy(PolicyInputList=[wide], ActionNames=actions[:10],
                                        ResourceArns=resources[:10])
    assert len(answer['EvaluationResults']) == 100
