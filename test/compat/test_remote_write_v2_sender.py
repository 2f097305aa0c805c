# SPDX-License-Identifier: Apache-2.0
"""The current Prometheus sends remote write 2.0: samples, native histograms, exemplars and start
times arrive as it has them itself, and metadata by 1.0."""

import http.server
import json
import threading
import time

import pytest

import prometheus_process
from connect import client_for, default_workspace, wait_for
from prometheus_process import Prometheus
from remote_write import now_ms

PROGRAM = prometheus_process.find('prometheus', current=True)
pytestmark = pytest.mark.skipif(PROGRAM is None, reason='no current Prometheus under build/peers')

LANGUAGE = 'promql-experimental-functions,use-start-timestamps'
FEATURES = ('exemplar-storage,xor2-encoding,histograms-st-encoding,'
            'st-storage,' + LANGUAGE)
CONFIG = '''
global: {{scrape_interval: 1s}}
scrape_configs:
- job_name: app
  static_configs: [{{targets: ['{exporter}']}}]
- job_name: itself
  scrape_native_histograms: true
  always_scrape_classic_histograms: true
  static_configs: [{{targets: [{itself}]}}]
remote_write:
- url: {url}
  protobuf_message: io.prometheus.write.v2.Request
  send_exemplars: true
  send_native_histograms: true
  sigv4: {{region: {client.region}, access_key: {client.key}, secret_key: {client.secret}}}
'''
STARTED = 1_700_000_000.5


class Application(http.server.BaseHTTPRequestHandler):
    """OpenMetrics with a counter that began at a known time, exemplars, and a histogram."""
    count = 0

    def do_GET(self):
        type(self).count += 1
        n, now = self.count, time.time()
        lines = ['# HELP sent_requests Requests, by path.', '# TYPE sent_requests counter']
        for path in ('/', '/ü'):
            lines += [f'sent_requests_total{{path="{path}"}} {n} '
                      f'# {{trace_id="t{n}",span="s"}} {n / 8} {now:.3f}',
                      f'sent_requests_created{{path="{path}"}} {STARTED}']
        lines += ['# TYPE sent_seconds histogram', '# UNIT sent_seconds seconds',
                  f'sent_seconds_bucket{{le="0.5"}} {n} # {{trace_id="b{n}"}} 0.25',
                  f'sent_seconds_bucket{{le="+Inf"}} {2 * n}', f'sent_seconds_count {2 * n}',
                  f'sent_seconds_sum {n * 0.3}', '# TYPE sent_value gauge',
                  f'sent_value {0.1 * n}', '# EOF']
        body = ('\n'.join(lines) + '\n').encode()
        self.send_response(200)
        self.send_header('Content-Type', 'application/openmetrics-text; version=1.0.0')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope='module')
def application():
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Application)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'127.0.0.1:{server.server_port}'
    server.shutdown()
    server.server_close()


@pytest.fixture(scope='module')
def pair(module_hearth, application):
    """hearth and the Prometheus that has sent to it, and a moment up to which all has arrived."""
    process = module_hearth(arguments=['--enable-feature', LANGUAGE])
    hearth = client_for(process)
    url = f'{hearth.base}/workspaces/{default_workspace(hearth)}/api/v1/remote_write'
    # A Prometheus has to know its own address before it has one: this one scrapes another.
    with Prometheus(PROGRAM) as other, Prometheus(
            PROGRAM, CONFIG.format(exporter=application, itself=f"'{other.address}'", url=url,
                                   client=hearth),
            arguments=[f'--enable-feature={FEATURES}']) as prometheus:
        other.client().query('1')  # so that its own latencies have something to show
        client = prometheus.client()
        wait_for(lambda: Application.count > 12, 60)
        end_ms = now_ms() - 1000
        sent = 'prometheus_remote_storage_queue_highest_sent_timestamp_seconds'
        wait_for(lambda: (prometheus.metric(sent) or 0) * 1000 > end_ms + 1000, 60)
        yield hearth, client, end_ms, prometheus


def raw(client, name, end_ms):
    """Everything of one metric in ten seconds, as it is answered."""
    selector = f'{{__name__={json.dumps(name)}}}[10s]'
    found = client.query(selector, end_ms / 1000)['result']
    return sorted(found, key=lambda one: json.dumps(one['metric'], sort_keys=True))


def is_native(series):
    return 'histograms' in series


def test_every_sample_and_histogram_is_exact(pair):
    hearth, client, end_ms, prometheus = pair
    names = client.data('/api/v1/label/__name__/values')
    floats = natives = 0
    for name in names:
        theirs, ours = raw(client, name, end_ms), raw(hearth, name, end_ms)
        assert ours == theirs, name
        floats += sum(len(x.get('values', [])) for x in theirs)
        natives += sum(len(x['histograms']) for x in theirs if is_native(x))
    print(f'{floats} samples and {natives} native histograms of {len(names)} metrics are equal')
    assert floats > 5000
    assert natives > 50
    assert prometheus.metric('prometheus_remote_storage_samples_failed_total') == 0
    assert prometheus.metric('prometheus_remote_storage_histograms_failed_total') == 0


def test_exemplars_arrive(pair):
    hearth, client, end_ms, _ = pair
    wanted = {'query': '{__name__=~"sent_.*"}', 'start': end_ms / 1000 - 8, 'end': end_ms / 1000}

    def exemplars(of):
        found = of.data('/api/v1/query_exemplars', wanted)
        return sorted(found, key=lambda one: json.dumps(one['seriesLabels'], sort_keys=True))
    theirs = exemplars(client)
    assert sum(len(x['exemplars']) for x in theirs) >= 12
    assert exemplars(hearth) == theirs


def test_metadata_arrives(pair, application):
    """In messages of 1.0: in those of 2.0 this Prometheus, whose scrapes put no metadata into its
    log, has none to send (test_prometheus_api_write2.py sends what it would)."""
    hearth, _, _, _ = pair
    made = hearth.post('/workspaces', json.dumps({'alias': 'metadata'})).json()['workspaceId']
    url = f'{hearth.base}/workspaces/{made}/api/v1/remote_write'
    config = CONFIG.format(exporter=application, itself='', url=url, client=hearth).replace(
        'protobuf_message: io.prometheus.write.v2.Request', 'metadata_config: {send_interval: 1s}')
    with Prometheus(PROGRAM, config) as prometheus:
        client, workspace = prometheus.client(), hearth.at(made)
        wait_for(lambda: client.data('/api/v1/metadata').get('sent_value'), 60)
        theirs = client.data('/api/v1/metadata')
        ours = wait_for(lambda: workspace.data('/api/v1/metadata'), 60)
    for family, metric in (('sent_requests', 'sent_requests_total'),
                           ('sent_seconds', 'sent_seconds_bucket'), ('sent_value', 'sent_value')):
        told = ours.get(family) or ours[metric]
        expected = theirs.get(family) or theirs[metric]
        assert told == expected, family


def test_start_times_arrive(pair):
    hearth, client, end_ms, _ = pair
    expression = 'start_timestamp(sent_requests_total)'
    theirs = client.vector(expression, end_ms / 1000)
    assert [value for _, value in theirs] == [str(STARTED)] * 2
    assert sorted(map(str, hearth.vector(expression, end_ms / 1000))) == sorted(map(str, theirs))
