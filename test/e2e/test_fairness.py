# SPDX-License-Identifier: Apache-2.0
"""A workspace that asks and writes without end does not keep others from their turn."""

import json
import threading

import pytest

from connect import client_for, wait_for
from remote_write import now_ms, series

# A second or so of work each, without a sample being read.
LONG = {'query': 'count_over_time((vector(1) * 2 + 1)[60d:1s])', 'time': now_ms() / 1000}
NOISY_CLIENTS = 12


def make_workspace(client, alias):
    answer = client.post('/workspaces', json.dumps({'alias': alias}),
                         headers={'Content-Type': 'application/json'})
    assert answer.status_code == 202, answer.text
    return client.at(answer.json()['workspaceId'])


def running(client):
    return len(client.data('/api/v1/status/queries')['queries'])


@pytest.fixture(scope='module')
def pair(module_hearth):
    client = client_for(module_hearth())
    return make_workspace(client, 'noisy'), make_workspace(client, 'quiet')


def test_queries_of_one_workspace_leave_room_for_another(pair):
    noisy, quiet = pair
    answers, over = [], threading.Event()

    def ask(client):
        while not over.is_set():
            answers.append(client.get('/api/v1/query', LONG).status_code)

    threads = [threading.Thread(target=ask, args=(noisy.but(),), daemon=True)
               for _ in range(NOISY_CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: running(noisy) > 0)
        for _ in range(5):
            before = len(answers)
            assert quiet.query('vector(1)')['result'][0]['value'][1] == '1'
            # It did not wait until all that was asked before it was answered.
            assert len(answers) - before < NOISY_CLIENTS
    finally:
        over.set()
        while any(thread.is_alive() for thread in threads):
            for one in noisy.data('/api/v1/status/queries')['queries']:
                noisy.request('DELETE', f'/api/v1/status/queries/{one["id"]}')
            threads[0].join(0.1)
            threads = [thread for thread in threads if thread.is_alive()]


def test_writes_of_one_workspace_do_not_refuse_those_of_another(pair):
    noisy, quiet = pair
    over, base = threading.Event(), now_ms() - 600_000

    def write(client, number):
        step = 0
        while not over.is_set():
            step += 1
            client.write(*(series({'__name__': 'noise', 'writer': str(number), 'i': str(i)},
                                  [(base + step, step)]) for i in range(2_000)))

    threads = [threading.Thread(target=write, args=(noisy.but(), n), daemon=True)
               for n in range(NOISY_CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        for step in range(20):
            answer = quiet.write(series('steady', [(base + step * 1000, step)]))
            assert answer.status_code == 200, answer.text
    finally:
        over.set()
        for thread in threads:
            thread.join()
    found = quiet.query('count_over_time(steady[20m])', now_ms() / 1000)['result']
    assert found[0]['value'][1] == '20'
