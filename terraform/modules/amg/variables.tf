# SPDX-License-Identifier: Apache-2.0
variable "name" {
  description = "Name of the workspace and of its role."
  type        = string

  validation {
    # Narrower than either rule: AMG takes 255 of A-Za-z0-9-._~, IAM 64 of A-Za-z0-9+=,.@_-.
    condition     = can(regex("^[A-Za-z0-9._-]{1,64}$", var.name))
    error_message = "name is 1 to 64 of A-Z a-z 0-9 . _ - (it names a workspace and a role)."
  }
}

variable "prometheus_workspace_arn" {
  description = "ARN of the one Prometheus workspace that it reads."
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

variable "tags" {
  description = "Tags of the workspace and of its role."
  type        = map(string)
  default     = {}
}
