# SPDX-License-Identifier: Apache-2.0
# A workspace made by Terraform gets no role from AWS, whatever permission_type says: only the
# console makes one. Without a role its data source reads nothing and dashboards stay empty.

data "aws_iam_policy_document" "trust" {
  statement {
    effect  = "Allow"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["grafana.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "query" {
  statement {
    effect = "Allow"
    actions = [
      "aps:QueryMetrics",
      "aps:GetLabels",
      "aps:GetSeries",
      "aps:GetMetricMetadata",
    ]
    resources = [var.prometheus_workspace_arn]
  }
}

resource "aws_iam_role" "this" {
  name               = var.name
  description        = "Grafana workspace ${var.name}: reads one Prometheus workspace"
  assume_role_policy = data.aws_iam_policy_document.trust.json
  tags               = var.tags
}

resource "aws_iam_role_policy" "this" {
  name   = "query"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.query.json
}

resource "aws_grafana_workspace" "this" {
  name                     = var.name
  account_access_type      = "CURRENT_ACCOUNT"
  authentication_providers = ["AWS_SSO"]
  permission_type          = "SERVICE_MANAGED"
  data_sources             = ["PROMETHEUS"]
  role_arn                 = aws_iam_role.this.arn
  tags                     = var.tags
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
