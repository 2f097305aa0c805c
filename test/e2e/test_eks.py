# SPDX-License-Identifier: Apache-2.0
"""Clusters that hearth knows: `hearth cluster`, the EKS face through boto3, and Pod Identity
(aws-contract §6.6, §7.4)."""

import base64
import json
import random
import threading

import pytest

from aws_session import ACCOUNT, client, fails, policy, trust, unique
from connect import client_for
from hearth_process import run_hearth
from oidc_issuer import Issuer
from two_processes import ONE_OR_TWO, closing, one_or_two

POD_TRUST = trust({'Service': 'pods.eks.amazonaws.com'}, ['sts:AssumeRole', 'sts:TagSession'])


@pytest.fixture(scope='module')
def eks(shared_hearth):
    return client(shared_hearth, 'eks')


@pytest.fixture
def issuer():
    with Issuer() as made:
        yield made


def run(process, *arguments):
    done = run_hearth('cluster', *arguments, env=process.aws_environment())
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def cluster(shared_hearth, issuer):
    name = unique('cluster')
    run(shared_hearth, 'add', name, '--issuer', issuer.url, '--api-server',
        'https://127.0.0.1:6443', '--ca', shared_hearth.data / 'tls' / 'ca.pem',
        '--kubernetes-version', '1.31')
    yield name
    run(shared_hearth, 'remove', name)


def test_describe_cluster_as_terraform_reads_it(shared_hearth, eks, issuer, cluster):
    found = eks.describe_cluster(name=cluster)['cluster']
    assert found['arn'] == f'arn:aws:eks:us-east-1:{ACCOUNT}:cluster/{cluster}'
    assert found['identity'] == {'oidc': {'issuer': issuer.url}}
    assert (found['endpoint'], found['status'], found['version']) == (
        'https://127.0.0.1:6443', 'ACTIVE', '1.31')
    pem = (shared_hearth.data / 'tls' / 'ca.pem').read_bytes()
    assert base64.b64decode(found['certificateAuthority']['data']) == pem
    raw = client_for(shared_hearth, service='eks').get(f'/clusters/{cluster}').json()
    assert isinstance(raw['cluster']['createdAt'], (int, float))  # a string fails in the Go SDK


def test_list_and_commands(shared_hearth, eks, cluster):
    assert cluster in eks.list_clusters()['clusters']
    pages = eks.get_paginator('list_clusters').paginate(PaginationConfig={'PageSize': 1})
    assert cluster in [name for page in pages for name in page['clusters']]
    assert f'{cluster}\thttps://127.0.0.1:6443\t' in run(shared_hearth, 'list')
    assert cluster in [c['name'] for c in json.loads(run(shared_hearth, 'list', '--json'))]
    eks.get_waiter('cluster_active').wait(name=cluster)


def test_unknown_cluster(shared_hearth, eks):
    with fails('ResourceNotFoundException', 404, 'No cluster found for name: none.'):
        eks.describe_cluster(name='none')
    done = run_hearth('cluster', 'remove', 'none', env=shared_hearth.aws_environment())
    assert done.returncode == 1 and 'ResourceNotFoundException' in done.stderr


def test_clusters_are_not_made_here(eks):
    with fails('InvalidRequestException', 400, 'hearth cluster add'):
        eks.delete_cluster(name='any')


@pytest.mark.parametrize('arguments,text', [
    (['--issuer', 'http://example.com'], 'give its key set as jwks'),
    (['--issuer', 'ftp://x'], 'issuer is no URL'), (['--api-server', 'x'], 'endpoint is no URL')])
def test_bad_cluster(shared_hearth, arguments, text):
    done = run_hearth('cluster', 'add', unique(), *arguments,
                      env=shared_hearth.aws_environment())
    assert done.returncode == 1 and text in done.stderr


def test_tags(eks, cluster):
    arn = eks.describe_cluster(name=cluster)['cluster']['arn']
    eks.tag_resource(resourceArn=arn, tags={'a': '1', 'b': '2'})
    eks.untag_resource(resourceArn=arn, tagKeys=['a'])
    assert eks.list_tags_for_resource(resourceArn=arn)['tags'] == {'b': '2'}
    with fails('NotFoundException', 404):
        eks.list_tags_for_resource(resourceArn=arn + 'x')


