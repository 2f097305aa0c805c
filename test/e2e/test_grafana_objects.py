# SPDX-License-Identifier: Apache-2.0
"""Data sources, folders, dashboards and search of a Grafana workspace over the wire
(aws-contract.md §13 and its traps)."""

import json

import pytest

from grafana_client import default_grafana


@pytest.fixture(scope='module')
def grafana(module_hearth):
    return default_grafana(module_hearth())


def source(name, **more):
    return {'name': name, 'type': 'prometheus', 'url': 'http://127.0.0.1:1', 'access': 'proxy',
            'jsonData': {}, **more}


# ---- data sources ------------------------------------------------------------------------------


def test_data_source_life(grafana):
    made = grafana.ok('POST', '/datasources', source(
        'life', uid='life-1', basicAuth=True, basicAuthUser='me',
        jsonData={'httpMethod': 'POST', 'z': 1.5, 'a': None, 'httpHeaderName1': 'X-Team'},
        secureJsonData={'basicAuthPassword': 'secret-1', 'httpHeaderValue1': 'secret-2'}))
    assert made['message'] == 'Datasource added' and made['name'] == 'life'
    read = grafana.ok('GET', '/datasources/uid/life-1')
    assert read == made['datasource']
    assert read['orgId'] == 1 and read['access'] == 'proxy'
    assert list(read['jsonData'].items()) == [('httpMethod', 'POST'), ('z', 1.5), ('a', None),
                                              ('httpHeaderName1', 'X-Team')]
    assert read['secureJsonFields'] == {'basicAuthPassword': True, 'httpHeaderValue1': True}
    assert 'secret-' not in json.dumps(grafana.ok('GET', '/datasources'))
    for path in (f'/datasources/{read["id"]}', '/datasources/name/life'):
        assert grafana.ok('GET', path) == read
    assert grafana.ok('GET', '/datasources/id/life') == {'id': read['id']}
    # What an update does not name of the secrets stays; "" takes one away.
    changed = grafana.ok('PUT', '/datasources/uid/life-1', source(
        'life 2', secureJsonData={'httpHeaderValue1': ''}))
    assert changed['message'] == 'Datasource updated'
    assert changed['datasource']['version'] == 2
    assert changed['datasource']['secureJsonFields'] == {'basicAuthPassword': True}
    assert changed['datasource']['jsonData'] == {}
    gone = grafana.ok('DELETE', '/datasources/uid/life-1')
    assert gone == {'id': read['id'], 'message': 'Data source deleted'}
    answer = grafana.get('/datasources/uid/life-1')
    assert (answer.status_code, answer.json()) == (404, {'message': 'Data source not found'})


def test_json_data_is_an_object_even_where_none_was_sent(grafana):
    body = source('no json data')
    del body['jsonData']
    uid = grafana.ok('POST', '/datasources', body)['datasource']['uid']
    assert not uid.isdigit()
    assert grafana.ok('GET', f'/datasources/uid/{uid}')['jsonData'] == {}


def test_the_amazon_plug_in_is_read_back_as_written(grafana):
    kind = 'grafana-amazonprometheus-datasource'
    made = grafana.ok('POST', '/datasources', source('plug-in', uid='plug-in', type=kind))
    assert made['datasource']['type'] == kind


def test_names_and_uids_are_taken_once(grafana):
    grafana.ok('POST', '/datasources', source('twice', uid='twice'))
    for other in (source('twice', uid='other'), source('other', uid='twice')):
        answer = grafana.post('/datasources', other)
        assert answer.status_code == 409, answer.text
        assert 'already exists' in answer.json()['message']


def test_a_new_default_takes_the_mark(grafana):
    before = next(s for s in grafana.ok('GET', '/datasources') if s['isDefault'])
    made = grafana.ok('POST', '/datasources', source('mine', uid='mine', isDefault=True))
    marked = [s['uid'] for s in grafana.ok('GET', '/datasources') if s['isDefault']]
    assert marked == ['mine']
    grafana.ok('DELETE', '/datasources/uid/mine')
    assert made['datasource']['isDefault'] and before['uid'] == 'AMP'


