# SPDX-License-Identifier: Apache-2.0
"""An HTTP proxy before hearth that loses answers and invents errors, each once an operation.

    with FaultProxy(hearth.http, drop=is_create) as proxy: …  AWS_ENDPOINT_URL=proxy.url

The request goes on as it came, Host and all, so that its signature holds. `calls` has every call
as a Call, in order.
"""

import http.client
import http.server
import re
import socket
import threading
import urllib.parse
from dataclasses import dataclass

SCOPE = re.compile(r'Credential=[^/]+/\d{8}/[^/]+/([a-z-]+)/aws4_request')
# What tells objects apart, and not operations.
IDENTIFIERS = re.compile(r'ws-[0-9a-f-]{36}|g-[0-9a-f]{10}|s-[0-9a-f-]{36}|(?<=/)\d+(?=/|$)'
                         r'|(?<=/tags/).+|(?<=/rulegroupsnamespaces/).+|(?<=/apikeys/).+')
CREATES = re.compile(r'^(Create|Put|Attach|Add)\w+$')
UPSTREAM_LIMIT_S = 60
REMOVED = {'connection', 'keep-alive', 'transfer-encoding', 'content-length', 'proxy-connection'}


@dataclass(frozen=True)
class Call:
    operation: str  # 'iam CreateRole', 'aps POST /workspaces'
    status: int     # what hearth answered; 0 when it was not asked
    fault: str      # '', 'dropped', '429', '500'


def operation_of(method, target, headers, body):
    scope = SCOPE.search(headers.get('Authorization', ''))
    service = scope.group(1) if scope else 'unsigned'
    path = urllib.parse.urlsplit(target).path
    if headers.get('Content-Type', '').startswith('application/x-www-form-urlencoded'):
        form = urllib.parse.parse_qs(body.decode(errors='replace'))
        return f"{service} {form.get('Action', ['?'])[0]}"
    return f'{service} {method} {IDENTIFIERS.sub("*", path)}'


def is_create(operation):
    """Calls that make an object: POST of a REST service, or a query action named so."""
    service, _, rest = operation.partition(' ')
    if service in ('aps', 'grafana'):
        return rest.startswith('POST ')
    return CREATES.match(rest) is not None


class FaultProxy:
    def __init__(self, upstream, drop=None, statuses=()):
        """`drop(operation)`: whether its first answer is lost after hearth has committed it.
        `statuses`: what each operation answers before hearth is asked, one after the other."""
        self.upstream = urllib.parse.urlsplit(upstream)
        self.drop = drop or (lambda operation: False)
        self.statuses = tuple(statuses)
        self.calls = []
        self._lock = threading.Lock()
        self._answered = {}
        self._dropped = set()

    def __enter__(self):
        handler = type('Handler', (_Handler,), {'proxy': self})
        self._server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f'http://127.0.0.1:{self._server.server_address[1]}'
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def next_status(self, operation):
        with self._lock:
            count = self._answered.get(operation, 0)
            self._answered[operation] = count + 1
            return self.statuses[count] if count < len(self.statuses) else None

    def drops(self, operation, status):
        """True once for each operation that is to be lost, and only where it succeeded."""
        with self._lock:
            if status >= 300 or operation in self._dropped or not self.drop(operation):
                return False
            self._dropped.add(operation)
            return True

    def note(self, operation, status, fault=''):
        with self._lock:
            self.calls.append(Call(operation, status, fault))

    def faults(self):
        """operation → the faults that it saw."""
        seen = {}
        for call in self.calls:
            if call.fault:
                seen.setdefault(call.operation, []).append(call.fault)
        return seen


def error_answer(operation, status):
    """Headers and body of an error as the service's protocol words it."""
    name = {429: 'ThrottlingException', 500: 'InternalServerException'}[status]
    if ' GET ' in operation or ' POST ' in operation or operation.split()[1].isupper():
        return ({'Content-Type': 'application/json', 'x-amzn-ErrorType': name},
                b'{"message":"injected by the test"}')
    code = {429: 'Throttling', 500: 'ServiceFailure'}[status]
    return ({'Content-Type': 'text/xml'},
            f'<ErrorResponse><Error><Type>Receiver</Type><Code>{code}</Code><Message>injected by '
            'the test</Message></Error><RequestId>0</RequestId></ErrorResponse>'.encode())


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    proxy = None

    def log_message(self, *_):
        pass

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        operation = operation_of(self.command, self.path, self.headers, body)
        if (status := self.proxy.next_status(operation)) is not None:
            self.proxy.note(operation, 0, str(status))
            headers, answer = error_answer(operation, status)
            self.answer(status, headers.items(), answer)
            return
        upstream = http.client.HTTPConnection(self.proxy.upstream.hostname,
                                              self.proxy.upstream.port, timeout=UPSTREAM_LIMIT_S)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in REMOVED - {'content-length'}:
                    upstream.putheader(name, value)
            upstream.endheaders(body or None)
            response = upstream.getresponse()
            answer = response.read()
        finally:
            upstream.close()
        if self.proxy.drops(operation, response.status):
            self.proxy.note(operation, response.status, 'dropped')
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.proxy.note(operation, response.status)
        self.answer(response.status, response.getheaders(), answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_one

    def answer(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in REMOVED:
                self.send_header(name, value)
        if status != 204:
            self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)