def test_pod_identity(shared_hearth, eks, issuer, cluster):
    iam, auth = client(shared_hearth, 'iam'), client(shared_hearth, 'eks-auth')
    role = unique('pod')
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=POD_TRUST)['Role']['Arn']
    iam.put_role_policy(RoleName=role, PolicyName='p', PolicyDocument=policy({
        'Action': 'aps:ListWorkspaces', 'Resource': '*', 'Condition': {'StringEquals': {
            'aws:PrincipalTag/kubernetes-namespace': 'monitoring'}}}))
    made = eks.create_pod_identity_association(clusterName=cluster, namespace='monitoring',
                                               serviceAccount='ingest', roleArn=arn)['association']
    with fails('ResourceInUseException', 409):
        eks.create_pod_identity_association(clusterName=cluster, namespace='monitoring',
                                            serviceAccount='ingest', roleArn=arn)
    which = {'clusterName': cluster, 'associationId': made['associationId']}
    assert eks.describe_pod_identity_association(**which)['association']['roleArn'] == arn
    listed = eks.list_pod_identity_associations(clusterName=cluster, namespace='monitoring')
    assert [a['associationId'] for a in listed['associations']] == [made['associationId']]
    audience = 'pods.eks.amazonaws.com'
    answer = auth.assume_role_for_pod_identity(clusterName=cluster,
                                               token=issuer.token(audience=audience))
    assert answer['subject'] == {'namespace': 'monitoring', 'serviceAccount': 'ingest'}
    assert answer['assumedRoleUser']['arn'].startswith(
        f'arn:aws:sts::{ACCOUNT}:assumed-role/{role}/eks-{cluster}-')
    keys = {k[0].upper() + k[1:]: v for k, v in answer['credentials'].items()}
    client(shared_hearth, 'amp', keys).list_workspaces()
    for token, code in ((issuer.token(), 'InvalidTokenException'),
                        (issuer.token(audience=audience, exp=1), 'ExpiredTokenException'),
                        (issuer.token(audience=audience, account='other'),
                         'ResourceNotFoundException')):
        with fails(code):
            auth.assume_role_for_pod_identity(clusterName=cluster, token=token)
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=trust(
        {'Service': 'grafana.amazonaws.com'}))
    with fails('AccessDeniedException'):
        auth.assume_role_for_pod_identity(clusterName=cluster,
                                          token=issuer.token(audience=audience))
    eks.delete_pod_identity_association(**which)
    with fails('ResourceNotFoundException', 404):
        eks.describe_pod_identity_association(**which)
    iam.delete_role_policy(RoleName=role, PolicyName='p')
    iam.delete_role(RoleName=role)


# ---- foreign bytes ------------------------------------------------------------------------------

REGISTER = {'name': 'mutated', 'endpoint': 'https://127.0.0.1:6443', 'version': '1.31',
            'issuer': 'https://127.0.0.1:1/id/M', 'tags': {'a': 'b'},
            'certificateAuthority': {'data': base64.b64encode(b'no PEM').decode()},
            'jwks': '{"keys":[]}'}
ASSOCIATION = {'namespace': 'n', 'serviceAccount': 's', 'tags': {'a': 'b'},
               'roleArn': f'arn:aws:iam::{ACCOUNT}:role/some-role'}
SEEDS = [
    ('eks', 'GET', '/clusters?maxResults=5&nextToken=a', None),
    ('eks', 'GET', '/clusters/mutated', None),
    ('eks', 'POST', '/clusters', {'name': 'mutated'}),
    ('eks', 'POST', '/hearth/clusters', REGISTER),
    ('eks', 'POST', f'/tags/arn%3Aaws%3Aeks%3Aus-east-1%3A{ACCOUNT}%3Acluster%2Fmutated',
     {'tags': {'a': 'b'}}),
    ('eks', 'DELETE', '/tags/arn%3Aaws%3Aeks?tagKeys=a&tagKeys=b', None),
    ('eks', 'POST', '/clusters/mutated/pod-identity-associations', ASSOCIATION),
    ('eks', 'GET', '/clusters/mutated/pod-identity-associations?namespace=n&maxResults=1', None),
    ('eks', 'POST', '/clusters/mutated/pod-identity-associations/a-1', {'roleArn': 'x'}),
    ('eks-auth', 'POST', '/clusters/mutated/assume-role-for-pod-identity',
     {'token': 'eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2EifQ.AAAA'}),
]
ODD = [None, True, -1, 2**63, 1e308, '', 'x' * 300, '\0', '🙂', [], {}, [None], {'a': None}, '../..']


def mutated(chance, value):
    value = json.loads(json.dumps(value))
    for _ in range(chance.randint(1, 3)):
        name = chance.choice(list(value) or ['name'])
        if chance.random() < 0.2:
            value.pop(name, None)
        else:
            value[name] = chance.choice(ODD)
    return value


def mutate_requests(process, seed, count):
    chance = random.Random(seed)
    clients = {service: client_for(process, service=service) for service in ('eks', 'eks-auth')}
    for number in range(count):
        service, method, path, body = chance.choice(SEEDS)
        if chance.random() < 0.3:
            at = chance.randrange(1, len(path))
            path = path[:at] + chance.choice(['%', '%00', '//', '?', '&', '%F0', 'x']) + path[at:]
        data = b'' if body is None else json.dumps(mutated(chance, body)).encode()
        if data and chance.random() < 0.3:
            at = chance.randrange(len(data))
            data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1:]
        answer = clients[service].request(method, path, data=data,
                                          headers={'Content-Type': 'application/json'})
        # 503: the issuer of the cluster, where nobody listens, was asked for its keys.
        unreachable = service == 'eks-auth' and answer.status_code == 503
        assert answer.status_code < 500 or answer.status_code == 501 or unreachable, (
            number, method, path, data, answer.text)
    assert process.alive()