def test_the_provisioned_one_cannot_be_changed(grafana):
    for answer in (grafana.put('/datasources/uid/AMP', source('x')),
                   grafana.delete('/datasources/uid/AMP')):
        assert answer.status_code == 403
        assert 'read-only' in answer.json()['message']


@pytest.mark.parametrize(('change', 'word'), [
    ({'name': ''}, 'name'), ({'name': 5}, 'name'), ({'type': None}, 'type'),
    ({'jsonData': []}, 'jsonData'), ({'secureJsonData': {'a': 1}}, 'secureJsonData.a'),
    ({'url': 'ftp://x'}, 'neither http'), ({'url': 'http://a b'}, 'white space'),
    ({'uid': 'a/b'}, 'uid'), ({'uid': 'x' * 41}, '40'), ({'access': 'tunnel'}, 'access'),
    ({'name': 'x' * 200}, '190'), ({'name': 'a\0b'}, 'U+0000')])
def test_bad_data_sources_are_named(grafana, change, word):
    answer = grafana.post('/datasources', {**source('bad'), **change})
    assert answer.status_code == 400, answer.text
    assert word in answer.json()['message']


@pytest.mark.parametrize('body', [b'', b'{', b'[]', b'"x"', b'\xff', b'[' * 100_000,
                                  b'{"a":' * 200 + b'1' + b'}' * 200])
def test_bodies_that_are_no_json_object(grafana, body):
    for path in ('/datasources', '/folders', '/dashboards/db'):
        answer = grafana.post(path, body)
        assert answer.status_code == 400
        assert answer.json()['message'].startswith('bad request data')


# ---- folders -----------------------------------------------------------------------------------


def test_folder_life(grafana):
    made = grafana.ok('POST', '/folders', {'title': 'EKS observability', 'uid': 'eks'})
    assert made['url'].endswith('/dashboards/f/eks/eks-observability') and made['version'] == 1
    assert 'parentUid' not in made and 'parents' not in made
    child = grafana.ok('POST', '/folders', {'title': 'Below', 'parentUid': 'eks'})
    assert not child['uid'].isdigit()
    assert child['parentUid'] == 'eks' and child['parents'][0]['uid'] == 'eks'
    assert grafana.ok('GET', f'/folders/id/{made["id"]}') == made
    assert [f['uid'] for f in grafana.ok('GET', '/folders?parentUid=eks')] == [child['uid']]
    assert 'eks' in [f['uid'] for f in grafana.ok('GET', '/folders')]
    changed = grafana.ok('PUT', '/folders/eks', {'title': 'Renamed', 'overwrite': True})
    assert (changed['title'], changed['version']) == ('Renamed', 2)
    answer = grafana.put('/folders/eks', {'title': 'x', 'version': 1})
    assert answer.status_code == 412 and answer.json()['status'] == 'version-mismatch'
    other = grafana.ok('POST', '/folders', {'title': 'Other'})
    moved = grafana.ok('POST', f'/folders/{child["uid"]}/move', {'parentUid': other['uid']})
    assert moved['parentUid'] == other['uid']
    answer = grafana.post('/folders/' + other['uid'] + '/move', {'parentUid': child['uid']})
    assert answer.status_code == 400
    gone = grafana.ok('DELETE', '/folders/eks?forceDeleteRules=true')
    assert gone == {'id': made['id'], 'message': 'Folder Renamed deleted', 'title': 'Renamed'}
    answer = grafana.get('/folders/eks')
    assert (answer.status_code, answer.json()['message']) == (404, 'folder not found')
    grafana.ok('DELETE', '/folders/' + other['uid'])
    assert grafana.get('/folders/' + child['uid']).status_code == 404


