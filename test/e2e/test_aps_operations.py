# SPDX-License-Identifier: Apache-2.0
"""Every operation of `aps` through boto3: answers parse as the service model says, waiters and
paginators work, errors are those of aws-contract.md §1.4."""

import base64
import json
import re
import threading

import botocore.exceptions
import pytest

import aps_model as model
from connect import client_for, wait_for
from terraform_process import aws_client
from two_processes import ONE_OR_TWO, closing, one_or_two, stores

ACTIVE = {'statusCode': 'ACTIVE'}


@pytest.fixture(scope='module')
def own_hearth(module_hearth):
    return module_hearth()


@pytest.fixture(scope='module', params=ONE_OR_TWO)
def hearth(request):
    yield from one_or_two(request, 'own_hearth')


@pytest.fixture(scope='module')
def amp(hearth):
    return closing(aws_client(hearth, 'amp'))


@pytest.fixture
def workspace(amp):
    made = amp.create_workspace(alias='of-a-test', tags={'a': 'b'})
    yield made
    try:
        amp.delete_workspace(workspaceId=made['workspaceId'])
    except amp.exceptions.ResourceNotFoundException:
        pass


@pytest.fixture
def wid(workspace):
    return workspace['workspaceId']


def refusal(call, *args, **kwargs):
    """(code, HTTP status, the whole answer) of a call that must fail."""
    with pytest.raises(botocore.exceptions.ClientError) as failure:
        call(*args, **kwargs)
    answer = failure.value.response
    return answer['Error']['Code'], answer['ResponseMetadata']['HTTPStatusCode'], answer


def code_of(call, *args, **kwargs):
    return refusal(call, *args, **kwargs)[:2]


def test_a_workspace_lives(hearth, amp):
    made = amp.create_workspace(alias='  life ', tags={'k': 'v'},
                                kmsKeyArn='arn:aws:kms:us-east-1:000000000000:key/abc-def')
    wid = made['workspaceId']
    assert made['ResponseMetadata']['HTTPStatusCode'] == 202
    assert made['status'] == ACTIVE and made['tags'] == {'k': 'v'}
    amp.get_waiter('workspace_active').wait(workspaceId=wid)
    shown = amp.describe_workspace(workspaceId=wid)['workspace']
    assert shown['alias'] == 'life'
    assert shown['kmsKeyArn'].endswith('key/abc-def')
    assert shown['prometheusEndpoint'] == f'{hearth.http}/workspaces/{wid}/'
    assert shown['createdAt'].year >= 2024
    renamed = amp.update_workspace_alias(workspaceId=wid, alias='other')
    assert renamed['ResponseMetadata']['HTTPStatusCode'] == 204
    assert amp.describe_workspace(workspaceId=wid)['workspace']['alias'] == 'other'
    assert wid in stores(hearth)
    gone = amp.delete_workspace(workspaceId=wid)
    assert gone['ResponseMetadata']['HTTPStatusCode'] == 202
    amp.get_waiter('workspace_deleted').wait(workspaceId=wid)
    wait_for(lambda: wid not in stores(hearth))
    assert code_of(amp.delete_workspace, workspaceId=wid) == ('ResourceNotFoundException', 404)


