# SPDX-License-Identifier: Apache-2.0
"""Amazon Managed Grafana's control plane by boto3: every operation, pages, errors, quotas; on one
process, and on two that share a PostgreSQL catalog, each request going to one of them at random.
"""

import itertools
import json
import random
import re
import threading
import urllib.parse

import botocore.config
import botocore.session
import boto3
import pytest
import requests
from botocore.exceptions import ClientError

from two_processes import ONE_OR_TWO, closing, one_or_two

ENTERPRISE = 'ENTERPRISE'
USER = '1234567890-12345678-1234-1234-1234-123456789012'
GROUP = '12345678-1234-1234-1234-1234567890ab'
REQUIRED = {'accountAccessType': 'CURRENT_ACCOUNT', 'permissionType': 'SERVICE_MANAGED',
            'authenticationProviders': ['AWS_SSO']}


def grafana_client(process, region='us-east-1', check=True, retries=1):
    profile = process.profile()
    config = botocore.config.Config(retries={'total_max_attempts': retries},
                                    parameter_validation=check, max_pool_connections=64)
    return closing(boto3.client(
        'grafana', endpoint_url=process.http, region_name=region, config=config,
        aws_access_key_id=profile['aws_access_key_id'],
        aws_secret_access_key=profile['aws_secret_access_key']))


@pytest.fixture(scope='module', params=ONE_OR_TWO)
def hearth(request):
    yield from one_or_two(request)


@pytest.fixture(scope='module')
def grafana(hearth):
    return grafana_client(hearth)


@pytest.fixture
def workspace(grafana):
    made = grafana.create_workspace(workspaceName='w', **REQUIRED)['workspace']
    yield made['id']
    try:
        grafana.delete_workspace(workspaceId=made['id'])
    except grafana.exceptions.ResourceNotFoundException:
        pass


def failure(call, *arguments, **members):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **members)
    answer = caught.value.response
    return answer['Error']['Code'], answer['ResponseMetadata']['HTTPStatusCode'], answer


def arn(workspace_id):
    return f'arn:aws:grafana:us-east-1:000000000000:/workspaces/{workspace_id}'


def grafana_get(process, workspace_id, path, token):
    return requests.get(f'{process.http}/{workspace_id}{path}', timeout=30,
                        headers={'Authorization': f'Bearer {token}'})


def test_a_workspace_from_create_to_delete(grafana, hearth):
    vpc = {'securityGroupIds': ['sg-1'], 'subnetIds': ['subnet-1', 'subnet-2']}
    network = {'prefixListIds': ['pl-1'], 'vpceIds': []}
    made = grafana.create_workspace(
        accountAccessType='ORGANIZATION', permissionType='CUSTOMER_MANAGED',
        authenticationProviders=['SAML', 'AWS_SSO'], workspaceName='whole',
        workspaceDescription='d', workspaceDataSources=['XRAY', 'PROMETHEUS'],
        workspaceNotificationDestinations=['SNS'], workspaceOrganizationalUnits=['ou-1'],
        workspaceRoleArn='arn:aws:iam::000000000000:role/amg', organizationRoleName='org',
        stackSetName='set', tags={'Env': 'dev', 'empty': ''}, vpcConfiguration=vpc,
        networkAccessControl=network, configuration='{"plugins": {"pluginAdminEnabled": true}}',
        grafanaVersion='10.4', ipAddressType='IPv4', kmsKeyId='alias/key')['workspace']
    assert re.fullmatch(r'g-[0-9a-f]{10}', made['id'])
    one = grafana.describe_workspace(workspaceId=made['id'])['workspace']
    assert one == made
    assert one['status'] == 'ACTIVE'
    assert one['authentication']['providers'] == ['SAML', 'AWS_SSO']
    assert one['authentication']['samlConfigurationStatus'] == 'NOT_CONFIGURED'
    assert one['dataSources'] == ['XRAY', 'PROMETHEUS']
    assert one['vpcConfiguration'] == vpc
    assert one['networkAccessControl'] == network
    assert one['tags'] == {'Env': 'dev', 'empty': ''}
    assert one['endpoint'] == f'localhost:{hearth.port(tls=True)}/{made["id"]}'
    assert one['kmsKeyId'] == 'alias/key'
    assert one['created'] == one['modified']
    updated = grafana.update_workspace(
        workspaceId=made['id'], workspaceName='other', workspaceDescription='',
        removeVpcConfiguration=True, removeNetworkAccessConfiguration=True,
        workspaceDataSources=['PROMETHEUS', 'XRAY'])['workspace']
    assert updated['name'] == 'other'
    assert updated['description'] == ''
    assert 'vpcConfiguration' not in updated
    assert 'networkAccessControl' not in updated
    assert updated['dataSources'] == ['PROMETHEUS', 'XRAY']
    assert updated['workspaceRoleArn'] == one['workspaceRoleArn']
    gone = grafana.delete_workspace(workspaceId=made['id'])['workspace']
    assert gone['status'] == 'DELETING'
    code, status, answer = failure(grafana.describe_workspace, workspaceId=made['id'])
    assert (code, status) == ('ResourceNotFoundException', 404)
    assert (answer['resourceId'], answer['resourceType']) == (made['id'], 'workspace')


