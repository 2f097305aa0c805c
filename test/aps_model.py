# SPDX-License-Identifier: Apache-2.0
"""The service model of `aps` (botocore's data/amp) as the source of tests: for each operation a
good request, and for each member of a request a value that the model forbids."""

import base64
import json

import botocore.session

ALERT_MANAGER = b'''alertmanager_config: |
  route:
    receiver: default
  receivers:
    - name: default
'''
RULES = b'''groups:
  - name: g
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
'''
SCRAPE = b'''scrape_configs:
  - job_name: a
    static_configs:
      - targets: ["127.0.0.1:1"]
'''
POLICY = {'Version': '2012-10-17', 'Statement': [
    {'Effect': 'Allow', 'Principal': {'AWS': 'arn:aws:iam::000000000000:root'},
     'Action': 'aps:QueryMetrics', 'Resource': '*'}]}
LOG_GROUP = 'arn:aws:logs:us-east-1:000000000000:log-group:/aws/prometheus/test:*'
DESTINATIONS = [{'cloudWatchLogs': {'logGroupArn': LOG_GROUP}, 'filters': {'qspThreshold': 10}}]
SOURCE = {'eksConfiguration': {'clusterArn': 'arn:aws:eks:us-east-1:000000000000:cluster/c',
                               'subnetIds': ['subnet-1a', 'subnet-2b']}}
FOREST = {'randomCutForest': {'query': 'avg(up)', 'shingleSize': 8, 'sampleSize': 256,
                              'ignoreNearExpectedFromAbove': {'ratio': 0.5}}}


def service_model():
    return botocore.session.Session().get_service_model('amp')


def scraper(workspace_arn):
    return {'scrapeConfiguration': {'configurationBlob': SCRAPE}, 'source': SOURCE,
            'destination': {'ampConfiguration': {'workspaceArn': workspace_arn}}}


def wire(value):
    """boto3's arguments as they go over the wire in JSON."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: wire(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [wire(entry) for entry in value]
    return value


def bad_values(shape):
    """(what is wrong, a value that `shape` forbids) for each of its constraints."""
    meta = shape.metadata
    if shape.type_name == 'string':
        low, high = meta.get('min'), meta.get('max')
        fill = 'a'
        if low:
            yield 'too short', ''
        if high is not None:
            yield 'too long', fill * (high + 1)
        if shape.enum:
            yield 'not of the enum', 'NO_SUCH_VALUE'
        if meta.get('pattern') and meta['pattern'] not in ('.*',):
            yield 'against the pattern', '\u2603'
        yield 'a number', 7
    elif shape.type_name in ('integer', 'long'):
        if meta.get('min') is not None:
            yield 'too small', meta['min'] - 1
        if meta.get('max') is not None:
            yield 'too large', meta['max'] + 1
        yield 'a text', 'x'
    elif shape.type_name == 'double':
        if meta.get('min') is not None:
            yield 'too small', meta['min'] - 1
        yield 'a text', 'x'
    elif shape.type_name == 'boolean':
        yield 'a text', 'true'
    elif shape.type_name == 'blob':
        yield 'not base64', '%%%'
        yield 'a number', 7
    elif shape.type_name == 'list':
        if meta.get('min'):
            yield 'too few', []
        yield 'a map', {}
    elif shape.type_name in ('map', 'structure'):
        yield 'a text', 'x'


def lengthened(shape, value):
    """A list or map of more entries than the model allows; None where it sets no limit."""
    high = shape.metadata.get('max')
    if high is None:
        return None
    if shape.type_name == 'list' and value:
        return [value[0]] * (high + 1)
    if shape.type_name == 'map':
        return {f'k{i}': 'v' for i in range(high + 1)}
    return None


def at(value, path):
    for step in path:
        value = value[step]
    return value


def changed(body, path, value):
    """A copy of `body` with `value` at `path`; `...` deletes it."""
    copy = json.loads(json.dumps(body))
    owner = at(copy, path[:-1])
    if value is ...:
        del owner[path[-1]]
    else:
        owner[path[-1]] = value
    return copy


def members(shape, value, path=()):
    """Every (path, shape, required) of a structure that `value` has a place for."""
    if shape.type_name == 'structure' and isinstance(value, dict):
        for name, member in shape.members.items():
            if member.serialization.get('location'):
                continue
            if name in value:
                yield (*path, name), member, name in shape.required_members
                yield from members(member, value[name], (*path, name))
    elif shape.type_name == 'list' and isinstance(value, list) and value:
        yield (*path, 0), shape.member, False
        yield from members(shape.member, value[0], (*path, 0))
