# SPDX-License-Identifier: Apache-2.0
variable "cluster_name" {
  description = "Name of the cluster; what is created is named after it."
  type        = string
  default     = "demo"

  validation {
    # 44: IAM's 64 less the longest ending, -metrics-adot-ingest. The rest is EKS' own rule.
    condition     = can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,43}$", var.cluster_name))
    error_message = "cluster_name is 1 to 44 of A-Z a-z 0-9 _ -, first a letter or a digit."
  }
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

variable "grafana_auth" {
  description = "Token for grafana_endpoint, from the first phase or bin/grafana-auth."
  type        = string
  default     = ""
  sensitive   = true

  validation {
    condition     = can(regex("^[^[:space:]]*$", var.grafana_auth))
    error_message = "grafana_auth is a token, or a key pair as id:secret; it has no white space."
  }
}
