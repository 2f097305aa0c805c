# SPDX-License-Identifier: Apache-2.0
"""The collector's chart: rendered by Helm, each manifest judged by models that are generated from
Kubernetes' own OpenAPI, the scrape configuration by promtool. Nothing is deployed."""

import importlib
import json
import os
import pathlib
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
MODELS = {'v1': 'core.v1', 'apps/v1': 'apps.v1', 'rbac.authorization.k8s.io/v1': 'rbac.v1'}
READS = {'get', 'list', 'watch'}


def helm():
    found = PEERS / 'helm' / 'helm'
    return str(found) if found.exists() else shutil.which('helm')


def template(values, tmp_path):
    if helm() is None:
        pytest.skip('helm is not installed (tools/setup --peers builds it)')
    file = tmp_path / 'values.yaml'
    file.write_text(yaml.safe_dump(values))
    return subprocess.run([helm(), 'template', 'adot-collector', str(CHART), '--namespace',
                           'monitoring', '--values', str(file)], capture_output=True, text=True,
                          check=False)


def render(tmp_path, **changes):
    done = template({**VALUES, **changes}, tmp_path)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def one(manifests, kind):
    found = [manifest for manifest in manifests if manifest['kind'] == kind]
    assert len(found) == 1, [manifest['kind'] for manifest in manifests]
    return found[0]


def lost(given, kept, path=''):
    """Fields that the models do not know: given, and not there after a round through them."""
    if isinstance(given, dict):
        for key, value in given.items():
            if not isinstance(kept, dict) or key not in kept:
                yield f'{path}.{key}'
            else:
                yield from lost(value, kept[key], f'{path}.{key}')
    elif isinstance(given, list):
        for index, value in enumerate(given):
            yield from lost(value, kept[index], f'{path}[{index}]')


@pytest.mark.parametrize('changes', [
    pytest.param({}, id='as Terraform deploys it'),
    pytest.param({'extraEnv': [{'name': 'AWS_ENDPOINT_URL_STS', 'value': 'https://hearth:9443'}],
                  'tolerations': [{'operator': 'Exists'}],
                  'extraScrapeConfigs': [{'job_name': 'static', 'static_configs': [
                      {'targets': ['localhost:9100']}]}]}, id='with all that it takes'),
])
def test_manifests_are_kubernetes(tmp_path, changes):
    pytest.importorskip('cloudcoil.models.kubernetes', reason='the models are not installed')
    manifests = render(tmp_path, **changes)
    assert sorted(manifest['kind'] for manifest in manifests) == [
        'ClusterRole', 'ClusterRoleBinding', 'ConfigMap', 'Deployment', 'ServiceAccount']
    for manifest in manifests:
        module = importlib.import_module(
            f"cloudcoil.models.kubernetes.{MODELS[manifest['apiVersion']]}")
        model = getattr(module, manifest['kind']).model_validate(manifest)
        kept = json.loads(model.model_dump_json(by_alias=True, exclude_unset=True))
        assert list(lost(manifest, kept)) == []


def test_the_models_see_what_is_wrong(tmp_path):
    module = pytest.importorskip('cloudcoil.models.kubernetes.apps.v1',
                                 reason='the models are not installed')
    deployment = one(render(tmp_path), 'Deployment')
    deployment['spec']['replica'] = 1
    kept = json.loads(module.Deployment.model_validate(deployment).model_dump_json(
        by_alias=True, exclude_unset=True))
    assert list(lost(deployment, kept)) == ['.spec.replica']
    del deployment['spec']['selector']
    with pytest.raises(ValueError, match='selector'):
        module.Deployment.model_validate(deployment)


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
