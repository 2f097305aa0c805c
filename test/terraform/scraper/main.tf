# SPDX-License-Identifier: Apache-2.0
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100"
    }
  }
}

variable "alias" {
  description = "Alias of the scraper."
  type        = string
  default     = "first"
}

data "aws_caller_identity" "this" {}

resource "aws_prometheus_workspace" "this" {
  alias = "scraped"
}

data "aws_prometheus_default_scraper_configuration" "this" {}

resource "aws_prometheus_scraper" "this" {
  alias                = var.alias
  scrape_configuration = data.aws_prometheus_default_scraper_configuration.this.configuration

  source {
    eks {
      cluster_arn = "arn:aws:eks:us-east-1:${data.aws_caller_identity.this.account_id}:cluster/test"
      subnet_ids  = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    }
  }

  destination {
    amp {
      workspace_arn = aws_prometheus_workspace.this.arn
    }
  }
}
