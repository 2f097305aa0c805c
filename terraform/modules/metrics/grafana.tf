# SPDX-License-Identifier: Apache-2.0
# The second phase. Everything here goes through the workspace's own HTTP API, so it waits for the
# workspace, its role and its token, and is destroyed before them.

locals {
  grafana_objects = var.grafana_endpoint != ""
  dashboards      = fileset("${path.module}/dashboards", "*.json")
}

resource "grafana_data_source" "this" {
  count = local.grafana_objects ? 1 : 0

  name       = "Amazon Managed Prometheus"
  uid        = "AMP"
  type       = "prometheus"
  url        = trimsuffix(module.amp.endpoint, "/")
  is_default = true

  json_data_encoded = jsonencode({
    httpMethod    = "POST"
    sigV4Auth     = true
    sigV4AuthType = "default"
    # The workspace's own region, whatever the provider is configured for.
    sigV4Region = split(":", module.amp.workspace_arn)[3]
  })

  depends_on = [module.amg]
}

resource "grafana_dashboard" "this" {
  for_each = local.grafana_objects ? local.dashboards : toset([])

  config_json = file("${path.module}/dashboards/${each.value}")
  # One that is there already, with the same uid, is taken over: an apply can be repeated.
  overwrite = true

  depends_on = [module.amg, grafana_data_source.this]
}
