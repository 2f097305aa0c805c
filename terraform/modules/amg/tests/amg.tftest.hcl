# SPDX-License-Identifier: Apache-2.0

mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Statement\":[]}" }
  }

  mock_resource "aws_prometheus_workspace" {
    defaults = {
      id                  = "ws-01234567-89ab-cdef-0123-456789abcdef"
      arn                 = "arn:aws:aps:eu-west-1:123456789012:workspace/ws-01234567-89ab-cdef-0123-456789abcdef"
      prometheus_endpoint = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-01234567-89ab-cdef-0123-456789abcdef/"
    }
  }

  mock_resource "aws_iam_role" {
    defaults = {
      arn = "arn:aws:iam::123456789012:role/mocked"
    }
  }

  mock_resource "aws_grafana_workspace" {
    defaults = {
      id       = "g-0123456789"
      endpoint = "g-0123456789.grafana-workspace.eu-west-1.amazonaws.com"
    }
  }
}

variables {
  name                     = "demo-amg"
  prometheus_workspace_arn = "arn:aws:aps:eu-west-1:123456789012:workspace/ws-01234567-89ab-cdef-0123-456789abcdef"
}

run "the_workspace" {
  command = apply

  assert {
    condition     = aws_grafana_workspace.this.name == "demo-amg"
    error_message = "Another name."
  }

  assert {
    condition     = aws_grafana_workspace.this.account_access_type == "CURRENT_ACCOUNT"
    error_message = "Another access."
  }

  assert {
    condition     = tolist(aws_grafana_workspace.this.authentication_providers) == tolist(["AWS_SSO"])
    error_message = "Another sign-in."
  }

  assert {
    condition     = aws_grafana_workspace.this.permission_type == "SERVICE_MANAGED"
    error_message = "Other permissions."
  }

  assert {
    condition     = tolist(aws_grafana_workspace.this.data_sources) == tolist(["PROMETHEUS"])
    error_message = "Other data sources."
  }

  assert {
    condition     = aws_grafana_workspace.this.role_arn == aws_iam_role.this.arn
    error_message = "Not with its role."
  }

  assert {
    condition     = aws_iam_role.this.name == "demo-amg"
    error_message = "The role has another name."
  }

  assert {
    condition     = output.endpoint == "https://g-0123456789.grafana-workspace.eu-west-1.amazonaws.com"
    error_message = "The endpoint has no scheme."
  }
}

run "reads_one_workspace" {
  command = plan

  assert {
    condition     = tolist(data.aws_iam_policy_document.query.statement[0].resources) == tolist(["arn:aws:aps:eu-west-1:123456789012:workspace/ws-01234567-89ab-cdef-0123-456789abcdef"])
    error_message = "Not the one workspace."
  }

  assert {
    condition     = toset(data.aws_iam_policy_document.query.statement[0].actions) == toset(["aps:QueryMetrics", "aps:GetLabels", "aps:GetSeries", "aps:GetMetricMetadata"])
    error_message = "Not exactly the query actions."
  }

  assert {
    condition     = tolist(one(data.aws_iam_policy_document.trust.statement[0].principals).identifiers) == tolist(["grafana.amazonaws.com"])
    error_message = "Another service is trusted."
  }
}

run "the_token" {
  command = plan

  assert {
    condition     = aws_grafana_workspace_service_account.this.name == "terraform-dashboard-provisioner"
    error_message = "Another account."
  }

  assert {
    condition     = aws_grafana_workspace_service_account.this.grafana_role == "ADMIN"
    error_message = "Another role."
  }

  assert {
    condition     = aws_grafana_workspace_service_account_token.this.name == "terraform"
    error_message = "Another token."
  }

  assert {
    condition     = aws_grafana_workspace_service_account_token.this.seconds_to_live == 3600
    error_message = "Another life time."
  }
}

run "refuses_name_with_space" {
  command = plan

  variables {
    name = "my workspace"
  }

  expect_failures = [var.name]
}

run "refuses_empty_name" {
  command = plan

  variables {
    name = ""
  }

  expect_failures = [var.name]
}

run "refuses_name_of_65" {
  command = plan

  variables {
    name = format("%065d", 0)
  }

  expect_failures = [var.name]
}

run "refuses_any_workspace" {
  command = plan

  variables {
    prometheus_workspace_arn = "arn:aws:aps:eu-west-1:123456789012:workspace/*"
  }

  expect_failures = [var.prometheus_workspace_arn]
}

run "refuses_arn_of_a_bucket" {
  command = plan

  variables {
    prometheus_workspace_arn = "arn:aws:s3:::bucket"
  }

  expect_failures = [var.prometheus_workspace_arn]
}
