# SPDX-License-Identifier: Apache-2.0
"""Many workspaces in one process: all are there after a stop, a start and a kill; prints what each
costs. Fifty in the normal run, a thousand with HEARTH_LONG."""

import json
import os

from connect import client_for
from remote_write import HEADERS, body, now_ms, series

LONG = bool(os.environ.get('HEARTH_LONG'))
WORKSPACES = 1_000 if LONG else 50
SERIES = 500
ROUNDS = 3


def labels(i):
    return {'__name__': f'metric_{i % 50}', 'cluster': 'eks', 'container': 'app',
            'instance': f'10.0.0.{i // 50}:9100', 'job': 'node', 'namespace': 'default',
            'node': f'ip-10-0-0-{i // 50}', 'pod': f'app-{i // 50}'}


def cost(process, what):
    print(f'{what}: {process.status_kib("RssAnon") / WORKSPACES:.0f} KiB a workspace, '
          f'{process.open_files()} open files, {process.status_kib("Threads")} threads')


def verify(client, ids, now):
    for number in {0, 1, WORKSPACES // 2, WORKSPACES - 1}:
        workspace = client.at(ids[number])
        at = now / 1000
        assert workspace.query('count({job="node"})', at)['result'][0]['value'][1] == str(SERIES)
        found = workspace.query('sum(count_over_time(metric_7[5m]))', at)['result']
        assert found[0]['value'][1] == str(SERIES // 50 * ROUNDS), number
        other = workspace.query('count by (owner) (owned)', now / 1000)['result']
        assert [one['metric'] for one in other] == [{'owner': str(number)}]


def test_many_workspaces_share_a_process(start_hearth):
    process = start_hearth(arguments=('--wal-fsync', 'os'))
    client, now, ids = client_for(process), now_ms(), []
    for number in range(WORKSPACES):
        answer = client.post('/workspaces', json.dumps({'alias': f'many-{number}'}),
                             headers={'Content-Type': 'application/json'})
        assert answer.status_code == 202, answer.text
        ids.append(answer.json()['workspaceId'])
    cost(process, 'empty')
    bodies = [body(*(series(labels(i), [(now - (ROUNDS - k) * 15_000, i + k)])
                     for i in range(SERIES))) for k in range(ROUNDS)]
    for number, one in enumerate(ids):
        workspace = client.at(one)
        for written in bodies:
            assert workspace.write_body(written, HEADERS).status_code == 200
        own = workspace.write(series({'__name__': 'owned', 'owner': str(number)}, [(now, 1)]))
        assert own.status_code == 200, own.text
    cost(process, f'{SERIES} active series')
    seconds = process.stop()
    process.start()
    print(f'stopped in {seconds:.1f} s, started in {process.start_seconds:.1f} s')
    cost(process, 'after a start')
    verify(client_for(process), ids, now)
    process.kill9()
    process.start()
    print(f'started after a kill in {process.start_seconds:.1f} s')
    verify(client_for(process), ids, now)
