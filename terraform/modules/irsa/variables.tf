# SPDX-License-Identifier: Apache-2.0
variable "role_name" {
  description = "Name of the role."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.role_name))
    error_message = "role_name is 1 to 64 of A-Z a-z 0-9 + = , . @ _ - (IAM's rule)."
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

variable "service_account_name" {
  description = "Name of the one Kubernetes service account that may take the role."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$", var.service_account_name))
    error_message = "service_account_name is a Kubernetes name: 1 to 253 of a-z 0-9 . -."
  }
}

variable "namespace" {
  description = "Kubernetes namespace of the service account."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.namespace))
    error_message = "namespace is a Kubernetes namespace: at most 63 of a-z 0-9 -, no wildcard."
  }
}

variable "inline_policies" {
  description = "The role's inline policies: name to policy document as JSON."
  type        = map(string)
  default     = {}

  validation {
    condition = alltrue([
      for policy in values(var.inline_policies) : can(jsondecode(policy).Statement)
    ])
    error_message = "Each of inline_policies is a policy document: a JSON object with a Statement."
  }

  validation {
    condition = alltrue([
      for name in keys(var.inline_policies) : can(regex("^[A-Za-z0-9+=,.@_-]{1,128}$", name))
    ])
    error_message = "inline_policies have names of 1 to 128 of A-Z a-z 0-9 + = , . @ _ -."
  }
}

variable "tags" {
  description = "Tags of the role."
  type        = map(string)
  default     = {}
}
