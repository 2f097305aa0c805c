# SPDX-License-Identifier: Apache-2.0
"""What a caller sees when the fault is ours: the catalog loses a table, is held by another program,
or its PostgreSQL is gone. Each protocol's form, a request id that the log knows too, and nothing of
the cause but in the log (aws-contract §1.4)."""

import contextlib
import os
import pathlib
import signal
import socket
import sqlite3
import urllib.parse

import botocore.exceptions
import pytest

from aws_session import client
from connect import client_for, wait_for
from grafana_client import default_grafana
from hearth_process import HearthProcess
from two_processes import TwoProcesses

# What only the log may say.
INSIDE = ('no such table', 'catalog', 'sqlite', 'postgres', 'SELECT', 'socket', '/tmp/', 'locked',
          'connection')
TEXT = 'do this right now; try again'


@pytest.fixture(scope='module')
def server(module_hearth):
    return module_hearth()


@contextlib.contextmanager
def without_table(server, name):
    with contextlib.closing(sqlite3.connect(server.data / 'catalog.sqlite', timeout=30)) as catalog:
        catalog.execute(f'ALTER TABLE {name} RENAME TO lost_table')
        catalog.commit()
        try:
            yield
        finally:
            catalog.execute(f'ALTER TABLE lost_table RENAME TO {name}')
            catalog.commit()


def failure(call, *arguments, **options):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(*arguments, **options)
    answer = caught.value.response
    return (answer['Error']['Code'], answer['ResponseMetadata']['HTTPStatusCode'],
            answer['Error']['Message'], answer['ResponseMetadata'])


def discreet(text):
    assert not [word for word in INSIDE if word.lower() in text.lower()], text


ROWS = [('amp', 'list_workspaces', {}, 'amp_workspaces'),
        ('amp', 'create_workspace', {}, 'amp_workspaces'),
        ('amp', 'list_scrapers', {}, 'amp_scrapers'),
        ('grafana', 'list_workspaces', {}, 'grafana_workspaces'),
        ('grafana', 'describe_workspace', {'workspaceId': 'g-0123456789'}, 'grafana_workspaces'),
        ('eks', 'list_clusters', {}, 'eks_clusters'),
        ('iam', 'list_users', {}, 'iam_users'),
        ('iam', 'create_group', {'GroupName': 'g'}, 'iam_groups'),
        ('sts', 'assume_role', {'RoleArn': 'arn:aws:iam::000000000000:role/r',
                                'RoleSessionName': 'session'}, 'iam_roles')]


@pytest.mark.parametrize(('service', 'operation', 'arguments', 'table'), ROWS)
def test_a_broken_catalog_has_aws_form(server, service, operation, arguments, table):
    call = getattr(client(server, service), operation)
    with without_table(server, table):
        code, status, message, metadata = failure(call, **arguments)
    assert (code, status) == (('ServiceFailure' if service in ('iam', 'sts') else
                               'InternalServerException'), 500)
    discreet(message)
    request_id = metadata['HTTPHeaders']['x-amzn-requestid']
    assert metadata['RequestId'] == request_id
    lines = [line for line in server.log(400).splitlines() if request_id in line]
    assert len(lines) == 1 and 'no such table' in lines[0], server.log()
    if status == 500 and service not in ('iam', 'sts'):
        assert metadata['HTTPHeaders']['retry-after'] == '1'
    with contextlib.suppress(botocore.exceptions.ClientError):
        call(**arguments)  # it is whole again: whatever it says, it is no fault of ours
    assert server.alive()


@pytest.mark.parametrize(('path', 'table', 'status'), [
    ('/folders', 'folders', 500), ('/search', 'dashboards', 500),
    ('/datasources', 'data_sources', 500),
    ('/folders', 'grafana_workspaces', 503), ('/annotations', 'grafana_items', 500),
    ('/datasources/proxy/uid/AMP/api/v1/query?query=1', 'data_sources', 500),
])
def test_a_broken_catalog_in_grafanas_form(server, path, table, status):
    grafana = default_grafana(server)
    grafana.ok('GET', '/folders')  # its user is known
    with without_table(server, table):
        answer = grafana.get(path)
    assert answer.status_code == status, answer.text
    assert answer.json()['message'].endswith(TEXT)
    discreet(answer.text)
    assert 'no such table' in server.log(40)
    grafana.ok('GET', '/folders')