def test_configuration_and_versions(grafana, workspace):
    everything = grafana.list_versions()['grafanaVersions']
    assert len(everything) >= 3
    shown = grafana.describe_workspace_configuration(workspaceId=workspace)
    assert shown['grafanaVersion'] == everything[-1]
    assert isinstance(json.loads(shown['configuration']), dict)
    old = grafana.create_workspace(grafanaVersion=everything[-2], **REQUIRED)['workspace']['id']
    assert grafana.list_versions(workspaceId=old)['grafanaVersions'] == everything[-1:]
    text = '{"unifiedAlerting": {"enabled": false},\n "plugins": {}}'
    code, status, _ = failure(grafana.update_workspace_configuration, workspaceId=old,
                              configuration=text, grafanaVersion=everything[0])
    assert (code, status) == ('ValidationException', 400)
    grafana.update_workspace_configuration(workspaceId=old, configuration=text,
                                           grafanaVersion=everything[-1])
    shown = grafana.describe_workspace_configuration(workspaceId=old)
    assert (shown['configuration'], shown['grafanaVersion']) == (text, everything[-1])
    assert grafana.list_versions(workspaceId=old)['grafanaVersions'] == []
    for bad in ('[]', '{"a"', '12'):
        assert failure(grafana.update_workspace_configuration, workspaceId=old,
                       configuration=bad)[0] == 'ValidationException'
    grafana.delete_workspace(workspaceId=old)


def test_saml_has_its_defaults_filled(grafana, workspace, hearth):
    unchecked = grafana_client(hearth, check=False)
    shown = grafana.describe_workspace_authentication(workspaceId=workspace)['authentication']
    assert shown == {'providers': ['AWS_SSO']}
    assert failure(grafana.update_workspace_authentication, workspaceId=workspace,
                   authenticationProviders=['AWS_SSO'],
                   samlConfiguration={'idpMetadata': {'url': 'https://idp'}})[1] == 400
    both = {'url': 'https://idp', 'xml': '<x/>'}
    for metadata in ({}, both):
        assert failure(unchecked.update_workspace_authentication, workspaceId=workspace,
                       authenticationProviders=['SAML'],
                       samlConfiguration={'idpMetadata': metadata})[1] == 400
    answer = grafana.update_workspace_authentication(
        workspaceId=workspace, authenticationProviders=['SAML', 'AWS_SSO'],
        samlConfiguration={'idpMetadata': {'url': 'https://idp'},
                           'roleValues': {'editor': ['e'], 'admin': ['a']}})['authentication']
    assert answer['providers'] == ['SAML', 'AWS_SSO']
    assert answer['saml']['status'] == 'CONFIGURED'
    configuration = answer['saml']['configuration']
    assert configuration['assertionAttributes'] == {'name': 'displayName', 'login': 'mail',
                                                    'email': 'mail'}
    assert configuration['loginValidityDuration'] == 1440
    assert configuration['roleValues'] == {'editor': ['e'], 'admin': ['a']}
    assert (grafana.describe_workspace_authentication(workspaceId=workspace)['authentication']
            == answer)
    one = grafana.describe_workspace(workspaceId=workspace)['workspace']
    assert one['authentication']['samlConfigurationStatus'] == 'CONFIGURED'


