# SPDX-License-Identifier: Apache-2.0
resource "aws_prometheus_workspace" "this" {
  alias = var.alias
  tags  = var.tags
}

# Said and not left to the service's default, so that a plan shows when someone has changed it.
resource "aws_prometheus_workspace_configuration" "this" {
  workspace_id             = aws_prometheus_workspace.this.id
  retention_period_in_days = var.retention_period_in_days
}

resource "aws_prometheus_rule_group_namespace" "this" {
  count = var.alert_rules_yaml != "" ? 1 : 0

  name         = "eks-observability-alerts"
  workspace_id = aws_prometheus_workspace.this.id
  data         = var.alert_rules_yaml
  tags         = var.tags
}
