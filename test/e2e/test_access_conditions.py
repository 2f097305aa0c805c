# SPDX-License-Identifier: Apache-2.0
"""What policies may ask beside action and resource: tags of the request and of the resource, on the
control planes and on the data plane; and iam:PassRole, wherever a role is given to a service."""

import contextlib
import json

import pytest

from aws_session import (ACCOUNT, client, fails, missing_statement, policy, trust, unique)
from connect import client_for, wait_for
from grafana_client import Grafana
from hearth_process import run_hearth
from oidc_issuer import Issuer

ROLE = f'arn:aws:iam::{ACCOUNT}:role/some-role'
SCRAPE = b'scrape_configs: [{job_name: a, static_configs: [{targets: ["127.0.0.1:1"]}]}]'
# What is read is nobody's secret here; the tests are about what is changed.
READ = {'Action': ['aps:Describe*', 'aps:List*', 'grafana:Describe*', 'grafana:List*'],
        'Resource': '*'}


@pytest.fixture(scope='module')
def iam(shared_hearth):
    return client(shared_hearth, 'iam')


@pytest.fixture
def user(shared_hearth, iam):
    """user(*statements) → f(service) → boto3 client of a user who may do what they say."""
    with contextlib.ExitStack() as cleanup:
        def make(*statements):
            name = unique('user')
            iam.create_user(UserName=name)
            cleanup.callback(iam.delete_user, UserName=name)
            key = iam.create_access_key(UserName=name)['AccessKey']
            cleanup.callback(iam.delete_access_key, UserName=name,
                             AccessKeyId=key['AccessKeyId'])
            iam.put_user_policy(UserName=name, PolicyName='p',
                                PolicyDocument=policy(READ, *statements))
            cleanup.callback(iam.delete_user_policy, UserName=name, PolicyName='p')

            def clients(service):
                return client(shared_hearth, service, key)
            clients.key = key
            return clients
        yield make


@pytest.fixture
def workspace(shared_hearth):
    amp = client(shared_hearth, 'amp')
    made = amp.create_workspace(alias=unique(), tags={'team': 'a'})
    yield made
    amp.delete_workspace(workspaceId=made['workspaceId'])


@pytest.fixture
def grafana_workspace(shared_hearth):
    grafana = client(shared_hearth, 'grafana')
    made = new_grafana(grafana, tags={'team': 'a'})
    yield made['id']
    grafana.delete_workspace(workspaceId=made['id'])


def new_grafana(grafana, **more):
    return grafana.create_workspace(
        accountAccessType='CURRENT_ACCOUNT', permissionType='CUSTOMER_MANAGED',
        authenticationProviders=['AWS_SSO'], **more)['workspace']


# ---- tags of a request --------------------------------------------------------------------------

def test_a_workspace_is_made_with_the_right_tags_only(shared_hearth, user):
    mine = user({'Action': 'aps:CreateWorkspace', 'Resource': '*', 'Condition': {
        'StringEquals': {'aws:RequestTag/team': ['a', 'b']},
        'ForAllValues:StringEquals': {'aws:TagKeys': ['team', 'env']}}})('amp')
    made = mine.create_workspace(tags={'team': 'b', 'env': 'x'})['workspaceId']
    client(shared_hearth, 'amp').delete_workspace(workspaceId=made)
    for tags in ({}, {'team': 'c'}, {'team': 'a', 'other': 'x'}):
        with fails('AccessDeniedException', 403, 'aps:CreateWorkspace'):
            mine.create_workspace(tags=tags)


def test_grafana_workspace_with_the_right_tags_only(shared_hearth, user):
    mine = user({'Action': 'grafana:CreateWorkspace', 'Resource': '*', 'Condition': {
        'StringEquals': {'aws:RequestTag/team': 'a'}}})('grafana')
    made = new_grafana(mine, tags={'team': 'a'})['id']
    client(shared_hearth, 'grafana').delete_workspace(workspaceId=made)
    for tags in ({}, {'team': 'b'}):
        with fails('AccessDeniedException', 403, 'grafana:CreateWorkspace'):
            new_grafana(mine, tags=tags)


# ---- tags of a resource -------------------------------------------------------------------------

