# SPDX-License-Identifier: Apache-2.0
"""AWS's own clients with the profile that hearth writes, and no other option."""

import json
import os
import re
import shutil
import subprocess
import sys

import boto3
import botocore.exceptions
import pytest

from hearth_process import clean_environment


@pytest.fixture(scope='module')
def session(shared_hearth):
    old = dict(os.environ)
    for name in list(os.environ):
        if name.startswith('AWS_') or name.lower().endswith('_proxy'):
            del os.environ[name]
    os.environ.update(shared_hearth.aws_environment())
    yield boto3.Session()
    os.environ.clear()
    os.environ.update(old)


def test_get_caller_identity(session):
    answer = session.client('sts').get_caller_identity()
    assert answer['Account'] == '000000000000'
    assert answer['Arn'] == 'arn:aws:iam::000000000000:root'
    assert answer['UserId'] == '000000000000'


def test_list_workspaces(session):
    found = session.client('amp').list_workspaces()['workspaces']
    assert [w['alias'] for w in found] == ['default']
    workspace = found[0]
    assert re.fullmatch(r'ws-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', workspace['workspaceId'])
    assert workspace['arn'] == ('arn:aws:aps:us-east-1:000000000000:workspace/'
                                + workspace['workspaceId'])
    assert workspace['status'] == {'statusCode': 'ACTIVE'}
    assert workspace['createdAt'].year >= 2024


@pytest.mark.parametrize('alias,count', [('default', 1), ('def', 1), ('other', 0)])
def test_list_workspaces_by_alias_prefix(session, alias, count):
    assert len(session.client('amp').list_workspaces(alias=alias)['workspaces']) == count


def test_describe_workspace(session, shared_hearth):
    amp = session.client('amp')
    workspace_id = amp.list_workspaces()['workspaces'][0]['workspaceId']
    workspace = amp.describe_workspace(workspaceId=workspace_id)['workspace']
    assert workspace['alias'] == 'default'
    assert workspace['prometheusEndpoint'] == f'{shared_hearth.http}/workspaces/{workspace_id}/'


def test_describe_unknown_workspace(session):
    with pytest.raises(botocore.exceptions.ClientError) as failure:
        session.client('amp').describe_workspace(
            workspaceId='ws-00000000-0000-0000-0000-000000000000')
    error = failure.value.response
    assert error['Error']['Code'] == 'ResourceNotFoundException'
    assert error['ResponseMetadata']['HTTPStatusCode'] == 404
    assert error['resourceType'] == 'workspace'


def test_malformed_workspace_id(session):
    with pytest.raises(botocore.exceptions.ClientError) as failure:
        session.client('amp').describe_workspace(workspaceId='nonsense')
    assert failure.value.response['Error']['Code'] in ('ValidationException',
                                                       'ResourceNotFoundException')


def test_regions_are_kept_apart(session):
    amp = session.client('amp', region_name='eu-west-1')
    assert amp.list_workspaces()['workspaces'] == []


@pytest.mark.compat
def run_aws_cli(process, *arguments):
    aws = shutil.which('aws', path=os.path.dirname(sys.executable)) or shutil.which('aws')
    if aws is None:
        pytest.skip('the AWS CLI is not installed (tools/setup test brings it)')
    return subprocess.run(
        [aws, *arguments], capture_output=True, text=True,
        timeout=120, check=False, env=clean_environment(process.aws_environment()))


def test_aws_cli(shared_hearth):
    answer = run_aws_cli(shared_hearth, 'amp', 'list-workspaces', '--output', 'json')
    assert answer.returncode == 0, answer.stderr
    assert [w['alias'] for w in json.loads(answer.stdout)['workspaces']] == ['default']


def test_aws_cli_decodes_the_message_of_a_refusal(shared_hearth, session):
    iam = session.client('iam')
    iam.create_user(UserName='cli-refused')
    key = iam.create_access_key(UserName='cli-refused')['AccessKey']
    refused = boto3.Session(aws_access_key_id=key['AccessKeyId'],
                            aws_secret_access_key=key['SecretAccessKey']).client('amp')
    with pytest.raises(botocore.exceptions.ClientError) as failure:
        refused.list_workspaces()
    headers = failure.value.response['ResponseMetadata']['HTTPHeaders']
    decode = ('sts', 'decode-authorization-message', '--query', 'DecodedMessage', '--output',
              'text', '--encoded-message')
    answer = run_aws_cli(shared_hearth, *decode, headers['x-hearth-encoded-message'])
    assert answer.returncode == 0, answer.stderr
    context = json.loads(answer.stdout)['context']
    assert context['action'] == 'aps:ListWorkspaces'
    assert context['principal']['arn'] == 'arn:aws:iam::000000000000:user/cli-refused'
    answer = run_aws_cli(shared_hearth, *decode, 'nothing')
    assert answer.returncode != 0
    assert 'InvalidAuthorizationMessageException' in answer.stderr
    iam.delete_access_key(UserName='cli-refused', AccessKeyId=key['AccessKeyId'])
    iam.delete_user(UserName='cli-refused')
