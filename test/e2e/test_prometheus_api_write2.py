# SPDX-License-Identifier: Apache-2.0
"""Remote write 2.0 over the wire: negotiation, partial writes, what is counted in the answer
(https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/)."""

import struct

import pytest

from remote_write import field, now_ms, snappy, varint

HEADERS = {'Content-Type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
           'Content-Encoding': 'snappy', 'X-Prometheus-Remote-Write-Version': '2.0.0'}
COUNTS = ('Samples', 'Histograms', 'Exemplars')


class Request:
    """One io.prometheus.write.v2.Request, compressed by body()."""

    def __init__(self):
        self.symbols, self.series = [''], b''

    def ref(self, text):
        if text not in self.symbols:
            self.symbols.append(text)
        return self.symbols.index(text)

    def refs(self, labels):
        return b''.join(varint(self.ref(x)) for pair in labels for x in pair)

    def add(self, labels, samples=(), kind=0, text='', more=b''):
        out = field(1, self.refs(sorted(labels.items()) if isinstance(labels, dict) else labels))
        for time_ms, value, *start in samples:
            sample = b'\x09' + struct.pack('<d', value) + b'\x10' + varint(time_ms)
            out += field(2, sample + (b'\x18' + varint(start[0]) if start else b''))
        if kind:
            out += field(5, b'\x08' + varint(kind) + b'\x18' + varint(self.ref(text)))
        self.series += field(5, out + more)
        return self

    def body(self):
        return snappy(b''.join(field(4, s.encode()) for s in self.symbols) + self.series)


def send(face, request, **headers):
    return face.post(face.write_path(), request.body(), headers={**HEADERS, **headers})


def written(answer):
    return [int(answer.headers[f'X-Prometheus-Remote-Write-{x}-Written']) for x in COUNTS]


@pytest.fixture(params=['root', 'workspace'])
def face(request, root, workspace):
    return root if request.param == 'root' else workspace


def test_samples_are_stored_and_counted(face, metric):
    now = now_ms()
    answer = send(face, Request().add({'__name__': metric, 'a': 'ü'},
                                      [(now - 1000, 1.5, now - 5000), (now, 2.5)], 1, 'help me'))
    assert answer.status_code == (200 if face.prefix else 204), answer.text
    assert written(answer) == [2, 0, 0]
    result = face.query(metric + '[5s]', now / 1000)['result']
    assert result == [{'metric': {'__name__': metric, 'a': 'ü'},
                       'values': [[(now - 1000) / 1000, '1.5'], [now / 1000, '2.5']]}]
    assert face.data('/api/v1/metadata', {'metric': metric})[metric][0]['help'] == 'help me'


def test_good_series_of_a_bad_request_are_stored_and_counted(face, metric):
    now = now_ms()
    request = Request().add({'__name__': metric}, [(now, 1)])
    request.add({'no_name': 'x'}, [(now, 1)])
    request.add({'__name__': metric, 'b': '1'}, [(now, 1), (now + 86_400_000, 1)])
    answer = send(face, request)
    assert answer.status_code == 400, answer.text
    assert 'missing metric name' in answer.text
    assert written(answer) == [2, 0, 0]
    assert len(face.query(metric, now / 1000)['result']) == 2


def test_repeated_samples_are_written(face, metric):
    request = Request().add({'__name__': metric}, [(now_ms(), 1)])
    for _ in range(2):
        answer = send(face, request)
        assert answer.status_code in (200, 204)
        assert written(answer) == [1, 0, 0]


def test_an_empty_series_is_named(face, metric):
    answer = send(face, Request().add({'__name__': metric}))
    assert answer.status_code == 400
    assert 'TimeSeries must contain at least one sample or histogram' in answer.text
    assert written(answer) == [0, 0, 0]


@pytest.mark.parametrize('headers,text', [
    ({'Content-Type': 'application/json'}, 'content type application/json is not accepted'),
    ({'Content-Type': 'application/x-protobuf;proto=io.prometheus.write.v3.Request'},
     'io.prometheus.write.v3.Request protobuf message is not accepted by this server'),
    ({'Content-Encoding': 'zstd'}, 'zstd encoding (compression) is not accepted by this server')])
def test_what_is_not_understood_is_415(face, metric, headers, text):
    answer = send(face, Request().add({'__name__': metric}, [(now_ms(), 1)]), **headers)
    assert answer.status_code == 415, answer.text
    assert text in answer.text


def test_what_is_no_message_is_400(face):
    answer = face.post(face.write_path(), snappy(b'\x2a\xff'), headers=HEADERS)
    assert answer.status_code == 400
    assert 'malformed remote write 2.0 request' in answer.text