def test_a_query_of_grafana_names_no_insides(server):
    grafana = default_grafana(server)
    body = {'queries': [{'refId': 'A', 'datasource': {'uid': 'AMP'}, 'expr': '1', 'instant': True}]}
    grafana.ok('POST', '/ds/query', body)
    with without_table(server, 'data_sources'):
        answer = grafana.post('/ds/query', body)
    assert answer.json()['results']['A']['error'].endswith(TEXT), answer.text
    discreet(answer.text)


def test_unknown_credentials_while_the_catalog_is_broken(server):
    """Whom nobody can identify is told so, in the form of each protocol; nobody gets in."""
    with without_table(server, 'access_keys'):
        stranger = {'AccessKeyId': 'AKIA' + 'Z' * 16, 'SecretAccessKey': 'z' * 40}
        for service, operation in (('amp', 'list_workspaces'), ('iam', 'list_users'),
                                   ('sts', 'get_caller_identity'), ('grafana', 'list_workspaces'),
                                   ('eks', 'list_clusters')):
            _, status, message, metadata = failure(
                getattr(client(server, service, stranger), operation))
            assert status in (500, 503), (service, status, message)
            discreet(message)
            assert metadata['RequestId'] or metadata['HTTPHeaders']['x-amzn-requestid']


def test_another_program_holds_the_catalog(server):
    """Writes wait five seconds for it and fail; reads and the data plane go on."""
    amp, iam = client(server, 'amp'), client(server, 'iam')
    with contextlib.closing(sqlite3.connect(server.data / 'catalog.sqlite', timeout=30)) as catalog:
        catalog.execute('BEGIN IMMEDIATE')
        code, status, message, _ = failure(amp.create_workspace)
        assert (code, status) == ('InternalServerException', 500)
        discreet(message)
        code, status, message, _ = failure(iam.create_group, GroupName='held')
        assert (code, status) in (('ServiceFailure', 500), ('ServiceUnavailable', 503))
        discreet(message)
        assert amp.list_workspaces()['workspaces']
        assert client_for(server).get('/api/v1/query', {'query': '1'}).status_code == 200
        catalog.rollback()
    iam.create_group(GroupName='held')
    iam.delete_group(GroupName='held')


def test_postgresql_goes_away():
    pair = TwoProcesses()
    try:
        one = pair.processes[0]
        amp, iam, grafana = (client(one, name) for name in ('amp', 'iam', 'grafana'))
        plane = client_for(one)
        assert amp.list_workspaces()['workspaces']
        url = one.arguments[one.arguments.index('--catalog') + 1]
        folder = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)['host'][0]
        pid = (pathlib.Path(folder) / 'data' / 'postmaster.pid').read_text().split()[0]
        os.kill(int(pid), signal.SIGQUIT)  # at once, as in a crash
        wait_for(lambda: not pathlib.Path(f'/proc/{pid}').exists()
                 or 'Z' in pathlib.Path(f'/proc/{pid}/stat').read_text().split()[2])
        for call, codes in ((amp.list_workspaces, ('InternalServerException',)),
                            (amp.create_workspace, ('InternalServerException',)),
                            (grafana.list_workspaces, ('InternalServerException',)),
                            (iam.list_users, ('ServiceFailure', 'ServiceUnavailable'))):
            code, status, message, metadata = failure(call)
            assert code in codes and status in (500, 503), (code, status, message)
            discreet(message)
            assert metadata['HTTPHeaders']['x-amzn-requestid']
        answer = default_grafana(one).get('/folders')
        assert answer.status_code in (500, 503), answer.text
        discreet(answer.text)
        # Who is not known any more is not let in, on the data plane neither.
        wait_for(lambda: plane.get('/api/v1/query', {'query': '1'}).status_code == 503)
        discreet(plane.get('/api/v1/query', {'query': '1'}).text)
        assert pair.alive()
    finally:
        pair.remove()


def test_a_postgresql_that_never_answers_is_given_up():
    """One that takes connections and says nothing, as a machine that hangs: an error with its
    name, not a server that never starts."""
    with socket.create_server(('127.0.0.1', 0), backlog=16) as silent:
        port = silent.getsockname()[1]
        process = HearthProcess(arguments=['--catalog', f'postgresql://u@127.0.0.1:{port}/db'],
                                will_be_refused=True)
        try:
            process.start()
        except Exception as ended:  # pylint: disable=broad-except
            assert 'timeout expired' in str(vars(ended)), vars(ended)
        else:
            raise AssertionError('it started')
        finally:
            process.remove()