def test_bad_folders(grafana):
    grafana.ok('POST', '/folders', {'title': 'Taken', 'uid': 'taken'})
    for body, status in (({'title': ' '}, 400), ({'title': 'x', 'uid': 'a b'}, 400),
                         ({'title': 'x', 'uid': 'taken'}, 409),
                         ({'title': 'x', 'parentUid': 'no-such'}, 404), ({}, 400),
                         ({'title': 'x' * 6000}, 400)):
        assert grafana.post('/folders', body).status_code == status, body
    deep = None
    for _ in range(8):
        answer = grafana.post('/folders', {'title': 'deep', 'parentUid': deep or ''})
        if answer.status_code == 200:
            deep = answer.json()['uid']
    assert answer.status_code == 400 and 'deep' in answer.json()['message']


# ---- dashboards --------------------------------------------------------------------------------

VERBATIM = ('{"z": 1.50, "big": 123456789012345678901234567890, "a": {"y": [], "x": null},'
            ' "title": "Verb\\u0061tim <b>&amp;</b> ✓", "panels": [{"id": 3}], "uid": "verbatim"}')


def test_dashboard_text_is_kept(grafana):
    saved = grafana.ok('POST', '/dashboards/db', '{"dashboard": ' + VERBATIM + '}')
    assert saved['status'] == 'success' and saved['version'] == 1
    assert saved['url'].endswith('/d/verbatim/verbatim-b-amp-b')
    answer = grafana.get('/dashboards/uid/verbatim')
    text = answer.content.decode()
    # All as it was, then what the server owns and was not there.
    own = f',"id":{saved["id"]},"version":1}}'
    assert text.endswith('"dashboard":' + VERBATIM[:-1] + own + '}')
    assert answer.json()['meta']['folderUid'] == ''


def test_dashboard_life(grafana):
    grafana.ok('POST', '/folders', {'title': 'Boards', 'uid': 'boards'})
    board = {'title': 'Life', 'uid': 'life', 'tags': ['a', 'b'], 'panels': []}
    one = grafana.ok('POST', '/dashboards/db', {'dashboard': board, 'folderUid': 'boards',
                                                'message': 'first'})
    # Another one's change in between is a conflict, unless overwritten.
    two = grafana.ok('POST', '/dashboards/db', {
        'dashboard': {**board, 'title': 'Life 2', 'version': 1}, 'folderUid': 'boards'})
    assert two['version'] == 2 and two['id'] == one['id']
    stale = {'dashboard': {**board, 'title': 'Life 3', 'version': 1}, 'folderUid': 'boards'}
    answer = grafana.post('/dashboards/db', stale)
    assert answer.status_code == 412
    assert answer.json() == {'message': 'The dashboard has been changed by someone else',
                             'status': 'version-mismatch'}
    three = grafana.ok('POST', '/dashboards/db', {**stale, 'overwrite': True})
    assert three['version'] == 3
    # By id, as the provider updates.
    four = grafana.ok('POST', '/dashboards/db', {
        'dashboard': {'id': one['id'], 'title': 'Life 4'}, 'overwrite': True})
    assert (four['uid'], four['version'], four['folderUid']) == ('life', 4, '')
    history = grafana.ok('GET', '/dashboards/uid/life/versions')
    assert [v['version'] for v in history['versions']] == [4, 3, 2, 1]
    assert history['versions'][-1]['message'] == 'first'
    old = grafana.ok('GET', '/dashboards/uid/life/versions/2')
    assert old['data']['title'] == 'Life 2'
    back = grafana.ok('POST', '/dashboards/uid/life/restore', {'version': 2})
    assert back['version'] == 5
    read = grafana.ok('GET', '/dashboards/uid/life')
    assert read['dashboard']['title'] == 'Life 2' and read['dashboard']['version'] == 5
    assert isinstance(read['dashboard']['id'], int)
    gone = grafana.ok('DELETE', '/dashboards/uid/life')
    assert gone['title'] == 'Life 2' and gone['id'] == one['id']
    answer = grafana.get('/dashboards/uid/life')
    assert answer.json() == {'message': 'Dashboard not found', 'status': 'not-found'}
    assert grafana.delete('/dashboards/uid/life').status_code == 404


