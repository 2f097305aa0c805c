# SPDX-License-Identifier: Apache-2.0
"""The OpenTelemetry SDK for Python sends metrics to hearth; what it measured is read back exact."""

import gzip
import json

import pytest

pytest.importorskip('opentelemetry.exporter.otlp.proto.http',
                    reason='opentelemetry-exporter-otlp-proto-http is not in build/venv; run '
                           'tools/setup test')

from opentelemetry.exporter.otlp.proto.http import Compression  # noqa: E402
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: E402
from opentelemetry.sdk.metrics import (Counter, Histogram, MeterProvider,  # noqa: E402
                                       ObservableCounter, UpDownCounter)
from opentelemetry.sdk.metrics.export import (AggregationTemporality,  # noqa: E402
                                              PeriodicExportingMetricReader)
from opentelemetry.sdk.metrics.view import (ExponentialBucketHistogramAggregation,  # noqa: E402
                                            View)
from opentelemetry.sdk.resources import Resource  # noqa: E402

from remote_write import now_ms  # noqa: E402
from signed_client import basic  # noqa: E402

OBSERVED = [0.003, 0.02, 0.02, 0.7, 3.5, 12.25]


class Sender:
    """One process with its own resource; `flush` sends."""

    def __init__(self, client, path, instance, compression=Compression.Gzip, temporality=None):
        exporter = OTLPMetricExporter(
            endpoint=client.base + path, compression=compression,
            headers={'Authorization': basic(client.key, client.secret)},
            preferred_temporality=temporality)
        self.reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
        self.provider = MeterProvider(
            metric_readers=[self.reader],
            resource=Resource.create({'service.name': 'shop', 'service.namespace': 'eu',
                                      'service.instance.id': instance, 'zone': 'z1'}),
            views=[View(instrument_name='otel.native',
                        aggregation=ExponentialBucketHistogramAggregation())])
        self.meter = self.provider.get_meter('test')

    def flush(self):
        assert self.provider.force_flush(20_000)

    def close(self):
        self.provider.shutdown()


@pytest.fixture(params=['root', 'workspace'])
def door(request, root, workspace):
    if request.param == 'root':
        return root, '/api/v1/otlp/v1/metrics'
    return root, f'{workspace.prefix}/api/v1/otlp/v1/metrics'


def value_of(client, expression):
    result = client.query(expression, now_ms() / 1000 + 1)['result']
    assert len(result) == 1, (expression, result)
    return float(result[0]['value'][1])


@pytest.mark.parametrize('compression', [Compression.Gzip, Compression.NoCompression])
def test_values_are_read_back_exact(door, request, compression):
    client, path = door
    instance = request.node.name
    sender = Sender(client, path, instance, compression)
    sender.meter.create_counter('otel.requests', unit='{request}').add(
        41, {'http.method': 'GET', 'path': '/ü'})
    sender.meter.create_up_down_counter('otel.connections').add(-3)
    sender.meter.create_gauge('otel.temperature', unit='Cel').set(21.375)
    histogram = sender.meter.create_histogram(
        'otel.duration', unit='s', explicit_bucket_boundaries_advisory=[0.01, 0.1, 1, 10])
    native = sender.meter.create_histogram('otel.native', unit='s')
    for seconds in OBSERVED:
        histogram.record(seconds)
        native.record(seconds)
    sender.flush()
    where = f'{{job="eu/shop", instance="{instance}"}}'
    found = client.query(f'otel_requests_total{where}', now_ms() / 1000 + 1)['result']
    assert [(x['metric'], x['value'][1]) for x in found] == [(
        {'__name__': 'otel_requests_total', 'http_method': 'GET', 'path': '/ü', 'job': 'eu/shop',
         'instance': instance}, '41')]
    assert value_of(client, f'otel_connections{where}') == -3
    assert value_of(client, f'otel_temperature_celsius{where}') == 21.375
    assert value_of(client, f'otel_duration_seconds_count{where}') == len(OBSERVED)
    assert value_of(client, f'otel_duration_seconds_sum{where}') == sum(OBSERVED)
    for bound, count in (('0.01', 1), ('0.1', 3), ('1', 4), ('10', 5), ('+Inf', 6)):
        bucket = f'otel_duration_seconds_bucket{where[:-1]}, le="{bound}"}}'
        assert value_of(client, bucket) == count
    assert value_of(client, f'histogram_count(otel_native_seconds{where})') == len(OBSERVED)
    assert value_of(client, f'histogram_sum(otel_native_seconds{where})') == sum(OBSERVED)
    info = client.query(f'target_info{where}', now_ms() / 1000 + 1)['result']
    assert info[0]['metric']['zone'] == 'z1'
    sender.close()


def test_deltas_are_added_up(root, request):
    sender = Sender(root, '/api/v1/otlp/v1/metrics', request.node.name, temporality={
        kind: AggregationTemporality.DELTA
        for kind in (Counter, Histogram, ObservableCounter, UpDownCounter)})
    counter = sender.meter.create_counter('otel.deltas')
    native = sender.meter.create_histogram('otel.native')
    for amount in (5, 7, 11):
        counter.add(amount)
        native.record(amount)
        sender.flush()
    where = f'{{instance="{request.node.name}"}}'
    assert value_of(root, f'otel_deltas_total{where}') == 23
    assert value_of(root, f'histogram_sum(otel_native{where})') == 23
    assert value_of(root, f'histogram_count(otel_native{where})') == 3
    sender.close()


def test_json_and_partial_success(root, metric):
    point = {'asDouble': 1.5, 'timeUnixNano': str(now_ms() * 1_000_000)}
    body = {'resourceMetrics': [{'scopeMetrics': [{'metrics': [
        {'name': metric, 'gauge': {'dataPoints': [point]}},
        {'name': 'bad', 'sum': {'dataPoints': [point]}}]}]}]}
    answer = root.post('/api/v1/otlp/v1/metrics', gzip.compress(json.dumps(body).encode()),
                       headers={'Content-Type': 'application/json', 'Content-Encoding': 'gzip'})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {'partialSuccess': {
        'rejectedDataPoints': '1',
        'errorMessage': 'invalid temporality and type combination for metric "bad"'}}
    assert value_of(root, metric) == 1.5


@pytest.mark.parametrize('body,headers,status', [
    (b'x', {'Content-Type': 'text/plain'}, 415),
    (b'x', {'Content-Type': 'application/x-protobuf', 'Content-Encoding': 'zstd'}, 415),
    (b'\xff', {'Content-Type': 'application/x-protobuf'}, 400),
    (b'[1', {'Content-Type': 'application/json'}, 400)])
def test_what_is_no_request_is_refused(root, body, headers, status):
    assert root.post('/api/v1/otlp/v1/metrics', body, headers=headers).status_code == status


def test_needs_the_right_to_write(root):
    answer = root.but(auth='none').post('/api/v1/otlp/v1/metrics', b'',
                                        headers={'Content-Type': 'application/x-protobuf'})
    assert answer.status_code in (401, 403)