def test_rule_groups_namespaces(amp, wid):
    data = model.RULES + b'# trailing spaces  \r\n\n'
    made = amp.create_rule_groups_namespace(workspaceId=wid, name='my rules', data=data,
                                            tags={'x': 'y'})
    assert made['arn'] == f'arn:aws:aps:us-east-1:000000000000:rulegroupsnamespace/{wid}/my rules'
    shown = amp.describe_rule_groups_namespace(workspaceId=wid, name='my rules')
    assert shown['ruleGroupsNamespace']['data'] == data, 'byte for byte'
    assert shown['ruleGroupsNamespace']['tags'] == {'x': 'y'}
    assert code_of(amp.create_rule_groups_namespace, workspaceId=wid, name='my rules',
                   data=data) == ('ConflictException', 409)
    changed = amp.put_rule_groups_namespace(workspaceId=wid, name='my rules', data=model.RULES)
    assert changed['ResponseMetadata']['HTTPStatusCode'] == 202
    after = amp.describe_rule_groups_namespace(workspaceId=wid, name='my rules')
    assert after['ruleGroupsNamespace']['data'] == model.RULES
    assert after['ruleGroupsNamespace']['modifiedAt'] >= after['ruleGroupsNamespace']['createdAt']
    for name in ('a', 'b1', 'b2'):
        amp.create_rule_groups_namespace(workspaceId=wid, name=name, data=model.RULES)
    listed = amp.list_rule_groups_namespaces(workspaceId=wid, name='b')
    assert [r['name'] for r in listed['ruleGroupsNamespaces']] == ['b1', 'b2']
    pages = list(amp.get_paginator('list_rule_groups_namespaces').paginate(
        workspaceId=wid, PaginationConfig={'PageSize': 1}))
    assert [p['ruleGroupsNamespaces'][0]['name'] for p in pages] == ['a', 'b1', 'b2', 'my rules']
    amp.delete_rule_groups_namespace(workspaceId=wid, name='my rules')
    assert code_of(amp.describe_rule_groups_namespace, workspaceId=wid, name='my rules') == \
        ('ResourceNotFoundException', 404)
    assert code_of(amp.put_rule_groups_namespace, workspaceId=wid, name='my rules',
                   data=model.RULES) == ('ResourceNotFoundException', 404)


@pytest.mark.parametrize('data,words', [
    (b'groups: [', 'line'),
    (b'groups:\n  - name: g\n    rules:\n      - record: a\n        expr: sum(\n', ':5:'),
    (b'groups:\n  - name: g\n    rules:\n      - alert: a\n', "field 'expr' must be set"),
    (b'groups:\n  - name: g\n  - name: g\n', 'repeated'),
    (b'group: []\n', 'field group not found'),
])
def test_invalid_rules_name_line_and_reason(amp, wid, data, words):
    code, status, answer = refusal(amp.create_rule_groups_namespace, workspaceId=wid, name='n',
                                   data=data)
    assert (code, status) == ('ValidationException', 400)
    assert answer['reason'] == 'FIELD_VALIDATION_FAILED'
    assert answer['fieldList'][0]['name'] == 'data'
    assert words in answer['fieldList'][0]['message']
    assert words in answer['Error']['Message']


def test_experimental_functions_follow_the_switch(amp, wid, start_hearth):
    data = (b'groups:\n  - name: g\n    interval: 1s\n    rules:\n'
            b'      - {record: r, expr: "limitk(1, vector(7))"}\n')
    code, status, answer = refusal(amp.create_rule_groups_namespace, workspaceId=wid, name='n',
                                   data=data)
    assert (code, status) == ('ValidationException', 400)
    assert 'promql-experimental-functions' in answer['fieldList'][0]['message']
    process = start_hearth(arguments=['--enable-feature', 'promql-experimental-functions'])
    allowed = aws_client(process, 'amp')
    wid = allowed.create_workspace()['workspaceId']
    allowed.create_rule_groups_namespace(workspaceId=wid, name='n', data=data)
    allowed.put_rule_groups_namespace(workspaceId=wid, name='n', data=data)
    plane = client_for(process).at(wid)
    assert wait_for(lambda: plane.query('r')['result'])[0]['value'][1] == '7'


