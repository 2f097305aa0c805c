# SPDX-License-Identifier: Apache-2.0
"""An OIDC issuer on loopback, as a Kubernetes cluster's: discovery, key set, tokens. Keys are made
and used by the openssl program, so that nothing of hearth's own judges itself."""

import base64
import http.server
import json
import pathlib
import subprocess
import tempfile
import threading
import time
import uuid


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def openssl(*arguments, data=b''):
    return subprocess.run(['openssl', *arguments], input=data, check=True,
                          capture_output=True).stdout


class Key:
    """An RSA (RS256) or P-256 (ES256) key pair."""

    def __init__(self, directory, algorithm='RS256'):
        self.algorithm = algorithm
        self.kid = uuid.uuid4().hex
        self.path = pathlib.Path(directory) / f'{self.kid}.pem'
        if algorithm == 'RS256':
            openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out',
                    str(self.path))
        else:
            openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out',
                    str(self.path))

    def jwk(self):
        common = {'kid': self.kid, 'use': 'sig', 'alg': self.algorithm}
        if self.algorithm == 'RS256':
            text = openssl('rsa', '-in', str(self.path), '-noout', '-modulus').decode()
            modulus = bytes.fromhex(text.strip().split('=')[1])
            return {'kty': 'RSA', 'n': b64(modulus), 'e': 'AQAB', **common}
        point = openssl('pkey', '-in', str(self.path), '-pubout', '-outform', 'DER')[-64:]
        return {'kty': 'EC', 'crv': 'P-256', 'x': b64(point[:32]), 'y': b64(point[32:]), **common}

    def sign(self, data):
        signature = openssl('dgst', '-sha256', '-sign', str(self.path), data=data)
        if self.algorithm == 'RS256':
            return signature
        # DER SEQUENCE of two INTEGERs → the two numbers of 32 bytes (RFC 7518, 3.4).
        at, raw = 2, b''
        for _ in range(2):
            length = signature[at + 1]
            raw += signature[at + 2:at + 2 + length].lstrip(b'\0').rjust(32, b'\0')
            at += 2 + length
        return raw

    def token(self, claims, header=None):
        head = {'alg': self.algorithm, 'kid': self.kid, 'typ': 'JWT', **(header or {})}
        head = {k: v for k, v in head.items() if v is not None}
        signed = b64(json.dumps(head).encode()) + '.' + b64(json.dumps(claims).encode())
        return signed + '.' + b64(self.sign(signed.encode()))


class Issuer:
    """with Issuer() as issuer: issuer.url, issuer.token('monitoring', 'ingest')"""

    def __init__(self, algorithm='RS256'):
        self._directory = tempfile.TemporaryDirectory(prefix='hearth-oidc-')
        self.directory = pathlib.Path(self._directory.name)
        self.key = Key(self.directory, algorithm)
        self.published = [self.key]
        self.requests = []
        self.hang = threading.Event()  # set: answers wait for `release`
        self.release = threading.Event()
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.requests.append(self.path)
                if issuer.hang.is_set():
                    issuer.release.wait(60)
                body = issuer.answer(self.path)
                self.send_response(200 if body else 404)
                self.send_header('Content-Type', 'application/json')
                self.end_headers()
                self.wfile.write(json.dumps(body or {}).encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.server.server_address[1]}/id/{uuid.uuid4().hex[:12]}'
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def answer(self, path):
        base = '/' + self.url.split('/', 3)[3]
        if path == base + '/.well-known/openid-configuration':
            return {'issuer': self.url, 'jwks_uri': self.url + '/keys',
                    'response_types_supported': ['id_token'],
                    'subject_types_supported': ['public'],
                    'id_token_signing_alg_values_supported': [self.key.algorithm]}
        if path == base + '/keys':
            return self.jwks()
        return None

    def jwks(self):
        return {'keys': [key.jwk() for key in self.published]}

    @property
    def host_path(self):
        return self.url.split('://', 1)[1]

    def claims(self, namespace, account, audience='sts.amazonaws.com', life_s=3600, **more):
        now = int(time.time())
        return {'iss': self.url, 'sub': f'system:serviceaccount:{namespace}:{account}',
                'aud': [audience], 'iat': now, 'nbf': now, 'exp': now + life_s,
                'kubernetes.io': {'namespace': namespace, 'serviceaccount': {'name': account},
                                  'pod': {'name': f'{account}-0', 'uid': str(uuid.uuid4())}},
                **more}

    def token(self, namespace='monitoring', account='ingest', key=None, header=None, **claims):
        return (key or self.key).token(self.claims(namespace, account, **claims), header)

    def rotate(self, algorithm='RS256'):
        """A new key in the old one's place; returns the old."""
        old = self.key
        self.key = Key(self.directory, algorithm)
        self.published = [self.key]
        return old

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
        self._directory.cleanup()
