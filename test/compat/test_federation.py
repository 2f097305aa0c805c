# SPDX-License-Identifier: Apache-2.0
"""/federate: byte for byte what Prometheus answers over the same data, and a real Prometheus that
federates from hearth."""

import json

import pytest

import prometheus_process
from connect import client_for, default_workspace, wait_for
from prometheus_process import Prometheus
from remote_write import STALE_NAN, histogram, histogram_series, now_ms, series

CURRENT = prometheus_process.find('prometheus', current=True)
PROGRAM = CURRENT or prometheus_process.find('prometheus')
pytestmark = pytest.mark.skipif(PROGRAM is None, reason='no Prometheus under build/peers')

EXTERNAL = 'global: {scrape_interval: 1h, external_labels: {cluster: ours, zone: "a\\"b"}}\n'
PROTOBUF = ('application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;'
            'encoding=delimited;escaping=allow-utf-8')
ALL = '{__name__=~"fed.*"}'
# (match[], Accept)
ASKED = {
    'all': ([ALL], ''),
    'none': ([], ''),
    'of two that overlap': (['fed_gauge', '{job="api",__name__=~"fed.*"}'], ''),
    'of nothing': (['fed_nobody'], ''),
    'that does not parse': (['fed{'], ''),
    'as any': ([ALL], '*/*'),
    'as a scraper asks for text': ([ALL], 'text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,'
                                          'text/plain;version=0.0.4;q=0.4,*/*;q=0.1'),
    'as OpenMetrics': ([ALL], 'application/openmetrics-text;version=1.0.0,*/*;q=0.1'),
    'as protobuf': ([ALL], PROTOBUF),
    'as protobuf with text before': ([ALL], 'text/plain,' + PROTOBUF),
}
OF_UTF8 = {
    'underscores': 'text/plain;version=0.0.4;escaping=underscores',
    'dots': 'text/plain;version=0.0.4;escaping=dots',
    'values': 'text/plain;version=0.0.4;escaping=values',
    'allow-utf-8': 'text/plain;version=0.0.4;escaping=allow-utf-8',
}


def parts(moment):
    one = [(moment - 30_000, 1), (moment - 15_000, 2.5)]
    out = [series({'__name__': 'fed_gauge', 'job': job, 'instance': 'i:1'}, one)
           for job in ('web', 'api')]
    out += [series({'__name__': 'fed_special', 'kind': kind}, [(moment - 1000, value)])
            for kind, value in (('nan', float('nan')), ('inf', float('inf')), ('minus', -1),
                                ('big', 1234567.0), ('tiny', 1e-9), ('-inf', float('-inf')))]
    out.append(series({'__name__': 'fed_own_cluster', 'cluster': 'mine', 'q': 'a\\b"c"\nd'}, one))
    out.append(series({'__name__': 'fed_ended'}, [*one, (moment - 1000, STALE_NAN)]))
    out.append(series({'__name__': 'fed_old'}, [(moment - 400_000, 7)]))
    out.append(series({'__name__': 'fed_a'}, one))
    out.append(series({'__name__': 'fed_total', 'zone': 'z'}, one))
    for gauge in (False, True):
        out.append(histogram_series({'__name__': 'fed_native', 'gauge': str(gauge)}, [
            histogram(moment - 15_000, {-2: 3, -1: 1, 4: 2}, {0: 1}, schema=3, total=18.4, zero=2,
                      gauge=gauge)]))
    out.append(histogram_series({'__name__': 'fed_native_float', 'job': 'api'}, [
        histogram(moment - 15_000, {1: 0.5, 2: 3.25}, total=-1.5, whole=False)]))
    return out


def custom(moment):
    return histogram_series({'__name__': 'fed_custom'}, [
        histogram(moment - 15_000, {0: 2, 2: 3, 3: 1}, custom=(0.5, 1, 10), total=12.5)])


@pytest.fixture(scope='module')
def pair(module_hearth, tmp_path_factory):
    config = tmp_path_factory.mktemp('federation') / 'hearth.yaml'
    config.write_text(EXTERNAL)
    process = module_hearth(arguments=['--config', config])
    hearth = client_for(process)
    arguments = ['--web.enable-remote-write-receiver']
    if not CURRENT:
        arguments.append('--enable-feature=native-histograms')
    with Prometheus(PROGRAM, config=EXTERNAL, arguments=arguments) as prometheus:
        moment = now_ms()
        sent = parts(moment) + ([custom(moment)] if CURRENT else [])
        if CURRENT:
            sent.append(series({'__name__': 'fed.dotted_name', 'a.b': 'c'}, [(moment, 1)]))
        for client in (hearth, prometheus):
            answer = client.write(*sent)
            assert answer.status_code in (200, 204), answer.text
        yield hearth, prometheus.client(), process


