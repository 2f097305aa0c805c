# SPDX-License-Identifier: Apache-2.0
"""Every aws_grafana_* resource of the unmodified provider, from apply to nothing left, under AWS's
own quotas. Without them: test_terraform_everything.py."""

from terraform_process import Terraform, inventory

MAIN = '''
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "suffix" {
  type    = string
  default = "one"
}

resource "aws_grafana_workspace" "this" {
  name                      = "tf-${var.suffix}"
  description               = "of ${var.suffix}"
  account_access_type       = "CURRENT_ACCOUNT"
  authentication_providers  = ["SAML", "AWS_SSO"]
  permission_type           = "SERVICE_MANAGED"
  data_sources              = ["XRAY", "PROMETHEUS"]
  notification_destinations = ["SNS"]
  role_arn                  = "arn:aws:iam::000000000000:role/amg"
  grafana_version           = "10.4"
  configuration = jsonencode({
    plugins = { pluginAdminEnabled = var.suffix == "one" }
  })
  tags = { Env = var.suffix }
}

resource "aws_grafana_workspace" "plain" {
  account_access_type      = "CURRENT_ACCOUNT"
  authentication_providers = ["AWS_SSO"]
  permission_type          = "SERVICE_MANAGED"
}

resource "aws_grafana_workspace_service_account" "this" {
  name         = "terraform-dashboard-provisioner"
  grafana_role = "ADMIN"
  workspace_id = aws_grafana_workspace.this.id
}

resource "aws_grafana_workspace_service_account_token" "this" {
  name               = "terraform"
  service_account_id = aws_grafana_workspace_service_account.this.service_account_id
  seconds_to_live    = 3600
  workspace_id       = aws_grafana_workspace.this.id
}

resource "aws_grafana_workspace_api_key" "this" {
  key_name        = "key-${var.suffix}"
  key_role        = "VIEWER"
  seconds_to_live = 3600
  workspace_id    = aws_grafana_workspace.this.id
}

resource "aws_grafana_role_association" "this" {
  role         = "ADMIN"
  user_ids     = ["12345678-1234-1234-1234-123456789012", "12345678-1234-1234-1234-123456789013"]
  group_ids    = ["1234567890-12345678-1234-1234-1234-123456789012"]
  workspace_id = aws_grafana_workspace.this.id
}

resource "aws_grafana_workspace_saml_configuration" "this" {
  editor_role_values = ["editor"]
  admin_role_values  = ["admin"]
  idp_metadata_url   = "https://idp.example/${var.suffix}"
  workspace_id       = aws_grafana_workspace.this.id
}

resource "aws_grafana_license_association" "this" {
  license_type = "ENTERPRISE_FREE_TRIAL"
  workspace_id = aws_grafana_workspace.this.id
}

output "endpoint" {
  value = aws_grafana_workspace.this.endpoint
}
'''


def test_every_grafana_resource_lives_and_leaves(start_hearth):
    process = start_hearth(arguments=['--fidelity', 'aws'])
    with Terraform(process, {'main.tf': MAIN}) as stack:
        before = inventory(process)
        stack.apply()
        assert stack.plan() == []
        assert len(stack.addresses()) == 8
        stack.variables['suffix'] = 'two'
        changed = dict(stack.plan())
        assert changed['aws_grafana_workspace.this'] == ('update',)
        stack.apply()
        assert stack.plan() == []
        stack.destroy()
        assert inventory(process) == before
