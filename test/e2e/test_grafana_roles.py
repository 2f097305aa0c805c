# SPDX-License-Identifier: Apache-2.0
"""Who may do what in a Grafana workspace: tokens with the three roles, entries of folders,
dashboards and data sources, teams; and the forms of refusals."""

import pytest

from grafana_client import Grafana, default_grafana


@pytest.fixture(scope='module')
def root(module_hearth):
    return default_grafana(module_hearth())


@pytest.fixture(scope='module')
def as_role(root):
    def client(role):
        made = root.ok('POST', '/serviceaccounts', {'name': f'as-{role}', 'role': role},
                       status=201)
        key = root.ok('POST', f'/serviceaccounts/{made["id"]}/tokens', {'name': f'as-{role}'})
        client = Grafana(root.url, token=key['key'])
        client.id = made['id']
        return client
    return {role: client(role) for role in ('Viewer', 'Editor', 'Admin')}


# What the least role is for.
CALLS = [
    ('GET', '/datasources/uid/AMP', None, 'Admin'), ('GET', '/search', None, 'Viewer'),
    ('GET', '/teams/search', None, 'Admin'), ('GET', '/org/users', None, 'Admin'),
    ('GET', '/serviceaccounts/search', None, 'Admin'), ('GET', '/folders', None, 'Viewer'),
    ('POST', '/folders', {'title': 'r'}, 'Editor'), ('GET', '/org/preferences', None, 'Admin'),
    ('POST', '/dashboards/db', {'dashboard': {'title': 'r'}}, 'Editor'),
    ('POST', '/annotations', {'text': 'r'}, 'Editor'), ('GET', '/annotations', None, 'Viewer'),
    ('POST', '/playlists', {'name': 'r', 'interval': '5m'}, 'Editor'),
    ('GET', '/v1/provisioning/contact-points', None, 'Editor'),
    ('POST', '/datasources', {'name': 'r', 'type': 'prometheus'}, 'Admin'),
    ('GET', '/user', None, 'Viewer'), ('GET', '/frontend/settings', None, 'Viewer'),
    ('GET', '/datasources/proxy/uid/AMP/api/v1/query?query=1', None, 'Viewer'),
]


@pytest.mark.parametrize(('method', 'path', 'body', 'least'), CALLS)
def test_least_roles(as_role, method, path, body, least):
    order = ['Viewer', 'Editor', 'Admin']
    for role in order:
        answer = as_role[role].send(method, path, body)
        if order.index(role) >= order.index(least):
            assert answer.status_code == 200, f'{role}: {answer.text}'
        else:
            assert answer.status_code == 403, f'{role}: {answer.status_code} {answer.text}'
            assert 'Permissions needed' in answer.json()['message']


def test_refusals_have_grafanas_form(root, as_role):
    answer = Grafana(root.url).get('/search')
    assert answer.status_code == 401 and answer.json()['message'] == 'Unauthorized'
    answer = Grafana(root.url, token='glsa_' + 'x' * 32 + '_00000000').get('/search')
    assert answer.status_code == 401 and answer.json()['message']
    refusal = as_role['Viewer'].get('/teams/search').json()
    assert refusal['title'] == 'Access denied' and refusal['accessErrorId'].startswith('ACE')
    assert 'teams:read' in refusal['message']


def test_entries_of_a_folder_decide(root, as_role):
    viewer, editor = as_role['Viewer'], as_role['Editor']
    root.ok('POST', '/folders', {'title': 'Secret', 'uid': 'secret'})
    root.ok('POST', '/dashboards/db', {'dashboard': {'title': 'In secret', 'uid': 'in-secret'},
                                       'folderUid': 'secret'})
    assert viewer.get('/dashboards/uid/in-secret').status_code == 200
    root.ok('POST', '/access-control/folders/secret',
            {'permissions': [{'builtInRole': 'Viewer'}, {'builtInRole': 'Editor'}]})
    for one in (viewer, editor):
        assert one.get('/folders/secret').status_code == 403
        assert one.get('/dashboards/uid/in-secret').status_code == 403
        assert one.ok('GET', '/search?query=secret') == []
    # One user edits, and so do those in a team.
    root.ok('POST', f'/access-control/folders/secret/users/{viewer.id}', {'permission': 'Edit'})
    assert viewer.ok('GET', '/folders/secret')['canSave'] is True
    viewer.ok('POST', '/dashboards/db', {'dashboard': {'title': 'Mine', 'uid': 'mine'},
                                         'folderUid': 'secret'})
    assert editor.delete('/dashboards/uid/mine').status_code == 403
    entries = viewer.get('/access-control/folders/secret')
    assert entries.status_code == 403
    listed = root.ok('GET', '/access-control/dashboards/mine')
    assert [(e.get('userId'), e['permission'], e['isInherited']) for e in listed] == [
        (viewer.id, 'Admin', False), (viewer.id, 'Edit', True), (None, 'Admin', False)]


