# SPDX-License-Identifier: Apache-2.0
"""Clients for a server that a test has started, and waiting for what has no event."""

import json
import time

from signed_client import Client


def client_for(process, **changes):
    """A client with the root key that the server wrote on its first start."""
    profile = process.profile()
    client = Client(process.http, profile['aws_access_key_id'], profile['aws_secret_access_key'],
                    region=profile.get('region', 'us-east-1'))
    return client.but(**changes) if changes else client


def default_workspace(client):
    """The id of the AMP workspace with alias `default`."""
    answer = client.get('/workspaces', {'alias': 'default'})
    assert answer.status_code == 200, answer.text
    found = json.loads(answer.content)['workspaces']
    assert len(found) == 1, found
    return found[0]['workspaceId']


def wait_for(condition, limit_s=30):
    """Polls what has no event to wait for; its first true value."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f'did not happen within {limit_s} s')