def test_permissions(grafana, workspace):
    def update(action, role, *users):
        return grafana.update_permissions(workspaceId=workspace, updateInstructionBatch=[
            {'action': action, 'role': role,
             'users': [{'id': user, 'type': kind} for user, kind in users]}])['errors']

    def listed(**filters):
        return {(p['user']['id'], p['role']) for p in
                grafana.list_permissions(workspaceId=workspace, **filters)['permissions']}
    assert update('ADD', 'ADMIN', (USER, 'SSO_USER'), (GROUP, 'SSO_GROUP')) == []
    assert listed() == {(USER, 'ADMIN'), (GROUP, 'ADMIN')}
    assert update('ADD', 'VIEWER', (USER, 'SSO_USER')) == []
    assert listed(userId=USER) == {(USER, 'VIEWER')}
    assert listed(groupId=GROUP) == {(GROUP, 'ADMIN')}
    assert listed(userType='SSO_GROUP') == {(GROUP, 'ADMIN')}
    assert failure(grafana.list_permissions, workspaceId=workspace, userId=USER,
                   userType='SSO_GROUP')[1] == 400
    errors = update('ADD', 'EDITOR', ('nobody', 'SSO_USER'), (GROUP, 'SSO_GROUP'))
    assert [e['code'] for e in errors] == [400]
    assert errors[0]['causedBy'] == {'action': 'ADD', 'role': 'EDITOR',
                                     'users': [{'id': 'nobody', 'type': 'SSO_USER'}]}
    assert listed() == {(USER, 'VIEWER'), (GROUP, 'EDITOR')}
    assert update('REVOKE', 'ADMIN', (USER, 'SSO_USER')) == []
    assert update('REVOKE', 'EDITOR', (GROUP, 'SSO_GROUP')) == []
    assert listed() == {(USER, 'VIEWER')}


def test_licences(grafana, workspace):
    def change(call, kind, **more):
        return call(workspaceId=workspace, licenseType=kind, **more)['workspace']
    assert 'licenseType' not in grafana.describe_workspace(workspaceId=workspace)['workspace']
    one = change(grafana.associate_license, 'ENTERPRISE_FREE_TRIAL')
    assert one['licenseType'] == 'ENTERPRISE_FREE_TRIAL'
    assert one['freeTrialConsumed'] is True
    assert (one['freeTrialExpiration'] - one['created']).days in (29, 30)
    assert failure(grafana.disassociate_license, workspaceId=workspace,
                   licenseType=ENTERPRISE)[0] == 'ResourceNotFoundException'
    assert 'licenseType' not in change(grafana.disassociate_license, 'ENTERPRISE_FREE_TRIAL')
    assert failure(grafana.associate_license, workspaceId=workspace,
                   licenseType='ENTERPRISE_FREE_TRIAL')[1] == 400
    one = change(grafana.associate_license, ENTERPRISE, grafanaToken='t' * 36)
    assert (one['licenseType'], one['grafanaToken']) == (ENTERPRISE, 't' * 36)
    change(grafana.disassociate_license, ENTERPRISE)


