# SPDX-License-Identifier: Apache-2.0
"""A Grafana data source that is a real Prometheus: queries through hearth's proxy and /api/ds/query
give what Prometheus itself answers."""

import pytest
import requests

from grafana_client import default_grafana
from prometheus_process import Prometheus, require
from remote_write import now_ms, series


@pytest.fixture(scope='module')
def prometheus():
    arguments = ['--web.enable-remote-write-receiver']
    with Prometheus(require('prometheus'), arguments=arguments) as peer:
        yield peer


@pytest.fixture(scope='module')
def grafana(module_hearth, prometheus):
    grafana = default_grafana(module_hearth())
    grafana.ok('POST', '/datasources', {'name': 'real', 'uid': 'real', 'type': 'prometheus',
                                        'access': 'proxy', 'url': prometheus.url})
    return grafana


def test_the_proxy_gives_what_prometheus_gives(prometheus, grafana):
    now = now_ms() // 15_000 * 15_000
    prometheus.write(*[series({'__name__': 'real', 'job': job},
                              [(now - 15_000 * i, (20 - i) * scale) for i in range(20, -1, -1)])
                       for job, scale in (('a', 1), ('b', 1.5))])
    form = {'query': 'sum by (job) (rate(real[1m]))', 'start': (now - 240_000) / 1000,
            'end': now / 1000, 'step': '15'}
    direct = requests.post(prometheus.url + '/api/v1/query_range', form, timeout=30).json()
    assert len(direct['data']['result']) == 2
    body = requests.Request('POST', 'http://x', data=form).prepare()
    through = grafana.ok('POST', '/datasources/proxy/uid/real/api/v1/query_range', body.body,
                         headers={'Content-Type': 'application/x-www-form-urlencoded'})
    assert through['data'] == direct['data']
    answer = grafana.ok('POST', '/ds/query', {
        'from': str(now - 240_000), 'to': str(now), 'queries': [
            {'refId': 'A', 'datasource': {'uid': 'real'}, 'expr': form['query'], 'range': True,
             'interval': '15s'}]})
    frames = answer['results']['A']['frames']
    for frame, one in zip(frames, direct['data']['result'], strict=True):
        times, values = frame['data']['values']
        assert [[t / 1000, v] for t, v in zip(times, values)] == [
            [t, float(v)] for t, v in one['values']]
    assert grafana.ok('GET', '/datasources/uid/real/health')['status'] == 'OK'
