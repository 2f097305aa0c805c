#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures hearth from outside: ns of CPU a sample for remote write, µs a panel query.

bench/run [--series N] [--steps N] [--repeat N] [--fsync always|interval|os]

Prints a table and how it was measured. Nothing here passes or fails.
"""

import argparse
import http.client
import os
import pathlib
import platform
import re
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse

BENCH = pathlib.Path(__file__).resolve().parent
ROOT = BENCH.parent
sys.path.insert(0, str(ROOT / 'test'))

import remote_write  # noqa: E402
from connect import client_for, default_workspace  # noqa: E402
from hearth_process import BINARY, HearthProcess  # noqa: E402
from signed_client import basic, form, sign_by_hand  # noqa: E402

GENERATOR = ROOT / 'build' / 'release' / 'load_generator'
STEP_MS = 15_000
# Shapes of requests: as Prometheus sends (each series once), and as a backlog is sent.
LIVE_STEPS = 40
BACKLOG_SAMPLES_PER_SERIES = 50
SAMPLES_PER_BODY = 2_000

# product.md: the thirteen panels (two of them have two expressions), $node as «all».
QUERIES = [
    ('Node CPU Utilisation', '100 - avg(rate(node_cpu_seconds_total{mode="idle"}[5m])) * 100'),
    ('Node Memory Utilisation',
     '100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)'),
    ('Total Pod Count', 'sum by (namespace) (kube_pod_status_phase{phase="Running"})'),
    ('PVC Usage', 'kubelet_volume_stats_used_bytes / kubelet_volume_stats_capacity_bytes'),
    ('Cluster Request Rate', 'sum(rate(http_requests_total[5m]))'),
    ('CPU Usage per Node', '100 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle", '
     'instance=~".*"}[5m])) * 100'),
    ('Memory Usage per Node', '100 * (1 - node_memory_MemAvailable_bytes{instance=~".*"} / '
     'node_memory_MemTotal_bytes{instance=~".*"})'),
    ('Disk I/O per Node',
     'sum by (instance) (rate(node_disk_read_bytes_total{instance=~".*"}[5m]))'),
    ('Network I/O per Node', 'sum by (instance) (rate(node_network_receive_bytes_total'
     '{instance=~".*", device!="lo"}[5m]))'),
    ('Request Rate', 'sum by(job)(rate(http_requests_total[5m]))'),
    ('Error Rate', '100 * sum by (job) (rate(http_requests_total{code=~"5.."}[5m])) / '
     'sum by (job) (rate(http_requests_total[5m]))'),
    ('P95 Latency', 'histogram_quantile(0.95, '
     'sum(rate(http_request_duration_seconds_bucket[5m])) by (le))'),
    ('Active Connections', 'sum by (job) (http_active_connections)'),
]


def bodies(path):
    with open(path, 'rb') as file:
        while head := file.read(8):
            size, samples = struct.unpack('<II', head)
            yield samples, file.read(size)


class Ingest:
    """One keep-alive connection, each request signed as Prometheus signs."""

    def __init__(self, workspace):
        self.workspace = workspace
        self.path = workspace.prefix + '/api/v1/remote_write'
        self.connection = http.client.HTTPConnection(
            urllib.parse.urlsplit(workspace.base).netloc, timeout=300)

    def send(self, path, process):
        """(samples, requests, CPU s of the server, wall s)."""
        samples = requests = 0
        cpu, began = process.cpu_seconds(), time.monotonic()
        for count, body in bodies(path):
            headers = {**remote_write.HEADERS, 'Content-Length': str(len(body))}
            headers = sign_by_hand(self.workspace, 'POST', self.path, body=body, headers=headers)
            self.connection.request('POST', self.path, body, headers)
            answer = self.connection.getresponse()
            text = answer.read()
            if answer.status >= 300:
                raise SystemExit(f'remote write refused: {answer.status} {text[:500]}')
            samples += count
            requests += 1
        return samples, requests, process.cpu_seconds() - cpu, time.monotonic() - began


def generate(path, series, start_ms, first, steps, samples_per_series):
    options = {'out': path, 'series': series, 'start-ms': start_ms, 'step-ms': STEP_MS,
               'first-step': first, 'steps': steps, 'samples-per-series': samples_per_series,
               'samples-per-body': SAMPLES_PER_BODY}
    subprocess.run([GENERATOR, 'fleet', *(str(x) for name, value in options.items()
                                          for x in ('--' + name, value))], check=True)


def measure_query(client, process, path, pairs, repeat):
    """(median wall µs, CPU µs a query, bytes of the answer) of a warm query."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(client.base).netloc, timeout=600)
    headers = {'Authorization': basic(client.key, client.secret),
               'Content-Type': 'application/x-www-form-urlencoded'}
    walls, body = [], b''
    cpu = 0.0
    for i in range(repeat + 1):
        if i == 1:
            cpu = process.cpu_seconds()
        began = time.monotonic()
        connection.request('POST', client.prefix + path, form(pairs), headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f'{pairs["query"]}: {answer.status} {body[:500]}')
        if i > 0:
            walls.append(time.monotonic() - began)
    return (statistics.median(walls) * 1e6, (process.cpu_seconds() - cpu) / repeat * 1e6,
            len(body))