def test_alert_manager_definition(amp, wid):
    assert code_of(amp.describe_alert_manager_definition, workspaceId=wid) == \
        ('ResourceNotFoundException', 404)
    made = amp.create_alert_manager_definition(workspaceId=wid, data=model.ALERT_MANAGER)
    assert made['status']['statusCode'] == 'ACTIVE'
    assert code_of(amp.create_alert_manager_definition, workspaceId=wid,
                   data=model.ALERT_MANAGER) == ('ConflictException', 409)
    changed = model.ALERT_MANAGER + b'# \n'
    amp.put_alert_manager_definition(workspaceId=wid, data=changed)
    shown = amp.describe_alert_manager_definition(workspaceId=wid)['alertManagerDefinition']
    assert shown['data'] == changed
    assert shown['status']['statusCode'] == 'ACTIVE'
    code, _, answer = refusal(
        amp.put_alert_manager_definition, workspaceId=wid,
        data=b'alertmanager_config: |\n  route:\n    receiver: nobody\n  receivers: []\n')
    assert code == 'ValidationException'
    assert 'line 2' in answer['Error']['Message'] and 'nobody' in answer['Error']['Message']
    amp.delete_alert_manager_definition(workspaceId=wid)
    assert code_of(amp.delete_alert_manager_definition, workspaceId=wid) == \
        ('ResourceNotFoundException', 404)


def test_workspace_configuration(amp, wid):
    shown = amp.describe_workspace_configuration(workspaceId=wid)['workspaceConfiguration']
    assert {k: shown[k] for k in shown if k != 'status'} == {
        'limitsPerLabelSet': [], 'retentionPeriodInDays': 150,
        'outOfOrderTimeWindowInSeconds': 3600, 'ruleQueryOffsetInSeconds': 0}, 'what is in force'
    limits = [{'labelSet': {'team': 'a'}, 'limits': {'maxSeries': 7}},
              {'labelSet': {}, 'limits': {'maxSeries': 9}}]
    done = amp.update_workspace_configuration(workspaceId=wid, retentionPeriodInDays=30,
                                              limitsPerLabelSet=limits)
    assert done['status'] == ACTIVE
    amp.update_workspace_configuration(workspaceId=wid, outOfOrderTimeWindowInSeconds=0,
                                       ruleQueryOffsetInSeconds=30)
    shown = amp.describe_workspace_configuration(workspaceId=wid)['workspaceConfiguration']
    assert shown['limitsPerLabelSet'] == limits
    assert (shown['retentionPeriodInDays'], shown['outOfOrderTimeWindowInSeconds'],
            shown['ruleQueryOffsetInSeconds']) == (30, 0, 30), 'members are merged'
    assert code_of(amp.update_workspace_configuration, workspaceId=wid,
                   retentionPeriodInDays=1096) == ('ValidationException', 400)
    assert code_of(amp.update_workspace_configuration, workspaceId=wid) == \
        ('ValidationException', 400)
    assert code_of(amp.update_workspace_configuration, workspaceId=wid,
                   limitsPerLabelSet=limits + limits[:1]) == ('ValidationException', 400)
    many = [{'labelSet': {'i': str(i)}, 'limits': {'maxSeries': 1}} for i in range(101)]
    code, status, answer = refusal(amp.update_workspace_configuration, workspaceId=wid,
                                   limitsPerLabelSet=many)
    assert (code, status) == ('ServiceQuotaExceededException', 402)
    assert answer['quotaCode'] == 'L-2C2449DB' and answer['serviceCode'] == 'aps'


def test_logging_configurations(amp, wid):
    assert code_of(amp.describe_logging_configuration, workspaceId=wid) == \
        ('ResourceNotFoundException', 404)
    amp.create_logging_configuration(workspaceId=wid, logGroupArn=model.LOG_GROUP)
    other = model.LOG_GROUP.replace('test', 'other')
    amp.update_logging_configuration(workspaceId=wid, logGroupArn=other)
    shown = amp.describe_logging_configuration(workspaceId=wid)['loggingConfiguration']
    assert shown['logGroupArn'] == other and shown['workspace'] == wid
    assert shown['status'] == ACTIVE
    amp.delete_logging_configuration(workspaceId=wid)
    assert code_of(amp.update_logging_configuration, workspaceId=wid, logGroupArn=other) == \
        ('ResourceNotFoundException', 404)
    amp.create_query_logging_configuration(workspaceId=wid, destinations=model.DESTINATIONS)
    again = [{**model.DESTINATIONS[0], 'filters': {'qspThreshold': 0}}]
    amp.update_query_logging_configuration(workspaceId=wid, destinations=again)
    shown = amp.describe_query_logging_configuration(workspaceId=wid)['queryLoggingConfiguration']
    assert shown['destinations'] == again
    amp.delete_query_logging_configuration(workspaceId=wid)
    assert code_of(amp.describe_query_logging_configuration, workspaceId=wid) == \
        ('ResourceNotFoundException', 404)


