# SPDX-License-Identifier: Apache-2.0
"""Two processes on one PostgreSQL catalog, each request to one of them at random: what one made the
other knows at once, no object is made twice, and none is left over. The long tier runs the whole
file of AMG's control plane this way."""

import threading

import pytest

from aws_session import ACCOUNT, CONFIG, TRUST_ACCOUNT, client, fails, policy, unique
from two_processes import TwoProcesses, closing

THREADS = 8
ROUNDS = 3
GRAFANA = {'accountAccessType': 'CURRENT_ACCOUNT', 'permissionType': 'SERVICE_MANAGED',
           'authenticationProviders': ['AWS_SSO']}


@pytest.fixture(scope='module')
def both():
    processes = TwoProcesses()
    yield processes
    assert processes.alive(), processes.log()
    processes.remove()


def random_client(both, service, credentials=None):
    return closing(client(both, service, credentials, config=CONFIG))


def test_objects_of_every_face_live_in_both(both):
    amp, grafana, iam = (random_client(both, name) for name in ('amp', 'grafana', 'iam'))
    for number in range(4):
        wid = amp.create_workspace(alias=f'two-{number}')['workspaceId']
        for _ in range(4):
            assert amp.describe_workspace(workspaceId=wid)['workspace']['alias'] == f'two-{number}'
        amp.create_rule_groups_namespace(workspaceId=wid, name='n', data=b'groups: []')
        amp.update_workspace_alias(workspaceId=wid, alias='renamed')
        for _ in range(4):
            assert amp.describe_workspace(workspaceId=wid)['workspace']['alias'] == 'renamed'
        amp.delete_workspace(workspaceId=wid)
        for _ in range(4):
            with fails('ResourceNotFoundException', 404):
                amp.describe_workspace(workspaceId=wid)

        gid = grafana.create_workspace(workspaceName=f'two-{number}', **GRAFANA)['workspace']['id']
        account = grafana.create_workspace_service_account(
            workspaceId=gid, name='a', grafanaRole='ADMIN')['id']
        for _ in range(4):
            listed = grafana.list_workspace_service_accounts(workspaceId=gid)['serviceAccounts']
            assert [row['id'] for row in listed] == [account]
        grafana.delete_workspace(workspaceId=gid)

        role = unique('role')
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=TRUST_ACCOUNT)
        for _ in range(4):
            assert iam.get_role(RoleName=role)['Role']['RoleName'] == role
        iam.delete_role(RoleName=role)


def test_a_session_of_one_is_known_to_the_other(both):
    iam, sts = random_client(both, 'iam'), random_client(both, 'sts')
    role = unique('role')
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=TRUST_ACCOUNT)
    iam.put_role_policy(RoleName=role, PolicyName='p', PolicyDocument=policy(
        {'Action': 'aps:ListWorkspaces', 'Resource': '*'}))
    for _ in range(4):
        session = sts.assume_role(RoleArn=f'arn:aws:iam::{ACCOUNT}:role/{role}',
                                  RoleSessionName='two')['Credentials']
        random_client(both, 'amp', session).list_workspaces()
    iam.delete_role_policy(RoleName=role, PolicyName='p')
    iam.delete_role(RoleName=role)


def test_a_client_token_makes_one_object(both):
    amp, grafana = random_client(both, 'amp'), random_client(both, 'grafana')
    token = unique('token')
    made = {amp.create_workspace(clientToken=token)['workspaceId'] for _ in range(6)}
    assert len(made) == 1
    amp.delete_workspace(workspaceId=made.pop())
    made = {grafana.create_workspace(clientToken=token, **GRAFANA)['workspace']['id']
            for _ in range(6)}
    assert len(made) == 1
    grafana.delete_workspace(workspaceId=made.pop())


def test_many_threads_leave_nothing_behind_and_nothing_twice(both):
    amp = random_client(both, 'amp')
    grafana = random_client(both, 'grafana')
    before = (len(amp.list_workspaces()['workspaces']),
              len(grafana.list_workspaces()['workspaces']))
    problems, made = [], []

    def life(number):
        try:
            mine, iam = random_client(both, 'amp'), random_client(both, 'iam')
            for turn in range(ROUNDS):
                wid = mine.create_workspace(alias=f't{number}-{turn}')['workspaceId']
                made.append(wid)
                role = f't{number}-{turn}'
                iam.create_role(RoleName=role, AssumeRolePolicyDocument=TRUST_ACCOUNT)
                with fails('EntityAlreadyExists', 409):
                    iam.create_role(RoleName=role, AssumeRolePolicyDocument=TRUST_ACCOUNT)
                iam.delete_role(RoleName=role)
                mine.delete_workspace(workspaceId=wid)
        except BaseException as problem:  # every thread's fate is looked at below
            problems.append(problem)

    threads = [threading.Thread(target=life, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(made) == len(set(made)) == THREADS * ROUNDS
    assert before == (len(amp.list_workspaces()['workspaces']),
                      len(grafana.list_workspaces()['workspaces']))