def test_hundred_mutated_requests(shared_hearth):
    mutate_requests(shared_hearth, seed=1, count=100)
    run_hearth('cluster', 'remove', 'mutated', env=shared_hearth.aws_environment())


@pytest.mark.long
def test_ten_thousand_mutated_requests(start_hearth):
    process = start_hearth()
    mutate_requests(process, seed=2, count=1000)
    before = process.status_kib('RssAnon')
    mutate_requests(process, seed=3, count=10_000)
    assert process.status_kib('RssAnon') - before < 64 * 1024


# ---- repeats, and many at once ------------------------------------------------------------------

THREADS = 50


def test_a_repeated_call_is_one_call(shared_hearth, cluster):
    """The same client token, or the same invocation of an SDK, gets the first answer again."""
    plane = client_for(shared_hearth, service='eks')
    path = f'/clusters/{cluster}/pod-identity-associations'

    def create(account, headers=None, **more):
        body = {'namespace': 'n', 'serviceAccount': account, **more,
                'roleArn': f'arn:aws:iam::{ACCOUNT}:role/r'}
        return plane.post(path, json.dumps(body),
                          headers={'Content-Type': 'application/json', **(headers or {})})

    for more in ({'clientRequestToken': unique('token')},
                 {'headers': {'amz-sdk-invocation-id': unique('invocation')}}):
        name = unique('account')
        first, again = create(name, **more), create(name, **more)
        assert first.status_code == again.status_code == 200, again.text
        assert first.json() == again.json()
        assert create(name).status_code == 409


@pytest.fixture(params=ONE_OR_TWO)
def many(request):
    """The server or two of them behind a relay."""
    yield from one_or_two(request)


def test_fifty_threads_leave_nothing_behind(many):
    eks = closing(client(many, 'eks'))
    before = eks.list_clusters()['clusters']
    name = unique('many')
    run(many, 'add', name, '--api-server', 'https://127.0.0.1:6443')
    arn = f'arn:aws:eks:us-east-1:{ACCOUNT}:cluster/{name}'
    pods = {'clusterName': name, 'namespace': 'n', 'roleArn': f'arn:aws:iam::{ACCOUNT}:role/r'}
    problems, common = [], []

    def life(number):
        try:
            mine = closing(client(many, 'eks'))
            try:
                mine.create_pod_identity_association(serviceAccount='common', **pods)
                common.append(number)
            except mine.exceptions.ResourceInUseException:
                pass
            own = mine.create_pod_identity_association(
                serviceAccount=f's{number}', **pods)['association']['associationId']
            mine.update_pod_identity_association(
                clusterName=name, associationId=own, roleArn=pods['roleArn'] + str(number))
            mine.tag_resource(resourceArn=arn, tags={f'k{number}': 'v'})
            found = mine.describe_pod_identity_association(clusterName=name, associationId=own)
            assert found['association']['roleArn'] == pods['roleArn'] + str(number)
            if number % 2:
                mine.delete_pod_identity_association(clusterName=name, associationId=own)
                mine.untag_resource(resourceArn=arn, tagKeys=[f'k{number}'])
        except BaseException as problem:  # every thread's fate is looked at below
            problems.append(problem)

    threads = [threading.Thread(target=life, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == [], problems[:3]
    assert len(common) == 1
    pages = eks.get_paginator('list_pod_identity_associations').paginate(
        clusterName=name, PaginationConfig={'PageSize': 7})
    accounts = sorted(a['serviceAccount'] for page in pages for a in page['associations'])
    assert accounts == sorted(['common'] + [f's{n}' for n in range(0, THREADS, 2)])
    assert set(eks.list_tags_for_resource(resourceArn=arn)['tags']) == {
        f'k{n}' for n in range(0, THREADS, 2)}
    run(many, 'remove', name)
    assert eks.list_clusters()['clusters'] == before


def test_quota_of_clusters_holds_against_fifty(many):
    eks = closing(client(many, 'eks', region_name='eu-west-3'))
    made, refused, problems = [], [], []

    def register(number):
        try:
            plane = client_for(many, service='eks', region='eu-west-3')
            for turn in range(3):
                name = f'quota-{number}-{turn}'
                answer = plane.post('/hearth/clusters', json.dumps({'name': name}),
                                    headers={'Content-Type': 'application/json'})
                if answer.status_code == 200:
                    made.append(name)
                else:
                    assert answer.headers['x-amzn-ErrorType'].startswith(
                        'ResourceLimitExceededException'), answer.text
                    refused.append(name)
        except BaseException as problem:  # every thread's fate is looked at below
            problems.append(problem)

    threads = [threading.Thread(target=register, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == [], problems[:3]
    assert (len(made), len(refused)) == (100, 50)
    assert sorted(eks.list_clusters()['clusters']) == sorted(made)
    for name in made:
        done = eks.deregister_cluster(name=name)
        assert done['cluster']['status'] == 'DELETING'
