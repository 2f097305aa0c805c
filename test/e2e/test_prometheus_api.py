# SPDX-License-Identifier: Apache-2.0
"""Remote write and Prometheus' HTTP API, at the root for the default workspace and under its
/workspaces/ws-… path (https://prometheus.io/docs/prometheus/latest/querying/api/)."""

import json
import math
import re

import pytest

from remote_write import metadata, now_ms, series

NOW = now_ms() // 1000 * 1000


@pytest.fixture(scope='module', params=['root', 'workspace'])
def face(request, root, workspace):
    """Each test runs at both doors of the same data."""
    return root if request.param == 'root' else workspace


@pytest.fixture(scope='module', autouse=True)
def recorded(root):
    """An hour of two counters and a gauge at 15 s, and metadata."""
    parts = []
    for job in ('api', 'web'):
        for code in ('200', '500'):
            rate = 3 if code == '200' else 1
            parts.append(series({'__name__': 'papi_requests_total', 'job': job, 'code': code},
                                [(NOW - 3_600_000 + i * 15_000, i * 15.0 * rate)
                                 for i in range(241)]))
    parts.append(series({'__name__': 'papi_temperature', 'room': 'ü "x" \\ y'},
                        [(NOW - 60_000 * i, 20.5 - i) for i in range(60, -1, -1)]))
    parts.append(series({'__name__': 'papi_special'}, [
        (NOW - 3000, math.inf), (NOW - 2000, -math.inf), (NOW - 1000, math.nan), (NOW, 1e-300)]))
    parts.append(metadata('papi_requests_total', 1, 'Requests served.', 'requests'))
    answer = root.write(*parts)
    assert answer.status_code in (200, 204), answer.text


def at(offset_s=0):
    return (NOW + offset_s * 1000) / 1000


# ---- remote write -------------------------------------------------------------------------------

def test_write_is_answered_with_an_empty_body(face, metric):
    """AMP answers 200, a stock Prometheus 204."""
    answer = face.write(series(metric, [(now_ms(), 1)]))
    assert answer.status_code == (200 if face.prefix else 204)
    assert answer.content == b''


def test_written_sample_is_there_at_once(face, metric):
    now = now_ms()
    assert face.write(series(metric, [(now, 42.25)])).status_code < 300
    data = face.query(metric, now / 1000)
    assert data['result'] == [{'metric': {'__name__': metric}, 'value': [now / 1000, '42.25']}]


def test_what_is_written_at_one_door_is_seen_at_the_other(root, workspace, metric):
    now = now_ms()
    workspace.write(series(metric, [(now, 7)]))
    assert root.vector(metric, now / 1000) == [({'__name__': metric}, '7')]


def test_empty_request_is_good(face):
    assert face.write().status_code < 300


# ---- instant queries ----------------------------------------------------------------------------

@pytest.mark.parametrize('expression,kind,expected', [
    ('1 + 2 * 3', 'scalar', '7'), ('"text"', 'string', 'text'), ('1/0', 'scalar', '+Inf'),
    ('-1/0', 'scalar', '-Inf'), ('0/0', 'scalar', 'NaN'), ('1e300', 'scalar', '1' + '0' * 300),
    ('0.1 + 0.2', 'scalar', '0.30000000000000004'), ('1e21', 'scalar', '1' + '0' * 21),
    ('123456789', 'scalar', '123456789'), ('1e20', 'scalar', '100000000000000000000'),
    ('0.0000001', 'scalar', '0.0000001'), ('0x1F', 'scalar', '31'), ('-0.0', 'scalar', '-0')])
def test_scalar_and_string(face, expression, kind, expected):
    data = face.query(expression, at())
    assert data == {'resultType': kind, 'result': [at(), expected]}


@pytest.mark.parametrize('number,text', [
    ('1e300', '1e+300'), ('1e21', '1e+21'), ('1e20', '1' + '0' * 20), ('1e-6', '0.000001'),
    ('1e-7', '1e-07'), ('-0.0', '-0'), ('5e-324', '5e-324'), ('0.1', '0.1'), ('+Inf', '+Inf')])
