# SPDX-License-Identifier: Apache-2.0
"""Every request of a recorded life cycle of the Terraform provider grafana/grafana (24 resource
types: apply, plan, apply, change, deletions behind its back, destroy), sent again in order; every
answer compared member by member with the recorded one. The recorded answers are a stand-in's that
satisfied the provider, so what differs on purpose is listed here, with its reason.

The recording is not part of the project: HEARTH_SHARED or ../shared holds it, else this is skipped.
"""

import gzip
import json
import os
import pathlib
import re

import pytest

from grafana_client import Grafana, default_grafana
from hearth_process import ROOT

SHARED = pathlib.Path(os.environ.get('HEARTH_SHARED') or ROOT.parent / 'shared')
RECORDING = SHARED / 'data' / 'grafana-provider.jsonl.gz'

# Times, secrets and pictures are each server's own: only their presence and type are compared.
OWN_VALUES = {'created', 'updated', 'createdAt', 'updatedAt', 'lastSeenAt', 'lastSeenAtAge',
              'lastUsedAt', 'expiration', 'secondsUntilExpiration', 'avatarUrl', 'userAvatarUrl',
              'teamAvatarUrl', 'key', 'accessToken'}
# Names that a server gives: recorded ones stand for ours from their first appearance on.
NAMES = {'id', 'uid', 'userId', 'userUid', 'userUID', 'teamId', 'teamUid', 'teamUID', 'folderId',
         'folderUid', 'folderUID', 'parentUid', 'dashboardId', 'dashboardUID', 'dashboardUid',
         'connectionId', 'connectionUid', 'elementId', 'createdBy', 'updatedBy'}
# (pattern of method and path, member): why ours differs.
EXPECTED = {
    # Grafana's documentation has it, and its Go client demands it; the stand-in left it out.
    (r'DELETE /dashboards/uid/', 'id'): 'more',
    # A renamed service account has the login of its new name.
    (r'/serviceaccounts/', 'login'): 'value',
    (r'/access-control/', 'userLogin'): 'value',
    # Grafana's path for the connection's own row is a number that nobody reads.
    (r'/connections', 'id'): 'value',
}


@pytest.fixture(scope='module')
def exchanges():
    if not RECORDING.exists():
        pytest.skip(f'{RECORDING} is not there: set HEARTH_SHARED to the folder that has data/')
    with gzip.open(RECORDING, 'rt', encoding='utf-8') as lines:
        return [json.loads(line) for line in lines][1:]


