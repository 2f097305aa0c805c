# SPDX-License-Identifier: Apache-2.0
"""The real Prometheus sends to hearth for a minute under load; then every sample of its own store
is looked for in hearth.

Debian builds its Prometheus without SigV4: the `sigv4:` block is accepted and nothing is signed. It
therefore sends through a signing proxy, as people do with aws-sigv4-proxy. The current Prometheus,
where it was built, signs by itself.
"""

import http.server
import json
import math
import random
import struct
import threading
import time

import pytest

import prometheus_process
from connect import client_for, default_workspace, wait_for
from prometheus_process import Peer, Prometheus, require

RUN_S = 60
SAMPLES_MIN = 50_000
GENERATED = 600  # series of the generator, scraped each second

CONFIG = '''
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
- job_name: all
  file_sd_configs: [{{files: ["{targets}"], refresh_interval: 1s}}]
remote_write:
- url: {url}
  {sigv4}
  queue_config: {{max_samples_per_send: 1000, max_shards: 200, capacity: 2500}}
'''


SIGV4 = 'sigv4: {{region: {0.region}, access_key: {0.key}, secret_key: {0.secret}}}'


class SigningProxy:
    """Passes requests on to hearth, signed by botocore."""

    def __init__(self, client):
        local = threading.local()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                headers = {k: v for k, v in self.headers.items()
                           if k.lower().startswith(('content-', 'x-prometheus'))}
                if not hasattr(local, 'client'):
                    local.client = client.but()
                answer = local.client.post(self.path, body, headers=headers)
                self.send_response(answer.status_code)
                self.send_header('Content-Length', str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.url = f'http://127.0.0.1:{self.server.server_port}'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Generator(http.server.BaseHTTPRequestHandler):
    """Counters, gauges and special values that change with each scrape."""
    chance = random.Random(7)
    counters = [0.0] * GENERATED

    def do_GET(self):
        lines = []
        for i in range(GENERATED):
            kind = i % 6
            if kind < 3:
                self.counters[i] += self.chance.randrange(100)
                lines.append(f'gen_requests_total{{i="{i}",path="/a\\\\b\\"c\\n"}} '
                             f'{self.counters[i]!r}')
            elif kind == 3:
                lines.append(f'gen_gauge{{i="{i}",name="ü"}} {self.chance.gauss(0, 1e6)!r}')
            elif kind == 4:
                value = self.chance.choice(['NaN', '+Inf', '-Inf', '-0', '1e-320', '1e308'])
                lines.append(f'gen_special{{i="{i}"}} {value}')
            elif self.chance.random() < 0.7:  # comes and goes: staleness markers
                lines.append(f'gen_flapping{{i="{i}"}} {i}')
        body = ('\n'.join(lines) + '\n').encode()
        self.send_response(200)
        self.send_header('Content-Type', 'text/plain; version=0.0.4')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def generator():
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Generator)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f'127.0.0.1:{server.server_port}'
    server.shutdown()
    server.server_close()


@pytest.fixture
def node_exporter():
    peer = Peer([require('prometheus-node-exporter'), '--web.listen-address=127.0.0.1:0']).start()
    yield peer.address
    peer.stop()


def bits(text):
    """The value's bits. Which NaN it was does not show in JSON; and -0 arrives as 0, because the
    sender's encoder (gogo/protobuf) leaves out what equals zero."""
    value = float(text) + 0.0
    return 'NaN' if math.isnan(value) else struct.pack('<d', value)


def all_samples(client, metric, start_ms, end_ms):
    """{(labels, ms): bits} of one metric, in (start, end]."""
    seconds = (end_ms - start_ms) // 1000 + 1
    expression = json.dumps(metric)
    found = client.query(f'{{__name__={expression}}}[{seconds}s]', end_ms / 1000)
    out = {}
    for one in found['result']:
        labels = tuple(sorted(one['metric'].items()))
        for t, v in one['values']:
            ms = round(t * 1000)
            if start_ms < ms <= end_ms:
                assert (labels, ms) not in out, f'doubled: {labels} at {ms}'
                out[labels, ms] = bits(v)
    return out


def caught_up(prometheus, end_ms):
    """Whether the sender has sent everything up to then, and has nothing under way."""
    sent = prometheus.metric('prometheus_remote_storage_queue_highest_sent_timestamp_seconds')
    pending = prometheus.metric('prometheus_remote_storage_samples_pending')
    return sent is not None and sent * 1000 > end_ms and pending is not None


def compare(theirs, ours):
    missing = [k for k in theirs if k not in ours]
    different = [k for k in theirs if k in ours and ours[k] != theirs[k]]
    extra = [k for k in ours if k not in theirs]
    return missing, different, extra


@pytest.mark.parametrize('current', [False, True], ids=['debian', 'current'])
def test_every_sample_arrives(start_hearth, generator, node_exporter, tmp_path, current,
                              record_property, request):
    if current:
        program = prometheus_process.find('prometheus', current=True) or pytest.skip(
            'the current Prometheus is not built; run tools/setup --peers')
    else:
        program = require('prometheus')
    hearth = start_hearth()
    client = client_for(hearth)
    workspace = client.at(default_workspace(client))
    targets = tmp_path / 'targets.json'
    targets.write_text('[]')
    proxy = SigningProxy(client)
    request.addfinalizer(proxy.close)
    config = CONFIG.format(
        targets=targets, sigv4=SIGV4.format(client) if current else '',
        url=(client.base if current else proxy.url) + workspace.prefix + '/api/v1/remote_write')
    with Prometheus(program, config) as prometheus:
        began_ms = int(time.time() * 1000)
        new = tmp_path / 'new.json'
        new.write_text(json.dumps([{'targets': [generator, node_exporter, prometheus.address]}]))
        new.rename(targets)
        # A minute of load is what the test is about; the end is then observed.
        time.sleep(RUN_S)
        end_ms = int(time.time() * 1000)
        wait_for(lambda: caught_up(prometheus, end_ms), 60)
        names = prometheus.client().data('/api/v1/label/__name__/values')
        total = different_total = 0
        theirs_all, missing_all, extra_all = 0, [], []
        for name in names:
            theirs = all_samples(prometheus.client(), name, began_ms, end_ms)
            ours = all_samples(workspace, name, began_ms, end_ms)
            missing, different, extra = compare(theirs, ours)
            missing_all += missing
            extra_all += extra
            different_total += len(different)
            theirs_all += len(theirs)
            total += len(ours)
        failed = prometheus.metric('prometheus_remote_storage_samples_failed_total')
        print(f'{theirs_all} samples of {len(names)} metrics in Prometheus, {total} in hearth, '
              f'{len(missing_all)} missing, {different_total} different, {len(extra_all)} extra')
        record_property('samples_compared', theirs_all)
    assert not missing_all, missing_all[:5]
    assert different_total == 0
    assert not extra_all, extra_all[:5]
    assert failed == 0
    assert theirs_all > SAMPLES_MIN
