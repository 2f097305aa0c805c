# SPDX-License-Identifier: Apache-2.0
"""Terraform with the unmodified providers against a hearth that a test has started.

    stack = Terraform(hearth, {'main.tf': '…'})        # or Terraform(hearth, copy_of='terraform')
    stack.apply(); assert stack.plan() == []; stack.apply(); stack.destroy()

Every Terraform has a fresh folder, so that no state, lock or override survives a test. Providers
come from $TF_CLI_CONFIG_FILE, where that file exists, else from mirrors: the directories of
$HEARTH_TF_PLUGINS, else build/peers/terraform, /opt/tf-plugins and those that Terraform itself
looks into; then the stand-ins of test/terraform/stand_in, for providers that no mirror has. Never
from the network. What is not there is a skip that names it.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import boto3
import botocore.config
import pytest

from hearth_process import ROOT, clean_environment

# Terraform polls for up to five minutes where a server never says ACTIVE; that is a failure.
COMMAND_LIMIT_S = 420
# What a copy of one of our own configurations needs beside it.
SOURCES = ('terraform', 'dashboards', 'rules', 'deploy/helm')
NOT_FOUND = ('Failed to query available provider packages', 'Failed to install provider',
             'provider registry.terraform.io')


class TerraformFailed(AssertionError):
    """A command ended otherwise than the test wants. `text` is all that it said."""

    def __init__(self, command, code, text):
        super().__init__(f'terraform {command} ended with {code}\n{text}')
        self.code, self.text = code, text


def binary():
    return shutil.which('terraform')


def mirrors():
    """The plugin mirrors of this machine."""
    named = os.environ.get('HEARTH_TF_PLUGINS')
    if named:
        return [pathlib.Path(path) for path in named.split(os.pathsep)]
    home = pathlib.Path.home()
    data = pathlib.Path(os.environ.get('XDG_DATA_HOME') or home / '.local' / 'share')
    return [path for path in (ROOT / 'build/peers/terraform', pathlib.Path('/opt/tf-plugins'),
                              home / '.terraform.d/plugins', data / 'terraform/plugins',
                              pathlib.Path('/usr/local/share/terraform/plugins'),
                              pathlib.Path('/usr/share/terraform/plugins')) if path.is_dir()]


STAND_INS = ROOT / 'build/peers/terraform-stand-in'


def holds(mirror, name):
    return (mirror / 'registry.terraform.io' / name).is_dir()


def is_real(name):
    """Whether hashicorp/aws, grafana/grafana, … is the unmodified provider. A configuration file of
    the caller's own is believed; `terraform init` will tell."""
    return own_cli_config() is not None or any(holds(path, name) for path in mirrors())


def kind_of(name):
    """For the names of tests: 'real provider' or 'stand-in'."""
    return 'real provider' if is_real(name) else 'stand-in'


def has_provider(name):
    return is_real(name) or holds(STAND_INS, name)


def own_cli_config():
    named = os.environ.get('TF_CLI_CONFIG_FILE')
    return pathlib.Path(named) if named and pathlib.Path(named).is_file() else None


def require(*providers):
    """Skips the test, loudly, where terraform or a provider's binary is missing."""
    if binary() is None:
        pytest.skip('terraform is not installed')
    missing = [name for name in providers if not has_provider(name)]
    if missing:
        pytest.skip(f'no build of the Terraform provider {", ".join(missing)}: name a mirror in '
                    'HEARTH_TF_PLUGINS or a configuration in TF_CLI_CONFIG_FILE')


def mirror_block(path, names=None):
    include = '' if names is None else f'    include = {json.dumps(names)}\n'
    return f'  filesystem_mirror {{\n    path = {json.dumps(str(path))}\n{include}  }}\n'