def cpu_model():
    text = pathlib.Path('/proc/cpuinfo').read_text(encoding='utf-8')
    match = re.search(r'model name\s*: (.*)', text)
    return match.group(1) if match else platform.machine()


def measure(options, say):
    series, steps = options.series, options.steps
    live = min(LIVE_STEPS, steps)
    now = remote_write.now_ms() // STEP_MS * STEP_MS
    start_ms = now - (steps - 1) * STEP_MS
    with tempfile.TemporaryDirectory(prefix='hearth-bench-') as folder:
        files = [(pathlib.Path(folder) / 'live', 'each series once', 0, live, 1),
                 (pathlib.Path(folder) / 'backlog',
                  f'{BACKLOG_SAMPLES_PER_SERIES} samples a series', live, steps - live,
                  BACKLOG_SAMPLES_PER_SERIES)]
        for path, _, first, count, per_series in files:
            if count:
                generate(path, series, start_ms, first, count, per_series)
        process = HearthProcess(arguments=['--wal-fsync', options.fsync],
                                prefix=('taskset', '-c', '0'))
        with process:
            client = client_for(process)
            workspace = client.at(default_workspace(client))
            if os.cpu_count() > 1:
                os.sched_setaffinity(0, {1})
            say('## Remote write\n')
            say('| shape of a request | samples | requests | ns CPU/sample | samples/s |')
            say('|---|---|---|---|---|')
            ingest = Ingest(workspace)
            for path, shape, _, count, _ in files:
                if not count:
                    continue
                samples, requests, cpu, wall = ingest.send(path, process)
                say(f'| {shape} | {samples:,} | {requests:,} | {cpu / samples * 1e9:.0f} | '
                    f'{samples / wall:,.0f} |')
            say(f'\nAfterwards RssAnon is {process.status_kib("RssAnon") / 1024:.0f} MiB, '
                f'{process.status_kib("RssAnon") * 1024 / (series * steps):.1f} bytes a sample.\n')
            say('## Panel queries\n')
            say('| panel | instant, µs | range, µs | range CPU, µs | answer, KiB |')
            say('|---|---|---|---|---|')
            at = {'time': now / 1000}
            span = {'start': start_ms / 1000, 'end': now / 1000, 'step': STEP_MS // 1000}
            for title, expression in QUERIES:
                instant = measure_query(workspace, process, '/api/v1/query',
                                        {'query': expression, **at}, options.repeat)
                whole = measure_query(workspace, process, '/api/v1/query_range',
                                      {'query': expression, **span}, options.repeat)
                say(f'| {title} | {instant[0]:,.0f} | {whole[0]:,.0f} | {whole[1]:,.0f} | '
                    f'{whole[2] / 1024:,.0f} |')


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--series', type=int, default=100_000)
    parser.add_argument('--steps', type=int, default=240, help='samples of each series, 15 s apart')
    parser.add_argument('--repeat', type=int, default=5, help='queries after one to warm up')
    parser.add_argument('--fsync', default='always', choices=['always', 'interval', 'os'])
    options = parser.parse_args()
    for program in (BINARY, GENERATOR):
        if not program.exists():
            raise SystemExit(f'{program} is not built; run `make bench`, which builds it')

    def say(line):
        print(line, flush=True)

    say(f'# hearth, {options.series:,} series x {options.steps} samples\n')
    say(f'{cpu_model()}, {os.cpu_count()} cores, Linux {platform.release()}. The server is pinned '
        'to core 0 (taskset), the client to core 1; each write waits for the answer to the one '
        f'before; `--wal-fsync {options.fsync}`. Bodies were built before, each of '
        f'{SAMPLES_PER_BODY:,} samples, signed with SigV4. CPU is utime + stime of /proc/PID/stat '
        'and so includes HTTP, the signature, snappy, protobuf, log and head. A query is asked '
        f'once to warm up, then {options.repeat} times: median of the time seen by the client, '
        f'over one connection; the range is the whole {options.steps * STEP_MS // 60_000} minutes '
        'at a step of 15 s.\n')
    measure(options, say)


if __name__ == '__main__':
    main()
