# SPDX-License-Identifier: Apache-2.0
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100"
    }
  }
}

variable "stem" {
  description = "What every name begins with."
  type        = string
  default     = "every"
}

variable "tags" {
  description = "Tags of everything that has some."
  type        = map(string)
  default     = { Env = "test", Team = "obs" }
}

variable "alias" {
  description = "Alias of the first workspace."
  type        = string
  default     = "first"
}

variable "expression" {
  description = "Of the one recording rule."
  type        = string
  default     = "sum(up)"
}

variable "receiver" {
  description = "Name of the alert manager's receiver."
  type        = string
  default     = "default"
}

variable "actions" {
  description = "What the policies allow."
  type        = list(string)
  default     = ["aps:RemoteWrite"]
}

variable "admins" {
  description = "Users with the role ADMIN."
  type        = list(string)
  default     = ["9067a0d1-a1b2-4c3d-8e4f-0123456789ab"]
}

variable "retention" {
  description = "Days."
  type        = number
  default     = 90
}

data "aws_caller_identity" "this" {}

data "aws_region" "this" {}

data "aws_partition" "this" {}

locals {
  account   = data.aws_caller_identity.this.account_id
  log_group = "arn:aws:logs:us-east-1:${local.account}:log-group:/amp/x"
}

# ---- Prometheus --------------------------------------------------------------------------------

resource "aws_prometheus_workspace" "first" {
  alias = var.alias
  tags  = var.tags

  logging_configuration {
    log_group_arn = "${local.log_group}:*"
  }
}

# Neither alias nor tags.
resource "aws_prometheus_workspace" "bare" {}

resource "aws_prometheus_workspace_configuration" "this" {
  workspace_id             = aws_prometheus_workspace.first.id
  retention_period_in_days = var.retention

  limits_per_label_set {
    label_set = { job = "checkout" }
    limits {
      max_series = 50000
    }
  }

  # The default bucket: series that match no other set.
  limits_per_label_set {
    label_set = {}
    limits {
      max_series = 100000
    }
  }
}

resource "aws_prometheus_rule_group_namespace" "this" {
  name         = "my rules"
  workspace_id = aws_prometheus_workspace.first.id
  tags         = var.tags
  # The spaces and the comment belong to the data: not one byte may change.
  data = <<-EOT
    # a comment,   with spaces
    groups:
      - name:   test
        rules:
        - record: metric:recording_rule
          expr: ${var.expression}
  EOT
}

resource "aws_prometheus_alert_manager_definition" "this" {
  workspace_id = aws_prometheus_workspace.first.id
  definition   = <<-EOT
    alertmanager_config: |
      route:
        receiver: '${var.receiver}'
      receivers:
        - name: '${var.receiver}'
  EOT
}

data "aws_prometheus_workspace" "first" {
  workspace_id = aws_prometheus_workspace.first.id
}

data "aws_prometheus_workspaces" "by_alias" {
  alias_prefix = aws_prometheus_workspace.first.alias
}

data "aws_prometheus_default_scraper_configuration" "this" {}

# ---- Grafana -----------------------------------------------------------------------------------

data "aws_iam_policy_document" "grafana" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["grafana.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "grafana" {
  name               = "${var.stem}-grafana"
  assume_role_policy = data.aws_iam_policy_document.grafana.json
}

resource "aws_grafana_workspace" "sso" {
  name                      = "${var.stem}-sso"
  description               = "Tested with ${join(", ", var.actions)}"
  account_access_type       = "CURRENT_ACCOUNT"
  authentication_providers  = ["SAML", "AWS_SSO"]
  permission_type           = "SERVICE_MANAGED"
  data_sources              = ["PROMETHEUS", "CLOUDWATCH"]
  notification_destinations = ["SNS"]
  role_arn                  = aws_iam_role.grafana.arn
  tags                      = var.tags

  configuration = jsonencode({
    unifiedAlerting = { enabled = true }
    plugins         = { pluginAdminEnabled = false }
  })
}

resource "aws_grafana_workspace" "saml" {
  account_access_type      = "CURRENT_ACCOUNT"
  authentication_providers = ["SAML"]
  permission_type          = "CUSTOMER_MANAGED"
  role_arn                 = aws_iam_role.grafana.arn
}

resource "aws_grafana_workspace_saml_configuration" "this" {
  workspace_id       = aws_grafana_workspace.saml.id
  editor_role_values = ["editor"]
  admin_role_values  = ["admin"]
  idp_metadata_xml   = "<EntityDescriptor entityID=\"https://idp.example\"/>"
}

resource "aws_grafana_role_association" "admins" {
  role         = "ADMIN"
  user_ids     = var.admins
  workspace_id = aws_grafana_workspace.sso.id
}

resource "aws_grafana_workspace_api_key" "this" {
  key_name        = "viewer"
  key_role        = "VIEWER"
  seconds_to_live = 3600
  workspace_id    = aws_grafana_workspace.sso.id
}

resource "aws_grafana_workspace_service_account" "this" {
  name         = "provisioner"
  grafana_role = "ADMIN"
  workspace_id = aws_grafana_workspace.sso.id
}

resource "aws_grafana_workspace_service_account_token" "this" {
  name               = "terraform"
  service_account_id = aws_grafana_workspace_service_account.this.service_account_id
  seconds_to_live    = 3600
  workspace_id       = aws_grafana_workspace.sso.id
}

resource "aws_grafana_license_association" "this" {
  license_type = "ENTERPRISE_FREE_TRIAL"
  workspace_id = aws_grafana_workspace.sso.id
}

data "aws_grafana_workspace" "sso" {
  workspace_id = aws_grafana_workspace.sso.id
}
