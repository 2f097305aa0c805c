# SPDX-License-Identifier: Apache-2.0
"""AMP scrapers run: their cluster is made known by `hearth cluster add`, its API server is watched,
its pods are scraped, and the samples are in the destination workspace."""

import http.server
import json
import re
import threading
import time

import pytest
import requests
import yaml

import kubernetes_api
from connect import client_for, wait_for
from hearth_process import run_hearth
from terraform_process import aws_client
from two_processes import TwoProcesses, listeners

ACCOUNT_CLUSTER = 'arn:aws:eks:us-east-1:000000000000:cluster/{}'
LOG_GROUP = 'arn:aws:logs:us-east-1:000000000000:log-group:/aws/prometheus/scrapers:*'
TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token'
CA = '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt'


@pytest.fixture
def exporter():
    """The port of a target that counts its scrapes."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.scrapes += 1
            body = f'shop_scrapes_total {self.server.scrapes}\n'.encode()
            self.send_response(200)
            self.send_header('Content-Type', 'text/plain; version=0.0.4')
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    server.scrapes = 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def api(exporter):
    with kubernetes_api.ApiServerDouble() as server:
        server.put(kubernetes_api.node('node-1'))
        server.put(kubernetes_api.pod('web-1', '127.0.0.1',
                                      ports=((exporter.server_port, 'metrics'),)))
        server.pages['/api/v1/nodes/node-1/proxy/metrics'] = 'kubelet_pods 1\n'
        yield server


def configuration(**more):
    """Pods by their named port, and kubelets through the API server, as AMP's own examples."""
    meta = '__meta_kubernetes_'
    return yaml.safe_dump({
        'global': {'scrape_interval': '1s', 'scrape_timeout': '1s'},
        'scrape_configs': [
            {'job_name': 'pods', 'kubernetes_sd_configs': [{'role': 'pod'}], 'relabel_configs': [
                {'source_labels': [f'{meta}pod_container_port_name'], 'regex': 'metrics',
                 'action': 'keep'},
                {'source_labels': [f'{meta}pod_name'], 'target_label': 'pod'}], **more},
            {'job_name': 'kubelets', 'scheme': 'https', 'bearer_token_file': TOKEN,
             'tls_config': {'ca_file': CA}, 'kubernetes_sd_configs': [{'role': 'node'}],
             'relabel_configs': [
                 {'target_label': '__address__', 'replacement': 'kubernetes.default.svc:443'},
                 {'source_labels': [f'{meta}node_name'], 'target_label': '__metrics_path__',
                  'replacement': '/api/v1/nodes/$1/proxy/metrics'}]}]}).encode()


class Scraped:
    def __init__(self, process, api, tmp_path):
        self.process, self.api, self.tmp_path = process, api, tmp_path
        self.amp = aws_client(process, 'amp')
        self.workspace = self.amp.create_workspace(alias='scraped')
        self.client = client_for(process).at(self.workspace['workspaceId'])

    def cluster(self, *arguments):
        done = run_hearth('cluster', *arguments, env=self.process.aws_environment())
        assert done.returncode == 0, done.stderr
        return done.stdout

    def add_cluster(self, name='shop'):
        token = self.tmp_path / 'token'
        token.write_text(kubernetes_api.TOKEN + '\n')
        self.cluster('add', name, '--api-server', self.api.url, '--token', token)

    def create(self, blob=None, cluster='shop'):
        return self.amp.create_scraper(
            alias='one', scrapeConfiguration={'configurationBlob': blob or configuration()},
            source={'eksConfiguration': {'clusterArn': ACCOUNT_CLUSTER.format(cluster),
                                         'subnetIds': ['subnet-1a', 'subnet-2b']}},
            destination={'ampConfiguration': {'workspaceArn': self.workspace['arn']}})['scraperId']

    def reason(self, scraper):
        shown = self.amp.describe_scraper(scraperId=scraper)['scraper']
        assert shown['status'] == {'statusCode': 'ACTIVE'}
        return shown['statusReason']

    def value(self, expression):
        found = self.client.vector(expression)
        return found and float(found[0][1])


@pytest.fixture
def scraped(start_hearth, api, tmp_path):
    return Scraped(start_hearth(), api, tmp_path)


def test_samples_of_the_cluster_are_in_the_workspace(scraped, api):
    scraped.add_cluster()
    scraper = scraped.create()
    wait_for(lambda: (scraped.value('shop_scrapes_total') or 0) >= 2)
    labels, _ = scraped.client.vector('shop_scrapes_total')[0]
    assert (labels['job'], labels['pod']) == ('pods', 'web-1')
    # The API server as a pod knows it, with the token that the cluster was registered with.
    assert wait_for(lambda: scraped.value('kubelet_pods')) == 1
    assert scraped.value('sum(up)') == 2
    assert {headers.get('Authorization') for _, _, headers in api.requests} == {
        f'Bearer {kubernetes_api.TOKEN}'}
    assert wait_for(lambda: scraped.reason(scraper).startswith('scrapes cluster shop into '))
    wait_for(lambda: scraped.reason(scraper).endswith(': 2 targets, 2 of them up'))
    # Nothing of it is in the default workspace, and the token is nowhere to be read.
    assert client_for(scraped.process).vector('shop_scrapes_total') == []
    told = scraped.cluster('list', '--json') + scraped.process.log()
    assert kubernetes_api.TOKEN not in told
    for path in scraped.process.data.rglob('*'):
        if path.is_file():
            assert kubernetes_api.TOKEN.encode() not in path.read_bytes(), path