def test_tags_of_a_workspace_decide_on_both_planes(shared_hearth, user, workspace):
    wid, arn = workspace['workspaceId'], workspace['arn']
    statement = {'Action': ['aps:UpdateWorkspaceAlias', 'aps:QueryMetrics', 'aps:CreateRule*'],
                 'Resource': '*', 'Condition': {'StringEquals': {'aws:ResourceTag/team': 'a'}}}
    mine = user(statement)
    mine('amp').update_workspace_alias(workspaceId=wid, alias='x')
    plane = client_for(shared_hearth, key=mine.key['AccessKeyId'],
                       secret=mine.key['SecretAccessKey'], prefix=f'/workspaces/{wid}')
    assert plane.get('/api/v1/query', {'query': '1'}).status_code == 200
    # The namespace to be made has no tags of its own yet.
    with fails('AccessDeniedException', 403):
        mine('amp').create_rule_groups_namespace(workspaceId=wid, name='n', data=b'groups: []')

    amp = client(shared_hearth, 'amp')
    amp.tag_resource(resourceArn=arn, tags={'team': 'b'})
    with fails('AccessDeniedException', 403):
        mine('amp').update_workspace_alias(workspaceId=wid, alias='y')
    assert plane.get('/api/v1/query', {'query': '1'}).status_code == 403
    amp.untag_resource(resourceArn=arn, tagKeys=['team'])
    assert plane.get('/api/v1/query', {'query': '1'}).status_code == 403


def test_tagging_asks_for_both_kinds_of_tags(user, workspace):
    arn = workspace['arn']
    mine = user({'Action': ['aps:TagResource', 'aps:UntagResource'], 'Resource': '*', 'Condition': {
        'StringEquals': {'aws:ResourceTag/team': 'a'},
        'ForAllValues:StringEquals': {'aws:TagKeys': ['note']}}})('amp')
    mine.tag_resource(resourceArn=arn, tags={'note': 'x'})
    mine.untag_resource(resourceArn=arn, tagKeys=['note'])
    for call in (lambda: mine.tag_resource(resourceArn=arn, tags={'team': 'x'}),
                 lambda: mine.untag_resource(resourceArn=arn, tagKeys=['note', 'team'])):
        with fails('AccessDeniedException', 403):
            call()


def test_tags_of_a_grafana_workspace(shared_hearth, user, grafana_workspace):
    arn = f'arn:aws:grafana:us-east-1:{ACCOUNT}:/workspaces/{grafana_workspace}'
    mine = user({'Action': ['grafana:UpdateWorkspace', 'grafana:TagResource'], 'Resource': '*',
                 'Condition': {'StringEquals': {'aws:ResourceTag/team': 'a'}}})('grafana')
    mine.update_workspace(workspaceId=grafana_workspace, workspaceName='n')
    mine.tag_resource(resourceArn=arn, tags={'team': 'b'})
    for call in (lambda: mine.update_workspace(workspaceId=grafana_workspace, workspaceName='m'),
                 lambda: mine.tag_resource(resourceArn=arn, tags={'team': 'a'})):
        with fails('AccessDeniedException', 403):
            call()


# ---- iam:PassRole -------------------------------------------------------------------------------

def pass_role(service):
    return {'Action': 'iam:PassRole', 'Resource': ROLE,
            'Condition': {'StringEquals': {'iam:PassedToService': service}}}


def test_a_role_for_a_grafana_workspace(shared_hearth, user, grafana_workspace):
    all_of_grafana = {'Action': 'grafana:*', 'Resource': '*'}
    for more in ((), (pass_role('ec2.amazonaws.com'),)):
        mine = user(all_of_grafana, *more)('grafana')
        for call in (lambda: new_grafana(mine, workspaceRoleArn=ROLE),
                     lambda: mine.update_workspace(workspaceId=grafana_workspace,
                                                   workspaceRoleArn=ROLE)):
            with fails('AccessDeniedException', 403, 'iam:PassRole') as refused:
                call()
            assert missing_statement(refused) == {'Effect': 'Allow', 'Action': 'iam:PassRole',
                                                  'Resource': ROLE}
        mine.update_workspace(workspaceId=grafana_workspace, workspaceName='without-a-role')
    mine = user(all_of_grafana, pass_role('grafana.amazonaws.com'))('grafana')
    made = new_grafana(mine, workspaceRoleArn=ROLE)['id']
    client(shared_hearth, 'grafana').delete_workspace(workspaceId=made)
    mine.update_workspace(workspaceId=grafana_workspace, workspaceRoleArn=ROLE)
    # What it has already is given to nobody anew.
    other = user(all_of_grafana)('grafana')
    other.update_workspace(workspaceId=grafana_workspace, workspaceRoleArn=ROLE,
                           workspaceName='renamed')


def test_roles_of_a_scraper(shared_hearth, user, workspace):
    scraper = {'scrapeConfiguration': {'configurationBlob': SCRAPE},
               'source': {'eksConfiguration': {
                   'clusterArn': f'arn:aws:eks:us-east-1:{ACCOUNT}:cluster/demo',
                   'subnetIds': ['subnet-1', 'subnet-2']}},
               'destination': {'ampConfiguration': {'workspaceArn': workspace['arn']}},
               'roleConfiguration': {'sourceRoleArn': ROLE, 'targetRoleArn': ROLE}}
    mine = [{'Action': ['aps:*', 'eks:DescribeCluster'], 'Resource': '*'}]
    with fails('AccessDeniedException', 403, 'iam:PassRole'):
        user(*mine)('amp').create_scraper(**scraper)
    made = user(*mine, pass_role('scraper.aps.amazonaws.com'))('amp').create_scraper(**scraper)
    with fails('AccessDeniedException', 403, 'iam:PassRole'):
        user(*mine)('amp').update_scraper(scraperId=made['scraperId'],
                                          roleConfiguration={'sourceRoleArn': ROLE})
    client(shared_hearth, 'amp').delete_scraper(scraperId=made['scraperId'])


