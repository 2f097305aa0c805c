# SPDX-License-Identifier: Apache-2.0
"""Every path of Prometheus' own OpenAPI description: hearth answers, and what it answers fits the
schema. Runs where the description is (HEARTH_SHARED, else ../shared)."""

import os
import pathlib

import pytest
import yaml

from hearth_process import ROOT
from remote_write import metadata, now_ms, series

SHARED = pathlib.Path(os.environ.get('HEARTH_SHARED') or ROOT.parent / 'shared')
DESCRIPTION = SHARED / 'data' / 'prometheus-api' / 'openapi_3.1.yaml'
if not DESCRIPTION.exists():
    pytest.skip(f'no OpenAPI description at {DESCRIPTION}', allow_module_level=True)
jsonschema = pytest.importorskip('jsonschema')

DOCUMENT = yaml.safe_load(DESCRIPTION.read_text())
NOW = now_ms() // 1000 * 1000
CONFIG = """
global: {scrape_interval: 1h}
scrape_configs:
- job_name: pool
  static_configs: [{targets: ["127.0.0.1:1"]}]
  relabel_configs: [{source_labels: [a], target_label: b}]
"""
QUERY = 'sum by (job) (rate(schema_requests_total[5m]))'
# What each path is asked; a path that is not here has no parameters that it needs.
ASKED = {
    '/query': {'query': QUERY, 'time': NOW / 1000, 'stats': 'all'},
    '/query_range': {'query': QUERY, 'start': NOW / 1000 - 600, 'end': NOW / 1000, 'step': 60},
    '/query_exemplars': {'query': QUERY},
    '/format_query': {'query': QUERY},
    '/parse_query': {'query': QUERY},
    '/label/{name}/values': {},
    '/series': {'match[]': 'schema_requests_total'},
    '/scrape_pools/config': {'scrapePool': 'pool'},
    '/targets/relabel_steps': {'scrapePool': 'pool', 'labels': '{"a":"1"}'},
    '/admin/tsdb/delete_series': {'match[]': 'schema_deleted'},
}
# Streams and messages in other formats have tests of their own.
NOT_JSON = ('/write', '/read', '/otlp/v1/metrics')
# What hearth does not have, and says so: upstream's search is behind a flag of its own, blocks are
# not Prometheus' blocks, and its own metrics are at /metrics.
MISSING = ('/search/metric_names', '/search/label_names', '/search/label_values',
           '/status/tsdb/blocks', '/status/self_metrics')


@pytest.fixture(scope='module')
def server(module_hearth, tmp_path_factory):
    config = tmp_path_factory.mktemp('schema') / 'hearth.yaml'
    config.write_text(CONFIG)
    process = module_hearth(arguments=['--config', config])
    from connect import client_for
    client = client_for(process)
    answer = client.write(
        series({'__name__': 'schema_requests_total', 'job': 'a<b'},
               [(NOW - 15_000 * i, 100 - i) for i in range(40, -1, -1)]),
        metadata('schema_requests_total', 1, 'Requests.', ''))
    assert answer.status_code == 204, answer.text
    return client


def operations():
    for path, methods in DOCUMENT['paths'].items():
        for method, operation in methods.items():
            if method in ('get', 'post', 'put') and path not in NOT_JSON:
                yield pytest.param(path, method, operation, id=f'{method} {path}')


def schema_of(operation, status):
    response = operation['responses'].get(str(status)) or operation['responses'].get('default')
    schema = response['content']['application/json']['schema']
    return {**schema, 'components': DOCUMENT['components']}


@pytest.mark.parametrize('path,method,operation', operations())
def test_answer_fits_the_description(server, path, method, operation):
    parameters = ASKED.get(path, {})
    url = '/api/v1' + path.replace('{name}', 'job')
    if method == 'get':
        answer = server.get(url, parameters)
    else:
        answer = server.request(method.upper(), url, data=dict(parameters))
    if path in MISSING:
        assert answer.status_code == 404, answer.text
        assert answer.json()['status'] == 'error'
        return
    if path.startswith('/admin/'):
        # 204 has no body; upstream describes a body that it never sends. Snapshots have one.
        if answer.status_code == 501:
            pytest.skip(answer.text)
        assert answer.status_code in (200, 204), answer.text
        if answer.status_code == 204:
            return
    if path == '/alertmanagers' and answer.status_code == 404:
        pytest.skip(answer.text)
    assert answer.status_code == 200, answer.text
    jsonschema.validate(answer.json(), schema_of(operation, 200))


@pytest.mark.parametrize('path', sorted(path for path in ASKED if path != '/label/{name}/values' and
                                         'get' in DOCUMENT['paths'].get(path, {})))
def test_bad_requests_fit_the_description(server, path):
    """What needs a parameter refuses its absence with the error envelope."""
    answer = server.get('/api/v1' + path)
    assert answer.status_code == 400, answer.text
    jsonschema.validate(answer.json(), {'$ref': '#/components/schemas/Error',
                                        'components': DOCUMENT['components']})
    assert answer.json()['errorType'] == 'bad_data'
