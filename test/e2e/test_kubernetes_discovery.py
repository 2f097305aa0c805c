# SPDX-License-Identifier: Apache-2.0
"""kubernetes_sd_configs against an API server that forgets, hangs up, forbids and is slow."""

import re

import pytest
import yaml

import kubernetes_api
from connect import client_for, wait_for


@pytest.fixture
def api():
    with kubernetes_api.ApiServerDouble() as server:
        for item in kubernetes_api.cluster_objects():
            server.put(item)
        yield server


@pytest.fixture
def collect(start_hearth, tmp_path, api):
    def start(**sources):
        path = tmp_path / 'hearth.yaml'
        path.write_text(yaml.safe_dump({
            'global': {'scrape_interval': '1h'},
            'scrape_configs': [{'job_name': name, 'kubernetes_sd_configs': [
                {'api_server': api.url, **source}]} for name, source in sources.items()]}))
        process = start_hearth(arguments=['--config', path])
        return client_for(process)
    return start


def addresses(client, job):
    answer = client.data('/api/v1/targets', {'scrapePool': job})
    return {one['discoveredLabels']['__address__'] for one in answer['activeTargets']}


def failures(client):
    text = client.get('/metrics').text
    return float(re.search(r'^hearth_scrape_kubernetes_failures_total (\S+)', text, re.M).group(1))


PODS = {'10.1.0.1:8080', '10.1.0.1:9090', '10.1.0.1', '[fd00::2]:8080', 'fd00::2', '10.1.0.3',
        '10.1.0.4:8080', '10.1.0.4'}


def test_lists_page_by_page_and_shares_watches(collect, api):
    client = collect(a={'role': 'pod'}, b={'role': 'pod'})
    wait_for(lambda: addresses(client, 'a') == PODS and addresses(client, 'b') == PODS)
    lists = [query for path, query, _ in api.requests if not query.get('watch')]
    assert [query.get('continue') for query in lists] == [None, '2']
    assert len(api.requests) == 3


def test_follows_changes_over_hang_ups_and_forgotten_versions(collect, api):
    client = collect(a={'role': 'pod'})
    wait_for(lambda: addresses(client, 'a') == PODS)
    api.put(kubernetes_api.pod('new', '10.1.0.8', ports=()))
    wait_for(lambda: addresses(client, 'a') == PODS | {'10.1.0.8'})
    api.hang_up()
    api.delete(kubernetes_api.pod('new', '10.1.0.8'))
    wait_for(lambda: addresses(client, 'a') == PODS)
    # 410: what happened meanwhile is in the next list.
    api.forget()
    api.put(kubernetes_api.pod('later', '10.1.0.9', ports=()))
    wait_for(lambda: addresses(client, 'a') == PODS | {'10.1.0.9'})


def test_what_is_known_stays_while_the_server_refuses(collect, api):
    client = collect(a={'role': 'pod'}, b={'role': 'node'})
    wait_for(lambda: addresses(client, 'a') == PODS and addresses(client, 'b'))
    api.forbidden.add('/api/v1/pods')
    api.forget()
    wait_for(lambda: failures(client) >= 2)
    assert addresses(client, 'a') == PODS
    api.forbidden.clear()
    api.put(kubernetes_api.pod('later', '10.1.0.9', ports=()))
    wait_for(lambda: addresses(client, 'a') == PODS | {'10.1.0.9'}, 60)


def test_slow_lists_do_not_hold_other_targets_up(collect, api):
    api.delay_s = 1
    client = collect(a={'role': 'endpoints'}, b={'role': 'ingress'})
    wait_for(lambda: addresses(client, 'b') == {'a.example.org', 'b.test'})
    wait_for(lambda: addresses(client, 'a') >= {'10.1.0.1:8080', '10.1.0.1:9090'})
