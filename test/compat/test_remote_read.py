# SPDX-License-Identifier: Apache-2.0
"""Remote read: the real Prometheus reads from hearth and answers queries as hearth does; both kinds
of answer, taken apart by hand, hold the same samples."""

import json
import struct

import cramjam
import pytest

import prometheus_blocks
import remote_write
from connect import client_for
from hearth_process import HearthProcess, run_hearth
from prometheus_blocks import current
from prometheus_process import Prometheus
from remote_write import field, varint

CONFIG = '''
global: {{scrape_interval: 1h}}
remote_read:
- url: {url}/api/v1/read
  read_recent: true
  basic_auth: {{username: {key}, password: "{secret}"}}
'''


@pytest.fixture(scope='module')
def begin_ms():
    return prometheus_blocks.old_begin_ms()


@pytest.fixture(scope='module')
def hearth(begin_ms, tmp_path_factory):
    blocks = prometheus_blocks.write_blocks(tmp_path_factory.mktemp('read') / 'data', begin_ms)
    with HearthProcess() as process:
        result = run_hearth('import', 'prometheus', blocks, '--data', process.data, timeout=300)
        assert result.returncode == 0, result.stderr
        yield process


def matcher(name, value, kind=0):
    return field(3, b'\x08' + varint(kind) + field(2, name.encode()) + field(3, value.encode()))


def read_request(begin_ms, end_ms, *matchers, accepted=()):
    query = b'\x08' + varint(begin_ms) + b'\x10' + varint(end_ms) + b''.join(matchers)
    types = field(2, b''.join(varint(kind) for kind in accepted)) if accepted else b''
    return remote_write.snappy(field(1, query) + types)


def fields_of(message):
    """(number, value) of each field; bytes for length-delimited ones."""
    at = 0

    def number():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value
    while at < len(message):
        tag = number()
        if tag & 7 == 0:
            yield tag >> 3, number()
        elif tag & 7 == 1:
            yield tag >> 3, message[at:at + 8]
            at += 8
        else:
            size = number()
            yield tag >> 3, message[at:at + size]
            at += size


def labels_of(series):
    return {dict(fields_of(pair))[1].decode(): dict(fields_of(pair))[2].decode()
            for number, pair in fields_of(series) if number == 1}


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def test_prometheus_answers_from_hearth(hearth, begin_ms):
    client = client_for(hearth)
    config = CONFIG.format(url=hearth.http, key=client.key, secret=client.secret)
    with Prometheus(current('prometheus'), config) as peer:
        for query in ('rate(blocks_total[5m])', 'blocks_awkward', 'sum(blocks_noise)',
                      'histogram_count(rate(blocks_native[10m]))', 'blocks_native_custom',
                      'histogram_quantile(0.9, rate(blocks_native_custom[10m]))',
                      'histogram_sum(rate(blocks_native_float[10m]))',
                      'histogram_quantile(0.9, rate(blocks_native_float[10m]))',
                      'sum by (job) (rate(blocks_native[10m]))',
                      'histogram_avg(avg_over_time(blocks_native_gauge[10m]))'):
            parameters = {'query': query, 'start': begin_ms / 1000,
                          'end': begin_ms / 1000 + 4 * 3600, 'step': 60}
            answers = []
            for one in (client, peer.client()):
                answer = one.get('/api/v1/query_range', parameters)
                assert answer.status_code == 200, answer.text
                assert 'warnings' not in answer.json(), answer.text
                answers.append(answer.json()['data'])
            assert answers[0]['result'], query
            assert answers[0] == answers[1], query


def test_samples_and_frames_hold_the_same(hearth, begin_ms):
    client = client_for(hearth)
    end_ms = begin_ms + 3600 * 1000
    wanted = matcher('__name__', 'blocks_total')
    answer = client.post('/api/v1/read', read_request(begin_ms, end_ms, wanted))
    assert answer.status_code == 200, answer.text
    assert answer.headers['Content-Type'] == 'application/x-protobuf'
    assert answer.headers['Content-Encoding'] == 'snappy'
    response = bytes(cramjam.snappy.decompress_raw(answer.content))
    (_, result), = fields_of(response)
    (_, series), = fields_of(result)
    assert labels_of(series) == {'__name__': 'blocks_total', 'job': 'a'}
    samples = [dict(fields_of(s)) for n, s in fields_of(series) if n == 2]
    times = [s[2] for s in samples]
    assert times == list(range(begin_ms, end_ms + 1, 15_000))
    expected = client.get('/api/v1/query', {'query': 'blocks_total[1h]', 'time': end_ms / 1000})
    values = json.loads(expected.content)['data']['result'][0]['values']
    assert [float(v) for _, v in values] == [
        struct.unpack('<d', s[1])[0] for s in samples[-len(values):]]

    answer = client.post('/api/v1/read', read_request(begin_ms, end_ms, wanted, accepted=(1, 0)))
    assert answer.headers['Content-Type'] == \
        'application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse'
    stream, counted = answer.content, 0
    while stream:
        size, shift = 0, 0
        while True:
            byte, stream = stream[0], stream[1:]
            size |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                break
        crc, message, stream = stream[:4], stream[4:4 + size], stream[4 + size:]
        assert struct.unpack('>I', crc)[0] == crc32c(message)
        for number, chunked in fields_of(message):
            assert number == 1
            assert labels_of(chunked) == {'__name__': 'blocks_total', 'job': 'a'}
            for n, chunk in fields_of(chunked):
                if n == 2:
                    parts = dict(fields_of(chunk))
                    assert parts[3] == 1
                    counted += struct.unpack('>H', parts[4][:2])[0]
    assert counted == len(times)


def test_what_is_no_request_is_refused(hearth):
    client = client_for(hearth)
    for body, status in ((b'', 400), (b'\xff\xff', 400), (remote_write.snappy(b'\x0a\x09'), 400)):
        assert client.post('/api/v1/read', body).status_code == status
    bad_regex = read_request(0, 1, matcher('a', '(', kind=2))
    assert client.post('/api/v1/read', bad_regex).status_code == 400
    unknown = read_request(0, 1, matcher('a', 'b'), accepted=(7,))
    answer = client.post('/api/v1/read', unknown)
    assert answer.status_code == 400 and 'response types' in answer.text
    assert client.get('/api/v1/read').status_code == 405
    assert client.but(auth='none').post('/api/v1/read', b'').status_code in (401, 403)


def test_external_labels_are_added_and_asked_for(tmp_path):
    config = tmp_path / 'hearth.yaml'
    config.write_text('global: {external_labels: {region: north}}\n')
    with HearthProcess(arguments=('--config', config)) as process:
        client = client_for(process)
        now = remote_write.now_ms()
        answer = client.post('/api/v1/write', remote_write.body(
            remote_write.series({'__name__': 'm', 'job': 'x'}, [(now, 1)])),
            headers=remote_write.HEADERS)
        assert answer.status_code == 204, answer.text
        request = read_request(now - 1000, now + 1000, matcher('__name__', 'm'),
                               matcher('region', 'north'))
        answer = client.post('/api/v1/read', request)
        response = bytes(cramjam.snappy.decompress_raw(answer.content))
        (_, result), = fields_of(response)
        (_, series), = fields_of(result)
        assert labels_of(series) == {'__name__': 'm', 'job': 'x', 'region': 'north'}
