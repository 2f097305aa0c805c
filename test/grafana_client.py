# SPDX-License-Identifier: Apache-2.0
"""A client of a Grafana workspace's HTTP API: Basic with a key pair, a token, or a browser's
session."""

import json

import requests

from hearth_process import run_hearth


class Grafana:
    def __init__(self, url, auth=None, token=None, session=None):
        self.url = url
        self.session = session or requests.Session()
        self.session.trust_env = False
        if auth:
            self.session.auth = auth
        self.headers = {'Authorization': f'Bearer {token}'} if token else {}

    def send(self, method, path, body=None, headers=None, **options):
        """`body` is JSON to be; bytes and text go as they are."""
        data = body if isinstance(body, (bytes, str)) or body is None else json.dumps(body)
        if isinstance(data, str):
            data = data.encode()
        sent = {'Content-Type': 'application/json', **self.headers, **(headers or {})}
        return self.session.request(method, self.url + '/api' + path, data=data, headers=sent,
                                    timeout=60, **options)

    def get(self, path, **options):
        return self.send('GET', path, **options)

    def post(self, path, body=None, **options):
        return self.send('POST', path, body, **options)

    def put(self, path, body=None, **options):
        return self.send('PUT', path, body, **options)

    def patch(self, path, body=None, **options):
        return self.send('PATCH', path, body, **options)

    def delete(self, path, **options):
        return self.send('DELETE', path, **options)

    def ok(self, method, path, body=None, status=200, **options):
        """The JSON of an answer that must have that status."""
        answer = self.send(method, path, body, **options)
        assert answer.status_code == status, f'{method} {path}: {answer.status_code} {answer.text}'
        return answer.json() if answer.content else None


def default_grafana(process):
    """The default workspace as the account's root user, by Basic."""
    profile = process.profile()
    return Grafana(process.http + '/grafana/default',
                   auth=(profile['aws_access_key_id'], profile['aws_secret_access_key']))


def browser_grafana(process):
    """The default workspace with a session from a sign-in link."""
    session = requests.Session()
    session.trust_env = False
    link = run_hearth('login', '--data', process.data).stdout.strip()
    assert session.get(link, timeout=30).status_code == 200
    return Grafana(process.http + '/grafana/default', session=session)