def test_resource_policy(amp, wid):
    assert code_of(amp.describe_resource_policy, workspaceId=wid) == \
        ('ResourceNotFoundException', 404)
    text = json.dumps(model.POLICY)
    first = amp.put_resource_policy(workspaceId=wid, policyDocument=text, revisionId='NO_POLICY')
    assert first['policyStatus'] == 'ACTIVE'
    shown = amp.describe_resource_policy(workspaceId=wid)
    assert (shown['policyDocument'], shown['revisionId']) == (text, first['revisionId'])
    assert code_of(amp.put_resource_policy, workspaceId=wid, policyDocument=text,
                   revisionId='NO_POLICY') == ('ConflictException', 409)
    second = amp.put_resource_policy(workspaceId=wid, policyDocument=text,
                                     revisionId=first['revisionId'])
    assert second['revisionId'] != first['revisionId']
    assert code_of(amp.delete_resource_policy, workspaceId=wid,
                   revisionId=first['revisionId']) == ('ConflictException', 409)
    code, _, answer = refusal(amp.put_resource_policy, workspaceId=wid, policyDocument='{')
    assert code == 'ValidationException' and answer['fieldList'][0]['name'] == 'policyDocument'
    amp.delete_resource_policy(workspaceId=wid, revisionId=second['revisionId'])
    assert code_of(amp.delete_resource_policy, workspaceId=wid) == \
        ('ResourceNotFoundException', 404)


def test_scrapers(amp, workspace):
    default = amp.get_default_scraper_configuration()['configuration']
    assert b'scrape_configs' in default
    made = amp.create_scraper(alias='one', tags={'a': 'b'}, **model.scraper(workspace['arn']))
    sid = made['scraperId']
    amp.get_waiter('scraper_active').wait(scraperId=sid)
    shown = amp.describe_scraper(scraperId=sid)['scraper']
    assert shown['scrapeConfiguration']['configurationBlob'] == model.SCRAPE
    (group,) = shown['source']['eksConfiguration'].pop('securityGroupIds')
    assert re.fullmatch(r'sg-[0-9a-f]{17}', group), 'the cluster has one, where none was given'
    assert shown['source'] == model.SOURCE and shown['tags'] == {'a': 'b'}
    assert shown['destination'] == {'ampConfiguration': {'workspaceArn': workspace['arn']}}
    assert shown['roleArn'].startswith('arn:aws:iam::000000000000:role/aws-service-role/')
    assert 'is not registered' in shown['statusReason']
    amp.update_scraper(scraperId=sid, alias='renamed',
                       scrapeConfiguration={'configurationBlob': default})
    assert amp.describe_scraper(scraperId=sid)['scraper']['alias'] == 'renamed'
    other = amp.create_scraper(alias='two', **model.scraper(workspace['arn']))['scraperId']
    pages = list(amp.get_paginator('list_scrapers').paginate(PaginationConfig={'PageSize': 1}))
    assert {p['scrapers'][0]['scraperId'] for p in pages} == {sid, other}
    listed = amp.list_scrapers(filters={'alias': ['two', 'x'], 'status': ['ACTIVE']})
    assert [s['scraperId'] for s in listed['scrapers']] == [other]
    assert amp.list_scrapers(filters={'status': ['DELETING']})['scrapers'] == []
    arn = model.SOURCE['eksConfiguration']['clusterArn']
    assert len(amp.list_scrapers(filters={'sourceArn': [arn]})['scrapers']) == 2
    assert code_of(amp.list_scrapers, filters={'colour': ['x']}) == ('ValidationException', 400)
    log = {'cloudWatchLogs': {'logGroupArn': model.LOG_GROUP}}
    assert code_of(amp.describe_scraper_logging_configuration, scraperId=sid) == \
        ('ResourceNotFoundException', 404)
    amp.update_scraper_logging_configuration(
        scraperId=sid, loggingDestination=log, scraperComponents=[{'type': 'COLLECTOR'}])
    shown = amp.describe_scraper_logging_configuration(scraperId=sid)
    assert shown['loggingDestination'] == log
    assert shown['scraperComponents'] == [{'type': 'COLLECTOR'}]
    amp.delete_scraper_logging_configuration(scraperId=sid)
    bad = model.scraper(workspace['arn'])
    bad['scrapeConfiguration'] = {'configurationBlob': b'scrape_config: []\n'}
    code, _, answer = refusal(amp.create_scraper, **bad)
    assert code == 'ValidationException' and ':1' in answer['Error']['Message']
    assert code_of(amp.create_scraper, **model.scraper(workspace['arn'] + 'x')) == \
        ('ResourceNotFoundException', 404)
    for one in (sid, other):
        assert amp.delete_scraper(scraperId=one)['scraperId'] == one
        amp.get_waiter('scraper_deleted').wait(scraperId=one)