def test_vector_values_use_exponents_where_scalars_do_not(face, number, text):
    assert face.vector(f'vector({number})', at()) == [({}, text)]


def test_vector(face):
    found = dict((x[0]['job'], x[1]) for x in
                 face.vector('sum by (job) (rate(papi_requests_total[5m]))', at()))
    assert {k: float(v) for k, v in found.items()} == pytest.approx({'api': 4, 'web': 4}, 1e-9)


def test_matrix_of_an_instant_query(face):
    data = face.query('papi_temperature[5m]', at())
    assert data['resultType'] == 'matrix'
    # Left-open window, Prometheus 3: five samples, not six.
    assert [v for _, v in data['result'][0]['values']] == ['16.5', '17.5', '18.5', '19.5', '20.5']


def test_label_values_are_escaped(face):
    labels = face.vector('papi_temperature', at())[0][0]
    assert labels == {'__name__': 'papi_temperature', 'room': 'ü "x" \\ y'}


def test_special_values(face):
    values = face.query('papi_special[10s]', at())['result'][0]['values']
    assert [v for _, v in values] == ['+Inf', '-Inf', 'NaN', '1e-300']


def test_time_is_taken_as_rfc3339_and_defaults_to_now(face):
    assert face.query('vector(time())', '2026-01-02T03:04:05.5Z')['result'][0]['value'] == [
        1767323045.5, '1767323045.5']
    assert abs(face.query('1')['result'][0] * 1000 - now_ms()) < 60_000


def test_get_equals_post(face):
    for path, pairs in [
            ('/api/v1/query', {'query': 'papi_requests_total', 'time': at()}),
            ('/api/v1/query_range', {'query': 'rate(papi_requests_total[5m])', 'start': at(-600),
                                     'end': at(), 'step': '15s'}),
            ('/api/v1/labels', {'match[]': 'papi_requests_total'}),
            ('/api/v1/series', {'match[]': ['papi_requests_total', 'papi_temperature']})]:
        get, post = face.get(path, pairs), face.post(path, pairs)
        assert get.status_code == post.status_code == 200, get.text + post.text
        assert get.json() == post.json()


# ---- range queries ------------------------------------------------------------------------------

def test_range(face):
    data = face.query_range('papi_temperature', at(-120), at(), 60)
    assert data == {'resultType': 'matrix', 'result': [
        {'metric': {'__name__': 'papi_temperature', 'room': 'ü "x" \\ y'},
         'values': [[at(-120), '18.5'], [at(-60), '19.5'], [at(), '20.5']]}]}


def test_range_of_a_scalar(face):
    data = face.query_range('1', at(-30), at(), '15')
    assert data['result'] == [{'metric': {}, 'values': [[at(-30), '1'], [at(-15), '1'],
                                                        [at(), '1']]}]


@pytest.mark.parametrize('step', ['1m', '60', '60.0', '1m0s', '60000ms'])
def test_step_forms(face, step):
    data = face.query_range('papi_temperature', at(-300), at(), step)
    assert len(data['result'][0]['values']) == 6


def test_11000_points_are_the_most(face):
    good = face.get('/api/v1/query_range', {'query': '1', 'start': at(-10_999), 'end': at(),
                                            'step': 1})
    assert good.status_code == 200
    assert len(good.json()['data']['result'][0]['values']) == 11_000
    bad = face.get('/api/v1/query_range', {'query': '1', 'start': at(-11_001), 'end': at(),
                                           'step': 1})
    error(bad, 400, 'bad_data', 'exceeded maximum resolution of 11,000 points per timeseries. '
                                'Try decreasing the query resolution (?step=XX)')


# ---- series, labels, metadata -------------------------------------------------------------------

def test_series(face):
    data = face.data('/api/v1/series', {'match[]': 'papi_requests_total{job="api"}'})
    assert sorted(data, key=str) == sorted(
        [{'__name__': 'papi_requests_total', 'job': 'api', 'code': c} for c in ('200', '500')],
        key=str)


