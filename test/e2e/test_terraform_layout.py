# SPDX-License-Identifier: Apache-2.0
"""Our Terraform is laid out, typed and described, and valid, before anything is applied."""

import subprocess
import sys

import pytest

from hearth_process import ROOT
from terraform_process import Terraform, binary

EVERY_PROVIDER = ('hashicorp/aws', 'grafana/grafana', 'hashicorp/kubernetes', 'hashicorp/helm')
AWS_ONLY = ('amp', 'amg', 'irsa')
FOLDERS = [
    *((f'terraform/modules/{name}', ('hashicorp/aws',)) for name in AWS_ONLY),
    ('terraform/modules/adot-collector', ('hashicorp/aws', 'hashicorp/helm')),
    ('terraform/modules/metrics', EVERY_PROVIDER),
    ('terraform', EVERY_PROVIDER),
    ('terraform/examples/aws', EVERY_PROVIDER),
    ('terraform/examples/hearth', EVERY_PROVIDER),
    ('terraform/examples/hearth-one-apply', EVERY_PROVIDER),
]


def test_rules_of_the_house():
    done = subprocess.run([sys.executable, str(ROOT / 'tools/terraform_check.py')],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(binary() is None, reason='terraform is not installed')
@pytest.mark.parametrize('folder', ['terraform', 'test/terraform'])
def test_formatted(folder):
    done = subprocess.run([binary(), 'fmt', '-check', '-recursive', '-diff', folder], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize('folder,providers', FOLDERS, ids=lambda value: str(value).split('/')[-1])
def test_valid(folder, providers):
    with Terraform(None, copy_of=folder, providers=providers) as terraform:
        terraform.init()
        done = terraform.run('validate', '-no-color')
        assert done.returncode == 0, done.stdout + done.stderr
        assert 'Warning' not in done.stdout + done.stderr