def test_anomaly_detectors(amp, wid):
    made = amp.create_anomaly_detector(
        workspaceId=wid, alias='cpu', configuration=model.FOREST, labels={'team': 'a'},
        missingDataAction={'markAsAnomaly': True}, tags={'k': 'v'})
    did = made['anomalyDetectorId']
    amp.get_waiter('anomaly_detector_active').wait(workspaceId=wid, anomalyDetectorId=did)
    shown = amp.describe_anomaly_detector(workspaceId=wid,
                                          anomalyDetectorId=did)['anomalyDetector']
    assert shown['configuration'] == model.FOREST and shown['labels'] == {'team': 'a'}
    assert shown['evaluationIntervalInSeconds'] == 60
    assert shown['missingDataAction'] == {'markAsAnomaly': True}
    assert 'does not evaluate' in shown['status']['statusReason']
    amp.put_anomaly_detector(workspaceId=wid, anomalyDetectorId=did, configuration=model.FOREST,
                             evaluationIntervalInSeconds=300)
    shown = amp.describe_anomaly_detector(workspaceId=wid,
                                          anomalyDetectorId=did)['anomalyDetector']
    assert shown['evaluationIntervalInSeconds'] == 300
    amp.create_anomaly_detector(workspaceId=wid, alias='mem', configuration=model.FOREST)
    pages = list(amp.get_paginator('list_anomaly_detectors').paginate(
        workspaceId=wid, PaginationConfig={'PageSize': 1}))
    assert {p['anomalyDetectors'][0]['alias'] for p in pages} == {'cpu', 'mem'}
    listed = amp.list_anomaly_detectors(workspaceId=wid, alias='cp')
    assert [d['alias'] for d in listed['anomalyDetectors']] == ['cpu']
    bad = {'randomCutForest': {'query': 'sum('}}
    assert code_of(amp.create_anomaly_detector, workspaceId=wid, alias='x',
                   configuration=bad) == ('ValidationException', 400)
    amp.delete_anomaly_detector(workspaceId=wid, anomalyDetectorId=did)
    amp.get_waiter('anomaly_detector_deleted').wait(workspaceId=wid, anomalyDetectorId=did)