def test_series_of_several_matchers_is_their_union(face):
    data = face.data('/api/v1/series', {'match[]': ['papi_requests_total{code="500"}',
                                                    '{job="api",__name__=~"papi.+"}']})
    assert len(data) == 3


def test_series_outside_the_time_range(face):
    """Coarse, as Prometheus is; but a year before the data there is nothing."""
    assert face.data('/api/v1/series', {'match[]': 'papi_requests_total',
                                        'start': at(-400 * 86400), 'end': at(-300 * 86400)}) == []


def test_labels(face):
    names = face.data('/api/v1/labels', {'match[]': 'papi_requests_total'})
    assert names == ['__name__', 'code', 'job']
    assert {'__name__', 'code', 'job', 'room'} <= set(face.data('/api/v1/labels'))


def test_label_values(face):
    assert face.data('/api/v1/label/code/values', {'match[]': 'papi_requests_total'}) == [
        '200', '500']
    assert 'papi_requests_total' in face.data('/api/v1/label/__name__/values')
    assert face.data('/api/v1/label/no_such_label/values') == []


def test_limit_of_label_values(face):
    answer = face.get('/api/v1/label/__name__/values', {'limit': 1})
    assert len(answer.json()['data']) == 1
    assert answer.json()['warnings'] == ['results truncated due to limit']


def test_metadata(face):
    data = face.data('/api/v1/metadata', {'metric': 'papi_requests_total'})
    assert data == {'papi_requests_total': [{'type': 'counter', 'help': 'Requests served.',
                                             'unit': 'requests'}]}


def test_buildinfo(face):
    data = face.data('/api/v1/status/buildinfo')
    assert re.match(r'\d+\.\d+\.\d+', data['version'])
    assert {'version', 'revision'} <= set(data)


def test_targets(face):
    data = face.data('/api/v1/targets')
    assert set(data) >= {'activeTargets', 'droppedTargets'}


def test_rules_and_alerts_are_lists(face):
    for path, key in (('/api/v1/rules', 'groups'), ('/api/v1/alerts', 'alerts')):
        assert isinstance(face.data(path)[key], list)


def test_answers_are_json_with_utf8(face):
    answer = face.get('/api/v1/query', {'query': 'papi_temperature', 'time': at()})
    assert answer.headers['Content-Type'] == 'application/json'
    assert 'ü' in answer.content.decode()


# ---- errors -------------------------------------------------------------------------------------

def error(answer, status, kind, text=None):
    """Prometheus' envelope."""
    assert answer.status_code == status, f'{answer.status_code} {answer.text}'
    body = json.loads(answer.content)
    assert body['status'] == 'error'
    assert body['errorType'] == kind, body
    if text is not None:
        assert text in body['error'], body
    assert answer.headers['Content-Type'] == 'application/json'