def test_service_accounts_and_tokens_open_the_workspace(grafana, workspace, hearth):
    account = grafana.create_workspace_service_account(
        workspaceId=workspace, name='terraform-dashboard-provisioner', grafanaRole='ADMIN')
    assert account['grafanaRole'] == 'ADMIN'
    listed = grafana.list_workspace_service_accounts(workspaceId=workspace)['serviceAccounts']
    assert listed == [{'id': account['id'], 'name': account['name'], 'isDisabled': 'false',
                       'grafanaRole': 'ADMIN'}]
    assert failure(grafana.create_workspace_service_account, workspaceId=workspace,
                   name=account['name'], grafanaRole='VIEWER')[:2] == ('ConflictException', 409)
    place = {'workspaceId': workspace, 'serviceAccountId': account['id']}
    made = grafana.create_workspace_service_account_token(name='terraform', secondsToLive=3600,
                                                          **place)['serviceAccountToken']
    key = made['key']
    assert re.fullmatch(r'glsa_[0-9A-Za-z]{32}_[0-9a-f]{8}', key)
    assert failure(grafana.create_workspace_service_account_token, name='terraform',
                   secondsToLive=1, **place)[0] == 'ConflictException'
    shown = grafana.list_workspace_service_account_tokens(**place)['serviceAccountTokens']
    assert [(t['id'], t['name']) for t in shown] == [(made['id'], 'terraform')]
    assert (shown[0]['expiresAt'] - shown[0]['createdAt']).total_seconds() == 3600
    assert 'lastUsedAt' not in shown[0]
    assert grafana_get(hearth, workspace, '/api/user', key).status_code == 200
    shown = grafana.list_workspace_service_account_tokens(**place)['serviceAccountTokens']
    assert 'lastUsedAt' in shown[0]
    default = [w['id'] for w in grafana.list_workspaces()['workspaces'] if w['id'] != workspace][0]
    assert grafana_get(hearth, default, '/api/user', key).status_code == 401
    wrong = key[:10] + ('a' if key[10] != 'a' else 'b') + key[11:]
    assert grafana_get(hearth, workspace, '/api/user', wrong).status_code == 401
    alias = requests.get(f'{hearth.http}/grafana/w/api/user', timeout=30,
                         headers={'Authorization': f'Bearer {key}'})
    assert alias.status_code == 200
    grafana.delete_workspace_service_account_token(tokenId=made['id'], **place)
    refused = grafana_get(hearth, workspace, '/api/user', key)
    assert refused.status_code == 401
    assert 'terraform/bin/grafana-auth' in refused.json()['message']
    assert failure(grafana.delete_workspace_service_account_token, tokenId=made['id'],
                   **place)[2]['resourceType'] == 'service-account-token'
    other = grafana.create_workspace_service_account_token(name='t', secondsToLive=60, **place)
    grafana.delete_workspace_service_account(**place)
    key = other['serviceAccountToken']['key']
    assert grafana_get(hearth, workspace, '/api/user', key).status_code == 401
    for bad in ('99', 'x', ''):
        assert failure(grafana.list_workspace_service_account_tokens, workspaceId=workspace,
                       serviceAccountId=bad or '%00')[1] in (400, 404)


def test_api_keys(grafana, workspace, hearth):
    made = grafana.create_workspace_api_key(workspaceId=workspace, keyName='k', keyRole='EDITOR',
                                            secondsToLive=60)
    assert made['key'].startswith('eyJr')
    user = grafana_get(hearth, workspace, '/api/user', made['key'])
    assert user.status_code == 200
    assert failure(grafana.create_workspace_api_key, workspaceId=workspace, keyName='k',
                   keyRole='EDITOR', secondsToLive=60)[1] == 409
    assert failure(grafana.create_workspace_api_key, workspaceId=workspace, keyName='l',
                   keyRole='OWNER', secondsToLive=60)[1] == 400
    assert grafana.delete_workspace_api_key(workspaceId=workspace, keyName='k')['keyName'] == 'k'
    assert grafana_get(hearth, workspace, '/api/user', made['key']).status_code == 401
    assert failure(grafana.delete_workspace_api_key, workspaceId=workspace, keyName='k')[1] == 404