class Replay:
    def __init__(self, grafana, base):
        self.grafana = grafana
        self.base = base  # "/g-0123456789" of ours
        self.names = {}   # recorded uid or id → ours
        self.problems = []

    # ---- requests ------------------------------------------------------------------------------

    def path(self, recorded):
        path, _, query = recorded.partition('?')
        pieces = [str(self.names.get(int(p) if p.isdigit() else p, p)) for p in path.split('/')]
        for old, new in self.names.items():
            if isinstance(old, str):
                query = query.replace(old, str(new))
            else:
                query = re.sub(rf'(dashboardIds=){old}\b', rf'\g<1>{new}', query)
        return '/'.join(pieces) + ('?' + query if query else '')

    def body(self, value, key=None):
        if isinstance(value, dict):
            return {k: self.body(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [self.body(v, key) for v in value]
        if isinstance(value, str):
            return self.names.get(value, value)
        if isinstance(value, int) and not isinstance(value, bool) and key in (
                'userId', 'teamId', 'id'):
            return self.names.get(value, value)
        return value

    # ---- answers -------------------------------------------------------------------------------

    def text(self, value):
        """A recorded text with our names in it."""
        if value in self.names:
            return str(self.names[value])
        value = value.replace('/g-0123456789', self.base)
        for old, new in self.names.items():
            if isinstance(old, str) and len(old) == 15:
                value = value.replace(old, str(new))
        match = re.fullmatch(r'managed:(users|teams):(\d+):permissions', value)
        if match:
            value = f'managed:{match[1]}:{self.names.get(int(match[2]), match[2])}:permissions'
        return value

    def expected(self, where, key, kind):
        return any(k == key and v == kind and re.search(pattern, where)
                   for (pattern, k), v in EXPECTED.items())

    def problem(self, where, path, recorded, ours):
        self.problems.append(f'{where}\n    {path}: recorded {recorded!r}, ours {ours!r}')

    def sorted(self, where, answer):
        """Lists whose order means nothing to a client: entries of permissions, alert rules."""
        if not isinstance(answer, list):
            return answer
        if 'GET /access-control/' in where:
            rows = [{k: v for k, v in row.items() if k != 'id'} for row in answer]
            return sorted(rows, key=lambda row: (row['isInherited'], self.text(row['roleName'])))
        if re.match(r'GET /v1/provisioning/alert-rules \(', where):
            return sorted(answer, key=lambda row: row['title'])
        return answer

    def compare(self, where, path, recorded, ours, key=None):
        if key in OWN_VALUES and not isinstance(recorded, (dict, list)):
            return
        if isinstance(recorded, dict) and isinstance(ours, dict):
            # Names first: texts beside them have them within.
            for k in sorted(recorded.keys() | ours.keys(), key=lambda k: (k not in NAMES, k)):
                if k not in ours:
                    self.problem(where, f'{path}.{k}', recorded[k], 'nothing')
                elif k not in recorded:
                    if not self.expected(where, k, 'more'):
                        self.problem(where, f'{path}.{k}', 'nothing', ours[k])
                else:
                    self.compare(where, f'{path}.{k}', recorded[k], ours[k], k)
            return
        if isinstance(recorded, list) and isinstance(ours, list):
            if len(recorded) != len(ours):
                self.problem(where, path, recorded, ours)
                return
            for i, (a, b) in enumerate(zip(recorded, ours)):
                self.compare(where, f'{path}[{i}]', a, b, key)
            return
        if self.expected(where, key, 'value'):
            return
        self.scalar(where, path, recorded, ours, key)

    def scalar(self, where, path, recorded, ours, key):
        # A content hash: another function, the same kind of text.
        content_hash = re.compile('[0-9a-f]{16}')
        if key == 'version' and content_hash.fullmatch(str(recorded)):
            if not content_hash.fullmatch(str(ours)):
                self.problem(where, path, recorded, ours)
            return
        if key in NAMES and type(recorded) is type(ours) and recorded not in (
                0, '', None):
            if self.names.setdefault(recorded, ours) != ours:
                self.problem(where, path, self.names[recorded], ours)
            return
        if isinstance(recorded, str):
            recorded = self.text(recorded)
        if recorded != ours or type(recorded) is not type(ours):
            self.problem(where, path, recorded, ours)

    # ---- one exchange --------------------------------------------------------------------------

    def run(self, exchange):
        recorded = exchange['path'].removeprefix('/g-0123456789/api')
        path = self.path(recorded)
        where = f'{exchange["method"]} {recorded} ({exchange["step"]})'
        if exchange['status'] == 404 and self.grafana.get(path).status_code == 200:
            # Somebody deletes it behind the provider's back here.
            assert self.grafana.delete(path).status_code in (200, 202, 204), path
        headers = {k: v for k, v in exchange['headers'].items() if k.startswith(('X-', 'Grafana-'))}
        body = None if exchange['request'] is None else self.body(exchange['request'])
        answer = self.grafana.send(exchange['method'], path, body, headers=headers)
        if answer.status_code != exchange['status']:
            self.problem(where, 'status', exchange['status'],
                         f'{answer.status_code} {answer.text[:300]}')
            return
        ours = answer.json() if answer.content else None
        self.compare(where, '', self.sorted(where, exchange['response']),
                     self.sorted(where, ours))


@pytest.fixture(scope='module')
def replay(module_hearth, exchanges):
    hearth = module_hearth()
    root = default_grafana(hearth)
    # A workspace as the recording found it: its users and the provider's service account. Our
    # default data source has the uid and the name of a recorded one, which stand for others here.
    base = '/grafana/default'
    made = root.ok('POST', '/serviceaccounts',
                   {'name': 'terraform-dashboard-provisioner', 'role': 'Admin'}, status=201)
    token = root.ok('POST', f'/serviceaccounts/{made["id"]}/tokens', {'name': 'terraform'})['key']
    replay = Replay(Grafana(hearth.http + base, token=token), base)
    replay.names['AMP'] = 'AMP-recorded'
    replay.names['Amazon Managed Prometheus'] = 'Amazon Managed Prometheus, recorded'
    replay.names[4] = made['id']
    for i, (login, role) in enumerate((('admin', 'Admin'), ('jane', 'Editor'), ('joe', 'Viewer'))):
        user = root.ok('POST', '/admin/users', {'login': login, 'name': login.title(),
                                                'email': f'{login}@example.com', 'role': role})
        replay.names[i + 1] = user['id']
    return replay


def without_root(exchange):
    """The stand-in's list of all users: ours has the account's root user, who made them, too."""
    return exchange['path'].endswith('/api/org/users')


def test_every_exchange(replay, exchanges):
    for exchange in exchanges:
        if not without_root(exchange):
            replay.run(exchange)
    problems = replay.problems
    report = '\n'.join(problems[:40])
    assert not problems, f'{len(problems)} differences in {len(exchanges)} exchanges\n{report}'


def test_nothing_is_left(replay):
    left = {path: replay.grafana.ok('GET', path) for path in (
        '/folders', '/search', '/library-elements', '/playlists', '/annotations', '/teams/search',
        '/v1/provisioning/alert-rules', '/v1/provisioning/mute-timings',
        '/v1/provisioning/templates')}
    assert left['/library-elements']['result']['totalCount'] == 0
    assert left['/teams/search']['totalCount'] == 0
    for path in left.keys() - {'/library-elements', '/teams/search'}:
        assert left[path] == [], path
    assert len(replay.grafana.ok('GET', '/v1/provisioning/contact-points')) == 1
    assert [s['uid'] for s in replay.grafana.ok('GET', '/datasources')] == ['AMP']
    assert replay.grafana.ok('GET', '/serviceaccounts/search')['totalCount'] == 1
