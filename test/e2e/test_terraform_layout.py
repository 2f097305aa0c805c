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


# ---- the check itself --------------------------------------------------------------------------

PLAIN = {
    'main.tf': 'resource "aws_x" "this" {\n  name = var.name\n}\n',
    'variables.tf': 'variable "name" {\n  description = "A name."\n  type        = string\n\n'
                    '  validation {\n    condition     = true\n    error_message = "x"\n  }\n}\n',
    'outputs.tf': 'output "id" {\n  description = "Its id."\n  value       = aws_x.this.id\n}\n',
    'versions.tf': 'terraform {\n  required_version = ">= 1.7"\n\n  required_providers {\n'
                   '    aws = {\n      version = ">= 5.0, < 7.0"\n    }\n  }\n}\n',
    'README.md': '<!-- tables: x -->\n| input | type | default | meaning |\n|---|---|---|---|\n'
                 '| `name` | `string` | required | A name. |\n\n| output | meaning |\n|---|---|\n'
                 '| `id` | Its id. |\n<!-- end of tables -->\n',
}


@pytest.mark.parametrize('file,old,new,words', [
    ('variables.tf', '', '', None),
    ('variables.tf', '  type        = string\n', '', 'has no type'),
    ('variables.tf', '  description = "A name."\n', '', 'has no description'),
    ('variables.tf', '  validation {', '  validated {', 'is not validated'),
    ('outputs.tf', '  description = "Its id."\n', '', 'output id has no description'),
    ('main.tf', 'var.name', '"x"', 'variable name is not used'),
    ('main.tf', '"this"', '"other"', 'name it `this`'),
    ('versions.tf', ', < 7.0', '', 'a lower and an upper bound'),
    ('versions.tf', '  required_version = ">= 1.7"\n', '', 'no required_version'),
    ('README.md', 'Its id.', 'Something.', 'the tables are old'),
    ('main.tf', 'resource', 'provider "grafana" {\n  url = module.amg.endpoint\n}\n\nresource',
     'would destroy the dashboards'),
])
def test_the_check_sees(tmp_path, file, old, new, words):
    folder = tmp_path / 'terraform/modules/one'
    folder.mkdir(parents=True)
    (tmp_path / 'terraform/examples').mkdir()
    (tmp_path / 'terraform/README.md').write_text('')
    for name, text in PLAIN.items():
        (folder / name).write_text(text.replace(old, new, 1) if name == file else text)
    done = subprocess.run([sys.executable, str(ROOT / 'tools/terraform_check.py'), str(tmp_path)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == (0 if words is None else 1), done.stdout
    assert words is None or words in done.stdout
