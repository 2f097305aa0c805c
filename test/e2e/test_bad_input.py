# SPDX-License-Identifier: Apache-2.0
"""What is wrong is refused with an exact answer, costs nothing lasting, and the process lives.

Two tables: requests to a running server, and starts that must fail. `Case.text` is a regular
expression that the whole answer's message must match.
"""

import json
import os
import re
import socket
import struct
import subprocess
from dataclasses import dataclass, field

import pytest
import requests

import remote_write as rw
from connect import client_for, default_workspace, wait_for
from hearth_process import HearthProcess, StartFailed, run_hearth
from raw_http import Connection, request
from remote_write import now_ms
from signed_client import basic

HOUR = 3_600_000
MIB = 1 << 20
# What one pass over the table may leave behind, in KiB; arenas of the allocator move by as much.
RSS_SLACK_KIB = 24 * 1024
WARM_UP_PASSES = 8


@dataclass
class Case:
    name: str
    status: int
    text: str  # regular expression, full match
    body: object = b''  # bytes, or a function of the present time in ms
    headers: dict = field(default_factory=dict)
    path: str = '/api/v1/remote_write'
    method: str = 'POST'


def good(now, name='bad_input', value=1):
    return rw.series(name, [(now, value)])


def nested(depth):
    """A message in a message in a message."""
    data = b''
    for _ in range(depth):
        data = rw.field(1, data)
    return data


def snappy_claim(size, payload=b''):
    """A block that says how long it will be, and is not."""
    return rw.varint(size) + payload


def series_of_labels(pairs, now):
    return rw.body(rw.series_with_order(pairs, [(now, 1)]))


def many_labels(count):
    return sorted([('__name__', 'many')] + [(f'l{i:03d}', 'x') for i in range(count - 1)])


SNAPPY_ERROR = r'.*(snappy|decompress|decod).*'
PROTO_ERROR = r'.*(proto|unmarshal|decod|malformed|truncated|wire|wrong|varint|length).*'

