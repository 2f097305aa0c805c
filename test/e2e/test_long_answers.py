# SPDX-License-Identifier: Apache-2.0
"""Long answers are written while they are formatted: in chunks, compressed where that is asked,
for every kind of client."""

import gzip
import time

import pytest
import requests

import raw_http
from connect import client_for
from remote_write import now_ms, series

NOW = now_ms() // 15_000 * 15_000
SERIES = 2400  # a matrix of 20 MB
POINTS = 240
METRIC = 'long_answers_metric'
WIDE = 'long_answers_wide'  # 20 MB of labels
WIDE_SERIES = 8400
RANGE = f'query={METRIC}&start={NOW / 1000 - (POINTS - 1) * 15}&end={NOW / 1000}&step=15'
PATH = f'/api/v1/query_range?{RANGE}'


@pytest.fixture(scope='module')
def process(module_hearth):
    process = module_hearth(arguments=['--auth', 'off'])
    server = client_for(process)
    for first in range(0, SERIES, 200):
        answer = server.write(*[
            series({'__name__': METRIC, 'i': str(i)},
                   [(NOW - 15_000 * (POINTS - 1 - k), i + k / 7) for k in range(POINTS)])
            for i in range(first, min(first + 200, SERIES))])
        assert answer.status_code == 204, answer.text
    for first in range(0, WIDE_SERIES, 700):
        answer = server.write(*[
            series({'__name__': WIDE, 'filler': 'x' * 2000, 'i': str(i)}, [(NOW, float(i))])
            for i in range(first, first + 700)])
        assert answer.status_code == 204, answer.text
    return process


@pytest.fixture(scope='module')
def port(process):
    return int(process.http.rsplit(':', 1)[1])


def url(process, path):
    return process.http + path


def test_a_matrix_comes_in_chunks(process):
    answer = requests.get(url(process, PATH), timeout=60, headers={'Accept-Encoding': 'identity'})
    assert answer.headers['Transfer-Encoding'] == 'chunked'
    assert 'Content-Length' not in answer.headers
    body = answer.json()
    assert body['status'] == 'success'
    found = {one['metric']['i']: one['values'] for one in body['data']['result']}
    assert len(found) == SERIES and len(answer.content) > 4_000_000
    for i, values in found.items():
        assert [value for _, value in values] == [
            repr(float(i) + k / 7).removesuffix('.0') for k in range(POINTS)]
    # The next request of the connection is answered as ever.
    with requests.Session() as session:
        for _ in range(2):
            assert session.get(url(process, PATH), timeout=60).content == answer.content
        assert session.get(url(process, '/api/v1/query?query=1'), timeout=60).json()['data']


def test_a_short_one_has_its_length(process):
    answer = requests.get(url(process, f'/api/v1/query?query=count({METRIC})'), timeout=60)
    assert answer.headers['Content-Length'] == str(len(answer.content))


@pytest.mark.parametrize('path,word,count', [
    (PATH, b'"metric"', SERIES),
    (f'/api/v1/query?query={WIDE}&time={NOW / 1000}', b'"metric"', WIDE_SERIES),
    (f'/api/v1/series?match[]={WIDE}', b'"filler"', WIDE_SERIES),
    (f'/federate?match[]={WIDE}', b'filler=', WIDE_SERIES)])
def test_compressed_is_the_same(process, path, word, count):
    plain = requests.get(url(process, path), timeout=60, headers={'Accept-Encoding': 'identity'})
    assert plain.headers.get('Transfer-Encoding') == 'chunked', len(plain.content)
    raw = requests.get(url(process, path), timeout=60, stream=True,
                       headers={'Accept-Encoding': 'gzip'})
    assert raw.headers['Content-Encoding'] == 'gzip'
    packed = raw.raw.read(decode_content=False)
    assert len(packed) < len(plain.content) / 2
    assert gzip.decompress(packed) == plain.content
    assert plain.content.count(word) == count


def test_http_1_0_ends_with_the_connection(process, port):
    expected = requests.get(url(process, PATH), timeout=60).content
    with raw_http.Connection(port) as connection:
        connection.send(f'GET {PATH} HTTP/1.0\r\nHost: h\r\n\r\n')
        while connection._more():  # pylint: disable=protected-access
            pass
        head, body = connection.buffer.split(b'\r\n\r\n', 1)
    assert b'ransfer-' not in head and b'Content-Length' not in head
    assert body == expected


def held(process):
    text = requests.get(url(process, '/metrics'), timeout=60).text
    line = next(x for x in text.splitlines() if x.startswith('hearth_memory_queries_bytes '))
    return float(line.split()[1])


def test_a_client_that_goes_away_ends_it(process, port):
    with raw_http.Connection(port) as connection:
        connection.send(f'GET {PATH} HTTP/1.1\r\nHost: h\r\n\r\n')
        connection._until(b'\r\n\r\n')
        # Nothing more is read: what is not written yet is held, and counted.
        assert held(process) > 100_000
    limit = time.monotonic() + 30
    while held(process) > 0 and time.monotonic() < limit:
        time.sleep(0.05)
    assert held(process) == 0