def test_entries_of_a_data_source_decide(root, as_role):
    viewer, editor = as_role['Viewer'], as_role['Editor']
    path = '/datasources/proxy/uid/AMP/api/v1/query?query=1'
    assert viewer.get(path).status_code == 200
    root.ok('POST', f'/access-control/datasources/AMP/users/{editor.id}', {'permission': 'Query'})
    assert editor.get(path).status_code == 200
    assert viewer.get(path).status_code == 403
    root.ok('POST', f'/access-control/datasources/AMP/users/{editor.id}', {})
    assert viewer.get(path).status_code == 200


@pytest.mark.parametrize('entry', [
    {}, {'userId': 1, 'teamId': 1, 'permission': 'View'}, {'builtInRole': 'Boss'},
    {'builtInRole': 'Viewer', 'permission': 'Own'}, {'userId': 99999, 'permission': 'View'},
    {'userId': 'x', 'permission': 'View'}, 5])
def test_bad_entries(root, entry):
    root.post('/folders', {'title': 'bad', 'uid': 'bad'})
    answer = root.post('/access-control/folders/bad', {'permissions': [entry]})
    assert answer.status_code in (400, 404), answer.text


def test_an_expired_token_is_told_apart(root):
    made = root.ok('POST', '/serviceaccounts', {'name': 'brief', 'role': 'Viewer'}, status=201)
    path = f'/serviceaccounts/{made["id"]}/tokens'
    key = root.ok('POST', path, {'name': 'brief', 'secondsToLive': 600})
    brief = Grafana(root.url, token=key['key'])
    assert brief.get('/search').status_code == 200
    root.ok('PATCH', f'/serviceaccounts/{made["id"]}', {'isDisabled': True})
    assert brief.get('/search').status_code == 401
    root.ok('DELETE', f'{path}/{key["id"]}')
    assert root.post(path, {'name': 'x', 'secondsToLive': -1}).status_code == 400


def test_what_belongs_to_a_hidden_dashboard_is_hidden(root, as_role):
    """Annotations by their id, the counts of its folder, uses of library panels."""
    viewer = as_role['Viewer']
    root.ok('POST', '/folders', {'title': 'Hidden', 'uid': 'hidden'})
    element = root.ok('POST', '/library-elements', {
        'name': 'shared', 'uid': 'shared', 'kind': 1, 'model': {'type': 'text'}})
    assert element['result']['uid'] == 'shared'
    root.ok('POST', '/dashboards/db', {
        'dashboard': {'title': 'In hidden', 'uid': 'in-hidden',
                      'panels': [{'id': 1, 'libraryPanel': {'uid': 'shared', 'name': 'shared'}}]},
        'folderUid': 'hidden'})
    note = root.ok('POST', '/annotations', {'dashboardUID': 'in-hidden', 'text': 'secret words'})
    path = f'/annotations/{note["id"]}'
    connections = '/library-elements/shared/connections'
    assert viewer.ok('GET', path)['text'] == 'secret words'
    assert viewer.ok('GET', '/folders/hidden/counts')['dashboard'] == 1
    assert len(viewer.ok('GET', connections)['result']) == 1
    root.ok('POST', '/access-control/folders/hidden',
            {'permissions': [{'builtInRole': 'Viewer'}, {'builtInRole': 'Editor'}]})
    refused = viewer.get(path)
    assert refused.status_code == 403 and 'secret words' not in refused.text
    assert viewer.get('/folders/hidden/counts').status_code == 403
    assert viewer.ok('GET', connections)['result'] == []
    assert len(root.ok('GET', connections)['result']) == 1
    # With its folder all of a dashboard goes: the panel is used no more, and can be deleted.
    root.ok('POST', '/user/stars/dashboard/uid/in-hidden')
    root.ok('DELETE', '/folders/hidden')
    root.ok('POST', '/dashboards/db', {'dashboard': {'title': 'Anew', 'uid': 'in-hidden'}})
    assert 'in-hidden' not in root.ok('GET', '/user/stars')
    root.ok('DELETE', '/library-elements/shared')
    root.ok('DELETE', '/dashboards/uid/in-hidden')