def test_a_token_expires_and_frees_its_name(grafana, workspace, hearth):
    account = grafana.create_workspace_service_account(workspaceId=workspace, name='a',
                                                       grafanaRole='ADMIN')['id']
    place = {'workspaceId': workspace, 'serviceAccountId': account}
    key = grafana.create_workspace_service_account_token(
        name='t', secondsToLive=5, **place)['serviceAccountToken']['key']
    assert grafana_get(hearth, workspace, '/api/user', key).status_code == 200
    tick = threading.Event()
    for _ in range(100):
        refused = grafana_get(hearth, workspace, '/api/user', key)
        if refused.status_code == 401:
            break
        tick.wait(0.2)
    assert refused.status_code == 401
    assert refused.json()['message'].startswith('Expired API key')
    assert 'terraform/bin/grafana-auth' in refused.json()['message']
    assert grafana.list_workspace_service_account_tokens(**place)['serviceAccountTokens'] == []
    grafana.create_workspace_service_account_token(name='t', secondsToLive=5, **place)


def test_tags(grafana, workspace):
    grafana.tag_resource(resourceArn=arn(workspace), tags={'a': '1', 'b/ü': '2'})
    grafana.tag_resource(resourceArn=arn(workspace), tags={'a': '3'})
    assert grafana.list_tags_for_resource(resourceArn=arn(workspace))['tags'] == {'a': '3',
                                                                                  'b/ü': '2'}
    grafana.untag_resource(resourceArn=arn(workspace), tagKeys=['b/ü', 'none'])
    assert grafana.describe_workspace(workspaceId=workspace)['workspace']['tags'] == {'a': '3'}
    assert failure(grafana.tag_resource, resourceArn=arn(workspace), tags={'aws:x': ''})[1] == 400
    many = {f'k{i}': '' for i in range(50)}
    assert failure(grafana.tag_resource, resourceArn=arn(workspace), tags=many)[1] == 400
    for bad in (arn('g-0000000000'), 'nonsense', arn(workspace).replace('us-east-1', 'eu-west-1')):
        assert failure(grafana.list_tags_for_resource, resourceArn=bad)[1] == 404


def test_regions_are_apart(grafana, workspace, hearth):
    elsewhere = grafana_client(hearth, region='eu-central-1')
    assert elsewhere.list_workspaces()['workspaces'] == []
    assert failure(elsewhere.describe_workspace, workspaceId=workspace)[1] == 404


def test_every_paginator_with_one_row_a_page(grafana, workspace):
    others = [grafana.create_workspace(**REQUIRED)['workspace']['id'] for _ in range(2)]
    for name in 'abc':
        account = grafana.create_workspace_service_account(workspaceId=workspace, name=name,
                                                           grafanaRole='VIEWER')['id']
    for name in 'abc':
        grafana.create_workspace_service_account_token(
            workspaceId=workspace, serviceAccountId=account, name=name, secondsToLive=60)
    users = [{'id': f'12345678-1234-1234-1234-{i:012}', 'type': kind}
             for i in range(2) for kind in ('SSO_USER', 'SSO_GROUP')]
    grafana.update_permissions(workspaceId=workspace, updateInstructionBatch=[
        {'action': 'ADD', 'role': 'EDITOR', 'users': users}])
    place = {'workspaceId': workspace}
    rows = {
        'list_workspaces': ({}, 'workspaces', None),
        'list_versions': ({}, 'grafanaVersions', 4),
        'list_workspace_service_accounts': (place, 'serviceAccounts', 3),
        'list_workspace_service_account_tokens': (
            {**place, 'serviceAccountId': account}, 'serviceAccountTokens', 3),
        'list_permissions': (place, 'permissions', 4),
    }
    for operation, (members, key, count) in rows.items():
        pages = list(grafana.get_paginator(operation).paginate(
            **members, PaginationConfig={'PageSize': 1}))
        found = [row for page in pages for row in page[key]]
        whole = getattr(grafana, operation)(**members)[key]
        assert found == whole, operation
        assert count is None or len(found) == count, operation
        assert all(len(page[key]) <= 1 for page in pages), operation
        assert failure(getattr(grafana, operation), **members, nextToken='zzz')[1] == 400
    for other in others:
        grafana.delete_workspace(workspaceId=other)


