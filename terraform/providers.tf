# SPDX-License-Identifier: Apache-2.0
# aws, kubernetes and helm are configured by the environment (AWS_PROFILE, KUBE_CONFIG_PATH, …).

provider "grafana" {
  # Only what the caller says, never module.metrics' own endpoint: in a shell without
  # TF_VAR_grafana_endpoint the number of Grafana objects is 0, and a provider that reached the
  # workspace all the same would destroy them. Without a URL the refresh fails, nothing is lost.
  # Null, because the provider refuses "".
  url = var.grafana_endpoint != "" ? var.grafana_endpoint : null
  # Never null, or the provider would take GRAFANA_AUTH from the environment: the same danger.
  auth = var.grafana_auth != "" ? var.grafana_auth : "unset"
}
