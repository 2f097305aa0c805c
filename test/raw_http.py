# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 by hand over a socket: for what no client library would send."""

import socket
import time


class Connection:
    def __init__(self, port, limit_s=60, tls=None):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=limit_s)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname='localhost')
        self.buffer = b''

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())
        return self

    def try_send(self, data):
        """For what the server may refuse before it has read it all."""
        try:
            self.send(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return self

    def _more(self):
        """False at the end of the stream."""
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            return False
        self.buffer += data
        return bool(data)

    def _until(self, mark):
        while mark not in self.buffer:
            if not self._more():
                raise EOFError(f'connection ended; got {self.buffer[:500]!r}')
        head, self.buffer = self.buffer.split(mark, 1)
        return head

    def _exactly(self, size):
        while len(self.buffer) < size:
            if not self._more():
                raise EOFError(f'connection ended {size - len(self.buffer)} bytes early')
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def answer(self, method='GET'):
        """(status, headers in lower case, body) of the next answer."""
        head = self._until(b'\r\n\r\n').decode('latin-1').split('\r\n')
        status = int(head[0].split(' ')[1])
        headers = {}
        for line in head[1:]:
            name, value = line.split(':', 1)
            headers[name.lower()] = value.strip()
        if status < 200 or status in (204, 304) or method == 'HEAD':
            return status, headers, b''
        if headers.get('transfer-encoding') == 'chunked':
            body = b''
            while size := int(self._until(b'\r\n').split(b';')[0], 16):
                body += self._exactly(size)
                self._exactly(2)
            self._until(b'\r\n')
            return status, headers, body
        if 'content-length' in headers:
            return status, headers, self._exactly(int(headers['content-length']))
        while self._more():
            pass
        body, self.buffer = self.buffer, b''
        return status, headers, body

    def closed(self, limit_s=30):
        """Whether the other side ends the connection within that time."""
        self.socket.settimeout(limit_s)
        deadline = time.monotonic() + limit_s
        try:
            while time.monotonic() < deadline:
                if not self._more():
                    return True
        except TimeoutError:
            pass
        return False


def request(method, path, headers=(), body=b'', host='localhost'):
    """The bytes of one request; `headers` is a dict or pairs."""
    pairs = list(headers.items() if isinstance(headers, dict) else headers)
    names = {n.lower() for n, _ in pairs}
    if 'host' not in names:
        pairs.insert(0, ('Host', host))
    if body and not names & {'content-length', 'transfer-encoding'}:
        pairs.append(('Content-Length', str(len(body))))
    head = f'{method} {path} HTTP/1.1\r\n' + ''.join(f'{n}: {v}\r\n' for n, v in pairs) + '\r\n'
    return head.encode() + body
