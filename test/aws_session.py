# SPDX-License-Identifier: Apache-2.0
"""boto3 against a server that a test has started, and what tests of IAM and STS share."""

import contextlib
import json
import os
import uuid

import boto3
import botocore.config
import botocore.exceptions
import pytest

ACCOUNT = '000000000000'
CONFIG = botocore.config.Config(retries={'total_max_attempts': 1}, parameter_validation=True)
IRSA_AUDIENCE = 'sts.amazonaws.com'


def session_for(process, credentials=None):
    """A boto3 session as root, or with the `Credentials` of an STS answer or an access key."""
    profile = process.profile()
    keys = credentials or {'AccessKeyId': profile['aws_access_key_id'],
                           'SecretAccessKey': profile['aws_secret_access_key']}
    return boto3.Session(aws_access_key_id=keys['AccessKeyId'],
                         aws_secret_access_key=keys['SecretAccessKey'],
                         aws_session_token=keys.get('SessionToken'),
                         region_name=profile.get('region', 'us-east-1'))


def client(process, service, credentials=None, config=CONFIG, **options):
    return session_for(process, credentials).client(service, endpoint_url=process.http,
                                                    config=config, **options)


@contextlib.contextmanager
def fails(code, status=None, text=None):
    """The call in the body is refused with this code; yields a dict that then holds the error."""
    caught = {}
    with pytest.raises(botocore.exceptions.ClientError) as failure:
        yield caught
    answer = failure.value.response
    caught.update(answer)
    assert answer['Error']['Code'] == code, answer
    if status is not None:
        assert answer['ResponseMetadata']['HTTPStatusCode'] == status, answer
    if text is not None:
        assert text in answer['Error']['Message'], answer
    assert answer['ResponseMetadata'].get('RequestId'), answer


def missing_statement(answer):
    """The statement that a refusal names."""
    return json.loads(answer['ResponseMetadata']['HTTPHeaders']['x-hearth-missing-statement'])


def policy(*statements):
    return json.dumps({'Version': '2012-10-17', 'Statement': [
        {'Effect': 'Allow', **statement} for statement in statements]})


def trust(principal, action='sts:AssumeRole', condition=None):
    statement = {'Effect': 'Allow', 'Principal': principal, 'Action': action}
    if condition:
        statement['Condition'] = condition
    return json.dumps({'Version': '2012-10-17', 'Statement': [statement]})


TRUST_ACCOUNT = trust({'AWS': ACCOUNT})


def unique(prefix='t'):
    return f'{prefix}-{uuid.uuid4().hex[:10]}'


def without_aws_environment():
    """Takes the caller's own AWS settings away for the time of a test; returns what to restore."""
    kept = {k: os.environ.pop(k) for k in list(os.environ)
            if k.startswith('AWS_') or k.lower().endswith('_proxy')}
    return kept
