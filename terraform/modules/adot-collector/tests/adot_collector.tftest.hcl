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

mock_provider "helm" {}

variables {
  cluster_name              = "demo"
  cluster_oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"
  cluster_oidc_issuer_url   = "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC"
  prometheus_workspace_arn  = "arn:aws:aps:eu-west-1:123456789012:workspace/ws-01234567-89ab-cdef-0123-456789abcdef"
  prometheus_endpoint       = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-01234567-89ab-cdef-0123-456789abcdef/"
}

run "the_chart" {
  command = apply

  assert {
    condition     = length(helm_release.this) == 1
    error_message = "No release."
  }

  assert {
    condition     = yamldecode(helm_release.this[0].values[0]).region == "eu-west-1"
    error_message = "Not the workspace's region."
  }

  assert {
    condition     = yamldecode(helm_release.this[0].values[0]).remoteWriteEndpoint == "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-01234567-89ab-cdef-0123-456789abcdef/api/v1/remote_write"
    error_message = "Another endpoint."
  }

  assert {
    condition     = yamldecode(helm_release.this[0].values[0]).serviceAccount.annotations["eks.amazonaws.com/role-arn"] == output.role_arn
    error_message = "Without its role."
  }

  assert {
    condition     = helm_release.this[0].namespace == "monitoring"
    error_message = "Another namespace."
  }
}

run "writes_to_one_workspace" {
  command = plan

  assert {
    condition     = tolist(data.aws_iam_policy_document.ingest.statement[0].resources) == tolist(["arn:aws:aps:eu-west-1:123456789012:workspace/ws-01234567-89ab-cdef-0123-456789abcdef"])
    error_message = "Not the one workspace."
  }

  assert {
    condition     = toset(data.aws_iam_policy_document.ingest.statement[0].actions) == toset(["aps:RemoteWrite"])
    error_message = "Not exactly aps:RemoteWrite."
  }
}

run "no_chart_without_a_cluster" {
  command = plan

  variables {
    manage_kubernetes = false
  }

  assert {
    condition     = length(helm_release.this) == 0
    error_message = "A release without a cluster."
  }
}

run "refuses_relative_endpoint" {
  command = plan

  variables {
    prometheus_endpoint = "workspaces/ws-1/"
  }

  expect_failures = [var.prometheus_endpoint]
}

run "refuses_any_workspace" {
  command = plan

  variables {
    prometheus_workspace_arn = "*"
  }

  expect_failures = [var.prometheus_workspace_arn]
}
