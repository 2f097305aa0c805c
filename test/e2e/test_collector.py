# SPDX-License-Identifier: Apache-2.0
"""The embedded collector against an exporter of the test's own (issue «Collector, embedded»)."""

import gzip
import http.server
import json
import threading

import pytest
import yaml

from connect import client_for, wait_for
from remote_write import now_ms

AUTOMATIC = ['up', 'scrape_duration_seconds', 'scrape_samples_scraped',
             'scrape_samples_post_metric_relabeling', 'scrape_series_added']


class Exporter:
    """Serves `pages`: path → (status, content type, text); remembers what it was asked."""

    def __init__(self):
        exporter = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                exporter.requests.append((self.path, dict(self.headers)))
                path = self.path.split('?')[0]
                status, kind, text = exporter.pages.get(path, (404, 'text/plain', 'no'))
                body = text.encode()
                self.send_response(status)
                if kind is not None:
                    self.send_header('Content-Type', kind)
                if 'gzip' in self.headers.get('Accept-Encoding', '') and len(body) > 1000:
                    body = gzip.compress(body)
                    self.send_header('Content-Encoding', 'gzip')
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.pages, self.requests = {}, []
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.address = f'127.0.0.1:{self.server.server_port}'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def exporter():
    made = Exporter()
    yield made
    made.close()


@pytest.fixture
def collect(start_hearth, tmp_path, exporter):
    """collect({job settings}) → a client of a server that scrapes the exporter each second."""
    def start(*jobs, **more):
        config = {'global': {'scrape_interval': '1s', 'scrape_timeout': '1s'}, 'scrape_configs': []}
        for job in jobs:
            job.setdefault('job_name', 'job')
            if not any(key.endswith('_sd_configs') for key in job):
                job.setdefault('static_configs', [{'targets': [exporter.address]}])
            config['scrape_configs'].append(job)
        path = tmp_path / 'hearth.yaml'
        path.write_text(yaml.safe_dump({**config, **more}))
        return client_for(start_hearth(arguments=['--config', path]))
    return start


TEXT = 'text/plain; version=0.0.4'


def first(client, expression):
    """The first answer that is not empty."""
    return wait_for(lambda: client.vector(expression))


def test_scrapes_and_adds_the_automatic_series(collect, exporter):
    exporter.pages['/metrics'] = (200, TEXT, '# TYPE a counter\n# HELP a The a.\na{x="1"} 5\nb 2\n')
    client = collect({})
    labels, value = first(client, 'a')[0]
    assert value == '5'
    assert labels == {'__name__': 'a', 'x': '1', 'job': 'job', 'instance': exporter.address}
    for name in AUTOMATIC:
        assert first(client, name)[0][0] == {'__name__': name, 'job': 'job',
                                             'instance': exporter.address}
    assert client.vector('up')[0][1] == '1'
    assert client.vector('scrape_samples_scraped')[0][1] == '2'
    target = client.data('/api/v1/targets')['activeTargets'][0]
    assert target['health'] == 'up' and target['lastError'] == ''
    assert target['scrapeUrl'] == f'http://{exporter.address}/metrics'
    assert target['labels'] == {'job': 'job', 'instance': exporter.address}
    assert wait_for(lambda: client.data('/api/v1/metadata').get('a')) == [
        {'type': 'counter', 'help': 'The a.', 'unit': ''}]


def test_metadata_lists_every_type_that_targets_report(collect, exporter):
    exporter.pages['/metrics'] = (200, TEXT, '# TYPE a counter\n# HELP a The a.\na 5\n')
    exporter.pages['/other'] = (200, TEXT, '# TYPE a gauge\n# HELP a The a.\na 5\nb 1\n')
    client = collect({}, {'job_name': 'other', 'metrics_path': '/other'},
                     {'job_name': 'again', 'metrics_path': '/other'})
    get = lambda **p: client.data('/api/v1/metadata', p)  # noqa: E731
    wait_for(lambda: len(get(metric='a').get('a', [])) == 2)
    for answer in (get(), get(metric='a'), get(limit='1')):
        assert sorted(x['type'] for x in answer['a']) == ['counter', 'gauge']
    assert len(get(limit_per_metric='1')['a']) == 1
    assert get(metric='none') == {} and get(limit='0') == {}