def test_a_scraper_reads_and_writes_what_its_maker_may(shared_hearth, user, workspace):
    """It shows the cluster's credentials and writes past remote write's gate: who makes one needs
    rights on both ends. AmazonPrometheusFullAccess has them."""
    cluster = f'arn:aws:eks:us-east-1:{ACCOUNT}:cluster/{unique("cluster")}'
    scraper = {'scrapeConfiguration': {'configurationBlob': SCRAPE},
               'source': {'eksConfiguration': {'clusterArn': cluster,
                                               'subnetIds': ['subnet-1', 'subnet-2']}},
               'destination': {'ampConfiguration': {'workspaceArn': workspace['arn']}}}
    scrapers = {'Action': 'aps:*', 'Resource': f'arn:aws:aps:us-east-1:{ACCOUNT}:scraper/*'}
    source = {'Action': 'eks:DescribeCluster', 'Resource': cluster,
              'Condition': {'ForAnyValue:StringEquals': {'aws:CalledVia': ['aps.amazonaws.com']}}}
    destination = {'Action': ['aps:CreateScraper', 'aps:UpdateScraper'],
                   'Resource': [cluster, workspace['arn']],
                   'Condition': {'StringEquals': {'aws:ResourceTag/team': 'a'}}}
    source_too = {'Action': 'aps:CreateScraper', 'Resource': cluster}
    for missing, statements in ((workspace['arn'], [scrapers, source, source_too]),
                                (cluster, [scrapers, source, destination]),
                                ('eks:DescribeCluster', [scrapers, source_too, destination])):
        with fails('AccessDeniedException', 403, missing):
            user(*statements)('amp').create_scraper(**scraper)
    amp = user(scrapers, source, source_too, destination)('amp')
    made = amp.create_scraper(**scraper)['scraperId']
    with fails('AccessDeniedException', 403, workspace['arn']):
        user(scrapers)('amp').update_scraper(scraperId=made, destination=scraper['destination'])
    amp.update_scraper(scraperId=made, destination=scraper['destination'])
    amp.delete_scraper(scraperId=made)
    # The whole of a managed policy is enough.
    full = {'Action': 'aps:*', 'Resource': '*'}
    amp = user(full, {**source, 'Resource': '*'})('amp')
    amp.delete_scraper(scraperId=amp.create_scraper(**scraper)['scraperId'])


def test_a_scraper_writes_to_a_workspace_of_its_region(shared_hearth, user, workspace):
    elsewhere = client(shared_hearth, 'amp', region_name='eu-west-1')
    arn = workspace['arn'].replace('us-east-1', 'eu-west-1')
    with fails('ResourceNotFoundException', 404, 'Workspace not found'):
        elsewhere.create_scraper(
            scrapeConfiguration={'configurationBlob': SCRAPE},
            source={'eksConfiguration': {
                'clusterArn': f'arn:aws:eks:us-east-1:{ACCOUNT}:cluster/demo',
                'subnetIds': ['subnet-1', 'subnet-2']}},
            destination={'ampConfiguration': {'workspaceArn': arn}})


def test_keys_of_an_issuer_are_a_matter_of_iam(shared_hearth, iam, user, tmp_path):
    """Who may say with which keys an issuer signs may take every role that trusts it."""
    with Issuer() as issuer:
        host = unique() + '.example.invalid'
        name = unique('cluster')
        (tmp_path / 'jwks.json').write_text(json.dumps(issuer.jwks()))

        def add(of, *more):
            environment = shared_hearth.aws_environment()
            environment.update(AWS_ACCESS_KEY_ID=of.key['AccessKeyId'],
                               AWS_SECRET_ACCESS_KEY=of.key['SecretAccessKey'])
            return run_hearth('cluster', 'add', name, '--issuer', f'https://{host}/', *more,
                              env=environment)

        clusters = {'Action': 'eks:*', 'Resource': '*'}
        keys = ('--jwks', tmp_path / 'jwks.json')
        refused = add(user(clusters), *keys)
        assert refused.returncode != 0
        assert 'iam:UpdateOpenIDConnectProviderThumbprint' in refused.stderr
        provider = {'Action': 'iam:UpdateOpenIDConnectProviderThumbprint',
                    'Resource': f'arn:aws:iam::{ACCOUNT}:oidc-provider/{host}'}
        for added in (add(user(clusters)), add(user(clusters, provider), *keys)):
            assert added.returncode == 0, added.stderr
        run_hearth('cluster', 'remove', name, env=shared_hearth.aws_environment())


