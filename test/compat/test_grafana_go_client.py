# SPDX-License-Identifier: Apache-2.0
"""Every kind of Grafana object through its life by Grafana's own Go client, which is what the
Terraform provider is built on: grafana_client/README.md. It takes Go, and its module proxy or a
warm cache."""

import os
import pathlib
import re
import shutil
import subprocess

import boto3
import pytest

SOURCE = pathlib.Path(__file__).parent / 'grafana_client'
TESTS = sorted(name for path in SOURCE.glob('*_test.go')
               for name in re.findall(r'^func (Test\w+)', path.read_text(), re.M))
BUILD_LIMIT_S = 900
RUN_LIMIT_S = 120


@pytest.fixture(scope='module')
def program(tmp_path_factory):
    go = shutil.which('go')
    if go is None:
        pytest.skip('Go is not installed: Grafana\'s own client cannot be built')
    built = tmp_path_factory.mktemp('go') / 'grafana_client'
    done = subprocess.run([go, 'test', '-c', '-trimpath', '-o', str(built), '.'], cwd=SOURCE,
                          env={**os.environ, 'GOTOOLCHAIN': 'local', 'GOFLAGS': '-mod=readonly'},
                          capture_output=True, text=True, timeout=BUILD_LIMIT_S, check=False)
    if 'requires go >=' in done.stderr:
        pytest.skip('this Go is too old for Grafana\'s client: ' + done.stderr.strip()[-200:])
    if re.search(r'dial tcp|no such host|proxyconnect|i/o timeout', done.stderr):
        pytest.skip('the Go module proxy is out of reach: ' + done.stderr.strip()[-200:])
    assert done.returncode == 0, done.stderr
    return built


@pytest.fixture(scope='module')
def workspace(module_hearth):
    """A server of its own, and what the client needs to reach its workspace as Terraform does: the
    endpoint of the AWS API over TLS, and a service account token that the AWS API made."""
    hearth = module_hearth()
    profile = hearth.profile()
    grafana = boto3.client('grafana', endpoint_url=hearth.http, region_name='us-east-1',
                           aws_access_key_id=profile['aws_access_key_id'],
                           aws_secret_access_key=profile['aws_secret_access_key'])
    found = grafana.list_workspaces()['workspaces'][0]
    account = grafana.create_workspace_service_account(
        workspaceId=found['id'], name='provisioner', grafanaRole='ADMIN')['id']
    token = grafana.create_workspace_service_account_token(
        workspaceId=found['id'], serviceAccountId=account, name='go', secondsToLive=3600)
    return {'HEARTH_GRAFANA_URL': 'https://' + found['endpoint'],
            'HEARTH_GRAFANA_AUTH': token['serviceAccountToken']['key'],
            'HEARTH_CA': str(hearth.data / 'tls' / 'ca.pem')}


@pytest.mark.parametrize('name', TESTS)
def test_life(program, workspace, name):
    done = subprocess.run([str(program), '-test.run', f'^{name}$', '-test.v', '-test.count', '1'],
                          env={**os.environ, **workspace}, cwd=SOURCE, capture_output=True,
                          text=True, timeout=RUN_LIMIT_S, check=False)
    assert f'--- PASS: {name}' in done.stdout, done.stdout + done.stderr
