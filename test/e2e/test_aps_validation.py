# SPDX-License-Identifier: Apache-2.0
"""Requests that the service model of `aps` forbids, made from the model itself: each constraint of
each member, required ones left out, and 10,000 mutations of good requests."""

import json
import random
import urllib.parse

import pytest

import aps_model as model
from connect import client_for, default_workspace

# Operations with a body, and a good one.
GOOD = {
    'CreateWorkspace': {'alias': 'a', 'tags': {'k': 'v'},
                        'kmsKeyArn': 'arn:aws:kms:us-east-1:000000000000:key/abc-def'},
    'UpdateWorkspaceAlias': {'alias': 'a'},
    'CreateRuleGroupsNamespace': {'name': 'n', 'data': model.RULES, 'tags': {'k': 'v'}},
    'PutRuleGroupsNamespace': {'data': model.RULES},
    'CreateAlertManagerDefinition': {'data': model.ALERT_MANAGER},
    'PutAlertManagerDefinition': {'data': model.ALERT_MANAGER},
    'UpdateWorkspaceConfiguration': {
        'retentionPeriodInDays': 30, 'outOfOrderTimeWindowInSeconds': 60,
        'ruleQueryOffsetInSeconds': 60,
        'limitsPerLabelSet': [{'labelSet': {'a': 'b'}, 'limits': {'maxSeries': 1}}]},
    'CreateLoggingConfiguration': {'logGroupArn': model.LOG_GROUP},
    'UpdateLoggingConfiguration': {'logGroupArn': model.LOG_GROUP},
    'CreateQueryLoggingConfiguration': {'destinations': model.DESTINATIONS},
    'UpdateQueryLoggingConfiguration': {'destinations': model.DESTINATIONS},
    'PutResourcePolicy': {'policyDocument': json.dumps(model.POLICY), 'revisionId': 'NO_POLICY'},
    'CreateScraper': {
        **model.scraper('arn:aws:aps:us-east-1:000000000000:workspace/ws-1'), 'alias': 'a',
        'roleConfiguration': {'sourceRoleArn': 'arn:aws:iam::000000000000:role/r'},
        'tags': {'k': 'v'}},
    'UpdateScraper': {'alias': 'a', 'scrapeConfiguration': {'configurationBlob': model.SCRAPE}},
    'UpdateScraperLoggingConfiguration': {
        'loggingDestination': {'cloudWatchLogs': {'logGroupArn': model.LOG_GROUP}},
        'scraperComponents': [{'type': 'COLLECTOR', 'config': {'options': {'a': 'b'}}}]},
    'CreateAnomalyDetector': {
        'alias': 'a', 'configuration': model.FOREST, 'evaluationIntervalInSeconds': 60,
        'missingDataAction': {'skip': True}, 'labels': {'a': 'b'}, 'tags': {'k': 'v'}},
    'PutAnomalyDetector': {'configuration': model.FOREST, 'evaluationIntervalInSeconds': 60,
                           'labels': {'a': 'b'}},
    'TagResource': {'tags': {'k': 'v'}},
}
SERVICE = model.service_model()


@pytest.fixture(scope='module')
def hearth(module_hearth):
    return module_hearth()


@pytest.fixture(scope='module')
def root(hearth):
    return client_for(hearth)


@pytest.fixture(scope='module')
def labels(root):
    wid = default_workspace(root)
    return {'workspaceId': wid, 'name': 'n', 'scraperId': 's-1', 'anomalyDetectorId': 'ad-1',
            'resourceArn': f'arn:aws:aps:us-east-1:000000000000:workspace/{wid}'}


def path_of(operation, labels):
    path = operation.http['requestUri']
    for name, value in labels.items():
        path = path.replace('{' + name + '}', urllib.parse.quote(value, safe=''))
    return path


def send(root, name, labels, body):
    operation = SERVICE.operation_model(name)
    return root.request(operation.http['method'], path_of(operation, labels),
                        data=json.dumps(body))


def test_every_operation_with_a_body_is_here():
    with_body = {name for name in SERVICE.operation_names
                 if SERVICE.operation_model(name).http['method'] in ('POST', 'PUT', 'PATCH')}
    assert with_body == set(GOOD)


