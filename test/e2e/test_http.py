# SPDX-License-Identifier: Apache-2.0
"""The HTTP/1.1 server: connections, framing, compression, TLS (issue «The server»)."""

import gzip
import json
import ssl

import pytest
import requests
import zstandard

import remote_write
from connect import client_for
from raw_http import Connection, request
from remote_write import now_ms, series
from signed_client import basic


@pytest.fixture
def connect(shared_hearth):
    """connect() → a socket to the plain listener."""
    made = []

    def make(tls=None):
        made.append(Connection(shared_hearth.port(tls is not None), tls=tls))
        return made[-1]

    yield make
    for connection in made:
        connection.close()


@pytest.fixture(scope='module')
def key(root):
    return {'Authorization': basic(root.key, root.secret)}


# ---- connections --------------------------------------------------------------------------------

def test_keep_alive(connect, key):
    connection = connect()
    for i in range(50):
        status, headers, body = connection.send(
            request('GET', f'/api/v1/query?query={i}', key)).answer()
        assert status == 200
        assert headers.get('connection', 'keep-alive').lower() == 'keep-alive'
        assert json.loads(body)['data']['result'][1] == str(i)


def test_connection_close_is_honoured(connect, key):
    connection = connect()
    status, _, _ = connection.send(
        request('GET', '/api/v1/query?query=1', {**key, 'Connection': 'close'})).answer()
    assert status == 200
    assert connection.closed()


def test_http_1_0_closes(connect):
    connection = connect()
    connection.send(b'GET /-/ready HTTP/1.0\r\n\r\n')
    assert connection.answer()[0] == 200
    assert connection.closed()


def test_pipelined_requests_are_answered_in_order(connect, key):
    """A slow one first, refusals and posts in between."""
    now = now_ms() // 1000
    kinds = []
    sent = b''
    for i in range(30):
        if i % 10 == 0:
            sent += request('GET', '/api/v1/query_range?query=time()&step=1'
                            f'&start={now - 10000}&end={now}', key)
            kinds.append((200, None))
        elif i % 7 == 0:
            sent += request('GET', '/api/v1/query?query=1')
            kinds.append((403, None))
        elif i % 2:
            sent += request('POST', '/api/v1/query', {
                **key, 'Content-Type': 'application/x-www-form-urlencoded'}, f'query={i}'.encode())
            kinds.append((200, str(i)))
        else:
            sent += request('GET', f'/api/v1/query?query={i}', key)
            kinds.append((200, str(i)))
    connection = connect().send(sent)
    for status, value in kinds:
        answer = connection.answer()
        assert answer[0] == status or {answer[0], status} == {401, 403}
        if value is not None:
            assert json.loads(answer[2])['data']['result'][1] == value


def test_request_in_single_bytes(connect, key):
    connection = connect()
    for byte in request('GET', '/api/v1/query?query=42', key):
        connection.send(bytes([byte]))
    assert connection.answer()[0] == 200


def test_head_has_no_body(connect):
    connection = connect()
    connection.send(request('HEAD', '/-/ready') + request('GET', '/-/healthy'))
    assert connection.answer('HEAD')[0] in (200, 405)
    assert connection.answer()[0] == 200


@pytest.mark.parametrize('sizes', [[1] * 40, [40], [7, 13, 20], [0x10, 0x18]])
def test_chunked_body(connect, key, root, metric, sizes):
    now = now_ms()
    body = remote_write.body(series(metric, [(now, 5)]))
    chunks, at = [], 0
    while at < len(body):
        size = sizes[len(chunks) % len(sizes)]
        piece = body[at:at + size]
        chunks.append(b'%x\r\n' % len(piece) + piece + b'\r\n')
        at += len(piece)
    head = request('POST', '/api/v1/write', {**key, **remote_write.HEADERS,
                                             'Transfer-Encoding': 'chunked'})
    status, _, text = connect().send(head + b''.join(chunks) + b'0\r\n\r\n').answer()
    assert status in (200, 204), text
    assert root.vector(metric, now / 1000)[0][1] == '5'


def test_chunk_extensions_and_trailers_are_allowed(connect, key):
    body = b'7;x=y\r\nquery=1\r\n0\r\nX-Trailer: 1\r\n\r\n'
    connection = connect().send(request('POST', '/api/v1/query', {
        **key, 'Content-Type': 'application/x-www-form-urlencoded',
        'Transfer-Encoding': 'chunked'}) + body)
    assert connection.answer()[0] == 200
    assert connection.send(request('GET', '/-/ready')).answer()[0] == 200


def test_expect_100_continue(connect, key):
    body = b'query=1'
    connection = connect().send(request('POST', '/api/v1/query', {
        **key, 'Expect': '100-continue', 'Content-Length': str(len(body)),
        'Content-Type': 'application/x-www-form-urlencoded'}))
    assert connection.answer()[0] == 100
    assert connection.send(body).answer()[0] == 200


def test_expect_100_continue_with_a_body_that_is_too_large(connect, key):
    """Refused before a byte of it is sent."""
    connection = connect().send(request('POST', '/api/v1/write', {
        **key, **remote_write.HEADERS, 'Expect': '100-continue',
        'Content-Length': str(33 << 20)}))
    assert connection.answer()[0] == 413


def test_many_idle_connections_do_not_stop_others(connect):
    for _ in range(200):
        connect()
    assert connect().send(request('GET', '/-/ready')).answer()[0] == 200


def test_date_and_request_id(root):
    answer = root.get('/api/v1/query', {'query': '1'})
    assert answer.headers['Date'].endswith('GMT')
    assert 'Content-Length' in answer.headers or answer.headers['Transfer-Encoding'] == 'chunked'


