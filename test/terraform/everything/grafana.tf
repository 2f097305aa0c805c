# SPDX-License-Identifier: Apache-2.0
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