def federate(client, match, accept):
    return client.get('/federate', {'match[]': match}, headers={'Accept': accept} if accept else {})


def assert_equal(ours, theirs):
    assert ours.status_code == theirs.status_code, ours.text
    assert ours.content == theirs.content
    if ours.status_code == 200 and CURRENT:
        assert ours.headers['Content-Type'] == theirs.headers['Content-Type']


@pytest.mark.parametrize('name', ASKED)
def test_answers_are_those_of_prometheus(pair, name):
    hearth, prometheus, _ = pair
    match, accept = ASKED[name]
    ours, theirs = federate(hearth, match, accept), federate(prometheus, match, accept)
    assert_equal(ours, theirs)
    if name == 'all':
        assert 'fed_gauge{instance="i:1",job="api",cluster="ours",zone="a\\"b"} 2.5' in ours.text
        assert 'fed_ended' not in ours.text
        assert 'fed_old' not in ours.text
    if name == 'as protobuf':
        assert b'fed_native_float' in ours.content


@pytest.mark.skipif(not CURRENT, reason='names in UTF-8 need a current Prometheus')
@pytest.mark.parametrize('escaping', OF_UTF8)
def test_names_are_escaped_as_asked(pair, escaping):
    hearth, prometheus, _ = pair
    match, accept = ['{"fed.dotted_name"}'], OF_UTF8[escaping]
    ours = federate(hearth, match, accept)
    assert_equal(ours, federate(prometheus, match, accept))
    assert ours.text


def test_a_workspace_is_federated_too_and_has_no_labels_of_the_server(pair):
    hearth, _, _ = pair
    other = hearth.at(default_workspace(hearth))
    answer = federate(other, ['fed_a'], '')
    # The default workspace is the server's own under either path.
    assert answer.status_code == 200
    assert 'fed_a{cluster="ours",instance="",zone="a\\"b"} 2.5' in answer.text
    made = hearth.post('/workspaces', json.dumps({'alias': 'federated'}))
    workspace = hearth.at(made.json()['workspaceId'])
    assert workspace.write(series('fed_b', [(now_ms(), 1)])).status_code == 200
    answer = federate(workspace, ['fed_b'], '')
    assert 'fed_b{instance=""} 1 ' in answer.text


def test_federation_asks_for_the_right_to_query(pair):
    hearth, _, _ = pair
    answer = federate(hearth.but(auth='none'), ['fed_a'], '')
    assert answer.status_code == 401
    answer = hearth.request('POST', '/federate', data={'match[]': 'fed_a'})
    assert answer.status_code == 405


def test_a_real_prometheus_federates(pair):
    hearth, _, process = pair
    native = 'scrape_native_histograms: true' if CURRENT else ''
    config = f'''
global: {{scrape_interval: 1s}}
scrape_configs:
- job_name: federate
  honor_labels: true
  {native}
  metrics_path: /federate
  params: {{'match[]': ['{{__name__=~"fed_.*"}}']}}
  basic_auth: {{username: {hearth.key}, password: {hearth.secret}}}
  static_configs: [{{targets: ['{process.http.removeprefix("http://")}']}}]
'''
    arguments = [] if CURRENT else ['--enable-feature=native-histograms']
    with Prometheus(PROGRAM, config=config, arguments=arguments) as prometheus:
        client = prometheus.client()
        wait_for(lambda: client.query('fed_gauge')['result'], 60)
        got = {json.dumps(x['metric'], sort_keys=True): x['value'][1]
               for x in client.query('fed_gauge or fed_own_cluster or fed_a')['result']}
        assert len(got) == 4
        assert set(got.values()) == {'2.5'}
        assert json.dumps({'__name__': 'fed_a', 'cluster': 'ours', 'job': 'federate',
                           'zone': 'a"b'}, sort_keys=True) in got, 'no instance of the scraper'
        assert client.vector('up{job="federate"}')[0][1] == '1'
        ours = hearth.query('fed_native', now_ms() / 1000)['result']
        theirs = client.query('fed_native')['result']
        assert len(ours) == len(theirs) == 2
        by_gauge = {x['metric']['gauge']: x['histogram'][1] for x in theirs}
        for one in ours:
            assert by_gauge[one['metric']['gauge']] == one['histogram'][1]