def test_a_client_token_makes_one_workspace(grafana):
    made = [grafana.create_workspace(clientToken='one-token', workspaceName='idem',
                                     **REQUIRED)['workspace'] for _ in range(3)]
    assert made[0] == made[1] == made[2]
    assert failure(grafana.create_workspace, clientToken='one-token', workspaceName='other',
                   **REQUIRED)[:2] == ('ConflictException', 409)
    grafana.delete_workspace(workspaceId=made[0]['id'])


def test_a_repeated_attempt_gets_the_first_result(grafana, workspace, hearth):
    client = grafana_client(hearth)

    def same_invocation(request, **_):
        request.headers['amz-sdk-invocation-id'] = '01234567-89ab-cdef-0123-456789abcdef'
    client.meta.events.register('before-send.grafana.*', same_invocation)
    accounts = [client.create_workspace_service_account(workspaceId=workspace, name='a',
                                                        grafanaRole='ADMIN') for _ in range(2)]
    assert accounts[0]['id'] == accounts[1]['id']
    place = {'workspaceId': workspace, 'serviceAccountId': accounts[0]['id']}
    tokens = [client.create_workspace_service_account_token(name='t', secondsToLive=60, **place)
              for _ in range(2)]
    assert tokens[0]['serviceAccountToken'] == tokens[1]['serviceAccountToken']
    keys = [client.create_workspace_api_key(workspaceId=workspace, keyName='k', keyRole='ADMIN',
                                            secondsToLive=60)['key'] for _ in range(2)]
    assert keys[0] == keys[1]
    assert len(grafana.list_workspace_service_account_tokens(**place)['serviceAccountTokens']) == 1


# ---- refusals that the service model asks for -----------------------------------------------

MODEL = botocore.session.get_session().get_service_model('grafana')


def valid(shape, name=''):
    """A value that the model takes."""
    if name == 'workspaceId':
        return 'g-0000000000'
    if shape.type_name == 'structure':
        return {member: valid(shape.members[member], member) for member in shape.required_members}
    if shape.type_name == 'list':
        return [valid(shape.member)] * max(1, shape.metadata.get('min', 0))
    if shape.type_name == 'map':
        return {'k': 'v'}
    if shape.type_name in ('integer', 'long'):
        return shape.metadata.get('min', 1)
    if shape.type_name == 'boolean':
        return True
    return shape.enum[0] if shape.enum else 'a' * max(1, shape.metadata.get('min', 1))


def spoilt(shape):
    """Values that the model does not take, each with what is wrong. Of another type only where
    botocore can still write them.
    """
    limits = shape.metadata
    if shape.type_name == 'string':
        if shape.enum:
            yield 'enum', 'no-such-value'
        if 'max' in limits:
            yield 'too long', 'a' * (limits['max'] + 1)
        if limits.get('min', 0) > 0:
            yield 'too short', ''
        if 'pattern' in limits:
            yield 'pattern', ' !'
        yield 'type', 7
    elif shape.type_name == 'integer':
        if 'max' in limits:
            yield 'too large', limits['max'] + 1
        if 'min' in limits:
            yield 'too small', limits['min'] - 1
        yield 'type', 'x'
    elif shape.type_name == 'list':
        if 'max' in limits:
            yield 'too many', [valid(shape.member)] * (limits['max'] + 1)
        if limits.get('min', 0) > 0:
            yield 'too few', []
        for what, value in spoilt(shape.member):
            yield f'[0] {what}', [value] * max(1, limits.get('min', 0))
    elif shape.type_name == 'map':
        if 'max' in limits:
            yield 'too many', {f'k{i}': '' for i in range(limits['max'] + 1)}
    elif shape.type_name == 'structure':
        for member in shape.required_members:
            rest = valid(shape)
            del rest[member]
            yield f'without {member}', rest
        for member, inner in shape.members.items():
            for what, value in spoilt(inner):
                yield f'{member} {what}', {**valid(shape), member: value}


