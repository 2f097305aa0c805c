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

mock_provider "grafana" {}

mock_provider "kubernetes" {}

mock_provider "helm" {}

variables {
  cluster_name              = "demo"
  cluster_oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"
  cluster_oidc_issuer_url   = "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC"
}

run "defaults" {
  command = apply

  assert {
    condition     = length(module.metrics) == 1
    error_message = "No stack."
  }

  assert {
    condition     = output.amp_workspace_id == "ws-01234567-89ab-cdef-0123-456789abcdef"
    error_message = "Another workspace."
  }

  assert {
    condition     = startswith(output.grafana_endpoint, "https://g-")
    error_message = "The endpoint has no scheme."
  }
}

run "turned_off" {
  command = plan

  variables {
    enable_metrics = false
  }

  assert {
    condition     = length(module.metrics) == 0
    error_message = "The stack is there."
  }

  assert {
    condition     = output.amp_endpoint == null
    error_message = "An endpoint of nothing."
  }

  assert {
    condition     = output.grafana_service_account_token == null
    error_message = "A token of nothing."
  }
}

run "both_phases_at_once" {
  command = plan

  variables {
    grafana_endpoint = "https://localhost:9443/grafana/demo-amg"
    grafana_auth     = "key:secret"
  }

  assert {
    condition     = length(module.metrics) == 1
    error_message = "No stack."
  }
}

run "longest_name" {
  command = plan

  variables {
    cluster_name          = format("%044d", 0)
    enable_adot_collector = true
  }

  assert {
    condition     = length(module.metrics) == 1
    error_message = "No stack."
  }
}

run "refuses_name_of_45" {
  command = plan

  variables {
    cluster_name = format("%045d", 0)
  }

  expect_failures = [var.cluster_name]
}

run "refuses_name_that_begins_with_a_hyphen" {
  command = plan

  variables {
    cluster_name = "-demo"
  }

  expect_failures = [var.cluster_name]
}

run "refuses_name_with_space" {
  command = plan

  variables {
    cluster_name = "my cluster"
  }

  expect_failures = [var.cluster_name]
}

run "refuses_token_with_line_end" {
  command = plan

  variables {
    grafana_auth = "glsa_x\n"
  }

  expect_failures = [var.grafana_auth]
}

run "refuses_rules_that_are_no_rules" {
  command = plan

  variables {
    alert_rules_yaml = "hello"
  }

  expect_failures = [var.alert_rules_yaml]
}

run "refuses_arn_of_an_issuer" {
  command = plan

  variables {
    cluster_oidc_provider_arn = "oidc.example.com"
  }

  expect_failures = [var.cluster_oidc_provider_arn]
}
