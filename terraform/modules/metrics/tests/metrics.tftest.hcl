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

run "first_phase" {
  command = plan

  assert {
    condition     = length(grafana_data_source.this) == 0
    error_message = "A data source without an endpoint."
  }

  assert {
    condition     = length(grafana_dashboard.this) == 0
    error_message = "Dashboards without an endpoint."
  }

  assert {
    condition     = kubernetes_namespace_v1.this[0].metadata[0].name == "monitoring"
    error_message = "Another namespace."
  }

  assert {
    condition     = length(module.adot_collector) == 0
    error_message = "A collector that nobody wanted."
  }
}

run "second_phase" {
  command = apply

  variables {
    grafana_endpoint = "https://g-0123456789.grafana-workspace.eu-west-1.amazonaws.com"
  }

  assert {
    condition     = toset(keys(grafana_dashboard.this)) == toset(["application-metrics.json", "cluster-health.json", "node-metrics.json"])
    error_message = "Not the three dashboards."
  }

  assert {
    condition     = grafana_data_source.this[0].name == "Amazon Managed Prometheus"
    error_message = "Another name."
  }

  assert {
    condition     = grafana_data_source.this[0].uid == "AMP"
    error_message = "Another uid."
  }

  assert {
    condition     = grafana_data_source.this[0].type == "prometheus"
    error_message = "Another type."
  }

  assert {
    condition     = grafana_data_source.this[0].is_default
    error_message = "Not the default."
  }

  assert {
    condition     = jsondecode(grafana_data_source.this[0].json_data_encoded) == { httpMethod = "POST", sigV4Auth = true, sigV4AuthType = "default", sigV4Region = "eu-west-1" }
    error_message = "Other jsonData."
  }

  assert {
    condition     = !strcontains(jsonencode(grafana_data_source.this[0]), "secret")
    error_message = "A key is stored."
  }

  assert {
    condition     = alltrue([for board in grafana_dashboard.this : can(jsondecode(board.config_json).panels)])
    error_message = "A dashboard without panels."
  }
}

run "outputs" {
  command = apply

  assert {
    condition     = output.amp_workspace_id == "ws-01234567-89ab-cdef-0123-456789abcdef"
    error_message = "Another workspace."
  }

  assert {
    condition     = output.amp_workspace_arn == "arn:aws:aps:eu-west-1:123456789012:workspace/ws-01234567-89ab-cdef-0123-456789abcdef"
    error_message = "Another ARN."
  }

  assert {
    condition     = output.grafana_endpoint == "https://g-0123456789.grafana-workspace.eu-west-1.amazonaws.com"
    error_message = "Another endpoint."
  }

  assert {
    condition     = output.grafana_workspace_id == "g-0123456789"
    error_message = "Another id."
  }
}

run "without_kubernetes" {
  command = plan

  variables {
    manage_kubernetes = false
  }

  assert {
    condition     = length(kubernetes_namespace_v1.this) == 0
    error_message = "A namespace without a cluster."
  }
}

run "with_the_collector" {
  command = plan

  variables {
    enable_adot_collector = true
  }

  assert {
    condition     = length(module.adot_collector) == 1
    error_message = "No collector."
  }
}

run "with_the_collector_but_no_cluster" {
  command = plan

  variables {
    enable_adot_collector = true
    manage_kubernetes     = false
  }

  assert {
    condition     = length(module.adot_collector) == 1
    error_message = "Its role is missing."
  }

  assert {
    condition     = length(kubernetes_namespace_v1.this) == 0
    error_message = "A namespace without a cluster."
  }
}

run "another_namespace" {
  command = plan

  variables {
    namespace = "observability"
  }

  assert {
    condition     = kubernetes_namespace_v1.this[0].metadata[0].name == "observability"
    error_message = "Another namespace."
  }
}

run "endpoint_on_this_machine" {
  command = plan

  variables {
    grafana_endpoint = "http://127.0.0.1:9320/grafana/demo-amg"
  }

  assert {
    condition     = length(grafana_dashboard.this) == 3
    error_message = "Not the three dashboards."
  }
}

run "refuses_endpoint_without_scheme" {
  command = plan

  variables {
    grafana_endpoint = "g-0123456789.grafana-workspace.eu-west-1.amazonaws.com"
  }

  expect_failures = [var.grafana_endpoint]
}

run "refuses_token_in_the_clear" {
  command = plan

  variables {
    grafana_endpoint = "http://grafana.example.com"
  }

  expect_failures = [var.grafana_endpoint]
}

run "refuses_endpoint_with_query" {
  command = plan

  variables {
    grafana_endpoint = "https://grafana.example.com/?a=b"
  }

  expect_failures = [var.grafana_endpoint]
}

run "refuses_namespace_with_underscore" {
  command = plan

  variables {
    namespace = "my_namespace"
  }

  expect_failures = [var.namespace]
}
