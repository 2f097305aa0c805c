# SPDX-License-Identifier: Apache-2.0
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100"
    }
  }
}

variable "stem" {
  description = "What every name begins with."
  type        = string
  default     = "every"
}

variable "tags" {
  description = "Tags of everything that has some."
  type        = map(string)
  default     = { Env = "test", Team = "obs" }
}

variable "alias" {
  description = "Alias of the first workspace."
  type        = string
  default     = "first"
}

variable "expression" {
  description = "Of the one recording rule."
  type        = string
  default     = "sum(up)"
}

variable "receiver" {
  description = "Name of the alert manager's receiver."
  type        = string
  default     = "default"
}

variable "actions" {
  description = "What the policies allow."
  type        = list(string)
  default     = ["aps:RemoteWrite"]
}

variable "admins" {
  description = "Users with the role ADMIN."
  type        = list(string)
  default     = ["9067a0d1-a1b2-4c3d-8e4f-0123456789ab"]
}

variable "retention" {
  description = "Days."
  type        = number
  default     = 90
}

data "aws_caller_identity" "this" {}

data "aws_region" "this" {}

data "aws_partition" "this" {}

locals {
  account   = data.aws_caller_identity.this.account_id
  log_group = "arn:aws:logs:us-east-1:${local.account}:log-group:/amp/x"
}
