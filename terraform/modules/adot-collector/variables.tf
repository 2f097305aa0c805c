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

variable "prometheus_workspace_arn" {
  description = "ARN of the one Prometheus workspace that it uses."
  type        = string

  validation {
    condition = can(regex("^arn:aws[a-z-]*:aps:[a-z0-9-]+:[0-9]{12}:workspace/ws-[0-9a-f-]+$",
    var.prometheus_workspace_arn))
    error_message = <<-EOT
      prometheus_workspace_arn has the form arn:aws:aps:<region>:<account>:workspace/ws-…, without a
      wildcard: the role is for one workspace.
    EOT
  }
}

variable "prometheus_endpoint" {
  description = "Endpoint of that workspace, as AMP reports it."
  type        = string

  validation {
    condition     = can(regex("^https?://[^/?#[:space:]]+/", var.prometheus_endpoint))
    error_message = "prometheus_endpoint is a URL, as AMP reports it."
  }
}

variable "manage_kubernetes" {
  description = "False where there is no cluster to reach: no namespace and no chart, all the rest."
  type        = bool
  default     = true
}

variable "tags" {
  description = "Tags of everything that can have tags."
  type        = map(string)
  default     = {}
}
