# SPDX-License-Identifier: Apache-2.0
"""Metrics of every kind from a real Go client library (test/compat/go_client), in the protobuf
exposition format: what hearth answers is what the real Prometheus answers of the same target."""

import os
import shutil
import subprocess

import pytest
import yaml

import prometheus_process
from connect import client_for, wait_for
from hearth_process import ROOT

SOURCE = ROOT / 'test' / 'compat' / 'go_client'
BUILD_LIMIT_S = 900

# What differs in how a target's histograms are taken.
JOBS = {
    'native': {'scrape_native_histograms': True},
    'both': {'scrape_native_histograms': True, 'always_scrape_classic_histograms': True},
    'nhcb': {'scrape_native_histograms': True, 'convert_classic_histograms_to_nhcb': True},
    'classic': {'scrape_protocols': ['PrometheusProto']},
    'coarse': {'scrape_native_histograms': True, 'native_histogram_bucket_limit': 8},
    'factor': {'scrape_native_histograms': True, 'native_histogram_min_bucket_factor': 4},
    # The library cannot write gauge histograms as OpenMetrics.
    'text-nhcb': {'convert_classic_histograms_to_nhcb': True,
                  'scrape_protocols': ['PrometheusText0.0.4']},
    'text-both': {'convert_classic_histograms_to_nhcb': True,
                  'always_scrape_classic_histograms': True,
                  'scrape_protocols': ['PrometheusText0.0.4']},
    'by-label': {'relabel_configs': [{'target_label': '__scrape_native_histograms__',
                                      'replacement': 'true'}],
                 'scrape_protocols': ['PrometheusProto']},
}


@pytest.fixture(scope='session')
def go_client(tmp_path_factory):
    """The address of a running go_client."""
    go = shutil.which('go') or shutil.which('/usr/local/go/bin/go')
    if go is None:
        pytest.skip('no Go: the client library is not built (https://go.dev/dl)')
    program = tmp_path_factory.mktemp('go') / 'client'
    env = {**os.environ, 'GOFLAGS': '-mod=readonly -buildvcs=false'}
    built = subprocess.run([go, 'build', '-o', program, '.'], cwd=SOURCE, env=env,
                           capture_output=True, text=True, timeout=BUILD_LIMIT_S, check=False)
    if built.returncode != 0:
        pytest.skip(f'go build: {built.stderr[-500:]}')
    running = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield running.stdout.readline().strip()
    running.stdin.close()
    running.wait(30)


def config(address):
    jobs = [{'job_name': name, 'static_configs': [{'targets': [address]}], **settings}
            for name, settings in JOBS.items()]
    return yaml.safe_dump({'global': {'scrape_interval': '1s', 'scrape_timeout': '1s'},
                           'scrape_configs': jobs})


@pytest.fixture(scope='module')
def hearth(module_hearth, go_client, tmp_path_factory):
    path = tmp_path_factory.mktemp('config') / 'hearth.yaml'
    path.write_text(config(go_client))
    client = client_for(module_hearth(arguments=['--config', path]))
    wait_for(lambda: len(client.vector('up == 1')) == len(JOBS), 60)
    return client


@pytest.fixture(scope='module')
def prometheus(go_client):
    program = prometheus_process.find('prometheus', current=True)
    if program is None:
        pytest.skip('no current Prometheus; run tools/setup --peers')
    with prometheus_process.Prometheus(program, config(go_client), [
            '--enable-feature=exemplar-storage']) as process:
        client = process.client()
        wait_for(lambda: len(client.vector('up == 1')) == len(JOBS), 60)
        yield client


def instant(client, expression):
    """labels → value or histogram of an instant query."""
    result = wait_for(lambda: client.query(expression)['result'])
    return {tuple(sorted(one['metric'].items())): (one.get('histogram') or one['value'])[1]
            for one in result}


def test_values_are_those_of_the_client(hearth):
    both = instant(hearth, 'go_both_seconds{job="native"}')
    histogram, = both.values()
    assert (histogram['count'], histogram['sum']) == ('40', '442.8')
    assert sum(float(count) for *_, count in histogram['buckets']) == 40
    assert len(histogram['buckets']) > 20  # a schema of 3, not the classic buckets
    assert hearth.query('go_both_seconds_bucket{job="native"}')['result'] == []
    buckets = instant(hearth, 'go_both_seconds_bucket{job="both"}')
    assert sorted(map(float, buckets.values())) == [2, 7, 22, 40]
    empty, = instant(hearth, 'go_native_empty{job="native"}').values()
    assert empty == {'count': '0', 'sum': '0'}
    floats, = instant(hearth, 'go_floats{job="native"}').values()
    assert (floats['count'], floats['sum']) == ('7.75', '31.5')
    assert [bucket[3] for bucket in floats['buckets']] == ['0.25', '1.5', '2.5', '3.5']
    custom, = instant(hearth, 'go_classic_seconds{job="text-nhcb"}').values()
    assert [bucket[2:] for bucket in custom['buckets']] == [
        ['0.1', '2'], ['1', '5'], ['10', '15'], ['+Inf', '18']]
    assert instant(hearth, 'go_untyped{job="native", kind="ünïcode"}').popitem()[1] == '4.5'


@pytest.mark.parametrize('job', JOBS)
def test_answers_are_those_of_prometheus(hearth, prometheus, job):
    selector = f'{{job="{job}", __name__=~"go_.*|scrape_samples.*"}}'
    expected = wait_for(lambda: instant(prometheus, selector))
    assert len(expected) > 10
    assert instant(hearth, selector) == expected


def test_exemplars_and_metadata_are_those_of_prometheus(hearth, prometheus):
    parameters = {'query': '{__name__=~"go_.+"}', 'start': '0', 'end': '4102444800'}

    def exemplars(client):
        return {tuple(sorted(one['seriesLabels'].items())): one['exemplars']
                for one in client.data('/api/v1/query_exemplars', parameters)}

    expected = wait_for(lambda: exemplars(prometheus))
    assert any(labels[0] == ('__name__', 'go_both_seconds') for labels in expected)
    assert exemplars(hearth) == expected

    def metadata(client):
        return {name: entries for name, entries in client.data('/api/v1/metadata').items()
                # One name, two types by the format: hearth keeps the last that it was told.
                if name.startswith('go_') and name != 'go_gauge_histogram'}

    assert metadata(hearth) == metadata(prometheus)