@pytest.mark.parametrize('name', sorted(GOOD))
def test_each_constraint_of_each_member(root, labels, name):
    shape = SERVICE.operation_model(name).input_shape
    good = model.wire(GOOD[name])
    checked = 0
    for path, member, required in model.members(shape, good):
        cases = list(model.bad_values(member))
        if (longer := model.lengthened(member, model.at(good, path))) is not None:
            cases.append(('too many', longer))
        if required:
            cases.append(('missing', ...))
        for what, value in cases:
            answer = send(root, name, labels, model.changed(good, path, value))
            where = f'{name} {path}: {what}'
            assert answer.status_code == 400, f'{where}: {answer.status_code} {answer.text}'
            assert answer.headers['x-amzn-ErrorType'] == 'ValidationException', where
            said = answer.json()
            assert said['reason'] == 'FIELD_VALIDATION_FAILED', f'{where}: {said}'
            assert any(field['name'].startswith(str(path[0])) for field in said['fieldList']), \
                f'{where}: {said}'
            checked += 1
    assert checked >= 2


@pytest.mark.parametrize('token', ['', 'x' * 65, 'with space', '\u2603'])
def test_client_tokens(root, labels, token):
    for name, body in GOOD.items():
        shape = SERVICE.operation_model(name).input_shape
        if 'clientToken' not in shape.members:
            continue
        answer = send(root, name, labels, {**model.wire(body), 'clientToken': token})
        assert answer.status_code == 400, name
        assert answer.json()['fieldList'][0]['name'] == 'clientToken'


@pytest.mark.parametrize('name', ['ListWorkspaces', 'ListScrapers', 'ListRuleGroupsNamespaces',
                                  'ListAnomalyDetectors'])
@pytest.mark.parametrize('query', ['maxResults=0', 'maxResults=1001', 'maxResults=x',
                                   'nextToken=nonsense', 'maxResults=%00', 'alias=%FF&name=%FF'])
def test_query_members(root, labels, name, query):
    operation = SERVICE.operation_model(name)
    answer = root.get(path_of(operation, labels) + '?' + query)
    assert answer.status_code == 400, answer.text
    assert answer.headers['x-amzn-ErrorType'] == 'ValidationException'


def mutate(rng, text):
    """A good request's bytes with something wrong in them."""
    data = bytearray(text.encode())
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(5)
        if kind == 0 and data:
            data[at % len(data)] = rng.randrange(256)
        elif kind == 1:
            data[at:at] = bytes([rng.randrange(256)])
        elif kind == 2:
            del data[at:at + rng.randint(1, 8)]
        elif kind == 3:
            data[at:at] = rng.choice([b'null', b'{', b'[[[[', b'"\\u0000"', b'-1e999', b'\xff',
                                      b'99999999999999999999', b'"\\ud800"', b'{"":""}'])
        else:
            data[at:at] = data[at // 2:at]
    return bytes(data)


def mutate_requests(root, labels, count, seed):
    rng = random.Random(seed)
    names = sorted(SERVICE.operation_names)
    for number in range(count):
        name = rng.choice(names)
        operation = SERVICE.operation_model(name)
        body = json.dumps(model.wire(GOOD.get(name, {})))
        path = path_of(operation, labels)
        # Deleting the default workspace is no mistake, and would end the test.
        method = 'GET' if name == 'DeleteWorkspace' else operation.http['method']
        if rng.random() < 0.3:
            path = urllib.parse.quote(mutate(rng, path), safe="/%?&=:~!$'()*+,;@")
            if method == 'DELETE':
                method = 'PUT'
        if rng.random() < 0.3:
            path += '?' + urllib.parse.quote(mutate(rng, 'maxResults=1&nextToken=a&tagKeys=b'),
                                             safe='=&%+')
        # The client takes "//x" for a host; other tests have double slashes.
        path = '/' + path.lstrip('/')
        answer = root.request(method, path, data=mutate(rng, body) if rng.random() < 0.8 else body,
                              headers={'Content-Type': 'application/json'})
        assert answer.status_code < 500 or answer.status_code == 501, \
            f'{number}: {method} {path} {answer.status_code} {answer.text}'


def test_mutated_requests(root, labels):
    mutate_requests(root, labels, 100, seed=1)


@pytest.mark.long
def test_many_mutated_requests(hearth, root, labels):
    mutate_requests(root, labels, 1000, seed=2)
    before = hearth.status_kib('RssAnon')
    mutate_requests(root, labels, 10_000, seed=3)
    assert hearth.status_kib('RssAnon') - before < 64 * 1024
