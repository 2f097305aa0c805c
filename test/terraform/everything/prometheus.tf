# SPDX-License-Identifier: Apache-2.0
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