def test_tags_of_every_resource_type(amp, workspace):
    wid = workspace['workspaceId']
    arns = [
        workspace['arn'],
        amp.create_rule_groups_namespace(workspaceId=wid, name='n s', data=model.RULES)['arn'],
        amp.create_scraper(**model.scraper(workspace['arn']))['arn'],
        amp.create_anomaly_detector(workspaceId=wid, alias='a', configuration=model.FOREST)['arn'],
    ]
    for arn in arns:
        amp.tag_resource(resourceArn=arn, tags={'one': '1', 'två é': 'x=y @z'})
        amp.tag_resource(resourceArn=arn, tags={'one': '2'})
        tags = amp.list_tags_for_resource(resourceArn=arn)['tags']
        assert tags['one'] == '2' and tags['två é'] == 'x=y @z'
        amp.untag_resource(resourceArn=arn, tagKeys=['one', 'two', 'a'])
        assert amp.list_tags_for_resource(resourceArn=arn)['tags'] == {'två é': 'x=y @z'}
        assert code_of(amp.tag_resource, resourceArn=arn, tags={'aws:x': '1'}) == \
            ('ValidationException', 400)
        assert code_of(amp.tag_resource, resourceArn=arn,
                       tags={f'k{i}': '' for i in range(50)}) == ('ValidationException', 400)
        assert code_of(amp.list_tags_for_resource, resourceArn=arn + 'x') == \
            ('ResourceNotFoundException', 404)
    amp.delete_scraper(scraperId=arns[2].rsplit('/')[-1])
    assert code_of(amp.list_tags_for_resource, resourceArn='nonsense') == \
        ('ValidationException', 400)


def test_workspaces_page_by_page(amp, wid):
    made = {wid} | {amp.create_workspace(alias=f'page{i}')['workspaceId'] for i in range(3)}
    pages = list(amp.get_paginator('list_workspaces').paginate(PaginationConfig={'PageSize': 1}))
    found = [p['workspaces'][0]['workspaceId'] for p in pages]
    assert len(found) == len(set(found)) and made < set(found)
    first = amp.list_workspaces(maxResults=1)
    assert code_of(amp.list_workspaces, maxResults=1, alias='page',
                   nextToken=first['nextToken']) == ('ValidationException', 400)
    assert code_of(amp.list_workspaces, nextToken='AAAA') == ('ValidationException', 400)
    for one in made - {wid}:
        amp.delete_workspace(workspaceId=one)


def test_everything_goes_with_its_workspace(amp, wid):
    amp.create_rule_groups_namespace(workspaceId=wid, name='n', data=model.RULES)
    amp.create_alert_manager_definition(workspaceId=wid, data=model.ALERT_MANAGER)
    amp.delete_workspace(workspaceId=wid)
    for call in (amp.describe_alert_manager_definition, amp.list_rule_groups_namespaces,
                 amp.describe_workspace_configuration, amp.describe_resource_policy,
                 amp.list_anomaly_detectors, amp.describe_logging_configuration):
        code, status, answer = refusal(call, workspaceId=wid)
        assert (code, status) == ('ResourceNotFoundException', 404)
        assert (answer['resourceId'], answer['resourceType']) == (wid, 'workspace')


def test_other_regions_see_nothing(hearth, workspace):
    elsewhere = aws_client(hearth, 'amp', region='eu-west-1')
    assert code_of(elsewhere.describe_workspace, workspaceId=workspace['workspaceId']) == \
        ('ResourceNotFoundException', 404)
    assert code_of(elsewhere.list_tags_for_resource, resourceArn=workspace['arn']) == \
        ('ResourceNotFoundException', 404)


def test_client_tokens_bring_the_first_result(amp):
    first = amp.create_workspace(alias='token', clientToken='t-1')
    again = amp.create_workspace(alias='token', clientToken='t-1')
    assert again['workspaceId'] == first['workspaceId']
    code, status, answer = refusal(amp.create_workspace, alias='different', clientToken='t-1')
    assert (code, status) == ('ConflictException', 409)
    assert len(amp.list_workspaces(alias='token')['workspaces']) == 1
    wid = first['workspaceId']
    for _ in range(2):
        done = amp.delete_workspace(workspaceId=wid, clientToken='t-2')
        assert done['ResponseMetadata']['HTTPStatusCode'] == 202
    assert code_of(amp.delete_workspace, workspaceId=wid, clientToken='t-3') == \
        ('ResourceNotFoundException', 404)


