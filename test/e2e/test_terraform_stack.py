# SPDX-License-Identifier: Apache-2.0
"""Our own stack on hearth: two phases, an expired token, one apply, and the examples' READMEs.

The aws provider is the unmodified one. The Grafana provider is the unmodified one where a build of
it is found, else a stand-in that makes its calls with its own HTTP client; the tests' names say
which. Clocks are real: what expires, expires.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest
import requests

from connect import wait_for
from hearth_process import run_hearth
from terraform_process import (ROOT, STAND_INS, Terraform, aws_client, binary, inventory, kind_of,
                               mirrors)

EVERY = ('hashicorp/aws', 'grafana/grafana', 'hashicorp/kubernetes', 'hashicorp/helm')
ISSUER = 'oidc.example.com/id/DEMO'
STACK = {
    'cluster_name': 'demo', 'manage_kubernetes': 'false',
    'cluster_oidc_provider_arn': f'arn:aws:iam::000000000000:oidc-provider/{ISSUER}',
    'cluster_oidc_issuer_url': f'https://{ISSUER}', 'tags': {'Env': 'test'},
}
DASHBOARDS = {'application-metrics', 'cluster-health', 'node-metrics'}
GRAFANA_OBJECTS = 4
COMMANDS_LIMIT_S = 600

pytestmark = pytest.mark.parametrize('grafana', [kind_of('grafana/grafana')])


@pytest.fixture
def stack(start_hearth):
    """stack(folder) → Terraform on a copy of a folder, and a server of its own."""
    made = []

    def make(folder, variables=None):
        hearth = start_hearth()
        terraform = Terraform(hearth, copy_of=folder, providers=EVERY)
        terraform.variables = dict(variables or {})
        made.append(terraform)
        return terraform

    yield make
    for terraform in made:
        terraform.remove()


def grafana_get(terraform, path, auth=None):
    outputs = terraform.outputs()
    token = auth or terraform.variables.get('grafana_auth')
    return requests.get(outputs['grafana_endpoint'] + path, timeout=30,
                        headers={'Authorization': f'Bearer {token}'},
                        verify=str(terraform.hearth.data / 'tls' / 'ca.pem'))


def second_phase(terraform):
    """As the README says: outputs of the first into variables of the second."""
    outputs = terraform.outputs()
    terraform.variables['grafana_endpoint'] = outputs['grafana_endpoint']
    terraform.variables['grafana_auth'] = outputs['grafana_service_account_token']


def path_with_clients():
    """PATH with the AWS CLI of the tests' own Python and with terraform."""
    return os.pathsep.join([os.path.dirname(sys.executable), os.path.dirname(binary()),
                            os.environ['PATH']])


def shell(terraform, script, cwd=None):
    if shutil.which('aws', path=path_with_clients()) is None:
        pytest.skip('the AWS CLI is not installed (tools/setup test brings it)')
    env = {**terraform.environment(), 'PATH': path_with_clients()}
    return subprocess.run(['bash', '-euc', script], cwd=cwd or terraform.folder, env=env,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=COMMANDS_LIMIT_S, check=False)


def grafana_auth(terraform):
    """What `eval "$(bin/grafana-auth)"` leaves in a shell's environment."""
    tool = terraform.parent / 'terraform' / 'bin' / 'grafana-auth'
    done = shell(terraform, f'eval "$({shlex.quote(str(tool))})"; '
                 'printf "%s\\n%s\\n" "$TF_VAR_grafana_endpoint" "$TF_VAR_grafana_auth"')
    assert done.returncode == 0, done.stderr
    endpoint, token = done.stdout.splitlines()
    return {'grafana_endpoint': endpoint, 'grafana_auth': token}


def test_two_phases(stack, grafana):
    terraform = stack('terraform', {**STACK,
                                    'alert_rules_yaml': (ROOT / 'rules/alerts.yaml').read_text()})
    before = inventory(terraform.hearth)
    terraform.apply()
    assert terraform.plan() == []
    outputs = terraform.outputs()
    assert set(outputs) == {'amp_workspace_id', 'amp_workspace_arn', 'amp_endpoint',
                            'amp_ingest_role_arn', 'grafana_endpoint', 'grafana_workspace_id',
                            'grafana_service_account_token'}
    assert outputs['grafana_endpoint'].startswith('https://')
    assert outputs['amp_ingest_role_arn'].endswith(':role/demo-metrics-amp-ingest')

    second_phase(terraform)
    terraform.apply()
    assert terraform.plan() == []
    assert '0 added, 0 changed, 0 destroyed' in terraform.apply()
    source = grafana_get(terraform, '/api/datasources/uid/AMP').json()
    assert source['name'] == 'Amazon Managed Prometheus'
    assert source['isDefault'] is True
    assert source['jsonData'] == {'httpMethod': 'POST', 'sigV4Auth': True,
                                  'sigV4AuthType': 'default', 'sigV4Region': 'us-east-1'}
    for uid in DASHBOARDS:
        assert grafana_get(terraform, f'/api/dashboards/uid/{uid}').status_code == 200

    amp = aws_client(terraform.hearth, 'amp')
    assert [w['alias'] for w in amp.list_workspaces(alias='demo-amp')['workspaces']] == ['demo-amp']
    rules = amp.describe_rule_groups_namespace(workspaceId=outputs['amp_workspace_id'],
                                               name='eks-observability-alerts')
    assert rules['ruleGroupsNamespace']['data'] == (ROOT / 'rules/alerts.yaml').read_bytes()

    # Later: without rules, with other tags; and all of it off.
    terraform.variables.update(alert_rules_yaml='', tags={'Env': 'prod'})
    terraform.apply()
    assert terraform.plan() == []
    terraform.destroy()
    assert inventory(terraform.hearth) == before