WRITES = [
    # ---- snappy
    Case('empty body', 400, SNAPPY_ERROR),
    Case('no snappy', 400, SNAPPY_ERROR, b'this is not snappy'),
    Case('snappy cut short', 400, SNAPPY_ERROR, lambda now: rw.body(good(now))[:-3]),
    Case('snappy with a tail', 400, SNAPPY_ERROR, lambda now: rw.body(good(now)) + b'tail'),
    Case('snappy that copies from before its start', 400, SNAPPY_ERROR,
         snappy_claim(8, b'\x09\xff')),
    Case('snappy length alone', 400, SNAPPY_ERROR, snappy_claim(100)),
    Case('snappy length of ten bytes', 400, SNAPPY_ERROR, b'\xff' * 10),
    Case('snappy bomb of 4 GiB', 413, r'.*(4294967295|134217728|128 MiB).*',
         snappy_claim(0xffffffff, b'\x00a')),
    Case('snappy bomb of 129 MiB', 413, r'.*(135266304|134217728|128 MiB).*',
         lambda now: rw.snappy(b'\0' * (129 * MIB))),
    Case('snappy bomb that lies low', 400, SNAPPY_ERROR,
         lambda now: rw.varint(10) + rw.snappy(b'\0' * MIB)[3:]),
    Case('framed snappy', 400, SNAPPY_ERROR, b'\xff\x06\x00\x00sNaPpY'),
    Case('gzip in the place of snappy', 400, SNAPPY_ERROR, b'\x1f\x8b\x08' + b'\0' * 20),
    # ---- protobuf
    Case('text in the place of protobuf', 400, PROTO_ERROR, rw.snappy(b'hello, this is text')),
    Case('truncated varint', 400, PROTO_ERROR, rw.snappy(b'\x0a\xff')),
    Case('length beyond the end', 400, PROTO_ERROR, rw.snappy(b'\x0a\x7f\x00')),
    Case('length of 2^63', 400, PROTO_ERROR, rw.snappy(b'\x0a' + b'\xff' * 9 + b'\x01')),
    Case('field number 0', 400, PROTO_ERROR, rw.snappy(b'\x02\x00')),
    Case('wire type 7', 400, PROTO_ERROR, rw.snappy(b'\x0f')),
    Case('an end without a group', 400, PROTO_ERROR, rw.snappy(b'\x0c')),
    Case('timeseries as a number', 400, PROTO_ERROR, rw.snappy(b'\x08\x01')),
    Case('label as a number', 400, PROTO_ERROR, rw.snappy(rw.field(1, b'\x08\x01'))),
    Case('value of four bytes', 400, PROTO_ERROR,
         rw.snappy(rw.field(1, rw.label('__name__', 'x') + rw.field(2, b'\x09\x00\x00\x00\x00')))),
    Case('nested to 1,000', 400, r'.+', lambda now: rw.snappy(nested(1000))),
    Case('remote write 3.0', 415, r'.*(io\.prometheus\.write\.v3|proto).*', b'\x00',
         {'Content-Type': 'application/x-protobuf;proto=io.prometheus.write.v3.Request',
          'X-Prometheus-Remote-Write-Version': '3.0.0'}),
    Case('JSON', 415, r'.*application/json.*', b'{}', {'Content-Type': 'application/json'}),
    Case('unknown encoding', 415, r'.*(br|Content-Encoding|encoding).*', b'{}',
         {'Content-Encoding': 'br'}),
    # ---- labels
    Case('no labels', 400, r'sample missing metric name', lambda now: series_of_labels([], now)),
    Case('no metric name', 400, r'sample missing metric name',
         lambda now: series_of_labels([('job', 'x')], now)),
    Case('empty metric name', 400, r'sample (missing metric name|invalid metric name: "").*',
         lambda now: series_of_labels([('__name__', '')], now)),
    Case('duplicate label', 400, r'duplicate label name: "a" metric "m[{].*"',
         lambda now: series_of_labels([('__name__', 'm'), ('a', '1'), ('a', '2')], now)),
    Case('duplicate metric name', 400, r'duplicate label name: "__name__" metric "m.*"',
         lambda now: series_of_labels([('__name__', 'm'), ('__name__', 'm')], now)),
    Case('empty label name', 400, r'sample invalid label: "" metric "m[{].*"',
         lambda now: series_of_labels([('', 'x'), ('__name__', 'm')], now)),
    Case('invalid UTF-8 in a value', 400, r'.*(UTF-8|invalid label).*',
         lambda now: series_of_labels([('__name__', 'm'), ('a', b'\xff\xfe')], now)),
    Case('invalid UTF-8 in a name', 400, r'sample invalid label: .* metric "m[{].*"',
         lambda now: series_of_labels([('__name__', 'm'), (b'a\xff', 'x')], now)),
    Case('invalid UTF-8 in the metric name', 400, r'sample invalid metric name: .*',
         lambda now: series_of_labels([('__name__', b'm\xff')], now)),
    Case('surrogate in a value', 400, r'.*(UTF-8|invalid label).*',
         lambda now: series_of_labels([('__name__', 'm'), ('a', b'\xed\xa0\x80')], now)),
    Case('overlong UTF-8', 400, r'.*(UTF-8|invalid label).*',
         lambda now: series_of_labels([('__name__', 'm'), ('a', b'\xc0\x80')], now)),
    Case('151 labels', 400,
         r"series has too many labels \(actual: 151, limit: 150\) series: '.*",
         lambda now: series_of_labels(many_labels(151), now)),
    Case('labels of 8 KB', 400,
         r'labels size bytes exceeded for metric \(actual: \d+, limit: 7168\) metric: "?.*big.*',
         lambda now: series_of_labels([('__name__', 'big')] + [(f'l{i:02d}', 'x' * 1000)
                                                               for i in range(8)], now)),
    Case('label value of 1 MiB', 400, r'(labels size bytes exceeded|label value too long) for '
         r'metric \(actual: \d+, limit: \d+\) metric: "?.*m.*',
         lambda now: series_of_labels([('__name__', 'm'), ('a', 'x' * MIB)], now)),
    Case('label name of 8 KB', 400, r'(labels size bytes exceeded|label name too long) for '
         r'metric \(actual: \d+, limit: \d+\) metric: "?.*m.*',
         lambda now: series_of_labels([('__name__', 'm'), ('a' * 8000, 'x')], now)),
    Case('metric name of 8 KB', 400, r'(labels size bytes exceeded|label value too long) for '
         r'metric \(actual: \d+, limit: \d+\) metric: .*',
         lambda now: series_of_labels([('__name__', 'm' * 8000)], now)),
    # ---- samples
    Case('an hour in the future', 400, r'timestamp too new: \d+ metric: "m"',
         lambda now: rw.body(rw.series('m', [(now + HOUR, 1)]))),
    Case('the largest time', 400, r'timestamp too new: 9223372036854775807 metric: "m"',
         rw.body(rw.series('m', [(2**63 - 1, 1)]))),
    Case('the smallest time', 400, r'timestamp too old: -9223372036854775808 metric: "m"',
         rw.body(rw.series('m', [(-2**63, 1)]))),
    Case('time zero', 400, r'timestamp too old: 0 metric: "m"', rw.body(rw.series('m', [(0, 1)]))),
    Case('a year ago', 400, r'timestamp too old: \d+ metric: "m"',
         lambda now: rw.body(rw.series('m', [(now - 365 * 24 * HOUR, 1)]))),
    Case('two values at one time', 400, r'.*duplicate sample for timestamp.*m.*',
         lambda now: rw.body(rw.series('two_values', [(now, 1), (now, 2)]))),
    Case('out of order by two hours', 400, r'.*(out of order|too old) sample.*late.*',
         lambda now: rw.body(rw.series('late', [(now, 1), (now - 2 * HOUR, 2)]))),
]