def test_samples_of_a_scrape_have_one_time(collect, exporter):
    exporter.pages['/metrics'] = (200, TEXT, 'a 1\nb 2\n')
    client = collect({})
    wait_for(lambda: len((client.query('a[30s]')['result'] or [{'values': []}])[0]['values']) >= 4)
    found = client.query('{__name__=~"a|b|up"}[30s]')['result']
    times = [tuple(t for t, _ in x['values']) for x in found]
    assert len(found) == 3 and len(set(times)) == 1


@pytest.mark.parametrize('kind', [TEXT, 'text/plain; charset=utf-8',
                                  'application/openmetrics-text; version=1.0.0; charset=utf-8'])
def test_content_types(collect, exporter, kind):
    exporter.pages['/metrics'] = (200, kind, 'a 5\n# EOF\n')
    assert first(collect({}), 'a')[0][1] == '5'


@pytest.mark.parametrize('kind', [None, '', 'text/html'])
def test_without_a_content_type_the_format_has_to_be_told(collect, exporter, kind):
    exporter.pages['/metrics'] = (200, kind, 'a 5\n')
    client = collect({'job_name': 'told', 'fallback_scrape_protocol': 'PrometheusText0.0.4'},
                     {'job_name': 'untold'})
    assert first(client, 'a')[0][0]['job'] == 'told'
    wait_for(lambda: client.vector('up{job="untold"}'))
    errors = {target['labels']['job']: target['lastError']
              for target in client.data('/api/v1/targets')['activeTargets']}
    assert errors['told'] == ''
    assert errors['untold'].endswith(
        ' and no fallback_scrape_protocol specified for target'), errors


def test_failed_scrape_ends_its_series(collect, exporter):
    """`up` is 0 and the others go stale at once, not after five minutes."""
    exporter.pages['/metrics'] = (200, TEXT, 'a 5\n')
    client = collect({})
    first(client, 'a')
    exporter.pages['/metrics'] = (500, TEXT, 'broken')
    wait_for(lambda: client.vector('up')[0][1] == '0')
    wait_for(lambda: client.vector('a') == [])
    target = client.data('/api/v1/targets')['activeTargets'][0]
    assert target['health'] == 'down'
    assert target['lastError'] == 'server returned HTTP status 500 Internal Server Error'


def test_series_that_disappears_goes_stale(collect, exporter):
    exporter.pages['/metrics'] = (200, TEXT, 'a 5\nb 6\n')
    client = collect({})
    first(client, 'a and on () b')
    exporter.pages['/metrics'] = (200, TEXT, 'a 5\n')
    wait_for(lambda: client.vector('b') == [])
    assert client.vector('a')[0][1] == '5'


def test_broken_text_is_a_failed_scrape(collect, exporter):
    exporter.pages['/metrics'] = (200, TEXT, 'a 5\nb {{{ 1\n')
    client = collect({})
    assert first(client, 'up == 0')[0][1] == '0'
    assert client.vector('a') == []


def test_honor_labels(collect, exporter):
    exporter.pages['/metrics'] = (200, TEXT, 'a{job="theirs",instance="i"} 1\n')
    client = collect({'job_name': 'keep', 'honor_labels': True}, {'job_name': 'rename'})
    first(client, 'a{job="theirs"} and on () a{job="rename"}')
    found = {x['job']: x for x, _ in client.vector('a')}
    assert found['theirs'] == {'__name__': 'a', 'job': 'theirs', 'instance': 'i'}
    assert found['rename'] == {'__name__': 'a', 'job': 'rename', 'exported_job': 'theirs',
                               'instance': exporter.address, 'exported_instance': 'i'}


def test_timestamps_of_the_exporter_are_honoured_unless_told_otherwise(collect, exporter):
    past = now_ms() - 120_000
    exporter.pages['/metrics'] = (200, TEXT, f'a 1 {past}\n')
    client = collect({'job_name': 'honour'}, {'job_name': 'ignore', 'honor_timestamps': False})
    first(client, 'a{job="ignore"} and on () a{job="honour"}')
    assert abs(float(client.vector('timestamp(a{job="honour"})')[0][1]) * 1000 - past) < 1
    assert float(client.vector('timestamp(a{job="ignore"})')[0][1]) * 1000 > past + 60_000