def test_an_expired_token_destroys_nothing(stack, grafana):
    terraform = stack('terraform', STACK)
    before = inventory(terraform.hearth)
    terraform.apply()
    second_phase(terraform)
    terraform.apply()
    held = terraform.addresses()
    assert len([address for address in held if '.grafana_' in address]) == GRAFANA_OBJECTS

    short_lived = ('resource "aws_grafana_workspace_service_account_token" "this" {\n'
                   '  seconds_to_live = 5\n}\n')
    override = terraform.parent / 'terraform/modules/amg/override.tf'
    override.write_text(short_lived)
    terraform.apply()
    terraform.variables['grafana_auth'] = terraform.outputs()['grafana_service_account_token']
    wait_for(lambda: grafana_get(terraform, '/api/datasources/uid/AMP').status_code == 401)

    # The same shell, then a fresh one, which has no variables of the second phase.
    fresh = {name: value for name, value in terraform.variables.items()
             if not name.startswith('grafana_')}
    for variables, words in ((terraform.variables, '401'), (fresh, 'Grafana client is required')):
        kept, terraform.variables = terraform.variables, dict(variables)
        for command in ('plan', 'apply', 'destroy'):
            approve = () if command == 'plan' else ('-auto-approve',)
            done = terraform.run(command, '-no-color', *approve)
            assert done.returncode == 1, done.stdout + done.stderr
            assert words in done.stdout + done.stderr
        terraform.variables = kept
    assert terraform.addresses() == held
    auth = grafana_auth(terraform)
    found = grafana_get(terraform, '/api/search?type=dash-db', auth['grafana_auth']).json()
    assert DASHBOARDS <= {board['uid'] for board in found}

    override.unlink()
    terraform.variables.update(auth)
    terraform.apply()
    assert terraform.plan() == []
    terraform.destroy()
    assert inventory(terraform.hearth) == before


def test_grafana_auth_in_a_folder_without_a_state(stack, grafana):
    terraform = stack('terraform', STACK)
    terraform.init()
    done = shell(terraform, 'bin/grafana-auth')
    assert done.returncode == 1
    assert 'terraform apply' in done.stderr
    assert done.stdout == ''


def test_one_apply(stack, grafana):
    terraform = stack('terraform/examples/hearth-one-apply')
    profile = terraform.hearth.profile()
    terraform.variables = {
        'hearth_url': terraform.hearth.https,
        'grafana_auth': f"{profile['aws_access_key_id']}:{profile['aws_secret_access_key']}",
    }
    before = inventory(terraform.hearth)
    terraform.apply()
    held = terraform.addresses()
    assert len([address for address in held if '.grafana_' in address]) == GRAFANA_OBJECTS
    assert terraform.plan() == []
    terraform.destroy()
    assert inventory(terraform.hearth) == before


@pytest.mark.parametrize('folder', ['hearth', 'hearth-one-apply'])
def test_readme_word_for_word(stack, grafana, folder):
    terraform = stack(f'terraform/examples/{folder}')
    readme = (ROOT / 'terraform/examples' / folder / 'README.md').read_text()
    script = re.search(r'^```\n(.*?)^```', readme, re.M | re.S).group(1)
    if folder == 'hearth-one-apply':
        terraform.variables['hearth_url'] = terraform.hearth.https
    terraform.extra = {'DATA': str(terraform.hearth.data), 'TF_CLI_ARGS_apply': '-auto-approve'}
    before = inventory(terraform.hearth)
    done = shell(terraform, script + '\nterraform plan -detailed-exitcode\n'
                 'terraform destroy -auto-approve')
    assert done.returncode == 0, done.stdout + done.stderr
    assert inventory(terraform.hearth) == before


def test_example_for_aws_is_planned(stack, grafana):
    """hearth stands for the account: it has a cluster of that name and the issuer's provider."""
    terraform = stack('terraform/examples/aws', {'cluster_name': 'demo',
                                                 'enable_adot_collector': 'true'})
    register_cluster(terraform.hearth)
    addresses = {address: actions for address, actions in terraform.plan()}
    assert set(addresses.values()) == {('create',)}
    for wanted in ('module.metrics.module.amp.aws_prometheus_workspace.this',
                   'module.metrics.module.amg.aws_grafana_workspace.this',
                   'module.metrics.kubernetes_namespace_v1.this[0]',
                   'module.metrics.module.adot_collector[0].helm_release.this[0]'):
        assert wanted in addresses


def register_cluster(hearth):
    done = run_hearth('cluster', 'add', 'demo', '--api-server', 'https://127.0.0.1:6443',
                      '--issuer', f'https://{ISSUER}', '--data', str(hearth.data),
                      '--ca', str(hearth.data / 'tls' / 'ca.pem'))
    assert done.returncode == 0, done.stderr
    aws_client(hearth, 'iam').create_open_id_connect_provider(
        Url=f'https://{ISSUER}', ClientIDList=['sts.amazonaws.com'])


def test_says_which_grafana_provider_ran(grafana):
    """A summary line for who reads the log: the stand-in is not the real provider."""
    if grafana != 'real provider':
        pytest.skip('the stack ran with a stand-in for grafana/grafana, because none of '
                    f'{[str(path) for path in (*mirrors(), STAND_INS)]} has the real one; name a '
                    'mirror in HEARTH_TF_PLUGINS or a configuration in TF_CLI_CONFIG_FILE')