QUERIES = [
    Case('no query', 400, r'invalid parameter "query".*', path='/api/v1/query'),
    Case('broken escape', 400, r'.+', b'query=%zz', path='/api/v1/query'),
    Case('query of 2 MiB', 400, r'.+', b'query=' + b'(' * (2 * MIB), path='/api/v1/query'),
    Case('10,000 parentheses', 400, r'.*(nest|deep|parse error).*',
         b'query=' + b'(' * 10_000 + b'1' + b')' * 10_000, path='/api/v1/query'),
    Case('10,000 minus signs', 400, r'.*(nest|deep|parse error).*',
         b'query=' + b'-' * 10_000 + b'1', path='/api/v1/query'),
    Case('10,000 operands to the right', 400, r'.*(nest|deep|parse error).*',
         b'query=' + b'2^' * 10_000 + b'2', path='/api/v1/query'),
    Case('10,000 brackets', 400, r'.*(nest|deep|parse error).*',
         b'query=up' + b'[1m:]' * 10_000, path='/api/v1/query'),
    Case('invalid UTF-8 in a query', 400, r'.*(UTF-8|parse error).*', b'query=%ff',
         path='/api/v1/query'),
    Case('NUL in a query', 400, r'.*parse error.*', b'query=a%00b', path='/api/v1/query'),
    Case('regex too large', 400, r'.*(regex|regular expression|repeat|too large).*',
         b'query=up{a=~"(((a{1000}){1000}){1000})"}'.replace(b'+', b'%2B'), path='/api/v1/query'),
    Case('broken regex', 400, r'.*missing closing \).*', b'query=up{a=~"("}',
         path='/api/v1/query'),
    Case('time of nobody', 400, r'invalid parameter "time": invalid time value for \'time\': '
         r'cannot parse "yesterday" to a valid timestamp', b'query=1&time=yesterday',
         path='/api/v1/query'),
    Case('time beyond all', 400, r'invalid parameter "time".*', b'query=1&time=1e300',
         path='/api/v1/query'),
    Case('step 0', 400, r'invalid parameter "step": zero or negative query resolution step widths '
         r'are not accepted\. Try a positive integer', b'query=1&start=0&end=1&step=0',
         path='/api/v1/query_range'),
    Case('step NaN', 400, r'invalid parameter "step".*', b'query=1&start=0&end=1&step=NaN',
         path='/api/v1/query_range'),
    Case('11,001 points', 400, r'exceeded maximum resolution of 11,000 points per timeseries\. Try '
         r'decreasing the query resolution \(\?step=XX\)', b'query=1&start=0&end=11001&step=1',
         path='/api/v1/query_range'),
    Case('range of all time', 400, r'.+',
         b'query=1&start=-9223372036854775808&end=9223372036854775807&step=1e15',
         path='/api/v1/query_range'),
    Case('end before start', 400,
         r'invalid parameter "end": end timestamp must not be before start time',
         b'query=1&start=5&end=1&step=1', path='/api/v1/query_range'),
    Case('100,000 parameters', 400, r'.+', b'&'.join([b'match[]=up'] * 100_000),
         path='/api/v1/series'),
    Case('label name that is none', 400, r'invalid label name: "1x"|.*invalid label name.*',
         method='GET', path='/api/v1/label/%FF/values'),
]