def refusals():
    for operation in MODEL.operation_names:
        shape = MODEL.operation_model(operation).input_shape
        for name, member in (shape.members if shape else {}).items():
            location = member.serialization.get('location')
            if name in shape.required_members and location is None:
                yield operation, f'without {name}', name, None
            if location == 'uri' and not member.enum:
                continue  # another path, or a resource that is not there
            for what, value in spoilt(member):
                if location == 'header' and value == '':
                    continue  # an empty header is none
                if location in ('querystring', 'uri', 'header') and what.endswith('type'):
                    if member.type_name != 'integer':
                        continue  # all of a URL is text
                yield operation, f'{name} {what}', name, value


ROWS = list(refusals())


@pytest.mark.parametrize('operation', MODEL.operation_names)
def test_what_the_model_refuses_is_a_validation_exception(operation, shared_hearth):
    client = grafana_client(shared_hearth, check=False)
    call = getattr(client, botocore.xform_name(operation))
    shape = MODEL.operation_model(operation).input_shape
    for _, what, name, value in (row for row in ROWS if row[0] == operation):
        members = {**valid(shape), name: value}
        if value is None:
            del members[name]
        code, status, answer = failure(call, **members)
        assert (code, status) == ('ValidationException', 400), (operation, what)
        assert answer['reason'] == 'FIELD_VALIDATION_FAILED', (operation, what)
        assert answer['fieldList'], (operation, what)


def test_the_model_gives_many_rows():
    assert len(ROWS) > 120


# ---- the error table (aws-contract.md §1.4) -------------------------------------------------

def test_quotas_of_aws(start_hearth):
    process = start_hearth(arguments=['--fidelity', 'aws'])
    client = grafana_client(process, retries=12)  # CreateWorkspace: one a second
    made = [client.create_workspace(**REQUIRED)['workspace']['id'] for _ in range(4)]
    code, status, answer = failure(client.create_workspace, **REQUIRED)
    assert (code, status) == ('ServiceQuotaExceededException', 402)
    assert answer['serviceCode'] == 'grafana'
    client.delete_workspace(workspaceId=made[0])
    client.create_workspace(**REQUIRED)
    one = made[1]
    for i in range(100):
        client.create_workspace_api_key(workspaceId=one, keyName=f'k{i}', keyRole='ADMIN',
                                        secondsToLive=600)
    assert failure(client.create_workspace_api_key, workspaceId=one, keyName='more',
                   keyRole='ADMIN', secondsToLive=600)[1] == 402


def test_request_rates_of_aws(start_hearth):
    client = grafana_client(start_hearth(arguments=['--fidelity', 'aws']))
    absent = {'workspaceId': 'g-0123456789'}

    def codes(call, **arguments):
        return {failure(call, **arguments)[0] for _ in range(40)}

    both = {'ResourceNotFoundException', 'ThrottlingException'}
    assert codes(client.describe_workspace, **absent) == both
    assert codes(client.delete_workspace, **absent) == both
    while True:
        code, status, answer = failure(client.delete_workspace, **absent)
        if status == 429:
            break
    assert (code, answer['serviceCode']) == ('ThrottlingException', 'grafana')
    assert 'quotaCode' not in answer, 'AWS publishes none'
    assert client.list_workspaces()['workspaces'], 'lists have no rate'
    assert codes(client.list_workspace_service_accounts, **absent) == {'ResourceNotFoundException'}


