# SPDX-License-Identifier: Apache-2.0
"""An HTTP client for hearth that signs as botocore does, and a signer by hand for wrong signatures.
"""

import base64
import datetime
import hashlib
import hmac
import json
import urllib.parse
from dataclasses import dataclass, replace

import requests
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import remote_write

TIMEOUT_S = 60


def form(pairs):
    if isinstance(pairs, dict):
        pairs = [(k, x) for k, v in pairs.items()
                 for x in (v if isinstance(v, (list, tuple)) else [v]) if x is not None]
    return urllib.parse.urlencode(pairs, quote_via=urllib.parse.quote)


def basic(key, secret):
    return 'Basic ' + base64.b64encode(f'{key}:{secret}'.encode()).decode()


@dataclass
class Client:
    """`auth` is sigv4, basic or none; `prefix` goes before each path ('' is the root)."""
    base: str
    key: str = ''
    secret: str = ''
    token: str | None = None
    region: str = 'us-east-1'
    service: str = 'aps'
    auth: str = 'sigv4'
    verify: object = True
    prefix: str = ''

    def __post_init__(self):
        self.session = requests.Session()
        self.session.trust_env = False

    def but(self, **changes):
        return replace(self, **changes)

    def at(self, workspace):
        """The same client on the data plane of one workspace."""
        return self.but(prefix=f'/workspaces/{workspace}')

    def request(self, method, path, params=None, data=None, headers=None, **options):
        url = self.base + self.prefix + path
        if params:
            url += '?' + form(params)
        headers = dict(headers or {})
        if isinstance(data, (dict, list)):
            data = form(data)
            headers.setdefault('Content-Type', 'application/x-www-form-urlencoded')
        if isinstance(data, str):
            data = data.encode()
        if self.auth == 'basic':
            headers['Authorization'] = basic(self.key, self.secret)
        elif self.auth == 'sigv4':
            headers = self.sign(method, url, data, headers)
        options.setdefault('timeout', TIMEOUT_S)
        options.setdefault('allow_redirects', False)
        return self.session.request(method, url, data=data, headers=headers, verify=self.verify,
                                    **options)

    def sign(self, method, url, data, headers):
        request = AWSRequest(method=method, url=url, data=data, headers=headers)
        credentials = Credentials(self.key, self.secret, self.token)
        SigV4Auth(credentials, self.service, self.region).add_auth(request)
        return dict(request.headers)

    def presign(self, method, path, params=None, expires=300):
        url = self.base + self.prefix + path + ('?' + form(params) if params else '')
        request = AWSRequest(method=method, url=url)
        credentials = Credentials(self.key, self.secret, self.token)
        SigV4QueryAuth(credentials, self.service, self.region, expires).add_auth(request)
        return request.url

    def get(self, path, params=None, **options):
        return self.request('GET', path, params, **options)

    def post(self, path, data=None, **options):
        return self.request('POST', path, data=data, **options)

    # ---- remote write -------------------------------------------------------------------------

    def write_path(self):
        return '/api/v1/remote_write' if self.prefix else '/api/v1/write'

    def write_body(self, body, headers=None, **options):
        return self.post(self.write_path(), body, headers={**remote_write.HEADERS,
                                                           **(headers or {})}, **options)

    def write(self, *parts):
        return self.write_body(remote_write.body(*parts))

    # ---- queries ------------------------------------------------------------------------------

    def query(self, expression, time=None, **more):
        return self.data('/api/v1/query', {'query': expression, 'time': time, **more})

    def query_range(self, expression, start, end, step, **more):
        return self.data('/api/v1/query_range', {'query': expression, 'start': start, 'end': end,
                                                 'step': step, **more})

    def data(self, path, params=None):
        answer = self.request('POST' if params and 'query' in params else 'GET', path,
                              None if params and 'query' in params else params,
                              params if params and 'query' in params else None)
        assert answer.status_code == 200, f'{answer.status_code} {answer.text[:2000]}'
        decoded = json.loads(answer.content)
        assert decoded['status'] == 'success'
        return decoded['data']

    def vector(self, expression, time=None, **more):
        """[(labels, value as sent), …]"""
        data = self.query(expression, time, **more)
        assert data['resultType'] == 'vector', data
        return [(x['metric'], x['value'][1]) for x in data['result']]


# ---- a signature by hand ------------------------------------------------------------------------

def hexdigest(data):
    return hashlib.sha256(data).hexdigest()


def amz_date(moment=None, offset_s=0):
    moment = moment or datetime.datetime.now(datetime.timezone.utc)
    return (moment + datetime.timedelta(seconds=offset_s)).strftime('%Y%m%dT%H%M%SZ')


def sign_by_hand(client, method, path, query='', body=b'', *, date=None, scope_date=None,
                 region=None, service=None, terminator='aws4_request', headers=None, secret=None,
                 payload_hash=None):
    """The headers of a request that is signed as its arguments say, right or wrong."""
    date = date or amz_date()
    scope_date = scope_date or date[:8]
    region = client.region if region is None else region
    service = client.service if service is None else service
    host = urllib.parse.urlsplit(client.base).netloc
    signed = {'host': host, 'x-amz-date': date,
              **{k.lower(): v for k, v in (headers or {}).items()}}
    names = ';'.join(sorted(signed))
    path_twice = urllib.parse.quote(path, safe='/~')
    canonical = '\n'.join([method, path_twice, query,
                           *(f'{n}:{signed[n].strip()}' for n in sorted(signed)), '', names,
                           payload_hash or hexdigest(body)])
    scope = f'{scope_date}/{region}/{service}/{terminator}'
    to_sign = '\n'.join(['AWS4-HMAC-SHA256', date, scope, hexdigest(canonical.encode())])
    key = ('AWS4' + (secret or client.secret)).encode()
    for part in (scope_date, region, service, terminator):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    sent = {k: v for k, v in signed.items() if k != 'host'}
    sent['Authorization'] = (f'AWS4-HMAC-SHA256 Credential={client.key}/{scope}, '
                             f'SignedHeaders={names}, Signature={signature}')
    return sent
