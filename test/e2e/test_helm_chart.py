# SPDX-License-Identifier: Apache-2.0
"""The collector's chart: rendered by Helm; each manifest judged by the models of the official
client, generated from Kubernetes' OpenAPI; the scrape configuration by promtool. Nothing is
deployed."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

from hearth_process import ROOT

CHART = ROOT / 'deploy' / 'helm' / 'collector'
PEERS = pathlib.Path(os.environ.get('HEARTH_PEERS') or ROOT / 'build' / 'peers')
ROLE = 'arn:aws:iam::123456789012:role/demo-metrics-adot-ingest'
VALUES = {
    'clusterName': 'demo', 'region': 'eu-west-1',
    'remoteWriteEndpoint': 'https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/'
                           'ws-01234567-89ab-cdef-0123-456789abcdef/api/v1/remote_write',
    'serviceAccount': {'name': 'adot-collector',
                       'annotations': {'eks.amazonaws.com/role-arn': ROLE}},
}
READS = {'get', 'list', 'watch'}
# A Helm built from its module has no version of its own to render for.
KUBERNETES = '1.31.0'


def helm():
    found = PEERS / 'helm' / 'helm'
    return str(found) if found.exists() else shutil.which('helm')


def template(values, tmp_path):
    if helm() is None:
        pytest.skip('helm is not installed (tools/setup --peers builds it)')
    file = tmp_path / 'values.yaml'
    file.write_text(yaml.safe_dump(values))
    return subprocess.run([helm(), 'template', 'adot-collector', str(CHART), '--namespace',
                           'monitoring', '--kube-version', KUBERNETES, '--values', str(file)],
                          capture_output=True, text=True, check=False)


def render(tmp_path, **changes):
    done = template({**VALUES, **changes}, tmp_path)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def one(manifests, kind):
    found = [manifest for manifest in manifests if manifest['kind'] == kind]
    assert len(found) == 1, [manifest['kind'] for manifest in manifests]
    return found[0]


def judge(client, kind, given, path=''):
    """The value of a model's type; raises ValueError for a field that Kubernetes does not have, one
    that it requires and that is missing, and a value of another type."""
    if inner := re.fullmatch(r'list\[(.+)\]', kind):
        if not isinstance(given, list):
            raise ValueError(f'{path}: not a list')
        return [judge(client, inner[1], one, f'{path}[{i}]') for i, one in enumerate(given)]
    if inner := re.fullmatch(r'dict\((\w+), (.+)\)', kind):
        if not isinstance(given, dict):
            raise ValueError(f'{path}: not a map')
        return {key: judge(client, inner[2], one, f'{path}.{key}') for key, one in given.items()}
    plain = {'str': str, 'int': int, 'bool': bool, 'float': (int, float), 'object': object}
    if kind in plain:
        if not isinstance(given, plain[kind]):
            raise ValueError(f'{path}: {given!r} is no {kind}')
        return given
    model = getattr(client, kind)
    names = {there: here for here, there in model.attribute_map.items()}
    if unknown := set(given) - set(names):
        raise ValueError(f'{path}: Kubernetes has no {sorted(unknown)}')
    return model(**{names[key]: judge(client, model.openapi_types[names[key]], one,
                                      f'{path}.{key}') for key, one in given.items()})


@pytest.fixture(scope='module')
def client():
    return pytest.importorskip('kubernetes.client', reason='the client is not installed')


@pytest.mark.parametrize('changes', [
    pytest.param({}, id='as Terraform deploys it'),
    pytest.param({'extraEnv': [{'name': 'AWS_ENDPOINT_URL_STS', 'value': 'https://hearth:9443'}],
                  'tolerations': [{'operator': 'Exists'}],
                  'extraScrapeConfigs': [{'job_name': 'static', 'static_configs': [
                      {'targets': ['localhost:9100']}]}]}, id='with all that it takes'),
])
def test_manifests_are_kubernetes(tmp_path, client, changes):
    manifests = render(tmp_path, **changes)
    assert sorted(manifest['kind'] for manifest in manifests) == [
        'ClusterRole', 'ClusterRoleBinding', 'ConfigMap', 'Deployment', 'ServiceAccount']
    for manifest in manifests:
        judge(client, f"V1{manifest['kind']}", manifest)


@pytest.mark.parametrize('change,words', [
    (lambda spec: spec.update(replica=1), 'replica'),
    (lambda spec: spec.update(replicas='one'), 'is no int'),
    (lambda spec: spec.pop('selector'), 'selector'),
    (lambda spec: spec['template']['spec']['containers'][0].pop('name'), 'name'),
    (lambda spec: spec['template']['spec'].update(containers={}), 'not a list'),
])
def test_the_models_see_what_is_wrong(tmp_path, client, change, words):
    deployment = one(render(tmp_path), 'Deployment')
    change(deployment['spec'])
    with pytest.raises(ValueError, match=words):
        judge(client, 'V1Deployment', deployment)


def test_it_writes_with_its_own_role(tmp_path):
    manifests = render(tmp_path)
    account = one(manifests, 'ServiceAccount')
    assert account['metadata']['annotations'] == {'eks.amazonaws.com/role-arn': ROLE}
    pod = one(manifests, 'Deployment')['spec']['template']['spec']
    assert pod['serviceAccountName'] == account['metadata']['name']
    assert pod['containers'][0]['image'].startswith(
        'public.ecr.aws/aws-observability/aws-otel-collector:v')
    assert not [name for name in pod['containers'][0]['env'] if 'KEY' in name['name']]
    assert pod['securityContext']['runAsNonRoot'] is True
    for rule in one(manifests, 'ClusterRole')['rules']:
        assert set(rule['verbs']) <= READS


def test_the_configuration_of_the_collector(tmp_path):
    config = yaml.safe_load(one(render(tmp_path), 'ConfigMap')['data']['collector.yaml'])
    assert config['extensions']['sigv4auth'] == {'region': 'eu-west-1', 'service': 'aps'}
    exporter = config['exporters']['prometheusremotewrite']
    assert exporter['endpoint'] == VALUES['remoteWriteEndpoint']
    assert exporter['auth'] == {'authenticator': 'sigv4auth'}
    pipeline = config['service']['pipelines']['metrics']
    for part in ('receivers', 'processors', 'exporters'):
        assert set(pipeline[part]) <= set(config[part])
    assert set(config['service']['extensions']) == set(config['extensions'])


def test_the_scrape_configuration_is_prometheus(tmp_path):
    promtool = PEERS / 'current' / 'promtool'
    promtool = str(promtool) if promtool.exists() else shutil.which('promtool')
    if promtool is None:
        pytest.skip('promtool is not installed (tools/setup --peers builds it)')
    config = yaml.safe_load(one(render(tmp_path), 'ConfigMap')['data']['collector.yaml'])
    prometheus = config['receivers']['prometheus']['config']
    # The collector reads `$$` as `$`.
    text = yaml.safe_dump(prometheus).replace('$$', '$')
    file = tmp_path / 'prometheus.yml'
    file.write_text(text)
    done = subprocess.run([promtool, 'check', 'config', '--syntax-only', str(file)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {job['job_name'] for job in prometheus['scrape_configs']} >= {'kubelet', 'cadvisor'}


@pytest.mark.parametrize('missing', ['clusterName', 'region', 'remoteWriteEndpoint'])
def test_what_has_no_default_is_asked_for(tmp_path, missing):
    values = {name: value for name, value in VALUES.items() if name != missing}
    done = template(values, tmp_path)
    assert done.returncode != 0
    assert missing in done.stderr