def test_a_repeated_invocation_without_a_token(hearth, workspace):
    """TagResource has no token: the SDK's invocation id is what tells a repeat from a new call."""
    root = client_for(hearth)
    path = '/tags/' + workspace['arn'].replace(':', '%3A').replace('/', '%2F')
    body = json.dumps({'tags': {'n': '1'}})
    headers = {'amz-sdk-invocation-id': '3c0ee2fd-0000-4000-8000-000000000001'}
    assert root.post(path, body, headers=headers).status_code == 200
    root.request('DELETE', path, {'tagKeys': 'n'})
    assert root.post(path, body, headers=headers).status_code == 200, 'an attempt of the same call'
    assert 'n' not in root.get(path).json()['tags']


def test_wire_details(hearth, workspace):
    root = client_for(hearth)
    wid = workspace['workspaceId']
    answer = root.get(f'/workspaces/{wid}')
    assert answer.headers['x-amzn-RequestId']
    assert isinstance(answer.json()['workspace']['createdAt'], (int, float))
    missing = root.get('/workspaces/ws-none')
    assert missing.status_code == 404
    assert missing.headers['x-amzn-ErrorType'] == 'ResourceNotFoundException'
    assert missing.json()['resourceType'] == 'workspace'
    unknown = root.post('/no/such/operation', '{}')
    assert (unknown.status_code, unknown.json()['reason']) == (400, 'UNKNOWN_OPERATION')
    broken = root.post('/workspaces', '{')
    assert (broken.status_code, broken.json()['reason']) == (400, 'CANNOT_PARSE')
    raw = root.post(f'/workspaces/{wid}/rulegroupsnamespaces',
                    json.dumps({'name': 'my rules',
                                'data': base64.b64encode(model.RULES).decode()}))
    assert raw.status_code == 202
    assert root.get(f'/workspaces/{wid}/rulegroupsnamespaces/my%20rules').status_code == 200
    other = client_for(hearth, service='kms').post('/', '{}')
    assert "'kms'" in other.json()['message'] and 'endpoints' in other.json()['message']


def test_quota_of_workspaces_with_aws_fidelity(start_hearth):
    amp = aws_client(start_hearth(arguments=['--fidelity', 'aws']), 'amp')
    made = 1  # the default workspace
    while made < 25:
        try:
            amp.create_workspace()
            made += 1
        except amp.exceptions.ThrottlingException as failure:
            # 10 control operations a second, which a slow machine does not reach.
            assert failure.response['ResponseMetadata']['HTTPStatusCode'] == 429
            assert failure.response['ResponseMetadata']['HTTPHeaders']['retry-after'] == '1'
    code, status = 'ThrottlingException', 429
    while code == 'ThrottlingException':
        code, status, answer = refusal(amp.create_workspace)
    assert (code, status) == ('ServiceQuotaExceededException', 402)
    assert answer['Error']['Message'] == 'Limit exceeded. Maximum workspaces per account.'


def test_fifty_threads_create_and_delete(hearth, amp):
    before = {w['workspaceId'] for w in amp.list_workspaces()['workspaces']}
    failures = []

    def work(number):
        mine = closing(aws_client(hearth, 'amp'))
        try:
            for turn in range(2):
                wid = mine.create_workspace(alias=f't{number}')['workspaceId']
                mine.create_rule_groups_namespace(workspaceId=wid, name='n', data=model.RULES)
                mine.tag_resource(resourceArn=f'arn:aws:aps:us-east-1:000000000000:workspace/{wid}',
                                  tags={'turn': str(turn)})
                assert len(mine.list_rule_groups_namespaces(
                    workspaceId=wid)['ruleGroupsNamespaces']) == 1
                mine.delete_workspace(workspaceId=wid)
                assert code_of(mine.describe_workspace, workspaceId=wid)[1] == 404
        except Exception as failure:  # pylint: disable=broad-except
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[:3]
    assert {w['workspaceId'] for w in amp.list_workspaces()['workspaces']} == before
    # The other of two processes learns it within a second.
    wait_for(lambda: stores(hearth) == before)