def test_refusals_of_paths_and_bodies(hearth):
    from connect import client_for
    client = client_for(hearth).but(service='grafana', prefix='')
    rows = [('GET', '/nothing', None, 'UNKNOWN_OPERATION'),
            ('PUT', '/workspaces', '{}', 'UNKNOWN_OPERATION'),
            ('POST', '/workspaces', '{', 'CANNOT_PARSE'),
            ('POST', '/workspaces', '[]', 'CANNOT_PARSE'),
            ('POST', '/workspaces', '{}', 'FIELD_VALIDATION_FAILED')]
    for method, path, body, reason in rows:
        answer = client.request(method, path, data=body,
                                headers={'Content-Type': 'application/json'})
        assert answer.json().get('reason') == reason, (method, path, answer.text)
        assert answer.headers['x-amzn-ErrorType'] == 'ValidationException'
        assert answer.headers['x-amzn-RequestId']


# ---- many at once ---------------------------------------------------------------------------

def test_fifty_threads_leave_nothing_behind(hearth):
    client = grafana_client(hearth)
    before = {w['id'] for w in client.list_workspaces()['workspaces']}
    common = client.create_workspace(workspaceName='common', **REQUIRED)['workspace']['id']
    problems, counter = [], itertools.count()

    def life():
        try:
            for _ in range(2):
                own = client.create_workspace(**REQUIRED)['workspace']['id']
                name = f'a{next(counter)}'
                account = client.create_workspace_service_account(
                    workspaceId=common, name=name, grafanaRole='EDITOR')['id']
                client.create_workspace_service_account_token(
                    workspaceId=common, serviceAccountId=account, name=name, secondsToLive=60)
                client.delete_workspace(workspaceId=own)
                client.delete_workspace_service_account(workspaceId=common,
                                                        serviceAccountId=account)
        except Exception as problem:  # every thread's fate is looked at below
            problems.append(problem)
    threads = [threading.Thread(target=life) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    accounts = client.list_workspace_service_accounts(workspaceId=common)['serviceAccounts']
    assert accounts == []
    client.delete_workspace(workspaceId=common)
    assert {w['id'] for w in client.list_workspaces()['workspaces']} == before


# ---- foreign bytes --------------------------------------------------------------------------

def mutated(rng, text):
    data = bytearray(text.encode())
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            data[at:at] = rng.choice([b'{', b'"', b'\x00', b'\xff', b'null', b'9' * 40, b'[' * 50])
        elif kind == 1:
            del data[at:at + rng.randint(1, 8)]
        elif kind == 2 and data:
            data[at % len(data)] = rng.randrange(256)
        else:
            data[at:at] = data[max(0, at - 16):at]
    return bytes(data)


def mutate_requests(hearth, count):
    from connect import client_for
    client = client_for(hearth).but(service='grafana', prefix='')
    rng = random.Random(20261122)
    operations = [MODEL.operation_model(name) for name in MODEL.operation_names]
    for i in range(count):
        operation = rng.choice(operations)
        members = valid(operation.input_shape)
        path = operation.http['requestUri']
        for name in re.findall(r'{(\w+)}', path):
            path = path.replace('{%s}' % name, str(members.pop(name, 'x')))
        body = json.dumps(members)
        if rng.random() < 0.3:
            path = '/' + urllib.parse.quote(mutated(rng, path[1:]), safe='/%?&=')
        else:
            body = mutated(rng, body)
        answer = client.request(operation.http['method'], path, data=body,
                                headers={'Content-Type': 'application/json'})
        assert answer.status_code < 500, (i, operation.name, path, body, answer.text)
    assert hearth.alive()


def test_mutated_requests_are_refused_and_nothing_breaks(shared_hearth):
    mutate_requests(shared_hearth, 100)


@pytest.mark.long
def test_many_mutated_requests(start_hearth):
    process = start_hearth()
    mutate_requests(process, 500)
    before = process.status_kib('VmRSS')
    mutate_requests(process, 10_000)
    assert process.status_kib('VmRSS') < before + 64 * 1024
