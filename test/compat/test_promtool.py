# SPDX-License-Identifier: Apache-2.0
"""promtool's queries against hearth print what they print against Prometheus over the same data."""

import re
import subprocess

import pytest

import prometheus_process
from connect import client_for
from hearth_process import clean_environment
from prometheus_process import Prometheus
from remote_write import now_ms, series

PROMTOOL = prometheus_process.find('promtool', current=True) or prometheus_process.find('promtool')
PROGRAM = (prometheus_process.find('prometheus', current=True) or
           prometheus_process.find('prometheus'))
pytestmark = pytest.mark.skipif(not (PROMTOOL and PROGRAM),
                                reason='no promtool and Prometheus under build/peers')

NAMED = re.compile(r': \[\{.*?\}\]')
NOW = now_ms() // 15_000 * 15_000
S = NOW // 1000
QUERIES = {
    'instant': ['instant', '{url}', 'sum by (job) (tool_total)', f'--time={S}'],
    'instant as JSON': ['instant', '-o', 'json', '{url}', 'tool_total', f'--time={S}'],
    'scalar': ['instant', '{url}', '1 + 1', f'--time={S}'],
    'matrix': ['instant', '{url}', 'tool_total[1m]', f'--time={S}'],
    'range': ['range', '{url}', 'rate(tool_total[1m])', f'--start={S - 120}', f'--end={S}',
              '--step=30s'],
    'series': ['series', '{url}', '--match=tool_total', f'--start={S - 120}', f'--end={S}'],
    'labels': ['labels', '{url}', 'job', f'--start={S - 120}', f'--end={S}'],
    'labels that match': ['labels', '{url}', 'job', '--match=tool_total{{job="a"}}',
                          f'--start={S - 120}', f'--end={S}'],
    'analyze': ['analyze', '--server={url}', '--type=histogram', '--duration=1h',
                f'--time={S}', '--match=tool_latency'],
    'does not parse': ['instant', '{url}', 'sum(', f'--time={S}'],
    'cannot be answered': ['instant', '{url}', 'tool_total + on () tool_total', f'--time={S}'],
}


@pytest.fixture(scope='module')
def pair(module_hearth, tmp_path_factory):
    hearth = client_for(module_hearth())
    parts = [series({'__name__': 'tool_total', 'job': job, 'le': 'ü'},
                    [(NOW - 15_000 * k, 100.5 - k) for k in range(10, -1, -1)])
             for job in ('a', 'b')]
    parts += [series({'__name__': 'tool_latency_bucket', 'le': le},
                     [(NOW - 15_000 * k, n * (20 - k)) for k in range(10, -1, -1)])
              for n, le in ((1, '0.1'), (3, '1'), (4, '+Inf'))]
    parts.append(series({'__name__': 'tool_latency_count'},
                        [(NOW - 15_000 * k, 4 * (20 - k)) for k in range(10, -1, -1)]))
    config = tmp_path_factory.mktemp('promtool') / 'http.yaml'
    config.write_text(f'basic_auth: {{username: {hearth.key}, password: {hearth.secret}}}\n')
    with Prometheus(PROGRAM, arguments=['--web.enable-remote-write-receiver']) as prometheus:
        for client in (hearth, prometheus):
            assert client.write(*parts).status_code in (200, 204)
        yield hearth.base, prometheus.url, config


def promtool(url, config, arguments):
    done = subprocess.run(
        [str(PROMTOOL), 'query', *[x.format(url=url) for x in arguments],
         f'--http.config.file={config}'], env=clean_environment(), capture_output=True, text=True,
        timeout=60, check=False)
    # Which two of several series an error names is the order of a map in Prometheus.
    return done.returncode, done.stdout, NAMED.sub('', done.stderr.replace(url, 'URL'))


@pytest.mark.parametrize('name', QUERIES)
def test_prints_the_same(pair, name):
    hearth, prometheus, config = pair
    theirs = promtool(prometheus, config, QUERIES[name])
    if 'expected command' in theirs[2]:
        pytest.skip('this promtool does not have it')
    assert promtool(hearth, config, QUERIES[name]) == theirs
    assert theirs[1] or theirs[2]
