# SPDX-License-Identifier: Apache-2.0
"""hashicorp/aws against the AMP control plane: every aws_prometheus_* resource but the scraper
(whose deletion the provider delays by eight minutes), applied, planned, changed and destroyed."""

import pytest

from terraform_process import Terraform, aws_client, kind_of, require

MAIN = '''
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  skip_region_validation = true
}

variable "alias" { default = "of-terraform" }
variable "env" { default = "dev" }
variable "expr" { default = "sum by (job) (up)" }
variable "retention" { default = 30 }

resource "aws_prometheus_workspace" "this" {
  alias = var.alias
  tags  = { Env = var.env, Kept = "yes" }
  logging_configuration {
    log_group_arn = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/prometheus/${var.env}:*"
  }
}

resource "aws_prometheus_rule_group_namespace" "rules" {
  name         = "my rules"
  workspace_id = aws_prometheus_workspace.this.id
  data         = <<-EOT
    # a comment, and trailing spaces   
    groups:
      - name: g
        rules:
          - record: job:up:sum
            expr: ${var.expr}
  EOT
}

resource "aws_prometheus_alert_manager_definition" "alerts" {
  workspace_id = aws_prometheus_workspace.this.id
  definition   = <<-EOT
    alertmanager_config: |
      route:
        receiver: ${var.env}
      receivers:
        - name: ${var.env}
  EOT
}

resource "aws_prometheus_workspace_configuration" "limits" {
  workspace_id             = aws_prometheus_workspace.this.id
  retention_period_in_days = var.retention
  limits_per_label_set {
    label_set = { Env = var.env }
    limits { max_series = 1000 }
  }
  limits_per_label_set {
    label_set = {}
    limits { max_series = 5000 }
  }
}

output "endpoint" { value = aws_prometheus_workspace.this.prometheus_endpoint }
'''


@pytest.fixture(scope='module')
def hearth(module_hearth):
    require('hashicorp/aws')
    return module_hearth()


def of_terraform(amp):
    found = amp.list_workspaces()['workspaces']
    return [w for w in found if w.get('alias') != 'default']


@pytest.mark.skipif(kind_of('hashicorp/aws') != 'real provider',
                    reason='no build of the unmodified hashicorp/aws provider is here')
def test_a_life_with_the_real_provider(hearth):
    amp = aws_client(hearth, 'amp')
    with Terraform(hearth, {'main.tf': MAIN}) as stack:
        stack.apply()
        assert stack.plan() == []
        (workspace,) = of_terraform(amp)
        wid = workspace['workspaceId']
        assert stack.outputs()['endpoint'].endswith(f'/workspaces/{wid}/')
        stack.variables = {'alias': 'renamed', 'env': 'prod', 'expr': 'sum(up)', 'retention': 60}
        stack.apply()
        assert stack.plan() == []
        (workspace,) = of_terraform(amp)
        assert (workspace['workspaceId'], workspace['alias']) == (wid, 'renamed'), 'in place'
        assert workspace['tags'] == {'Env': 'prod', 'Kept': 'yes'}
        configuration = amp.describe_workspace_configuration(workspaceId=wid)
        assert configuration['workspaceConfiguration']['retentionPeriodInDays'] == 60
        # Behind Terraform's back: exactly what is missing is planned.
        amp.delete_rule_groups_namespace(workspaceId=wid, name='my rules')
        amp.untag_resource(resourceArn=workspace['arn'], tagKeys=['Kept'])
        assert stack.plan() == [('aws_prometheus_rule_group_namespace.rules', ('create',)),
                                ('aws_prometheus_workspace.this', ('update',))]
        stack.apply()
        assert stack.plan() == []
        stack.destroy()
        assert of_terraform(amp) == [], 'nothing is left'
