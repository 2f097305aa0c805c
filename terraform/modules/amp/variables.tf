# SPDX-License-Identifier: Apache-2.0
variable "alias" {
  description = "Alias of the workspace."
  type        = string

  validation {
    # AMP trims the ends, which would be a difference in every plan.
    condition     = can(regex("^\\S(.{0,98}\\S)?$", var.alias))
    error_message = "alias is 1 to 100 characters without spaces at its ends."
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

variable "retention_period_in_days" {
  description = "Days for which samples are kept."
  type        = number
  default     = 150

  validation {
    condition = (var.retention_period_in_days >= 1 && var.retention_period_in_days <= 1095
    && floor(var.retention_period_in_days) == var.retention_period_in_days)
    error_message = "retention_period_in_days is a whole number from 1 to 1095 (AMP's limit)."
  }
}

variable "tags" {
  description = "Tags of the workspace and of its rule groups namespace."
  type        = map(string)
  default     = {}
}