def sent_headers(case):
    if '/remote_write' in case.path:
        return {**rw.HEADERS, **case.headers}
    if case.method == 'POST':
        return {'Content-Type': 'application/x-www-form-urlencoded', **case.headers}
    return case.headers


def message_of(answer):
    """The text of a refusal in whichever of the forms: plain, Prometheus', AWS's."""
    try:
        decoded = json.loads(answer.content)
    except ValueError:
        return answer.text.rstrip('\n')
    return decoded.get('error') or decoded.get('message') or answer.text


def run_case(client, case):
    body = case.body(now_ms()) if callable(case.body) else case.body
    answer = client.request(case.method, case.path, data=body, headers=sent_headers(case))
    return answer.status_code, message_of(answer)


@pytest.fixture(scope='module')
def server(module_hearth):
    return module_hearth()


@pytest.fixture(scope='module')
def client(server):
    root = client_for(server)
    return root.at(default_workspace(root))


def cases(table):
    return [pytest.param(c, id=c.name) for c in table]


@pytest.mark.parametrize('case', cases(WRITES + QUERIES))
def test_bad_request(server, client, case):
    status, message = run_case(client, case)
    assert server.alive()
    assert status == case.status, message
    assert re.fullmatch(case.text, message, re.S | re.I), message


# ---- HTTP ---------------------------------------------------------------------------------------