def test_scraper_waits_for_its_cluster_and_ends_with_it(scraped):
    scraper = scraped.create()
    wait_for(lambda: 'is not registered; hearth cluster add shop' in scraped.reason(scraper))
    scraped.add_cluster()
    wait_for(lambda: scraped.value('shop_scrapes_total'))
    scraped.cluster('remove', 'shop')
    wait_for(lambda: 'is not registered' in scraped.reason(scraper))
    # A marker, not five minutes.
    wait_for(lambda: scraped.client.vector('shop_scrapes_total') == [])


def test_update_and_deletion_take_effect(scraped, exporter):
    scraped.add_cluster()
    scraper = scraped.create()
    wait_for(lambda: scraped.value('shop_scrapes_total{job="pods"}'))
    more = {'metric_relabel_configs': [{'target_label': 'updated', 'replacement': 'yes'}]}
    scraped.amp.update_scraper(
        scraperId=scraper, scrapeConfiguration={'configurationBlob': configuration(**more)})
    wait_for(lambda: scraped.value('shop_scrapes_total{updated="yes"}'))
    scraped.amp.delete_scraper(scraperId=scraper)
    wait_for(lambda: scraped.client.vector('shop_scrapes_total') == [])
    scrapes = exporter.scrapes
    time.sleep(2.5)  # two intervals and more
    assert exporter.scrapes == scrapes


def test_restart_resumes(scraped):
    scraped.add_cluster()
    scraped.create()
    before = wait_for(lambda: scraped.value('shop_scrapes_total'))
    scraped.process.stop()
    scraped.process.start()
    scraped.client = client_for(scraped.process).at(scraped.workspace['workspaceId'])
    wait_for(lambda: (scraped.value('shop_scrapes_total') or 0) > before)


def test_logs_of_its_components(scraped, api):
    scraped.add_cluster()
    api.put(kubernetes_api.pod('dead', '127.0.0.1', ports=((1, 'metrics'),)))
    scraper = scraped.create()
    scraped.amp.update_scraper_logging_configuration(
        scraperId=scraper, loggingDestination={'cloudWatchLogs': {'logGroupArn': LOG_GROUP}},
        scraperComponents=[{'type': 'COLLECTOR'}])
    path = scraped.process.data / 'logs' / '%2Faws%2Fprometheus%2Fscrapers' / f'{scraper}.jsonl'
    api.put(kubernetes_api.pod('dead-too', '127.0.0.1', ports=((2, 'metrics'),)))
    wait_for(path.exists)
    wait_for(lambda: 'http://127.0.0.1:2/metrics: ' in path.read_text())
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert {line['component'] for line in lines} == {'COLLECTOR'}


def ask(process, path, **parameters):
    """Asks that process itself: its URL is the relay of all."""
    profile = process.profile()
    answer = requests.get(f'http://127.0.0.1:{listeners(process.pid)[0]}{path}', params=parameters,
                          auth=(profile['aws_access_key_id'], profile['aws_secret_access_key']),
                          timeout=30)
    assert answer.status_code == 200, answer.text
    return answer


def running(process):
    """How many scrapers it runs, by its own metric."""
    text = ask(process, '/metrics').text
    return int(re.search(r'^hearth_scrape_scrapers (\d+)', text, re.M).group(1))


@pytest.mark.long
def test_one_of_two_processes_runs_it_and_the_other_takes_over(api, tmp_path):
    pair = TwoProcesses()
    try:
        scraped = Scraped(pair.processes[0], api, tmp_path)
        scraped.add_cluster()
        scraped.create()
        wait_for(lambda: sorted(map(running, pair.processes)) == [0, 1], 60)
        owner, other = sorted(pair.processes, key=running, reverse=True)
        owner.kill9()
        wait_for(lambda: running(other) == 1, 120)  # when the lease has ended
        path = f'/workspaces/{scraped.workspace["workspaceId"]}/api/v1/query'
        wait_for(lambda: ask(other, path, query='shop_scrapes_total').json()['data']['result'])
    finally:
        pair.remove()


@pytest.mark.parametrize('more', [
    {'basic_auth': {'username': 'u', 'password_file': '/etc/passwd'}},
    {'file_sd_configs': [{'files': ['/etc/x.json']}]},
    {'tls_config': {'cert_file': '/a', 'key_file': '/b'}},
])
def test_scrapers_read_no_files_of_this_machine(scraped, more):
    with pytest.raises(scraped.amp.exceptions.ValidationException) as refused:
        scraped.create(configuration(**more))
    assert 'a scraper reads no files but its service account' in str(refused.value)