def test_relabelling(collect, exporter):
    exporter.pages['/metrics'] = (200, TEXT, 'keep_me{secret="x",path="/a/b"} 1\ndrop_me 2\n')
    client = collect({
        'relabel_configs': [
            {'source_labels': ['__address__'], 'regex': r'(.*):\d+', 'target_label': 'host'},
            {'target_label': 'cluster', 'replacement': 'test'}],
        'metric_relabel_configs': [
            {'source_labels': ['__name__'], 'regex': 'drop_.*', 'action': 'drop'},
            {'regex': 'secret', 'action': 'labeldrop'},
            {'source_labels': ['path'], 'regex': '/([^/]*)/.*', 'target_label': 'root',
             'replacement': '$1'}]})
    labels, _ = first(client, 'keep_me')[0]
    assert labels == {'__name__': 'keep_me', 'path': '/a/b', 'root': 'a', 'job': 'job',
                      'host': '127.0.0.1', 'cluster': 'test', 'instance': exporter.address}
    assert client.vector('drop_me') == []
    assert client.vector('scrape_samples_scraped')[0][1] == '2'
    assert client.vector('scrape_samples_post_metric_relabeling')[0][1] == '1'


def test_dropped_targets_are_listed(collect, exporter):
    client = collect({'relabel_configs': [{'source_labels': ['__address__'], 'action': 'drop'}]})
    dropped = wait_for(lambda: client.data('/api/v1/targets')['droppedTargets'])
    assert dropped[0]['discoveredLabels']['__address__'] == exporter.address


@pytest.mark.parametrize('limit', [{'sample_limit': 1}, {'label_limit': 2},
                                   {'label_name_length_limit': 4}, {'label_value_length_limit': 3},
                                   {'body_size_limit': '5B'}])
def test_limits_fail_the_scrape(collect, exporter, limit):
    exporter.pages['/metrics'] = (200, TEXT, 'a{x="1"} 1\nb{x="2"} 2\n')
    client = collect(limit)
    assert first(client, 'up')[0][1] == '0'
    assert client.vector('a') == []
    # A scrape's samples are there before the target's state is.
    wait_for(lambda: client.data('/api/v1/targets')['activeTargets'][0]['lastError'])


def test_file_discovery_follows_the_file(collect, exporter, tmp_path):
    exporter.pages['/metrics'] = (200, TEXT, 'a 1\n')
    targets = tmp_path / 'targets.json'
    targets.write_text('[]')
    client = collect({'file_sd_configs': [{'files': [str(tmp_path / '*.json')],
                                           'refresh_interval': '1s'}]})
    assert client.data('/api/v1/targets')['activeTargets'] == []
    new = tmp_path / 'new'
    new.write_text(json.dumps([{'targets': [exporter.address], 'labels': {'from': 'file'}}]))
    new.rename(targets)
    assert first(client, 'a')[0][0]['from'] == 'file'


def test_http_discovery(collect, exporter):
    exporter.pages['/sd'] = (200, 'application/json', json.dumps(
        [{'targets': [exporter.address], 'labels': {'from': 'http'}}]))
    exporter.pages['/metrics'] = (200, TEXT, 'a 1\n')
    client = collect({'http_sd_configs': [{'url': f'http://{exporter.address}/sd'}]})
    assert first(client, 'a')[0][0]['from'] == 'http'


@pytest.mark.parametrize('settings,header', [
    ({'basic_auth': {'username': 'u', 'password': 'p'}}, 'Basic dTpw'),
    ({'authorization': {'credentials': 'token'}}, 'Bearer token'),
    ({'bearer_token': 'token'}, 'Bearer token')])
def test_authorisation_is_sent(collect, exporter, settings, header):
    exporter.pages['/metrics'] = (200, TEXT, 'a 1\n')
    first(collect(settings), 'a')
    assert exporter.requests[-1][1]['Authorization'] == header


def test_path_and_params(collect, exporter):
    exporter.pages['/probe'] = (200, TEXT, 'a 1\n')
    first(collect({'metrics_path': '/probe', 'params': {'module': ['x y'], 'n': ['1', '2']}}), 'a')
    path = exporter.requests[-1][0]
    assert path.startswith('/probe?')
    assert sorted(path.split('?')[1].split('&')) in (['module=x+y', 'n=1', 'n=2'],
                                                     ['module=x%20y', 'n=1', 'n=2'])


def test_target_that_does_not_answer_is_down(collect):
    client = collect({'static_configs': [{'targets': ['127.0.0.1:1']}]})
    assert first(client, 'up')[0][1] == '0'
    assert 'connect' in wait_for(
        lambda: client.data('/api/v1/targets')['activeTargets'][0]['lastError']).lower()