class Terraform:
    def __init__(self, hearth, files=None, copy_of=None, providers=('hashicorp/aws',), env=None,
                 endpoint=None):
        """`files`: name → text of a configuration. `copy_of`: one of the project's own folders,
        copied with what it refers to, so that overrides may be laid beside it. `endpoint`: an URL
        that stands before hearth, such as a FaultProxy's."""
        require(*providers)
        self.hearth = hearth
        self.parent = pathlib.Path(tempfile.mkdtemp(prefix='hearth-terraform-'))
        self.folder = self.parent / (copy_of or 'main')
        if copy_of is not None:
            for source in SOURCES:
                if (ROOT / source).exists():
                    shutil.copytree(ROOT / source, self.parent / source, symlinks=True,
                                    ignore=shutil.ignore_patterns('.terraform*', '*.tfstate*'))
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, text in (files or {}).items():
            self.write(name, text)
        self.extra = dict(env or {})
        self.endpoint = endpoint
        self.variables = {}
        self.initialised = False

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding='utf-8')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()

    def remove(self):
        shutil.rmtree(self.parent, ignore_errors=True)

    # ---- running ------------------------------------------------------------------------------

    def environment(self):
        env = clean_environment(self.hearth.aws_environment() if self.hearth else {})
        env = {k: v for k, v in env.items() if not k.startswith(('TF_', 'GRAFANA_', 'KUBE'))}
        env.update(TF_IN_AUTOMATION='1', TF_INPUT='0', CHECKPOINT_DISABLE='1',
                   TF_CLI_CONFIG_FILE=str(self.cli_config()))
        if self.endpoint is not None:
            env['AWS_ENDPOINT_URL'] = self.endpoint
        if self.hearth is not None and (self.hearth.data / 'tls' / 'ca.pem').exists():
            env['GRAFANA_CA_CERT'] = str(self.hearth.data / 'tls' / 'ca.pem')
        for name, value in self.variables.items():
            env[f'TF_VAR_{name}'] = value if isinstance(value, str) else json.dumps(value)
        env.update(self.extra)
        return env

    def cli_config(self):
        if (own := own_cli_config()) is not None:
            return own
        path = self.parent / 'terraform.rc'
        if not path.exists():
            blocks = ''.join(mirror_block(mirror) for mirror in mirrors())
            if STAND_INS.is_dir():
                names = [f'{space.name}/{name.name}'
                         for space in (STAND_INS / 'registry.terraform.io').iterdir()
                         for name in space.iterdir()]
                blocks += mirror_block(STAND_INS, [name for name in names if not is_real(name)])
            path.write_text(f'provider_installation {{\n{blocks}}}\n', encoding='utf-8')
        return path

    def run(self, *arguments, timeout=COMMAND_LIMIT_S):
        """Any command, as it is; CompletedProcess with text."""
        return subprocess.run([binary(), *arguments], cwd=self.folder, env=self.environment(),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout, check=False)

    def init(self):
        if self.initialised:
            return
        done = self.run('init', '-no-color')
        said = done.stdout + done.stderr
        if done.returncode != 0 and any(words in said for words in NOT_FOUND):
            pytest.skip('terraform init finds no build of a provider: ' + said.strip()[:400])
        if done.returncode != 0:
            raise TerraformFailed('init', done.returncode, said)
        self.initialised = True

    def _checked(self, *arguments, codes=(0,), timeout=COMMAND_LIMIT_S):
        self.init()
        done = self.run(*arguments, timeout=timeout)
        if done.returncode not in codes:
            raise TerraformFailed(' '.join(arguments), done.returncode, done.stdout + done.stderr)
        return done

    def plan(self, *arguments):
        """What it would do: a list of (address, actions), empty when `-detailed-exitcode` is 0.
        Changes of outputs alone count, as ('output NAME', actions)."""
        done = self._checked('plan', '-no-color', '-detailed-exitcode', '-out=plan.bin',
                             *arguments, codes=(0, 2))
        if done.returncode == 0:
            return []
        shown = json.loads(self._checked('show', '-json', 'plan.bin').stdout)
        changes = [(change['address'], tuple(change['change']['actions']))
                   for change in shown.get('resource_changes', [])
                   if change['change']['actions'] not in (['no-op'], ['read'])]
        changes += [(f'output {name}', tuple(change['actions']))
                    for name, change in shown.get('output_changes', {}).items()
                    if change['actions'] != ['no-op']]
        assert changes, 'exit code 2 without a change\n' + done.stdout
        return changes

    def apply(self, *arguments, timeout=COMMAND_LIMIT_S):
        """What it says."""
        return self._checked('apply', '-no-color', '-auto-approve', *arguments,
                             timeout=timeout).stdout

    def destroy(self, *arguments, timeout=COMMAND_LIMIT_S):
        return self._checked('destroy', '-no-color', '-auto-approve', *arguments,
                             timeout=timeout).stdout

    def outputs(self):
        """name → value, the sensitive ones too."""
        shown = json.loads(self._checked('output', '-json').stdout)
        return {name: output['value'] for name, output in shown.items()}

    def addresses(self):
        """Every resource in the state, data sources left out."""
        done = self._checked('state', 'list', codes=(0, 1))
        return [line for line in done.stdout.split()
                if not line.startswith('data.') and '.data.' not in line]

    def test(self, *arguments):
        """`terraform test`; its outcome as (passed, failed, skipped, text)."""
        self.init()
        done = self.run('test', '-no-color', *arguments)
        said = done.stdout + done.stderr
        return (said.count('... pass\n'), said.count('... fail\n'), said.count('... skip\n'),
                done.returncode, said)


# ---- what a server holds -----------------------------------------------------------------------

def aws_client(hearth, service, region=None):
    profile = hearth.profile()
    return boto3.client(
        service, endpoint_url=hearth.http, region_name=region or profile.get('region', 'us-east-1'),
        aws_access_key_id=profile['aws_access_key_id'],
        aws_secret_access_key=profile['aws_secret_access_key'],
        config=botocore.config.Config(retries={'total_max_attempts': 1}))


def inventory(hearth):
    """Names of all that an account holds: equal before an apply and after its destroy."""
    held = {}
    amp = aws_client(hearth, 'amp')
    workspaces = amp.list_workspaces()['workspaces']
    held['amp workspaces'] = sorted(w['workspaceId'] for w in workspaces)
    held['amp rules'] = sorted(
        rules['arn'] for w in workspaces for rules in
        amp.list_rule_groups_namespaces(workspaceId=w['workspaceId'])['ruleGroupsNamespaces'])
    held['amp scrapers'] = sorted(s['scraperId'] for s in amp.list_scrapers()['scrapers'])
    grafana = aws_client(hearth, 'grafana')
    workspaces = grafana.list_workspaces()['workspaces']
    held['amg workspaces'] = sorted(w['id'] for w in workspaces)
    held['amg service accounts'] = sorted(
        f"{w['id']}/{account['name']}" for w in workspaces for account in
        grafana.list_workspace_service_accounts(workspaceId=w['id'])['serviceAccounts'])
    iam = aws_client(hearth, 'iam')
    held['roles'] = sorted(r['RoleName'] for r in iam.list_roles()['Roles'])
    held['policies'] = sorted(
        p['PolicyName'] for p in iam.list_policies(Scope='Local')['Policies'])
    held['oidc providers'] = sorted(
        p['Arn'] for p in
        iam.list_open_id_connect_providers()['OpenIDConnectProviderList'])
    held['users'] = sorted(u['UserName'] for u in iam.list_users()['Users'])
    return held