@pytest.mark.parametrize('path,pairs,text', [
    ('query', {}, 'invalid parameter "query"'),
    ('query', {'query': ''}, 'invalid parameter "query"'),
    ('query', {'query': 'sum('}, 'invalid parameter "query": 1:5: parse error: '),
    ('query', {'query': 'up{'}, 'parse error: unexpected end of input inside braces'),
    ('query', {'query': '1', 'time': 'noon'},
     'invalid parameter "time": invalid time value for \'time\': '
     'cannot parse "noon" to a valid timestamp'),
    ('query', {'query': '1', 'timeout': 'soon'}, 'invalid parameter "timeout": '
     'cannot parse "soon" to a valid duration'),
    ('query', {'query': 'rate(up)'}, 'expected type range vector in call to function "rate"'),
    ('query', {'query': '{}'}, 'vector selector must contain at least one non-empty matcher'),
    ('query', {'query': 'up{job=~"("}'}, 'missing closing )'),
    ('query', {'query': 'no_such_function(up)'}, 'unknown function with name "no_such_function"'),
    ('query_range', {'query': '1', 'end': 1, 'step': 1},
     'invalid parameter "start": cannot parse "" to a valid timestamp'),
    ('query_range', {'query': '1', 'start': 1, 'step': 1}, 'invalid parameter "end"'),
    ('query_range', {'query': '1', 'start': 0, 'end': 1}, 'invalid parameter "step"'),
    ('query_range', {'query': '1', 'start': 0, 'end': 1, 'step': 0},
     'invalid parameter "step": zero or negative query resolution step widths are not accepted. '
     'Try a positive integer'),
    ('query_range', {'query': '1', 'start': 0, 'end': 1, 'step': -1}, 'zero or negative'),
    ('query_range', {'query': '1', 'start': 2, 'end': 1, 'step': 1},
     'invalid parameter "end": end timestamp must not be before start time'),
    ('query_range', {'query': 'up[5m]', 'start': 0, 'end': 1, 'step': 1},
     'invalid expression type "range vector" for range query, must be Scalar or instant Vector'),
    ('series', {}, 'no match[] parameter provided'),
    ('series', {'match[]': 'up{'}, 'invalid parameter "match[]"'),
    ('series', {'match[]': '{}'}, 'match[] must contain at least one non-empty matcher'),
    ('labels', {'start': 'x'}, 'invalid parameter "start"')])
def test_bad_data(face, path, pairs, text):
    error(face.get(f'/api/v1/{path}', pairs), 400, 'bad_data', text)


def test_execution_error(face, metric):
    now = now_ms()
    face.write(series({'__name__': metric, 'a': '1', 'b': '1'}, [(now, 1)]),
               series({'__name__': metric, 'a': '1', 'b': '2'}, [(now, 1)]))
    answer = face.get('/api/v1/query', {'query': f'{metric} + on (a) {metric}',
                                        'time': now / 1000})
    error(answer, 422, 'execution', 'found duplicate series for the match group {a="1"}')


def test_time_out_is_503_at_the_root(face):
    """A query with no time to run in (Prometheus: 503, AMP: 422 with a text of its own)."""
    answer = face.get('/api/v1/query', {
        'query': 'count_over_time(papi_requests_total[1h:1ms])', 'time': at(), 'timeout': '1ms'})
    if answer.status_code == 200:
        pytest.skip('the query was done within a millisecond')
    body = answer.json()
    if face.prefix:
        assert (answer.status_code, body['errorType']) == (422, 'execution')
        assert body['error'].startswith('query timed out - consider simplifying your query')
    else:
        assert (answer.status_code, body['errorType']) == (503, 'timeout')


def test_too_many_samples_is_422(root):
    answer = root.get('/api/v1/query', {'query': 'count_over_time(vector(1)[700d:1s])',
                                        'time': at(), 'timeout': '60s'})
    error(answer, 422, 'execution',
          'query processing would load too many samples into memory in query execution')


def test_95_days_are_the_longest_query(workspace):
    answer = workspace.get('/api/v1/query_range', {
        'query': '1', 'start': at(-100 * 86400), 'end': at(), 'step': 3600})
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()['error'].startswith('the query time range exceeds the limit '
                                             '(query length: 2400h0m0s, limit: 2280h0m0s)')


def test_unknown_path_is_404(face):
    assert face.get('/api/v1/no_such_thing').status_code == 404


def test_wrong_method_is_405(face):
    assert face.request('DELETE', '/api/v1/query').status_code in (404, 405)


def test_remote_read_takes_a_request_by_post(face):
    """What it answers: test/compat/test_remote_read.py."""
    answer = face.post('/api/v1/read', b'')
    assert answer.status_code == 400 and 'snappy' in answer.text, answer.text
    assert face.get('/api/v1/read').status_code == 405


def test_warnings_and_infos_are_passed_on(face):
    """Prometheus tells of a rate over what is no counter by its name."""
    body = face.get('/api/v1/query', {'query': 'rate(papi_temperature[5m])', 'time': at()}).json()
    assert any('metric might not be a counter' in x for x in body.get('infos', [])), body