HTTP = [
    ('no HTTP', b'hello\r\n\r\n', 400),
    ('binary', bytes(range(256)) * 4 + b'\r\n\r\n', 400),
    ('no host', b'GET /-/ready HTTP/1.1\r\n\r\n', 400),
    ('two hosts', b'GET /-/ready HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400),
    ('HTTP/9', b'GET / HTTP/9.9\r\nHost: a\r\n\r\n', 505),
    ('header without colon', b'GET /-/ready HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n', 400),
    ('space before the colon', b'GET /-/ready HTTP/1.1\r\nHost : a\r\n\r\n', 400),
    ('NUL in a header', b'GET /-/ready HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n', 400),
    ('header of 40 KiB', b'GET /-/ready HTTP/1.1\r\nHost: a\r\nX: ' + b'x' * 40960 + b'\r\n\r\n',
     431),
    ('1,000 headers', b'GET /-/ready HTTP/1.1\r\nHost: a\r\n' +
     b''.join(b'X-%d: y\r\n' % i for i in range(1000)) + b'\r\n', 431),
    ('target of 40 KiB', b'GET /' + b'x' * 40960 + b' HTTP/1.1\r\nHost: a\r\n\r\n', 431),
    ('declared body of 33 MiB', request('POST', '/api/v1/write', {'Content-Length': str(33 * MIB)}),
     413),
    ('declared body of 2^63', request('POST', '/api/v1/write',
                                      {'Content-Length': '9223372036854775808'}), (400, 413)),
    ('negative length', request('POST', '/api/v1/write', {'Content-Length': '-1'}), 400),
    ('length that is no number', request('POST', '/api/v1/write', {'Content-Length': '1x'}), 400),
    ('two lengths', request('POST', '/api/v1/write', [('Content-Length', '3'),
                                                      ('Content-Length', '4')], b'abc'), 400),
    ('length and chunked', request('POST', '/api/v1/write', [
        ('Content-Length', '3'), ('Transfer-Encoding', 'chunked')], b'0\r\n\r\n'), 400),
    ('unknown transfer encoding', request('POST', '/api/v1/write',
                                          {'Transfer-Encoding': 'gzip'}), (400, 501)),
    ('chunk size that is no number', request('POST', '/api/v1/write',
                                             {'Transfer-Encoding': 'chunked'}, b'zz\r\n'), 400),
    ('chunk size beyond all', request('POST', '/api/v1/write', {'Transfer-Encoding': 'chunked'},
                                      b'ffffffffffffffff1\r\n'), (400, 413)),
    ('chunk of 40 MiB declared', request('POST', '/api/v1/write', {'Transfer-Encoding': 'chunked'},
                                         b'2800000\r\n'), 413),
    ('unknown method', b'BREW /api/v1/query HTTP/1.1\r\nHost: a\r\n\r\n',
     (400, 401, 403, 404, 405, 501)),
    ('CONNECT', b'CONNECT example.com:443 HTTP/1.1\r\nHost: a\r\n\r\n', (400, 401, 403, 404, 405,
                                                                       501)),
    ('path that climbs', request('GET', '/public/../../../../etc/passwd'), (400, 401, 403, 404)),
    ('path that climbs, encoded', request('GET', '/public/%2e%2e/%2e%2e/etc/passwd'),
     (400, 401, 403, 404)),
    ('response splitting', request('GET', '/%0d%0aSet-Cookie:%20x=1'), (400, 401, 403, 404)),
]


@pytest.mark.parametrize('data,status', [pytest.param(d, s, id=n) for n, d, s in HTTP])
def test_bad_http(server, data, status):
    with Connection(server.port()) as connection:
        answer = connection.try_send(data).answer()
        assert answer[0] in (status if isinstance(status, tuple) else (status,)), answer
        assert 'set-cookie' not in answer[1]
        assert b'root:' not in answer[2]
    assert server.alive()


def test_body_larger_than_declared_does_not_become_a_request(server):
    """Smuggling: what comes after the body is a request of its own, and judged as such."""
    body = request('GET', '/metrics')
    with Connection(server.port()) as connection:
        connection.send(request('POST', '/api/v1/write', {'Content-Length': '0'}) + body)
        assert connection.answer()[0] in (401, 403)
        assert connection.answer()[0] in (401, 403)


def test_connection_that_ends_within_a_body(server, client):
    with Connection(server.port()) as connection:
        connection.send(request('POST', '/api/v1/write', {'Content-Length': '1000'}) + b'x' * 10)
    assert client.vector('vector(1)')


def test_connection_that_is_reset_while_an_answer_is_written(server, client):
    path = '/api/v1/query_range?query=time()&start=0&end=10000&step=1'
    for _ in range(20):
        with Connection(server.port()) as connection:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                         struct.pack('ii', 1, 0))
            connection.send(request('GET', path, {'Authorization': basic(client.key,
                                                                         client.secret)}))
    assert client.vector('vector(1)')


def test_large_body_is_refused_while_it_comes(server):
    """33 MiB in chunks, without a declared size."""
    with Connection(server.port()) as connection:
        connection.send(request('POST', '/api/v1/write', {'Transfer-Encoding': 'chunked'}))
        for _ in range(34):
            connection.try_send(b'100000\r\n' + b'x' * MIB + b'\r\n')
        assert connection.answer()[0] == 413


def test_slow_clients_do_not_keep_others_waiting(server, client):
    """A hundred that send a byte now and then (slow-loris)."""
    slow = [Connection(server.port()) for _ in range(100)]
    try:
        for byte in b'GET /-/ready HT':
            for connection in slow:
                connection.send(bytes([byte]))
        assert client.vector('vector(1)')
    finally:
        for connection in slow:
            connection.close()


def test_slow_client_is_cut_off(server):
    """The header must be there within ten seconds."""
    with Connection(server.port(), limit_s=60) as connection:
        connection.send(b'GET /-/ready HTTP/1.1\r\nHost: a\r\n')
        status, headers, _ = connection.answer()
        assert status == 408
        assert headers['connection'] == 'close'
        assert connection.closed()


