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

variable "hearth_url" {
  description = "hearth's TLS listener, or its plain one on this machine."
  type        = string
  default     = "https://localhost:9443"

  validation {
    condition     = can(regex("^https?://[^/?#[:space:]]+$", var.hearth_url))
    error_message = "hearth_url is the URL of a listener, without a path: https://localhost:9443."
  }
}

variable "grafana_auth" {
  description = "An access key pair as id:secret that may grafana:* the workspace."
  type        = string
  sensitive   = true

  validation {
    condition     = can(regex("^[^:[:space:]]+:[^[:space:]]+$", var.grafana_auth))
    error_message = "grafana_auth is an access key pair as id:secret, without white space."
  }
}
