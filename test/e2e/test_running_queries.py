# SPDX-License-Identifier: Apache-2.0
"""Queries that run can be listed and ended; one whose client goes away ends by itself."""

import threading

import pytest

from connect import client_for, wait_for
from remote_write import now_ms

# Some seconds of work, without a sample being read.
LONG = {'query': 'count_over_time((vector(1) * 2 + 1)[400d:1s])', 'time': now_ms() / 1000}


def running(client):
    return client.data('/api/v1/status/queries')['queries']


@pytest.fixture
def client(shared_hearth):
    return client_for(shared_hearth)


def test_a_running_query_is_listed_and_cancelled(client):
    answers = []
    asker = client.but()
    thread = threading.Thread(target=lambda: answers.append(
        asker.get('/api/v1/query', LONG)))
    thread.start()
    found = wait_for(lambda: running(client) or (answers and ['done']))
    if found == ['done']:
        thread.join()
        pytest.skip('the query was done before it was seen')
    assert found[0]['query'] == LONG['query']
    assert found[0]['caller'].startswith('arn:aws:iam::')
    ended = client.request('DELETE', f'/api/v1/status/queries/{found[0]["id"]}')
    thread.join(60)
    if ended.status_code == 404:
        pytest.skip('the query was done before it was cancelled')
    assert ended.status_code == 204, ended.text
    if answers[0].status_code != 200:
        assert answers[0].status_code == 499
        assert answers[0].json()['errorType'] == 'canceled'
    assert running(client) == []


def test_a_query_that_does_not_run_cannot_be_cancelled(client):
    answer = client.request('DELETE', '/api/v1/status/queries/123456789')
    assert answer.status_code == 404
    assert answer.json()['errorType'] == 'not_found'


def test_a_client_that_goes_away_ends_its_query(client):
    try:
        client.get('/api/v1/query', LONG, timeout=0.2)
    except OSError:
        pass
    wait_for(lambda: running(client) == [])
