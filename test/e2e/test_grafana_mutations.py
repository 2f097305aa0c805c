# SPDX-License-Identifier: Apache-2.0
"""Mutated requests to Grafana's API: whatever comes, no crash, no 500, and memory stays flat."""

import copy
import json
import random

import pytest

from grafana_client import default_grafana

SEEDS = [
    ('POST', '/datasources', {'name': 'm', 'type': 'prometheus', 'url': 'http://127.0.0.1:1',
                              'jsonData': {'sigV4Auth': True}, 'secureJsonData': {'a': 'b'}}),
    ('PUT', '/datasources/uid/m', {'name': 'm', 'type': 'prometheus', 'version': 1}),
    ('POST', '/folders', {'title': 'm', 'uid': 'm', 'parentUid': ''}),
    ('PUT', '/folders/m', {'title': 'm', 'version': 1, 'overwrite': True}),
    ('POST', '/folders/m/move', {'parentUid': 'm'}),
    ('POST', '/dashboards/db', {'dashboard': {'title': 'm', 'uid': 'm', 'id': None, 'tags': ['a'],
                                              'panels': [{'libraryPanel': {'uid': 'm'}}]},
                                'overwrite': True, 'folderUid': 'm'}),
    ('POST', '/dashboards/uid/m/restore', {'version': 1}),
    ('GET', '/search?query=m&tag=a&type=dash-db&limit=5&page=2&dashboardIds=1', None),
    ('POST', '/teams', {'name': 'm', 'email': 'm'}),
    ('POST', '/teams/1/members', {'userId': 1}),
    ('PUT', '/teams/1/preferences', {'theme': 'dark', 'timezone': 'utc'}),
    ('PUT', '/org/preferences', {'theme': 'dark', 'homeDashboardUID': 'm'}),
    ('POST', '/annotations', {'text': 'm', 'time': 1, 'timeEnd': 2, 'tags': ['a']}),
    ('GET', '/annotations?from=1&to=5&tags=a&limit=3', None),
    ('POST', '/library-elements', {'name': 'm', 'uid': 'm', 'kind': 1, 'model': {'type': 'text'}}),
    ('PATCH', '/library-elements/m', {'name': 'm', 'version': 1, 'model': {}}),
    ('POST', '/playlists', {'name': 'm', 'interval': '5m',
                            'items': [{'type': 'dashboard_by_uid', 'value': 'm'}]}),
    ('POST', '/access-control/folders/m', {'permissions': [{'builtInRole': 'Viewer',
                                                            'permission': 'View'}]}),
    ('POST', '/access-control/dashboards/m/users/1', {'permission': 'Edit'}),
    ('POST', '/serviceaccounts', {'name': 'm', 'role': 'Viewer'}),
    ('POST', '/serviceaccounts/1/tokens', {'name': 'm', 'secondsToLive': 60}),
    ('POST', '/v1/provisioning/contact-points', {'name': 'm', 'type': 'slack',
                                                 'settings': {'token': 'x'}}),
    ('PUT', '/v1/provisioning/policies', {
        'receiver': 'm', 'group_by': ['a'], 'group_wait': '5s',
        'routes': [{'object_matchers': [['a', '=', 'b']], 'mute_time_intervals': ['m']}]}),
    ('POST', '/v1/provisioning/mute-timings', {
        'name': 'm', 'time_intervals': [
            {'weekdays': ['monday'], 'months': ['1:3'],
             'times': [{'start_time': '10:00', 'end_time': '11:00'}]}]}),
    ('PUT', '/v1/provisioning/templates/m', {'template': '{{ define "m" }}{{ end }}'}),
    ('PUT', '/v1/provisioning/folder/m/rule-groups/g', {
        'interval': 60, 'rules': [
            {'title': 'm', 'condition': 'A', 'for': '5m', 'labels': {'a': 'b'},
             'data': [{'refId': 'A', 'datasourceUid': 'AMP', 'relativeTimeRange': {'from': 600},
                       'model': {'expr': 'up'}}]}]}),
    ('POST', '/ds/query', {'from': 'now-1h', 'to': 'now', 'queries': [
        {'refId': 'A', 'datasource': {'uid': 'AMP'}, 'expr': 'up', 'intervalMs': 1000,
         'maxDataPoints': 100}]}),
    ('GET', '/datasources/proxy/uid/AMP/api/v1/query?query=up', None),
    ('POST', '/admin/users', {'login': 'm', 'email': 'm'}),
    ('POST', '/dashboards/uid/m/public-dashboards', {'isEnabled': True, 'share': 'public'}),
]
VALUES = [None, True, -1, 0, 2**63, 2**64, -2**63, 1e308, 1.5, '', 'x' * 300, '\0', '🙂', [], {},
          [None], {'a': None}, [[]], 'now-1y', '99999999999h', '$__interval', '%s%n', '../..']


def nodes(value, path=()):
    yield path
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from nodes(value[key], path + (key,))


def mutated(rng, value):
    """A copy with one to three of its parts replaced, removed or doubled."""
    value = json.loads(json.dumps(value))
    for _ in range(rng.randint(1, 3)):
        path = rng.choice(list(nodes(value)))
        if not path:
            return rng.choice(VALUES) if rng.random() < 0.3 else value
        parent = value
        for key in path[:-1]:
            parent = parent[key]
        if rng.random() < 0.2 and isinstance(parent, dict):
            del parent[path[-1]]
        else:
            parent[path[-1]] = copy.deepcopy(rng.choice(VALUES))
    return value


def request(rng):
    method, path, body = rng.choice(SEEDS)
    if rng.random() < 0.15:
        at = rng.randrange(1, len(path))
        path = path[:at] + rng.choice(['%', '%00', '//', '?', '&', '-1', '%F0', 'x']) + path[at:]
    if rng.random() < 0.1:
        method = rng.choice(['GET', 'PUT', 'DELETE', 'PATCH', 'POST', 'HEAD'])
    if body is None:
        return method, path, None
    if rng.random() < 0.15:
        text = bytearray(json.dumps(body).encode())
        for _ in range(rng.randint(1, 4)):
            text[rng.randrange(len(text))] = rng.randrange(256)
        return method, path, bytes(text)
    return method, path, json.dumps(mutated(rng, body)).encode()


def storm(hearth, count, seed):
    grafana = default_grafana(hearth)
    for method, path, body in SEEDS:
        grafana.send(method, path, body)
    rng = random.Random(seed)
    before = None
    for i in range(count):
        method, path, body = request(rng)
        answer = grafana.send(method, path, body)
        assert answer.status_code < 500 or answer.status_code in (501, 502, 504), \
            f'{method} {path} {body}: {answer.status_code} {answer.text}'
        if i == count // 2:
            before = hearth.status_kib('VmRSS')
    assert grafana.get('/health').status_code == 200
    assert hearth.status_kib('VmRSS') < before + 64 * 1024


def test_a_hundred_mutated_requests(start_hearth):
    storm(start_hearth(), 100, seed=1)


@pytest.mark.long
def test_ten_thousand_mutated_requests(start_hearth):
    storm(start_hearth(), 10_000, seed=2)