def test_nothing_of_the_table_was_stored(client):
    """Only what is said to be good: the first of two values and of the late one."""
    names = set(client.data('/api/v1/label/__name__/values'))
    assert names <= {'two_values', 'late'}


def test_process_lives_and_memory_is_flat(server, client):
    """The table three times over, after it has warmed up."""
    table = WRITES + QUERIES

    def one_pass():
        for case in table:
            run_case(client, case)
        for _, data, _ in HTTP:
            with Connection(server.port()) as connection:
                try:
                    connection.try_send(data).answer()
                except EOFError:
                    pass

    # The allocator keeps an arena for each worker thread; each has met the largest case only after
    # several passes. From then on nothing may grow.
    for _ in range(WARM_UP_PASSES):
        one_pass()
    files, before = server.open_files(), server.status_kib('RssAnon')
    for _ in range(3):
        one_pass()
    after = server.status_kib('RssAnon')
    print(f'{len(table) + len(HTTP)} cases; RssAnon {before} KiB, after three passes {after} KiB')
    assert server.alive()
    assert after - before < RSS_SLACK_KIB
    wait_for(lambda: server.open_files() <= files + 4)


# ---- starts that must fail ----------------------------------------------------------------------

STARTS = [
    ('unknown flag', ['--no-such-flag'], 2, r'--no-such-flag'),
    ('unknown argument', ['nonsense'], 2, r'nonsense'),
    ('listen without a port', ['--listen', '127.0.0.1'], 2, r'--listen.*127\.0\.0\.1'),
    ('port that is none', ['--listen', '127.0.0.1:70000'], 2, r'70000'),
    ('port that is no number', ['--listen', '127.0.0.1:http'], 2, r'http'),
    ('address that is none', ['--listen', '256.1.1.1:0'], (1, 2), r'256\.1\.1\.1'),
    ('fidelity', ['--fidelity', 'strict'], 2, r'strict.*(lenient|aws)'),
    ('wal-fsync', ['--wal-fsync', 'never'], 2, r'never.*(always|interval|os)'),
    ('log level', ['--log-level', 'loud'], 2, r'loud'),
    ('log format', ['--log-format', 'xml'], 2, r'xml.*(text|json)'),
    ('auth', ['--auth', 'maybe'], 2, r'maybe.*(on|off)'),
    ('auth off beyond loopback', ['--auth', 'off', '--listen', '0.0.0.0:0'], (1, 2),
     r'loopback'),
    ('memory limit', ['--memory-limit', 'much'], 2, r'much.*(4GiB|70%)'),
    ('memory limit of 101 %', ['--memory-limit', '101%'], 2, r'101%'),
    ('memory limit of nothing', ['--memory-limit', '0'], 2, r'--memory-limit|memory'),
    ('disk limit', ['--disk-limit', '-5GiB'], 2, r'-5GiB'),
    ('account', ['--account', '12'], 2, r'12.*12'),
    ('region', ['--region', 'US EAST!'], 2, r'US EAST!'),
    ('external URL', ['--external-url', 'ftp://x'], 2, r'ftp://x'),
    ('certificate without a key', ['--tls-cert', '/dev/null'], (1, 2), r'--tls-key'),
    ('certificate that is none', ['--tls-cert', '/dev/null', '--tls-key', '/dev/null'], (1, 2),
     r'/dev/null'),
    ('no such configuration', ['--config', '/nonexistent/hearth.yaml'], (1, 2),
     r'/nonexistent/hearth\.yaml'),
    ('catalog', ['--catalog', 'mysql://x'], (1, 2), r'mysql|postgresql'),
]


def refused(arguments=(), data=None, env=None):
    """Starts what must not start; its exit code and what it said."""
    process = HearthProcess(data=data, arguments=arguments, env=env, will_be_refused=True)
    try:
        with pytest.raises(StartFailed) as failure:
            process.start()
    finally:
        process.remove()
    assert 'hearth is ready' not in failure.value.stdout
    return failure.value.code, failure.value.stderr


def code_is(code, expected):
    return code in (expected if isinstance(expected, tuple) else (expected,))


@pytest.mark.parametrize('arguments,code,text',
                         [pytest.param(a, c, t, id=n) for n, a, c, t in STARTS])
