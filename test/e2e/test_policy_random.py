# SPDX-License-Identifier: Apache-2.0
"""The policy engine against random policies and requests, judged a second time by an evaluator
that was written from AWS's text (issue 4, «Must show» 7), over SimulateCustomPolicy; and mutated
requests to the STS and IAM faces (8)."""

import collections
import json
import random

import pytest

import policy_evaluator
from aws_session import TRUST_ACCOUNT, client, policy, unique
from connect import client_for
from signed_client import form

PER_CALL = 10


def judge(process, seed, count):
    """Disagreements among `count` requests, and how often each verdict was given."""
    chance = random.Random(seed)
    iam = client(process, 'iam')
    differing, verdicts = [], collections.Counter()
    for _ in range(count // PER_CALL):
        case = policy_evaluator.random_case(chance)
        actions = chance.sample(policy_evaluator.ACTIONS, 5)
        resources = chance.sample(policy_evaluator.RESOURCES, 2)
        answer = iam.simulate_custom_policy(
            **policy_evaluator.request_of(case, actions, resources))
        for result in answer['EvaluationResults']:
            action, resource = result['EvalActionName'], result['EvalResourceName']
            expected = policy_evaluator.decide(case, action, resource)
            verdicts[expected] += 1
            if result['EvalDecision'] != expected:
                differing.append((action, resource, expected, result['EvalDecision'], case))
    return differing, verdicts


def check(process, seed, count):
    differing, verdicts = judge(process, seed, count)
    shown = json.dumps(differing[:3], indent=1)
    assert not differing, f'{len(differing)} of {count} differ (seed {seed})\n{shown}'
    assert sum(verdicts.values()) == count
    # All three verdicts are common, or the cases would prove little.
    assert min(verdicts.values()) > count / 20 and len(verdicts) == 3, verdicts


def test_thousand_random_requests(shared_hearth):
    check(shared_hearth, seed=4, count=1000)


@pytest.mark.long
@pytest.mark.parametrize('part', range(10))
def test_hundred_thousand_random_requests(shared_hearth, part):
    check(shared_hearth, seed=100 + part, count=10_000)


# ---- mutated requests ---------------------------------------------------------------------------

def forms():
    role, arn = unique('role'), 'arn:aws:iam::000000000000:role/some-role'
    document = policy({'Action': 'aps:*', 'Resource': '*'})
    tags = {'Tags.member.1.Key': 'a', 'Tags.member.1.Value': 'b'}
    return [
        ('iam', {'Action': 'CreateRole', 'RoleName': role, 'Path': '/', **tags,
                 'AssumeRolePolicyDocument': TRUST_ACCOUNT, 'MaxSessionDuration': '3600'}),
        ('iam', {'Action': 'PutRolePolicy', 'RoleName': role, 'PolicyName': 'p',
                 'PolicyDocument': document}),
        ('iam', {'Action': 'CreatePolicy', 'PolicyName': unique(), 'PolicyDocument': document}),
        ('iam', {'Action': 'ListRoles', 'MaxItems': '10', 'Marker': 'YQ', 'PathPrefix': '/'}),
        ('iam', {'Action': 'CreateOpenIDConnectProvider', 'Url': 'https://a.example.com',
                 'ClientIDList.member.1': 'x', 'ThumbprintList.member.1': 'a' * 40}),
        ('iam', {'Action': 'SimulateCustomPolicy', 'PolicyInputList.member.1': document,
                 'ActionNames.member.1': 'aps:RemoteWrite',
                 'ContextEntries.member.1.ContextKeyName': 'aws:SourceIp',
                 'ContextEntries.member.1.ContextKeyValues.member.1': '10.0.0.1'}),
        ('iam', {'Action': 'CreateUser', 'UserName': unique()}),
        ('sts', {'Action': 'GetCallerIdentity'}),
        ('sts', {'Action': 'DecodeAuthorizationMessage', 'EncodedMessage': 'AQ' + 'a' * 98}),
        ('sts', {'Action': 'AssumeRole', 'RoleArn': arn, 'RoleSessionName': 'tests',
                 'Policy': document, 'DurationSeconds': '900', **tags}),
        ('sts', {'Action': 'AssumeRoleWithWebIdentity', 'RoleArn': arn, 'RoleSessionName': 's1',
                 'WebIdentityToken': 'eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2EifQ.AAAA'}),
    ]


ODD = ['', '\0', '%', 'é', '\ud7ff', '🙂', 'x' * 5000, '-1', '99999999999999999999', '{}', '[]',
       '"', '<a>', '../..', 'arn:aws:iam::', ':::::', '*', '${aws:username}', '{"Version":', '\r\n']


def mutate(chance, parameters):
    parameters = dict(parameters)
    for _ in range(chance.randint(1, 3)):
        name = chance.choice(list(parameters))
        how = chance.randrange(6)
        value = parameters[name]
        if how == 0:
            parameters[name] = chance.choice(ODD)
        elif how == 1:
            del parameters[name]
        elif how == 2 and value:
            at = chance.randrange(len(value))
            parameters[name] = value[:at] + chance.choice(ODD) + value[at + 1:]
        elif how == 3:
            suffix = chance.choice(['.member.1', '.member.0', '.', '.member.x.Key'])
            parameters[name + suffix] = value
        elif how == 4:
            parameters[chance.choice(ODD)[:100]] = value
        else:
            parameters[name] = value * 3
        if not parameters:
            break
    return parameters


def mutated(process, seed, count):
    chance = random.Random(seed)
    clients = {service: client_for(process, service=service) for service in ('iam', 'sts')}
    statuses = collections.Counter()
    for _ in range(count):
        service, parameters = chance.choice(forms())
        version = {'iam': '2010-05-08', 'sts': '2011-06-15'}[service]
        parameters = mutate(chance, {**parameters, 'Version': version})
        body = form(parameters)
        if chance.random() < 0.3 and body:
            at = chance.randrange(len(body))
            body = body[:at] + chance.choice(['%', '&', '=', '%00', '%ff', '+']) + body[at:]
        unsigned = service == 'sts' and chance.random() < 0.3
        sender = clients[service].but(auth='none') if unsigned else clients[service]
        answer = sender.post('/', body.encode(), headers={
            'Content-Type': 'application/x-www-form-urlencoded'})
        assert answer.status_code < 500 or answer.status_code == 501, (
            answer.status_code, answer.text, body)
        if answer.status_code != 200:
            assert '<Code>' in answer.text, (answer.text, body)
        statuses[answer.status_code] += 1
    assert process.alive()
    return statuses


def test_hundred_mutated_requests(shared_hearth):
    statuses = mutated(shared_hearth, seed=8, count=100)
    assert statuses[400] > 20, statuses


@pytest.mark.long
def test_ten_thousand_mutated_requests_a_face(start_hearth):
    process = start_hearth()
    mutated(process, seed=80, count=1000)
    before = process.status_kib('RssAnon')
    mutated(process, seed=81, count=20_000)
    assert process.status_kib('RssAnon') - before < 64 * 1024