# ---- compression --------------------------------------------------------------------------------

LONG = ('/api/v1/query_range?query=time()&start=1000&end=9000&step=1', 5000)


@pytest.mark.parametrize('asked,given', [
    ('gzip', 'gzip'), ('zstd', 'zstd'), ('gzip, deflate', 'gzip'), ('zstd, gzip', 'zstd'),
    ('identity', None), ('', None), ('gzip;q=0', None), ('GZIP', 'gzip'), ('x-unknown', None)])
def test_answer_is_compressed_as_asked(connect, key, asked, given):
    plain = connect().send(request('GET', LONG[0], key)).answer()[2]
    assert len(plain) > LONG[1]
    _, headers, body = connect().send(
        request('GET', LONG[0], {**key, 'Accept-Encoding': asked})).answer()
    assert headers.get('content-encoding') == given
    if given == 'gzip':
        body = gzip.decompress(body)
    elif given == 'zstd':
        body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
    assert body == plain
    if given:
        assert 'accept-encoding' in headers.get('vary', '').lower()


def test_any_encoding_may_be_compressed(connect, key):
    _, headers, _ = connect().send(request('GET', LONG[0], {**key, 'Accept-Encoding': '*'})
                                   ).answer()
    assert headers.get('content-encoding') in (None, 'gzip', 'zstd', 'br')


# ---- TLS ----------------------------------------------------------------------------------------

@pytest.fixture(scope='module')
def ca(shared_hearth):
    return str(shared_hearth.data / 'tls' / 'ca.pem')


def test_own_ca_is_enough_for_a_client(shared_hearth, ca):
    session = requests.Session()
    session.trust_env = False
    for name in ('localhost', '127.0.0.1'):
        url = f'https://{name}:{shared_hearth.port(tls=True)}/-/ready'
        assert session.get(url, verify=ca, timeout=30).status_code == 200


def test_without_the_ca_the_client_refuses(shared_hearth):
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(shared_hearth.https + '/-/ready', timeout=30)


def test_certificate_names(shared_hearth, ca):
    context = ssl.create_default_context(cafile=ca)
    with Connection(shared_hearth.port(tls=True), tls=context) as connection:
        names = connection.socket.getpeercert()['subjectAltName']
    assert ('DNS', 'localhost') in names
    assert ('IP Address', '127.0.0.1') in names
    assert ('IP Address', '0:0:0:0:0:0:0:1') in names
    import socket
    assert ('DNS', socket.gethostname()) in names


@pytest.mark.parametrize('version', [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_version(shared_hearth, ca, version):
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = context.maximum_version = version
    with Connection(shared_hearth.port(tls=True), tls=context) as connection:
        assert connection.send(request('GET', '/-/ready')).answer()[0] == 200


def test_old_tls_is_refused(shared_hearth, ca):
    context = ssl.create_default_context(cafile=ca)
    context.set_ciphers('ALL:@SECLEVEL=0')
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        Connection(shared_hearth.port(tls=True), tls=context)


def test_plain_http_at_the_tls_port(shared_hearth):
    with Connection(shared_hearth.port(tls=True)) as connection:
        connection.send(request('GET', '/-/ready'))
        assert connection.closed()


def test_tls_at_the_plain_port(shared_hearth):
    with pytest.raises((ssl.SSLError, OSError)):
        Connection(shared_hearth.port(), tls=ssl._create_unverified_context())
    assert requests.get(shared_hearth.http + '/-/ready', timeout=30).status_code == 200


def test_signed_requests_over_tls(shared_hearth, workspace, ca, metric):
    client = workspace.but(base=shared_hearth.https, verify=ca)
    now = now_ms()
    assert client.write(series(metric, [(now, 3)])).status_code == 200
    assert client.vector(metric, now / 1000)[0][1] == '3'


def test_large_write_over_tls(shared_hearth, workspace, ca, metric):
    client = workspace.but(base=shared_hearth.https, verify=ca)
    now = now_ms()
    parts = [series({'__name__': metric, 'i': str(i)}, [(now - 1000 * k, i * k)
                                                       for k in range(20, -1, -1)])
             for i in range(2000)]
    assert client.write(*parts).status_code == 200
    assert client.vector(f'count({metric})', now / 1000)[0][1] == '2000'


# ---- its own metrics ----------------------------------------------------------------------------

def test_metrics_are_text_and_named_hearth(root):
    answer = root.but(auth='basic').get('/metrics')
    assert answer.status_code == 200
    assert answer.headers['Content-Type'].startswith('text/plain; version=0.0.4')
    names = {line.split('{')[0].split(' ')[0] for line in answer.text.splitlines()
             if line and not line.startswith('#')}
    # Rules and notifications carry upstream's names, so that published alerts and dashboards fit.
    ours = ('hearth_', 'process_', 'prometheus_rule_', 'prometheus_notifications_')
    foreign = {n for n in names if not n.startswith(ours)}
    assert not foreign
    assert 'hearth_build_info' in names
    described = {line.split(' ')[2] for line in answer.text.splitlines()
                 if line.startswith('# HELP ')}
    bare = {n for n in names if n not in described
            and n.rsplit('_', 1)[0] not in described}
    assert not bare, 'without # HELP'


def test_two_listeners_serve_the_same(shared_hearth, root, ca):
    tls = client_for(shared_hearth, base=shared_hearth.https, verify=ca)
    assert tls.get('/workspaces').json() == root.get('/workspaces').json()