def test_a_role_for_pods(shared_hearth, user):
    name = unique('cluster')
    done = run_hearth('cluster', 'add', name, '--api-server', 'https://127.0.0.1:6443',
                      '--issuer', 'https://oidc.example.com/id/PODS',
                      env=shared_hearth.aws_environment())
    assert done.returncode == 0, done.stderr
    pods = {'clusterName': name, 'namespace': 'n', 'serviceAccount': 's', 'roleArn': ROLE}
    all_of_eks = {'Action': 'eks:*', 'Resource': '*'}
    with fails('AccessDeniedException', 403, 'iam:PassRole'):
        user(all_of_eks)('eks').create_pod_identity_association(**pods)
    mine = user(all_of_eks, pass_role('pods.eks.amazonaws.com'))('eks')
    made = mine.create_pod_identity_association(**pods)['association']['associationId']
    with fails('AccessDeniedException', 403, 'iam:PassRole'):
        user(all_of_eks)('eks').update_pod_identity_association(
            clusterName=name, associationId=made, roleArn=ROLE)
    mine.delete_pod_identity_association(clusterName=name, associationId=made)
    run_hearth('cluster', 'remove', name, env=shared_hearth.aws_environment())


# ---- the end of credentials ---------------------------------------------------------------------

def test_a_rotated_key_ends_within_five_seconds(shared_hearth, iam, user):
    mine = user({'Action': 'aps:QueryMetrics', 'Resource': '*'})
    plane = client_for(shared_hearth, key=mine.key['AccessKeyId'],
                       secret=mine.key['SecretAccessKey'])
    session = mine('sts').get_session_token()['Credentials']
    of_session = client_for(shared_hearth, key=session['AccessKeyId'],
                            secret=session['SecretAccessKey'], token=session['SessionToken'])

    def status(of):
        return of.get('/api/v1/query', {'query': '1'}).status_code

    assert (status(plane), status(of_session)) == (200, 200)
    iam.update_access_key(UserName=mine.key['UserName'], AccessKeyId=mine.key['AccessKeyId'],
                          Status='Inactive')
    wait_for(lambda: status(plane) in (401, 403), limit_s=5)
    iam.update_access_key(UserName=mine.key['UserName'], AccessKeyId=mine.key['AccessKeyId'],
                          Status='Active')
    wait_for(lambda: status(plane) == 200, limit_s=5)


def test_a_workspace_loses_its_role_within_five_seconds(shared_hearth, iam):
    """A Grafana workspace reads as its role; the role is deleted while it does."""
    name = unique('reader')
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(
        {'Service': 'grafana.amazonaws.com'}))
    iam.put_role_policy(RoleName=name, PolicyName='p', PolicyDocument=policy(
        {'Action': ['aps:QueryMetrics', 'aps:GetLabels'], 'Resource': '*'}))
    control = client(shared_hearth, 'grafana')
    made = new_grafana(control, workspaceRoleArn=f'arn:aws:iam::{ACCOUNT}:role/{name}')['id']
    profile = shared_hearth.profile()
    grafana = Grafana(f'{shared_hearth.http}/{made}', auth=(profile['aws_access_key_id'],
                                                            profile['aws_secret_access_key']))
    amp = client(shared_hearth, 'amp')
    wid = amp.list_workspaces(alias='default')['workspaces'][0]['workspaceId']
    grafana.ok('POST', '/datasources', {
        'name': 'own', 'uid': 'own', 'type': 'prometheus', 'access': 'proxy',
        'url': f'{shared_hearth.http}/workspaces/{wid}/',
        'jsonData': {'sigV4Auth': True, 'sigV4AuthType': 'default', 'sigV4Region': 'us-east-1'}})

    def reads():
        return grafana.get('/datasources/proxy/uid/own/api/v1/query?query=1').status_code

    assert reads() == 200
    iam.delete_role_policy(RoleName=name, PolicyName='p')
    wait_for(lambda: reads() == 403, limit_s=5)
    iam.delete_role(RoleName=name)
    wait_for(lambda: 'no such role' in grafana.get(
        '/datasources/proxy/uid/own/api/v1/query?query=1').text, limit_s=5)
    assert reads() == 403
    # Of another account it takes none, whether the catalog knows it or not.
    control.update_workspace(workspaceId=made,
                             workspaceRoleArn=f'arn:aws:iam::111111111111:role/{name}')
    wait_for(lambda: 'role of the same account' in grafana.get(
        '/datasources/proxy/uid/own/api/v1/query?query=1').text, limit_s=5)
    control.delete_workspace(workspaceId=made)
