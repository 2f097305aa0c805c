# SPDX-License-Identifier: Apache-2.0
"""kubernetes_sd_configs against a real kube-apiserver: hearth finds the targets, with the labels,
that the real Prometheus finds."""

import json

import pytest
import yaml

import kubernetes_api
import prometheus_process
from connect import client_for, wait_for

ATTACH_ALL = {'node': True, 'namespace': True, 'deployment': True, 'job': True, 'cronjob': True}
# Entries of kubernetes_sd_configs by job.
SOURCES = {
    **{role: {'role': role} for role in ('node', 'pod', 'service', 'endpoints', 'endpointslice',
                                         'ingress')},
    **{f'{role}-attached': {'role': role, 'attach_metadata': ATTACH_ALL}
       for role in ('pod', 'endpoints', 'endpointslice')},
    **{f'{role}-of-namespace': {'role': role, 'attach_metadata': {'namespace': True},
                                'namespaces': {'names': ['other']}}
       for role in ('pod', 'service', 'ingress')},
    'pod-selected': {'role': 'pod', 'selectors': [{'role': 'pod', 'label': 'canary=yes',
                                                   'field': 'status.phase=Running'}]},
    'pod-on-nodes': {'role': 'pod', 'attach_metadata': {'node': True},
                     'selectors': [{'role': 'node', 'label': 'zone=b'}]},
    'node-selected': {'role': 'node', 'selectors': [{'role': 'node', 'label': 'zone in (a)'}]},
}


@pytest.fixture(scope='module')
def api():
    with kubernetes_api.RealApiServer() as server:
        for item in kubernetes_api.cluster_objects():
            server.put(item)
        yield server


@pytest.fixture(scope='module')
def config(api):
    access = {'api_server': api.url, 'authorization': {'credentials': kubernetes_api.TOKEN},
              'tls_config': {'ca_file': str(api.ca_file)}}
    # Nobody is scraped: the addresses lead nowhere.
    return yaml.safe_dump({'global': {'scrape_interval': '1h'}, 'scrape_configs': [
        {'job_name': name, 'kubernetes_sd_configs': [{**source, **access}]}
        for name, source in SOURCES.items()]})


@pytest.fixture(scope='module')
def hearth(module_hearth, config, tmp_path_factory):
    path = tmp_path_factory.mktemp('config') / 'hearth.yaml'
    path.write_text(config)
    return client_for(module_hearth(arguments=['--config', path]))


@pytest.fixture(scope='module')
def prometheus(config):
    program = prometheus_process.find('prometheus', current=True)
    if program is None:
        pytest.skip('no current Prometheus; run tools/setup --peers')
    with prometheus_process.Prometheus(program, config) as process:
        yield process.client()


# Prometheus does not wait for the lists of these before it makes targets of endpoints.
RACES = ('__meta_kubernetes_pod_deployment_name', '__meta_kubernetes_pod_cronjob_name')


def targets(client, job):
    """Discovered labels and what became of them, sorted."""
    answer = client.data('/api/v1/targets', {'scrapePool': job, 'state': 'active'})
    if job.startswith('endpoint'):
        for one in answer['activeTargets']:
            for label in RACES:
                one['discoveredLabels'].pop(label, None)
    return sorted(json.dumps([one['discoveredLabels'], one['labels'], one['scrapeUrl']],
                             sort_keys=True) for one in answer['activeTargets'])


def assert_equal(hearth, prometheus, job):
    expected = targets(prometheus, job)
    try:
        wait_for(lambda: targets(hearth, job) == expected)
    except AssertionError:
        pass  # the difference says more
    found = targets(hearth, job)
    assert [json.loads(t) for t in found] == [json.loads(t) for t in expected]
    return expected


@pytest.mark.parametrize('job', SOURCES)
def test_targets_and_labels_are_equal(hearth, prometheus, job):
    wait_for(lambda: targets(prometheus, 'pod'))
    empty = job in ('service-of-namespace', 'ingress-of-namespace')
    if not empty:
        wait_for(lambda: targets(prometheus, job))
    assert bool(assert_equal(hearth, prometheus, job)) != empty


def test_changes_are_followed(api, hearth, prometheus):
    before = len(targets(hearth, 'pod'))
    fresh = kubernetes_api.pod('web-9', '10.1.0.9', ports=((7, 'new'),))
    api.put(fresh)
    wait_for(lambda: len(targets(prometheus, 'pod')) == before + 2)
    assert_equal(hearth, prometheus, 'pod')
    api.delete(fresh)
    wait_for(lambda: len(targets(prometheus, 'pod')) == before)
    assert_equal(hearth, prometheus, 'pod')
