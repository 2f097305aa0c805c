# SPDX-License-Identifier: Apache-2.0
"""One OTLP request to hearth and to the current Prometheus, under every translation strategy and
option: both then have the same series."""

import json

import pytest

import prometheus_process
from connect import client_for
from prometheus_process import Prometheus
from remote_write import now_ms

pytest.importorskip('opentelemetry.proto.metrics.v1.metrics_pb2',
                    reason='opentelemetry-proto is not in build/venv; run tools/setup test')

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (  # noqa: E402
    ExportMetricsServiceRequest)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue  # noqa: E402

PROGRAM = prometheus_process.find('prometheus', current=True)
pytestmark = pytest.mark.skipif(PROGRAM is None, reason='no current Prometheus under build/peers')

OPTIONS = {
    'default': {},
    'NoTranslation': {'translation_strategy': 'NoTranslation'},
    'NoUTF8EscapingWithSuffixes': {'translation_strategy': 'NoUTF8EscapingWithSuffixes'},
    'UnderscoreEscapingWithoutSuffixes': {
        'translation_strategy': 'UnderscoreEscapingWithoutSuffixes'},
    'promoted': {'promote_resource_attributes': ['deployment.environment', 'zone', 'nobody']},
    'all promoted': {'promote_all_resource_attributes': True,
                     'ignore_resource_attributes': ['zone']},
    'identity kept': {'keep_identifying_resource_attributes': True},
    'scope': {'promote_scope_metadata': True},
    'nhcb': {'convert_histograms_to_nhcb': True},
}
CUMULATIVE, DELTA = 2, 1
MS = 1_000_000


def attributes(**pairs):
    return [KeyValue(key=k.replace('__', '.'), value=AnyValue(string_value=v) if isinstance(v, str)
                     else AnyValue(bool_value=v) if isinstance(v, bool)
                     else AnyValue(int_value=v)) for k, v in pairs.items()]


def request_at(moment):
    """One request with every kind of metric; times are nanoseconds."""
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    resource.resource.attributes.extend(attributes(
        service__name='shop', service__namespace='eu', service__instance__id='i-1', zone='z1',
        deployment__environment='prod', number=7, flag=True))
    scope = resource.scope_metrics.add()
    scope.scope.name, scope.scope.version = 'lib', '1.2'
    scope.scope.attributes.extend(attributes(level='deep'))
    start, now = (moment - 60_000) * MS, moment * MS

    def point(data, **labels):
        out = data.data_points.add()
        out.time_unix_nano, out.start_time_unix_nano = now, start
        out.attributes.extend(attributes(**labels))
        return out
    metric = scope.metrics.add(name='otlp.gauge', unit='By', description='A gauge.')
    point(metric.gauge, http__route='/a', **{'ünï': 'code'}).as_double = 21.375
    metric = scope.metrics.add(name='otlp.ratio', unit='1')
    point(metric.gauge).as_double = 0.25
    metric = scope.metrics.add(name='otlp.requests', unit='{request}')
    metric.sum.is_monotonic, metric.sum.aggregation_temporality = True, CUMULATIVE
    point(metric.sum, path='/ü').as_int = 41
    metric = scope.metrics.add(name='otlp.io.rate', unit='By/s')
    metric.sum.is_monotonic, metric.sum.aggregation_temporality = True, CUMULATIVE
    point(metric.sum).as_double = 1.5
    metric = scope.metrics.add(name='otlp.connections')
    metric.sum.aggregation_temporality = CUMULATIVE
    point(metric.sum).as_int = -3
    metric = scope.metrics.add(name='otlp.duration', unit='ms')
    metric.histogram.aggregation_temporality = CUMULATIVE
    classic = point(metric.histogram, route='r')
    classic.count, classic.sum = 6, 16.5
    classic.explicit_bounds.extend([0.01, 0.1, 1, 10])
    classic.bucket_counts.extend([1, 2, 0, 2, 1])
    metric = scope.metrics.add(name='otlp.native', unit='s')
    metric.exponential_histogram.aggregation_temporality = CUMULATIVE
    native = point(metric.exponential_histogram)
    native.count, native.sum, native.scale, native.zero_count = 14, 33.25, 9, 2
    native.zero_threshold = 1e-6
    native.positive.offset = -3
    native.positive.bucket_counts.extend([1, 0, 0, 0, 5, 0, 1, 0, 2])
    native.negative.offset = 7
    native.negative.bucket_counts.extend([3])
    metric = scope.metrics.add(name='otlp.summary', unit='s')
    summary = point(metric.summary)
    summary.count, summary.sum = 5, 2.5
    for quantile, value in ((0.5, 0.4), (0.99, 1.75)):
        summary.quantile_values.add(quantile=quantile, value=value)
    metric = scope.metrics.add(name='7otlp.odd name!!', unit='foo bar')
    point(metric.gauge).as_double = 1
    return request