@pytest.mark.parametrize(('body', 'status', 'word'), [
    ({'dashboard': {'title': ''}}, 400, 'title'), ({'dashboard': []}, 400, 'dashboard'),
    ({}, 400, 'dashboard'), ({'dashboard': {'title': 'x', 'uid': 'a b'}}, 400, 'uid'),
    ({'dashboard': {'title': 'x', 'id': 99999}}, 404, 'not found'),
    ({'dashboard': {'title': 'x', 'id': 'y'}}, 400, 'id'),
    ({'dashboard': {'title': 'x'}, 'folderUid': 'no-such'}, 400, 'folder not found'),
    ({'dashboard': {'title': 'x'}, 'overwrite': 1}, 400, 'overwrite')])
def test_bad_dashboards(grafana, body, status, word):
    answer = grafana.post('/dashboards/db', body)
    assert answer.status_code == status, answer.text
    assert word in answer.json()['message']


def test_search(grafana):
    grafana.ok('POST', '/folders', {'title': 'Find me', 'uid': 'find'})
    ids = {}
    for title, folder, tags in (('Find alpha', 'find', ['x']), ('Find beta', '', ['x', 'y'])):
        uid = title.split()[1]
        ids[uid] = grafana.ok('POST', '/dashboards/db', {
            'dashboard': {'title': title, 'uid': uid, 'tags': tags}, 'folderUid': folder})['id']

    def found(query):
        return [hit['uid'] for hit in grafana.ok('GET', '/search?' + query)]

    assert found('query=FIND') == ['alpha', 'beta', 'find']
    assert found('query=find&sort=alpha-desc') == ['find', 'beta', 'alpha']
    assert found('query=find&type=dash-db') == ['alpha', 'beta']
    assert found('query=find&type=dash-folder') == ['find']
    assert found('tag=x&tag=y') == ['beta']
    assert found(f'dashboardIds={ids["beta"]}') == ['beta']
    assert found('dashboardUIDs=alpha,beta') == ['alpha', 'beta']
    assert found('dashboardUIDs=alpha&dashboardUIDs=beta') == ['alpha', 'beta']
    assert found('folderUIDs=find') == ['alpha']
    assert found('folderUIDs=general&query=find&type=dash-db') == ['beta']
    assert found('query=find&limit=2') == ['alpha', 'beta']
    assert found('query=find&limit=2&page=2') == ['find']
    assert found('query=find&starred=true') == []
    hit = grafana.ok('GET', '/search?query=alpha')[0]
    assert hit['folderTitle'] == 'Find me' and hit['type'] == 'dash-db' and hit['tags'] == ['x']
    assert grafana.get('/search?limit=x').status_code == 400
    assert {'term': 'y', 'count': 1} in grafana.ok('GET', '/dashboards/tags')


# ---- everything --------------------------------------------------------------------------------


def test_unknown_paths_are_404_and_health_is_for_all(grafana):
    for path in ('/', '/no-such', '/folders/x/y/z', '/datasources/uid/a/b/c'):
        answer = grafana.get(path)
        assert answer.status_code == 404 and 'message' in answer.json()
    assert grafana.ok('GET', '/health')['database'] == 'ok'
    assert grafana.get('/folders/%00').status_code == 400
    assert grafana.get('/folders/%ff').status_code == 400


def test_the_organisation_header(grafana):
    assert grafana.get('/org', headers={'X-Grafana-Org-Id': '1'}).status_code == 200
    assert grafana.get('/org', headers={'X-Grafana-Org-Id': '2'}).status_code == 403
