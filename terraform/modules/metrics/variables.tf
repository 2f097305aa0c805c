# SPDX-License-Identifier: Apache-2.0
variable "cluster_name" {
  description = "Name of the cluster; what is created is named after it."
  type        = string

  validation {
    # 44: IAM's 64 less the longest ending, -metrics-adot-ingest. The rest is EKS' own rule.
    condition     = can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,43}$", var.cluster_name))
    error_message = "cluster_name is 1 to 44 of A-Z a-z 0-9 _ -, first a letter or a digit."
  }
}

variable "cluster_oidc_provider_arn" {
  description = "ARN of the IAM OIDC provider that stands for the cluster's issuer."
  type        = string

  validation {
    condition = can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/[^/].*$",
    var.cluster_oidc_provider_arn))
    error_message = <<-EOT
      cluster_oidc_provider_arn has the form
      arn:aws:iam::<account>:oidc-provider/<issuer without https://>.
    EOT
  }
}

variable "cluster_oidc_issuer_url" {
  description = "URL of the cluster's OIDC issuer, as EKS reports it; https:// may be left out."
  type        = string

  validation {
    condition = can(regex(join("", ["^(https://)?", # scheme
      "[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?",    # host
      "(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$",       # port, path
    ]), var.cluster_oidc_issuer_url))
    error_message = <<-EOT
      cluster_oidc_issuer_url has the form https://<host>[:<port>][/<path>]; http, queries and
      fragments make no issuer that IAM takes.
    EOT
  }
}

variable "namespace" {
  description = "Kubernetes namespace of the service accounts."
  type        = string
  default     = "monitoring"

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.namespace))
    error_message = "namespace is a Kubernetes namespace: at most 63 of a-z 0-9 -, no wildcard."
  }
}

variable "alert_rules_yaml" {
  description = "Rule groups in Prometheus' format, evaluated inside the workspace; empty: none."
  type        = string
  default     = ""

  validation {
    condition = (var.alert_rules_yaml == ""
    || can([for group in yamldecode(var.alert_rules_yaml).groups : group.name]))
    error_message = <<-EOT
      alert_rules_yaml is a Prometheus rule file: YAML with the key groups, a list whose members
      have names; or empty for no rules.
    EOT
  }

  validation {
    # AMP's quota: 1 MiB a rule groups namespace. Base64 makes four characters of three bytes.
    condition     = length(base64encode(var.alert_rules_yaml)) <= ceil(1048576 / 3) * 4
    error_message = "alert_rules_yaml is larger than 1 MiB, AMP's limit for one namespace of rules."
  }
}

variable "enable_adot_collector" {
  description = "Deploys a collector by Helm, with a role of its own."
  type        = bool
  default     = false
}

variable "manage_kubernetes" {
  description = "False where there is no cluster to reach: no namespace and no chart, all the rest."
  type        = bool
  default     = true
}

variable "grafana_endpoint" {
  description = "URL of the Grafana workspace to fill; empty in the first phase."
  type        = string
  default     = ""

  validation {
    # A token goes there: in the clear only on this machine.
    condition = (var.grafana_endpoint == ""
      || can(regex("^https://[^/?#[:space:]]+(/[^?#[:space:]]*)?$", var.grafana_endpoint))
      || can(regex("^http://(localhost|127\\.0\\.0\\.1|\\[::1\\])(:[0-9]+)?(/[^?#[:space:]]*)?$",
    var.grafana_endpoint)))
    error_message = <<-EOT
      grafana_endpoint is the first phase's output grafana_endpoint, https:// and all (http:// only
      on this machine); empty in the first phase.
    EOT
  }
}

variable "tags" {
  description = "Tags of everything that can have tags."
  type        = map(string)
  default     = {}
}