def deltas_at(moment):
    request = ExportMetricsServiceRequest()
    scope = request.resource_metrics.add().scope_metrics.add()
    for name, monotonic in (('delta.sum', True), ('delta.up.down', False)):
        metric = scope.metrics.add(name=name)
        metric.sum.is_monotonic, metric.sum.aggregation_temporality = monotonic, DELTA
        point = metric.sum.data_points.add(as_double=1.25)
        point.start_time_unix_nano, point.time_unix_nano = (moment - 5000) * MS, moment * MS
    metric = scope.metrics.add(name='delta.histogram')
    metric.histogram.aggregation_temporality = DELTA
    point = metric.histogram.data_points.add(count=3, sum=4.5, explicit_bounds=[1],
                                             bucket_counts=[1, 2])
    point.start_time_unix_nano, point.time_unix_nano = (moment - 5000) * MS, moment * MS
    metric = scope.metrics.add(name='delta.native')
    metric.exponential_histogram.aggregation_temporality = DELTA
    point = metric.exponential_histogram.data_points.add(count=3, sum=4.5, scale=2)
    point.positive.offset = 1
    point.positive.bucket_counts.extend([1, 2])
    point.start_time_unix_nano, point.time_unix_nano = (moment - 5000) * MS, moment * MS
    return request


def send(client, request):
    return client.post('/api/v1/otlp/v1/metrics', request.SerializeToString(),
                       headers={'Content-Type': 'application/x-protobuf'})


def everything(client, moment):
    found = client.query('{__name__=~".+"}[1m]', moment / 1000 + 1)['result']
    return {json.dumps(x.pop('metric'), sort_keys=True): x for x in found
            if 'scrape' not in json.dumps(x) and '"up"' not in json.dumps(x)}


@pytest.fixture
def pair(start_hearth, tmp_path, request):
    text = json.dumps({'global': {'scrape_interval': '1h'}, 'otlp': request.param})
    config = tmp_path / 'hearth.yaml'
    config.write_text(text)
    hearth = client_for(start_hearth(arguments=['--config', config]))
    with Prometheus(PROGRAM, text, arguments=[
            '--web.enable-otlp-receiver', '--enable-feature=otlp-deltatocumulative']) as prometheus:
        yield hearth, prometheus.client()


@pytest.mark.parametrize('pair', OPTIONS.values(), ids=OPTIONS, indirect=True)
def test_series_are_those_of_prometheus(pair):
    hearth, prometheus = pair
    moment = now_ms() - 2000
    for client in pair:
        answer = send(client, request_at(moment))
        assert answer.status_code == 200, answer.text
    ours, theirs = everything(hearth, moment), everything(prometheus, moment)
    assert sorted(ours) == sorted(theirs)
    for labels, series in theirs.items():
        assert ours[labels] == series, labels
    assert len(theirs) >= 13


@pytest.mark.parametrize('pair', [{}], ids=['default'], indirect=True)
def test_deltas_are_added_up_as_prometheus_does(pair):
    hearth, prometheus = pair
    moment = now_ms() - 20_000
    for i in range(4):
        for client in pair:
            answer = send(client, deltas_at(moment + 5000 * i))
            assert answer.status_code == 200, answer.text
    ours, theirs = (everything(client, moment + 15_000) for client in pair)
    assert sorted(ours) == sorted(theirs)
    for labels, series in theirs.items():
        assert ours[labels] == series, labels
    assert any('delta_native' in labels for labels in theirs)