def test_bad_flag(arguments, code, text):
    got, said = refused(arguments)
    assert code_is(got, code), f'{got}: {said}'
    assert re.search(text, said, re.S), said


@pytest.mark.parametrize('text,expected', [
    ('a: [', r'hearth\.yaml.*'), ('nonsense: 1\n', r'nonsense'),
    ('scrape_configs:\n- {job_name: a}\n- {job_name: a}\n', r'"?a"?'),
    ('scrape_configs:\n- {scrape_interval: 5s}\n', r'job_name'),
    ('global: {scrape_interval: fast}\n', r'fast'),
    ('scrape_configs:\n- {job_name: a, scrape_interval: 1s, scrape_timeout: 2s}\n', r'timeout'),
    ('scrape_configs:\n- {job_name: a, kubernetes_sd_configs: [{role: castle}]}\n',
     r'castle'),
    ('scrape_configs:\n- job_name: a\n  consul_sd_configs: [{server: x}]\n  '
     'ec2_sd_configs: [{region: x}]\n', r'consul_sd_configs.*ec2_sd_configs'),
    ('scrape_configs:\n- {job_name: a, relabel_configs: [{action: dance}]}\n', r'dance'),
    ('scrape_configs:\n- {job_name: a, relabel_configs: [{target_label: b, regex: "("}]}\n',
     r'missing closing'),
    ('\xff\xfe', r'hearth\.yaml')])
def test_bad_configuration(tmp_path, text, expected):
    path = tmp_path / 'hearth.yaml'
    path.write_bytes(text.encode('latin-1'))
    code, said = refused(['--config', path])
    assert code in (1, 2), said
    assert re.search(expected, said, re.S), said


def test_bad_environment():
    code, said = refused(env={'HEARTH_FIDELITY': 'strict'})
    assert code == 2
    assert 'HEARTH_FIDELITY' in said or '--fidelity' in said


def test_data_directory_that_is_a_file(tmp_path):
    path = tmp_path / 'file'
    path.write_text('x')
    code, said = refused(data=path)
    assert code == 1 and str(path) in said


def test_data_directory_that_cannot_be_written(tmp_path):
    """As somebody who is not root, to whom nothing is forbidden."""
    path = tmp_path / 'locked'
    path.mkdir()
    if os.geteuid() == 0:
        path = '/proc/hearth-data'  # no user may make a directory there
    else:
        path.chmod(0o500)
    code, said = refused(data=path)
    assert code == 1 and str(path) in said


def test_port_in_use(server):
    code, said = refused(['--listen', f'127.0.0.1:{server.port()}'])
    assert code == 1
    assert f'127.0.0.1:{server.port()}' in said and re.search('in use', said, re.I)
    assert requests.get(server.http + '/-/ready', timeout=30).status_code == 200


@pytest.mark.parametrize('arguments', [[], ['no-such-command'], ['check'], ['check', 'nonsense'],
                                       ['query'], ['query', 'instant']])
def test_bad_command(arguments):
    answer = run_hearth(*arguments)
    assert answer.returncode == 2
    assert re.search(r'usage|help|required|hearth', answer.stderr, re.I), answer.stderr


def test_query_command_without_a_server():
    with socket.socket() as unused:
        unused.bind(('127.0.0.1', 0))
        url = f'http://127.0.0.1:{unused.getsockname()[1]}'
        answer = run_hearth('query', 'instant', '--server', url, '1')
    assert answer.returncode == 1
    assert url.removeprefix('http://') in answer.stderr


def test_standard_output_that_is_closed(tmp_path):
    """Nobody reads the ready line: no reason to die."""
    from hearth_process import BINARY, clean_environment
    with subprocess.Popen([str(BINARY), 'serve', '--data', tmp_path / 'data', '--listen',
                           '127.0.0.1:0', '--listen-tls', '127.0.0.1:0'], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          env=clean_environment()) as process:
        process.stdout.close()
        wait_for(lambda: (tmp_path / 'data' / 'aws' / 'config').exists() or
                 process.poll() is not None)
        assert process.poll() is None
        process.terminate()
        assert process.wait(30) == 0
